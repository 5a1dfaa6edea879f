//! GitHub: OAuth 2, and its API to learn who signed in.

use oauth2::{
    AuthType, AuthUrl, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, RedirectUrl,
    Scope, TokenResponse as _, TokenUrl, basic::BasicClient,
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;

use super::{ProviderError, Returned, Secrets, http::Http, no_token};
use crate::{
    config::{ClientCredentials, GithubConfig},
    domain::{
        identity::{Person, ProvidedEmail, Subject},
        user::Email,
    },
};

/// A client of OAuth 2 that knows both of a provider's addresses.
pub type Client =
    BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

const JSON: &str = "application/vnd.github+json";

/// GitHub, or one's own GitHub Enterprise Server.
pub struct Github {
    client: Client,
    url: String,
    api_url: String,
    http: Http,
}

#[derive(Deserialize)]
struct User {
    /// Stays when the login is changed.
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

impl Github {
    pub fn new(
        config: &GithubConfig,
        credentials: &ClientCredentials,
        redirect: &str,
        http: Http,
    ) -> anyhow::Result<Self> {
        let url = &config.url;
        Ok(Self {
            client: client(
                credentials,
                &format!("{url}/login/oauth/authorize"),
                &format!("{url}/login/oauth/access_token"),
                redirect,
            )?,
            url: url.clone(),
            api_url: config.api_url.clone(),
            http,
        })
    }

    /// Who vouches.
    pub fn issuer(&self) -> &str {
        &self.url
    }

    pub fn authorize(&self, secrets: &Secrets) -> Url {
        authorize(&self.client, secrets, &["read:user", "user:email"])
    }

    pub async fn person(&self, returned: Returned) -> Result<Person, ProviderError> {
        let tokens = self
            .client
            .exchange_code(returned.code())
            .set_pkce_verifier(returned.verifier())
            .request_async(&self.http)
            .await
            .map_err(no_token)?;
        let (api, token) = (&self.api_url, tokens.access_token());
        let user: User = self
            .http
            .get_json(&format!("{api}/user"), token, JSON)
            .await?;
        let addresses: Vec<Address> = self
            .http
            .get_json(&format!("{api}/user/emails"), token, JSON)
            .await?;
        // The primary one alone: the others may belong to an employer.
        let primary = addresses.into_iter().find(|address| address.primary);
        let email = primary.and_then(|address| {
            Some(ProvidedEmail {
                verified: address.verified,
                address: Email::parse(&address.email).ok()?,
            })
        });
        Ok(Person {
            issuer: self.url.clone(),
            subject: Subject::parse(&user.id.to_string()).map_err(ProviderError::refused)?,
            login: Some(user.login),
            name: user.name,
            email,
        })
    }
}

/// A client of a provider that is no issuer of OpenID Connect.
pub fn client(
    credentials: &ClientCredentials,
    authorize: &str,
    token: &str,
    redirect: &str,
) -> anyhow::Result<Client> {
    let secret = credentials.secret.expose_secret().to_owned();
    Ok(BasicClient::new(ClientId::new(credentials.id.clone()))
        .set_client_secret(ClientSecret::new(secret))
        .set_auth_uri(AuthUrl::new(authorize.to_owned())?)
        .set_token_uri(TokenUrl::new(token.to_owned())?)
        .set_auth_type(AuthType::RequestBody)
        .set_redirect_uri(RedirectUrl::new(redirect.to_owned())?))
}

/// Where to send the browser.
pub fn authorize(client: &Client, secrets: &Secrets, scopes: &[&str]) -> Url {
    let state = CsrfToken::new(secrets.state.clone());
    let scopes = scopes.iter().map(|scope| Scope::new((*scope).to_owned()));
    let (url, _) = client
        .authorize_url(|| state)
        .add_scopes(scopes)
        .set_pkce_challenge(secrets.challenge())
        .url();
    url
}
