//! Whom else Parlor believes who somebody is: Google, GitHub, Facebook and issuers of OpenID
//! Connect.

mod issuers;
mod read;
mod settings;

use std::{fmt, path::PathBuf, time::Duration};

use secrecy::SecretString;

pub(super) use issuers::find as find_issuers;
pub use issuers::{IssuerTexts, IssuersFound};
pub(super) use read::read;
pub use settings::{OauthSecrets, OauthSettings};

/// What stands for a provider's name in `OAUTH_REDIRECT_URL`.
pub const PROVIDER: &str = "{provider}";
/// Google's issuer of ID tokens.
pub const GOOGLE_ISSUER: &str = "https://accounts.google.com";
/// Where people sign in to GitHub.
pub const GITHUB_URL: &str = "https://github.com";
/// Where GitHub answers programs.
pub const GITHUB_API_URL: &str = "https://api.github.com";
/// Where people sign in to Facebook.
pub const FACEBOOK_URL: &str = "https://www.facebook.com";
/// Where Facebook answers programs.
pub const FACEBOOK_GRAPH_URL: &str = "https://graph.facebook.com";

/// The providers that people may sign in with, and how they are reached.
#[derive(Clone, Debug)]
pub struct OauthConfig {
    /// Where providers send people back to, if it is not below the own origin. It may hold
    /// [`PROVIDER`], and has something behind its last slash.
    pub redirect_url: Option<String>,
    /// Authorities beside those of the system and the public ones, PEM.
    pub ca_path: Option<PathBuf>,
    pub google: GoogleConfig,
    pub github: GithubConfig,
    pub facebook: FacebookConfig,
    /// In the order of their names.
    pub issuers: Vec<IssuerConfig>,
    pub timing: OauthTiming,
}

impl Default for OauthConfig {
    fn default() -> Self {
        Self {
            redirect_url: None,
            ca_path: None,
            google: GoogleConfig {
                client: None,
                issuer: GOOGLE_ISSUER.to_owned(),
            },
            github: GithubConfig {
                client: None,
                url: GITHUB_URL.to_owned(),
                api_url: GITHUB_API_URL.to_owned(),
            },
            facebook: FacebookConfig {
                client: None,
                url: FACEBOOK_URL.to_owned(),
                graph_url: FACEBOOK_GRAPH_URL.to_owned(),
            },
            issuers: Vec::new(),
            timing: OauthTiming::default(),
        }
    }
}

/// What a provider knows this server by.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    pub id: String,
    pub secret: SecretString,
}

/// Google, which is an issuer of OpenID Connect; off without credentials.
#[derive(Clone, Debug)]
pub struct GoogleConfig {
    pub client: Option<ClientCredentials>,
    pub issuer: String,
}

/// GitHub, also one's own; off without credentials. Addresses end without a slash.
#[derive(Clone, Debug)]
pub struct GithubConfig {
    pub client: Option<ClientCredentials>,
    pub url: String,
    pub api_url: String,
}

/// Facebook; off without credentials. Addresses end without a slash.
#[derive(Clone, Debug)]
pub struct FacebookConfig {
    pub client: Option<ClientCredentials>,
    pub url: String,
    pub graph_url: String,
}

/// Any other issuer of OpenID Connect.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    /// In addresses: the setting's name in lower case, with hyphens.
    pub name: String,
    /// What people read on the button.
    pub label: String,
    /// Letter by letter what the issuer calls itself in its tokens.
    pub issuer: String,
    pub client: ClientCredentials,
}

/// How long providers may take, and what is known of them stays known. No settings; tests shorten
/// them.
#[derive(Clone, Debug)]
pub struct OauthTiming {
    pub connect: Duration,
    /// One request to a provider, from the first byte to the last.
    pub request: Duration,
    /// How long the description and the keys of an issuer are believed.
    pub known: Duration,
    /// The least time between two looks at an issuer's keys for the sake of an unknown one.
    pub look_again: Duration,
    /// How long an issuer that could not be reached is left alone.
    pub leave_alone: Duration,
}

impl Default for OauthTiming {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(10),
            known: Duration::from_secs(3600),
            look_again: Duration::from_secs(60),
            leave_alone: Duration::from_secs(5),
        }
    }
}

impl OauthConfig {
    /// Writes each setting on a line of its own, with secrets hidden.
    pub(super) fn list(
        &self,
        mut line: impl FnMut(&str, &dyn fmt::Display) -> fmt::Result,
    ) -> fmt::Result {
        let redirect = self.redirect_url.as_deref().unwrap_or_default();
        let ca = self.ca_path.as_ref().map(|path| path.display().to_string());
        line("OAUTH_REDIRECT_URL", &redirect)?;
        line("OAUTH_CA_PATH", &ca.unwrap_or_default())?;
        let mut client = |name: &str, client: Option<&ClientCredentials>| {
            let id = client.map_or("", |client| client.id.as_str());
            let secret = if client.is_some() { "(set)" } else { "" };
            line(&format!("{name}_CLIENT_ID"), &id)?;
            line(&format!("{name}_CLIENT_SECRET"), &secret)
        };
        client("GOOGLE", self.google.client.as_ref())?;
        client("GITHUB", self.github.client.as_ref())?;
        client("FACEBOOK", self.facebook.client.as_ref())?;
        for issuer in &self.issuers {
            client(&issuer.setting(), Some(&issuer.client))?;
        }
        line("GOOGLE_ISSUER", &self.google.issuer)?;
        line("GITHUB_URL", &self.github.url)?;
        line("GITHUB_API_URL", &self.github.api_url)?;
        line("FACEBOOK_URL", &self.facebook.url)?;
        line("FACEBOOK_GRAPH_URL", &self.facebook.graph_url)?;
        for issuer in &self.issuers {
            line(&format!("{}_ISSUER", issuer.setting()), &issuer.issuer)?;
            line(&format!("{}_LABEL", issuer.setting()), &issuer.label)?;
        }
        Ok(())
    }
}

impl IssuerConfig {
    /// What its settings begin with.
    fn setting(&self) -> String {
        format!("OIDC_{}", self.name.to_uppercase().replace('-', "_"))
    }
}
