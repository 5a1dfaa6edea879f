//! Signing in with somebody else's word: OAuth 2 with GitHub and Facebook, OpenID Connect with
//! Google and every other issuer.
//!
//! A provider is asked in two steps: [`Provider::authorize`] says where to send the browser,
//! [`Provider::person`] makes of what came back somebody for whom the provider vouches.

mod discovery;
mod facebook;
mod github;
mod http;
mod oidc;
mod redirect;

use std::sync::Arc;

use oauth2::{AuthorizationCode, PkceCodeChallenge, PkceCodeVerifier, RequestTokenError};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub use self::redirect::CALLBACK;
use self::{
    facebook::Facebook,
    github::Github,
    http::Http,
    oidc::Issuer,
    redirect::{Redirect, Redirects},
};
use crate::{
    config::{IssuerConfig, OauthConfig},
    domain::identity::Person,
};

/// Why a provider did not vouch for anybody. What a provider wrote is for the log alone.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It cannot be reached, is slow, or says that it has a fault. Later it may work.
    #[error("the provider cannot be asked now: {0}")]
    Unavailable(String),
    /// It refused, or its answer proves nothing.
    #[error("the provider's answer is not good: {0}")]
    Refused(String),
}

impl ProviderError {
    /// Cut, and without anything that could look like another line of the log.
    fn unavailable(cause: impl std::fmt::Display) -> Self {
        Self::Unavailable(plain(&cause.to_string()))
    }

    fn refused(cause: impl std::fmt::Display) -> Self {
        Self::Refused(plain(&cause.to_string()))
    }
}

fn plain(text: &str) -> String {
    text.escape_debug().take(300).collect()
}

/// What one sign-in sends along and gets back; none of it is known to anybody else.
pub struct Secrets {
    pub state: String,
    pub nonce: SecretString,
    /// Its hash goes to the provider (S256 of RFC 7636).
    pub verifier: SecretString,
}

/// What came back from a provider by way of the browser.
pub struct Returned {
    pub code: SecretString,
    pub nonce: SecretString,
    pub verifier: SecretString,
}

/// The providers that are set. Cloning shares them.
#[derive(Clone, Default)]
pub struct Providers {
    list: Arc<[Provider]>,
}

/// Somebody whose word is believed.
pub struct Provider {
    name: String,
    label: String,
    redirect: Redirect,
    kind: Kind,
}

enum Kind {
    Issuer(Box<Issuer>),
    Github(Github),
    Facebook(Facebook),
}

impl Providers {
    /// Those of the settings. Nobody is asked anything yet: a provider that is down at the start
    /// stops nothing.
    ///
    /// # Errors
    /// The authorities of `OAUTH_CA_PATH` cannot be read.
    pub fn new(config: &OauthConfig, origin: &str) -> anyhow::Result<Self> {
        let redirects = Redirects::new(config, origin);
        if !config.any() {
            return Ok(Self::default());
        }
        let http = Http::new(config)?;
        let mut list = Vec::new();
        let mut issuer = |config_of: IssuerConfig, redirect: Redirect| {
            list.push(Provider {
                name: config_of.name.clone(),
                label: config_of.label.clone(),
                kind: Kind::Issuer(Box::new(Issuer::new(
                    &config_of,
                    &redirect.url,
                    http.clone(),
                    &config.timing,
                )?)),
                redirect,
            });
            anyhow::Ok(())
        };
        if let Some(client) = &config.google.client {
            let google = IssuerConfig {
                name: "google".to_owned(),
                label: "Google".to_owned(),
                issuer: config.google.issuer.clone(),
                client: client.clone(),
            };
            issuer(google, redirects.of_built_in("google"))?;
        }
        for named in &config.issuers {
            issuer(named.clone(), redirects.of_issuer(&named.name))?;
        }
        if let Some(client) = &config.github.client {
            let redirect = redirects.of_built_in("github");
            list.push(Provider {
                name: "github".to_owned(),
                label: "GitHub".to_owned(),
                kind: Kind::Github(Github::new(
                    &config.github,
                    client,
                    &redirect.url,
                    http.clone(),
                )?),
                redirect,
            });
        }
        if let Some(client) = &config.facebook.client {
            let redirect = redirects.of_built_in("facebook");
            let facebook = Facebook::new(&config.facebook, client, &redirect.url, http.clone())?;
            list.push(Provider {
                name: "facebook".to_owned(),
                label: "Facebook".to_owned(),
                kind: Kind::Facebook(facebook),
                redirect,
            });
        }
        Ok(Self { list: list.into() })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.list.iter()
    }

    /// The one of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Provider> {
        self.list.iter().find(|provider| provider.name == name)
    }
}

impl Provider {
    /// Its name in addresses.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name for people.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Where to send the browser of somebody who wants to sign in.
    ///
    /// # Errors
    /// An issuer that has not told yet where that is cannot be asked.
    pub async fn authorize(&self, secrets: &Secrets) -> Result<Url, ProviderError> {
        match &self.kind {
            Kind::Issuer(issuer) => issuer.authorize(secrets).await,
            Kind::Github(github) => Ok(github.authorize(secrets)),
            Kind::Facebook(facebook) => Ok(facebook.authorize(secrets)),
        }
    }

    /// Whether browsers come back from it at this address: that of one provider alone, by its name,
    /// or that of those who share one. A code that came at another one is none for this provider.
    #[must_use]
    pub fn sends_back_to(&self, own: Option<&str>) -> bool {
        self.redirect.is_at(own, &self.name)
    }

    /// Whether the `iss` that came with a code, or its absence, is right: a code of another
    /// provider must not be shown to this one (RFC 9207).
    ///
    /// # Errors
    /// It is another one's, or an issuer that always sends it did not; or the issuer cannot be
    /// asked whether it does.
    pub async fn check_iss(&self, iss: Option<&str>) -> Result<(), ProviderError> {
        let same_origin = |url: &str, iss: &str| match (Url::parse(url), Url::parse(iss)) {
            (Ok(url), Ok(iss)) => url.origin() == iss.origin(),
            _ => false,
        };
        let right = match (&self.kind, iss) {
            (Kind::Issuer(issuer), iss) => issuer.is_own_iss(iss).await?,
            (_, None) => true,
            (Kind::Github(github), Some(iss)) => same_origin(github.issuer(), iss),
            (Kind::Facebook(facebook), Some(iss)) => same_origin(facebook.issuer(), iss),
        };
        if right {
            Ok(())
        } else {
            Err(ProviderError::refused("iss names somebody else"))
        }
    }

    /// Exchanges the code that the browser brought, and tells for whom the provider vouches.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn person(&self, returned: Returned) -> Result<Person, ProviderError> {
        match &self.kind {
            Kind::Issuer(issuer) => issuer.person(returned).await,
            Kind::Github(github) => github.person(returned).await,
            Kind::Facebook(facebook) => facebook.person(returned).await,
        }
    }
}

impl OauthConfig {
    fn any(&self) -> bool {
        !self.issuers.is_empty()
            || self.google.client.is_some()
            || self.github.client.is_some()
            || self.facebook.client.is_some()
    }
}

impl Secrets {
    /// Three times 256 random bits.
    #[must_use]
    pub fn random() -> Self {
        Self {
            state: random_text(),
            nonce: SecretString::from(random_text()),
            verifier: SecretString::from(random_text()),
        }
    }

    fn challenge(&self) -> PkceCodeChallenge {
        let verifier = PkceCodeVerifier::new(self.verifier.expose_secret().to_owned());
        PkceCodeChallenge::from_code_verifier_sha256(&verifier)
    }
}

impl Returned {
    fn code(&self) -> AuthorizationCode {
        AuthorizationCode::new(self.code.expose_secret().to_owned())
    }

    fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.verifier.expose_secret().to_owned())
    }
}

/// 256 random bits as text that can stand in an address.
#[must_use]
pub fn random_text() -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    let mut random = [0_u8; 32];
    rand::fill(&mut random);
    BASE64_URL_SAFE_NO_PAD.encode(random)
}

/// Why no tokens came. What the provider answered may hold one of them, so it is not repeated.
fn no_token<T>(error: RequestTokenError<http::HttpError, T>) -> ProviderError
where
    T: oauth2::ErrorResponse + 'static,
{
    match error {
        RequestTokenError::Request(error) => error.into(),
        RequestTokenError::ServerResponse(answer) => ProviderError::refused(answer),
        RequestTokenError::Parse(error, _) => {
            ProviderError::refused(format_args!("tokens that cannot be read: {}", error.path()))
        }
        RequestTokenError::Other(error) => ProviderError::refused(error),
    }
}
