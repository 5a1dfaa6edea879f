//! OpenID Connect: an ID token, verified, says who signed in.

use std::{collections::HashSet, sync::Arc};

use oauth2::{AuthType, EndpointMaybeSet, EndpointNotSet, EndpointSet, RedirectUrl};
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, Scope, SignatureVerificationError, TokenResponse as _,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims,
        CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreTokenResponse, CoreUserInfoClaims,
    },
};
use secrecy::ExposeSecret;
use url::Url;

use super::{
    ProviderError, Returned, Secrets,
    discovery::{Discovery, Metadata},
    http::Http,
    no_token,
};
use crate::{
    clock,
    config::{ClientCredentials, IssuerConfig, OauthTiming},
    domain::{
        identity::{Person, ProvidedEmail, Subject},
        user::Email,
    },
};

/// How far an issuer's clock may be from ours, in seconds.
const SKEW: i64 = 30;

/// Signatures that only the issuer can make. Not among them: none at all, and those with a secret
/// that both sides have.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// An issuer of OpenID Connect.
pub struct Issuer {
    credentials: ClientCredentials,
    redirect: RedirectUrl,
    discovery: Discovery,
    http: Http,
}

impl Issuer {
    pub fn new(
        config: &IssuerConfig,
        redirect: &str,
        http: Http,
        timing: &OauthTiming,
    ) -> anyhow::Result<Self> {
        let issuer = IssuerUrl::new(config.issuer.clone())?;
        Ok(Self {
            credentials: config.client.clone(),
            redirect: RedirectUrl::new(redirect.to_owned())?,
            discovery: Discovery::new(issuer, http.clone(), timing.clone()),
            http,
        })
    }

    pub async fn authorize(&self, secrets: &Secrets) -> Result<Url, ProviderError> {
        let metadata = self.discovery.metadata().await?;
        let state = CsrfToken::new(secrets.state.clone());
        let nonce = Nonce::new(secrets.nonce.expose_secret().to_owned());
        let client = self.client(&metadata);
        let (url, ..) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || state,
                || nonce,
            )
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(secrets.challenge())
            .url();
        Ok(url)
    }

    pub async fn is_own_iss(&self, iss: Option<&str>) -> Result<bool, ProviderError> {
        match iss {
            Some(iss) => Ok(iss == self.discovery.issuer().as_str()),
            None => {
                let metadata = self.discovery.metadata().await?;
                let more = metadata.additional_metadata();
                Ok(!more.authorization_response_iss_parameter_supported)
            }
        }
    }

    pub async fn person(&self, returned: Returned) -> Result<Person, ProviderError> {
        let metadata = self.discovery.metadata().await?;
        let client = self.client(&metadata);
        let tokens = client
            .exchange_code(returned.code())
            .map_err(ProviderError::refused)?
            .set_pkce_verifier(returned.verifier())
            .request_async(&self.http)
            .await
            .map_err(no_token)?;
        let id_token = tokens.id_token();
        let id_token = id_token.ok_or_else(|| ProviderError::refused("no ID token came"))?;
        let nonce = Nonce::new(returned.nonce.expose_secret().to_owned());
        let claims = self.verified(id_token, &tokens, &nonce, metadata).await?;
        let told = match claims.email() {
            Some(_) => None,
            // Some tell the address there alone.
            None => self.user_info(&client, &tokens, &claims).await?,
        };
        person(self.discovery.issuer(), &claims, told.as_ref())
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let secret = self.credentials.secret.expose_secret().to_owned();
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new(self.credentials.id.clone()),
            Some(ClientSecret::new(secret)),
        );
        let basic = metadata
            .token_endpoint_auth_methods_supported()
            .is_none_or(|ways| ways.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let way = if basic {
            AuthType::BasicAuth
        } else {
            AuthType::RequestBody
        };
        client
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(way)
    }

    /// The claims of an ID token that proves them. With a key that is not known, the issuer is asked
    /// for its keys once more: it may have new ones.
    async fn verified(
        &self,
        id_token: &CoreIdToken,
        tokens: &CoreTokenResponse,
        nonce: &Nonce,
        metadata: Arc<Metadata>,
    ) -> Result<CoreIdTokenClaims, ProviderError> {
        match self.verify(id_token, tokens, nonce, &metadata) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => match self.discovery.newer(&metadata).await? {
                Some(newer) => self.verify(id_token, tokens, nonce, &newer),
                None => Err(ClaimsVerificationError::SignatureVerification(
                    SignatureVerificationError::NoMatchingKey,
                )),
            },
            verified => verified,
        }
        .map_err(|error| match error {
            // It would repeat the expected nonce or the audience; the kind is enough.
            ClaimsVerificationError::SignatureVerification(error) => ProviderError::refused(error),
            error => ProviderError::refused(error),
        })
    }

    /// Checks issuer, audience, signature, expiry and nonce, as OpenID Connect Core 1.0, section
    /// 3.1.3.7, wants it.
    fn verify(
        &self,
        id_token: &CoreIdToken,
        tokens: &CoreTokenResponse,
        nonce: &Nonce,
        metadata: &Metadata,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let offered: HashSet<_> = metadata
            .id_token_signing_alg_values_supported()
            .iter()
            .collect();
        let allowed = ALGORITHMS.iter().filter(|ours| offered.contains(ours));
        let skew = chrono::TimeDelta::seconds(SKEW);
        let verifier = CoreIdTokenVerifier::new_public_client(
            ClientId::new(self.credentials.id.clone()),
            self.discovery.issuer().clone(),
            metadata.jwks().clone(),
        )
        .set_allowed_algs(allowed.cloned())
        .set_time_fn(move || clock::now() - skew)
        .set_issue_time_verifier_fn(move |at| {
            if at > clock::now() + skew {
                return Err("the token is from the future".to_owned());
            }
            Ok(())
        });
        let claims = id_token.claims(&verifier, nonce)?;
        let party = claims.authorized_party().map(|party| party.as_str());
        if party.is_some_and(|party| party != self.credentials.id) {
            let error = "the token was made for another party".to_owned();
            return Err(ClaimsVerificationError::InvalidAudience(error));
        }
        if let Some(expected) = claims.access_token_hash() {
            let key = id_token
                .signing_key(&verifier)
                .map_err(ClaimsVerificationError::SignatureVerification)?;
            let algorithm = id_token
                .signing_alg()
                .map_err(ClaimsVerificationError::SignatureVerification)?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
                .map_err(|error| ClaimsVerificationError::Other(error.to_string()))?;
            if actual != *expected {
                let error = "the access token is another one's".to_owned();
                return Err(ClaimsVerificationError::Other(error));
            }
        }
        Ok(claims.clone())
    }

    async fn user_info(
        &self,
        client: &Client,
        tokens: &CoreTokenResponse,
        claims: &CoreIdTokenClaims,
    ) -> Result<Option<CoreUserInfoClaims>, ProviderError> {
        let token = tokens.access_token().clone();
        let Ok(request) = client.user_info(token, Some(claims.subject().clone())) else {
            // It has no such address.
            return Ok(None);
        };
        let told = request.request_async(&self.http).await;
        told.map(Some).map_err(|error| match error {
            openidconnect::UserInfoError::Request(error) => ProviderError::from(error),
            openidconnect::UserInfoError::Response(status, ..) => {
                ProviderError::refused(format_args!("its user info answers {status}"))
            }
            openidconnect::UserInfoError::ClaimsVerification(error) => {
                ProviderError::refused(error)
            }
            _ => ProviderError::refused("its user info cannot be read"),
        })
    }
}

/// Whom an ID token means, and what more was told of him.
fn person(
    issuer: &IssuerUrl,
    claims: &CoreIdTokenClaims,
    told: Option<&CoreUserInfoClaims>,
) -> Result<Person, ProviderError> {
    /// One claim of the ID token, or else of what more was told.
    macro_rules! claim {
        ($name:ident) => {
            claims.$name().or(told.and_then(|told| told.$name()))
        };
    }
    macro_rules! text {
        ($name:ident) => {
            claim!($name)
                .and_then(|names| names.get(None))
                .map(|name| name.as_str().to_owned())
        };
    }
    let email = claim!(email).and_then(|email| Email::parse(email).ok());
    let verified = match claims.email() {
        Some(_) => claims.email_verified(),
        None => told.and_then(CoreUserInfoClaims::email_verified),
    };
    let login = claim!(preferred_username).map(|name| name.as_str().to_owned());
    Ok(Person {
        issuer: issuer.as_str().to_owned(),
        subject: Subject::parse(claims.subject()).map_err(ProviderError::refused)?,
        login: login.or_else(|| text!(nickname)),
        name: text!(name),
        email: email.map(|address| ProvidedEmail {
            address,
            verified: verified == Some(true),
        }),
    })
}
