//! Providers of sign-in inside the test's process: they speak what the real ones document, and lie
//! when they are told to.

mod facebook;
mod github;
mod issuer;
mod listener;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use parlor::config::{ClientCredentials, Config, IssuerConfig};
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

pub use self::{
    issuer::Lie,
    listener::{Asked, Listener, Reply},
};

/// What every stand knows Parlor by.
pub const CLIENT_ID: &str = "parlor-test";
/// And the secret for it.
pub const CLIENT_SECRET: &str = "the-secret-of-the-client";

/// How a provider feels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Well,
    /// It answers 503.
    Down,
    /// It takes the request and answers nothing.
    Silent,
    /// It answers more than anybody wants to read.
    Endless,
    /// It sends whoever asks somewhere else.
    Elsewhere,
    /// It answers what is no JSON.
    Garbled,
}

/// Which provider is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Github,
    Facebook,
    Issuer,
}

/// What somebody agreed to at the provider's page.
#[derive(Clone, Debug)]
struct Grant {
    challenge: String,
    redirect: String,
    nonce: Option<String>,
    person: Value,
}

struct Inner {
    url: String,
    kind: Kind,
    mood: Mood,
    lie: Lie,
    grants: HashMap<String, Grant>,
    tokens: HashMap<String, Value>,
    keys: issuer::Keys,
    /// It says that it always sends `iss`.
    sends_iss: bool,
}

/// A provider on a free port; it ends with this value.
pub struct Provider {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
    listener: Listener,
}

impl Provider {
    /// One who feels well and tells the truth.
    pub async fn start(kind: Kind) -> Self {
        Self::on(kind, 0).await
    }

    /// One on a port.
    pub async fn on(kind: Kind, port: u16) -> Self {
        Self::with(kind, port, None).await
    }

    /// One that speaks TLS, with a certificate that nobody knows: written to a file.
    pub async fn secret(kind: Kind, certificate: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let made = made.expect("a certificate");
        std::fs::write(certificate, made.cert.pem()).expect("a file");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .expect("a certificate and its key");
        Self::with(kind, 0, Some(Arc::new(tls))).await
    }

    async fn with(kind: Kind, port: u16, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        parlor::tls::install_crypto();
        let inner = Arc::new(Mutex::new(Inner {
            url: String::new(),
            kind,
            mood: Mood::Well,
            lie: Lie::None,
            grants: HashMap::new(),
            tokens: HashMap::new(),
            keys: issuer::Keys::new("first"),
            sends_iss: false,
        }));
        let answering = inner.clone();
        let listener = Listener::start(port, tls, move |asked| {
            answering.lock().expect("no panic").answer(asked)
        })
        .await;
        let url = listener.url.clone();
        inner.lock().expect("no panic").url = url.clone();
        Self {
            url,
            inner,
            listener,
        }
    }

    /// Changes how it feels.
    pub fn feels(&self, mood: Mood) {
        self.inner.lock().expect("no panic").mood = mood;
    }

    /// Changes what it says of people.
    pub fn lies(&self, lie: Lie) {
        self.inner.lock().expect("no panic").lie = lie;
    }

    /// Replaces its keys, as issuers do now and then.
    pub fn rotates(&self, name: &str) {
        self.inner.lock().expect("no panic").keys = issuer::Keys::new(name);
    }

    /// Says that it always sends `iss`.
    pub fn promises_iss(&self) {
        self.inner.lock().expect("no panic").sends_iss = true;
    }

    /// What it was asked, as far as the path begins so.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.listener.asked();
        let of_path = |asked: &Asked| asked.path.starts_with(path);
        asked.into_iter().filter(of_path).collect()
    }

    /// Makes a server believe it.
    pub fn believed_by(&self, config: &mut Config) {
        let client = ClientCredentials {
            id: CLIENT_ID.to_owned(),
            secret: CLIENT_SECRET.into(),
        };
        let oauth = &mut config.oauth;
        match self.inner.lock().expect("no panic").kind {
            Kind::Github => {
                oauth.github.client = Some(client);
                oauth.github.url = self.url.clone();
                oauth.github.api_url = format!("{}/api/v3", self.url);
            }
            Kind::Facebook => {
                oauth.facebook.client = Some(client);
                oauth.facebook.url = self.url.clone();
                oauth.facebook.graph_url = self.url.clone();
            }
            Kind::Issuer => oauth.issuers.push(IssuerConfig {
                name: "home".to_owned(),
                label: "Home".to_owned(),
                issuer: self.url.clone(),
                client,
            }),
        }
        oauth.timing.request = Duration::from_secs(2);
    }

    /// Its page, where this person says yes; what the browser takes back.
    pub fn agrees(&self, sent_to: &Url, person: &Value) -> Vec<(String, String)> {
        let asked = |name: &str| parameter(sent_to, name);
        assert!(sent_to.as_str().starts_with(&self.url), "{sent_to}");
        assert_eq!(asked("response_type").as_deref(), Some("code"));
        assert_eq!(asked("client_id").as_deref(), Some(CLIENT_ID));
        assert_eq!(asked("code_challenge_method").as_deref(), Some("S256"));
        let code = super::unique("code");
        let grant = Grant {
            challenge: asked("code_challenge").expect("a challenge"),
            redirect: asked("redirect_uri").expect("a way back"),
            nonce: asked("nonce"),
            person: person.clone(),
        };
        let mut inner = self.inner.lock().expect("no panic");
        inner.grants.insert(code.clone(), grant);
        let state = asked("state").expect("a state");
        let mut back = vec![("code".to_owned(), code), ("state".to_owned(), state)];
        if inner.sends_iss {
            back.push(("iss".to_owned(), self.url.clone()));
        }
        back
    }

    /// Its page, where somebody says no.
    pub fn declines(&self, sent_to: &Url) -> Vec<(String, String)> {
        let state = parameter(sent_to, "state").expect("a state");
        vec![
            ("error".to_owned(), "access_denied".to_owned()),
            ("error_reason".to_owned(), "user_denied".to_owned()),
            ("error_description".to_owned(), "<b>No.</b>".to_owned()),
            ("state".to_owned(), state),
        ]
    }
}

impl Inner {
    fn answer(&mut self, asked: &Asked) -> Reply {
        match self.mood {
            Mood::Well => {}
            Mood::Down => return Reply::text(503, "down for <b>maintenance</b>"),
            Mood::Silent => return Reply::Silence,
            Mood::Endless => return Reply::json(200, &json!("x".repeat(3 * 1024 * 1024))),
            Mood::Elsewhere => return Reply::redirect("http://127.0.0.1:1/elsewhere"),
            Mood::Garbled => return Reply::text(200, "{<html>"),
        }
        match self.kind {
            Kind::Github => github::answer(self, asked),
            Kind::Facebook => facebook::answer(self, asked),
            Kind::Issuer => issuer::answer(self, asked),
        }
    }

    /// Takes a code as RFC 6749 and RFC 7636 want it; an error is the word for what is wrong.
    fn exchange(&mut self, asked: &Asked) -> Result<(String, Grant), &'static str> {
        let form = |name: &str| asked.form.get(name).map(String::as_str);
        let basic = {
            use base64::prelude::BASE64_STANDARD;
            let pair = format!("{CLIENT_ID}:{CLIENT_SECRET}");
            format!("Basic {}", BASE64_STANDARD.encode(pair))
        };
        let in_form =
            form("client_id") == Some(CLIENT_ID) && form("client_secret") == Some(CLIENT_SECRET);
        let in_header = asked.header("authorization") == Some(basic.as_str());
        if !in_form && !in_header {
            return Err("incorrect_client_credentials");
        }
        let code = form("code").unwrap_or_default();
        let grant = self.grants.remove(code).ok_or("bad_verification_code")?;
        let verifier = form("code_verifier").unwrap_or_default();
        let hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        if hash != grant.challenge {
            return Err("bad_verifier");
        }
        if form("redirect_uri") != Some(grant.redirect.as_str()) {
            return Err("redirect_uri_mismatch");
        }
        let token = super::unique("token");
        if self.lie != Lie::ForgottenToken {
            self.tokens.insert(token.clone(), grant.person.clone());
        }
        Ok((token, grant))
    }

    /// Whose token came as Bearer.
    fn bearer(&self, asked: &Asked) -> Option<(&str, &Value)> {
        let token = asked.header("authorization")?.strip_prefix("Bearer ")?;
        let (token, person) = self.tokens.get_key_value(token)?;
        Some((token, person))
    }
}

/// One parameter of an address.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let (_, value) = pairs.find(|(key, _)| key == name)?;
    Some(value.into_owned())
}
