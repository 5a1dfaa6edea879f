//! A running server as a client reaches it, and the people there.

use std::{path::Path, sync::Arc};

use parlor::domain::ids::UserId;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};

use super::{Client, Opening};

/// The address of the first administrator.
pub const ADMIN_EMAIL: &str = "admin@parlor.example";
/// The password of the first administrator.
pub const ADMIN_PASSWORD: &str = "Admin-Secret-1";
/// The password of everybody else.
pub const PASSWORD: &str = "Correct-Horse-1";

/// Somebody with an account, signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    pub username: String,
    pub email: String,
    pub full_name: String,
    pub password: String,
    pub token: String,
    pub refresh_token: String,
}

impl Person {
    /// Reads the answer to a login or a registration.
    pub fn from_login(answer: &Value, password: &str) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let user = &answer["user"];
        Self {
            id: text(&user["id"]).parse().expect("a user has an id"),
            username: text(&user["username"]),
            email: text(&user["email"]),
            full_name: text(&user["full_name"]),
            password: password.to_owned(),
            token: text(&answer["token"]),
            refresh_token: text(&answer["refresh_token"]),
        }
    }
}

/// Where a server is, and how to trust it.
#[derive(Clone)]
pub struct Site {
    /// Scheme, host and port, as a client writes them.
    pub url: String,
    pub port: u16,
    pub tls: Option<Arc<ClientConfig>>,
    http: reqwest::Client,
}

impl Site {
    /// A server on `localhost`; with `ca`, over TLS and trusted by that certificate alone.
    pub fn new(port: u16, ca: Option<&Path>) -> Self {
        parlor::tls::install_crypto();
        let tls = ca.map(trusting);
        let mut http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .resolve("localhost", ([127, 0, 0, 1], 0).into());
        if let Some(tls) = &tls {
            http = http.tls_backend_preconfigured(ClientConfig::clone(tls));
        }
        let scheme = if tls.is_some() { "https" } else { "http" };
        Self {
            url: format!("{scheme}://localhost:{port}"),
            port,
            tls,
            http: http.build().expect("an HTTP client"),
        }
    }

    /// Somebody who has not signed in.
    pub fn api(&self) -> Client {
        Client::new(self.clone(), self.http.clone(), None)
    }

    /// Somebody with a token, whatever it is.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(self.clone(), self.http.clone(), Some(token.to_owned()))
    }

    /// A person.
    pub fn as_user(&self, person: &Person) -> Client {
        self.with_token(&person.token)
    }

    /// Registers a client.
    pub async fn client(&self, username: &str) -> Person {
        let answer = self.api().register(&registration(username)).await.ok(201);
        Person::from_login(&answer, PASSWORD)
    }

    /// Signs the first administrator in.
    pub async fn admin(&self) -> Person {
        self.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD).await
    }

    /// Registers somebody whom the administrator then makes a trainer.
    pub async fn trainer(&self, username: &str) -> Person {
        let person = self.client(username).await;
        let admin = self.admin().await;
        let role = json!({"role": "trainer"});
        self.as_user(&admin)
            .update_user(person.id, &role)
            .await
            .ok(200);
        self.sign_in(&person.email, PASSWORD).await
    }

    /// Signs somebody in once more.
    pub async fn sign_in(&self, email: &str, password: &str) -> Person {
        let login = json!({"email": email, "password": password});
        let answer = self.api().login(&login).await.ok(200);
        Person::from_login(&answer, password)
    }

    /// A socket of this person, yet to be opened.
    pub fn ws(&self, person: &Person) -> Opening {
        Opening::new(self.clone()).token(&person.token)
    }

    /// A socket of nobody, yet to be opened.
    pub fn anonymous_ws(&self) -> Opening {
        Opening::new(self.clone())
    }
}

/// What somebody writes to register.
pub fn registration(username: &str) -> Value {
    json!({
        "username": username,
        "email": format!("{username}@parlor.example"),
        "password": PASSWORD,
        "full_name": format!("{username} Example"),
    })
}

fn trusting(ca: &Path) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).expect("the file of the CA") {
        let certificate = certificate.expect("a certificate in it");
        roots.add(certificate).expect("a CA to trust");
    }
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
