//! What an issuer says of itself: fetched when it is first needed, and kept for a while.

use std::sync::Arc;

use openidconnect::{
    AdditionalProviderMetadata, DiscoveryError, IssuerUrl, ProviderMetadata, TokenUrl, UserInfoUrl,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType,
        CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};
use tokio::{sync::Mutex, time::Instant};

use super::{
    ProviderError,
    http::{Http, HttpError},
};
use crate::config::OauthTiming;

/// What the library does not read by itself.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct More {
    /// It always sends `iss` along with a code (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

/// What an issuer says of itself, its keys among it.
pub type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Looks an issuer up, one look at a time, and remembers.
pub struct Discovery {
    issuer: IssuerUrl,
    http: Http,
    timing: OauthTiming,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Arc<Metadata>, Instant)>,
    /// When it was looked again for the sake of an unknown key.
    looked_again: Option<Instant>,
    /// When it could not be asked, and why.
    failed: Option<(Instant, String)>,
}

impl Discovery {
    pub fn new(issuer: IssuerUrl, http: Http, timing: OauthTiming) -> Self {
        Self {
            issuer,
            http,
            timing,
            known: Mutex::default(),
        }
    }

    pub fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    /// What the issuer says of itself, as far as it is known or can be asked.
    ///
    /// # Errors
    /// It cannot be asked, or could not be a moment ago; or what it says is not good.
    pub async fn metadata(&self) -> Result<Arc<Metadata>, ProviderError> {
        let mut known = self.known.lock().await;
        match &known.metadata {
            Some((metadata, at)) if at.elapsed() < self.timing.known => Ok(metadata.clone()),
            _ => self.look(&mut known).await,
        }
    }

    /// Looks again because a token bears a key that `than` did not have; `None` if that was done
    /// a moment ago: whoever makes keys up must not make us ask without end.
    ///
    /// # Errors
    /// As [`Self::metadata`].
    pub async fn newer(
        &self,
        than: &Arc<Metadata>,
    ) -> Result<Option<Arc<Metadata>>, ProviderError> {
        let mut known = self.known.lock().await;
        if let Some((metadata, _)) = &known.metadata
            && !Arc::ptr_eq(metadata, than)
        {
            return Ok(Some(metadata.clone()));
        }
        let lately = |at: &Instant| at.elapsed() < self.timing.look_again;
        if known.looked_again.as_ref().is_some_and(lately) {
            return Ok(None);
        }
        known.looked_again = Some(Instant::now());
        self.look(&mut known).await.map(Some)
    }

    async fn look(&self, known: &mut Known) -> Result<Arc<Metadata>, ProviderError> {
        if let Some((at, why)) = &known.failed
            && at.elapsed() < self.timing.leave_alone
        {
            return Err(ProviderError::Unavailable(why.clone()));
        }
        match self.fetch().await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                known.metadata = Some((metadata.clone(), Instant::now()));
                known.failed = None;
                Ok(metadata)
            }
            Err(error) => {
                known.failed = Some((Instant::now(), error.to_string()));
                Err(error)
            }
        }
    }

    async fn fetch(&self) -> Result<Metadata, ProviderError> {
        let found = Metadata::discover_async(self.issuer.clone(), &self.http).await;
        let metadata = found.map_err(|error: DiscoveryError<HttpError>| match error {
            DiscoveryError::Request(error) => error.into(),
            DiscoveryError::Response(status, ..) => {
                ProviderError::unavailable(format_args!("its description answers {status}"))
            }
            error => ProviderError::unavailable(error),
        })?;
        self.check_addresses(&metadata)?;
        Ok(metadata)
    }

    /// An issuer that is reached over TLS may not send secrets to places that are not.
    fn check_addresses(&self, metadata: &Metadata) -> Result<(), ProviderError> {
        let token = metadata.token_endpoint().map(TokenUrl::url);
        if token.is_none() {
            return Err(ProviderError::unavailable("it names no token endpoint"));
        }
        let addresses = [
            Some(metadata.authorization_endpoint().url()),
            Some(metadata.jwks_uri().url()),
            metadata.userinfo_endpoint().map(UserInfoUrl::url),
            token,
        ];
        let plain = addresses
            .iter()
            .flatten()
            .any(|url| url.scheme() != "https");
        if plain && self.issuer.url().scheme() == "https" {
            return Err(ProviderError::unavailable("it names addresses without TLS"));
        }
        Ok(())
    }
}
