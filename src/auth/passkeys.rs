//! Passkeys: the ceremonies of Web Authentication, from a challenge to what an authenticator signed.

use std::sync::Arc;

use anyhow::anyhow;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tracing::subscriber::{NoSubscriber, with_default};
use url::Url;
use uuid::Uuid;
use webauthn_rs::{
    Webauthn, WebauthnBuilder,
    prelude::{
        DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration,
        PublicKeyCredential, RegisterPublicKeyCredential, WebauthnError,
    },
};

use super::Vault;
use crate::{
    clock,
    domain::{ids::UserId, user::User},
    error::ApiError,
    protocol::code::ErrorCode,
};

/// How long somebody may look for the authenticator.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

const REGISTERING: &str = "passkey registration";
const SIGNING_IN: &str = "passkey sign-in";

/// Whose a ceremony is before anybody knows who signs in.
const NOBODY: UserId = UserId(Uuid::nil());

/// The server's side of Web Authentication. Cloning shares it.
///
/// What must be remembered from start to finish goes out and comes back sealed, so that it is safe
/// on any node and strangers fill no memory. It counts once: the store keeps which were answered.
#[derive(Clone)]
pub struct Passkeys {
    webauthn: Option<Arc<Webauthn>>,
    vault: Vault,
}

/// A ceremony that began.
pub struct Started {
    /// Comes back with the answer.
    pub ceremony: String,
    /// What `navigator.credentials` takes, with bytes in base64url.
    pub options: Value,
}

/// A ceremony that was answered; it must be marked as used before it counts.
pub struct Answered<T> {
    pub hash: [u8; 32],
    pub expires_at: DateTime<Utc>,
    pub result: T,
}

/// A credential that an authenticator made.
pub struct NewCredential {
    pub id: Vec<u8>,
    /// To be kept.
    pub json: String,
}

/// Why a ceremony failed.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// The ceremony is not one of ours, or somebody else's, or ran out.
    #[error("the ceremony is not, or no longer, valid")]
    Over,
    /// It is no credential, or not what was asked for.
    #[error("the credential is not what was asked for")]
    Credential,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    state: T,
    expires_at: DateTime<Utc>,
}

impl Passkeys {
    /// For the pages of this origin. Authenticators tell servers apart by names: where the origin is
    /// an address such as `https://192.0.2.7`, there are no passkeys.
    #[must_use]
    pub fn new(origin: &str, vault: Vault) -> Self {
        let webauthn = Url::parse(origin).ok().and_then(|origin| {
            let name = origin.domain()?.to_owned();
            let builder = WebauthnBuilder::new(&name, &origin).ok()?;
            builder.rp_name("Parlor").build().ok().map(Arc::new)
        });
        Self { webauthn, vault }
    }

    /// Whether this server's origin has a name.
    #[must_use]
    pub fn are_on(&self) -> bool {
        self.webauthn.is_some()
    }

    /// Asks for a new credential of `user`, from an authenticator that has none of `known`.
    ///
    /// # Errors
    /// There are no passkeys here.
    pub fn start_registration(
        &self,
        user: &User,
        known: Vec<Vec<u8>>,
    ) -> Result<Started, ApiError> {
        let started = quietly(|| {
            self.webauthn()?
                .start_passkey_registration(
                    user.id.0,
                    &user.profile.username,
                    &user.profile.full_name,
                    Some(known),
                )
                .map_err(fault)
        });
        let (options, state) = started?;
        let mut started = self.started(REGISTERING, user.id, state, &options)?;
        // It is found by the authenticator, not by a name that somebody types.
        if let Some(wanted) = started
            .options
            .pointer_mut("/publicKey/authenticatorSelection")
            .and_then(Value::as_object_mut)
        {
            wanted.insert("residentKey".to_owned(), "required".into());
            wanted.insert("requireResidentKey".to_owned(), true.into());
        }
        Ok(started)
    }

    /// Checks what an authenticator made for `user`.
    ///
    /// # Errors
    /// See [`CeremonyError`].
    pub fn finish_registration(
        &self,
        user: UserId,
        ceremony: &str,
        credential: Value,
    ) -> Result<Answered<NewCredential>, CeremonyError> {
        let opened = self.open::<PasskeyRegistration>(REGISTERING, user, ceremony)?;
        let credential: RegisterPublicKeyCredential = read(credential)?;
        let webauthn = self.webauthn.as_ref().ok_or(CeremonyError::Over)?;
        let made = quietly(|| webauthn.finish_passkey_registration(&credential, &opened.result));
        let made = made.map_err(refused)?;
        Ok(opened.with(NewCredential {
            id: made.cred_id().to_vec(),
            json: serde_json::to_string(&made).map_err(|_| CeremonyError::Credential)?,
        }))
    }

    /// Asks for a signature of whoever is there.
    ///
    /// # Errors
    /// There are no passkeys here.
    pub fn start_login(&self) -> Result<Started, ApiError> {
        let started = quietly(|| {
            self.webauthn()?
                .start_discoverable_authentication()
                .map_err(fault)
        });
        let (mut options, state) = started?;
        // Whether it is offered in a form's field or asked for at once is the page's to say.
        options.mediation = None;
        self.started(SIGNING_IN, NOBODY, state, &options)
    }

    /// Whose credential signed, as the authenticator says, and the credential's id.
    ///
    /// # Errors
    /// [`CeremonyError::Credential`].
    pub fn identify(credential: &Value) -> Result<(UserId, Vec<u8>), CeremonyError> {
        let credential: PublicKeyCredential = read(credential.clone())?;
        let user = credential.get_user_unique_id();
        let user = user.and_then(|bytes| Uuid::from_slice(bytes).ok());
        let user = user.ok_or(CeremonyError::Credential)?;
        Ok((UserId(user), credential.get_credential_id().to_vec()))
    }

    /// Checks a signature by a credential that was kept; the result is how it is to be kept now.
    ///
    /// # Errors
    /// See [`CeremonyError`]. A counter that did not rise is one: somebody may have a copy.
    pub fn finish_login(
        &self,
        ceremony: &str,
        credential: Value,
        kept: &str,
    ) -> Result<Answered<String>, CeremonyError> {
        let opened = self.open::<DiscoverableAuthentication>(SIGNING_IN, NOBODY, ceremony)?;
        let credential: PublicKeyCredential = read(credential)?;
        let mut passkey: Passkey =
            serde_json::from_str(kept).map_err(|_| CeremonyError::Credential)?;
        let key = DiscoverableKey::from(&passkey);
        let webauthn = self.webauthn.as_ref().ok_or(CeremonyError::Over)?;
        let (hash, expires_at) = (opened.hash, opened.expires_at);
        let checked = quietly(|| {
            webauthn.finish_discoverable_authentication_v2(&credential, opened.result, &key)
        });
        let checked = checked.map_err(refused)?;
        if !checked.user_verified() {
            return Err(CeremonyError::Credential);
        }
        let json = match passkey.update_credential(&checked) {
            Some(true) => serde_json::to_string(&passkey).map_err(|_| CeremonyError::Credential)?,
            _ => kept.to_owned(),
        };
        Ok(Answered {
            hash,
            expires_at,
            result: json,
        })
    }

    fn webauthn(&self) -> Result<&Webauthn, ApiError> {
        self.webauthn.as_deref().ok_or(ApiError::Conflict {
            code: ErrorCode::PasskeysUnavailable,
            message: "Passkeys need a server that has a name, not only an address",
        })
    }

    fn started(
        &self,
        purpose: &str,
        owner: UserId,
        state: impl Serialize,
        options: &impl Serialize,
    ) -> Result<Started, ApiError> {
        let expires_at = clock::now() + LIFETIME;
        let fault = |error: serde_json::Error| ApiError::Internal(error.into());
        let state = serde_json::to_vec(&Sealed { state, expires_at }).map_err(fault)?;
        let sealed = self.vault.seal(purpose, owner, &state);
        Ok(Started {
            ceremony: BASE64_URL_SAFE_NO_PAD.encode(sealed.map_err(ApiError::Internal)?),
            options: serde_json::to_value(options).map_err(fault)?,
        })
    }

    fn open<T: DeserializeOwned>(
        &self,
        purpose: &str,
        owner: UserId,
        ceremony: &str,
    ) -> Result<Answered<T>, CeremonyError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(ceremony).ok();
        let state = bytes.and_then(|bytes| self.vault.unseal(purpose, owner, &bytes));
        let state = state.ok_or(CeremonyError::Over)?;
        let sealed: Sealed<T> = serde_json::from_slice(&state).map_err(|_| CeremonyError::Over)?;
        if sealed.expires_at <= clock::now() {
            return Err(CeremonyError::Over);
        }
        Ok(Answered {
            // Of the text as it was opened: base64 has one spelling of it, which decode demands.
            hash: Sha256::digest(ceremony.as_bytes()).into(),
            expires_at: sealed.expires_at,
            result: sealed.state,
        })
    }
}

impl<T> Answered<T> {
    fn with<U>(self, result: U) -> Answered<U> {
        Answered {
            hash: self.hash,
            expires_at: self.expires_at,
            result,
        }
    }
}

fn read<T: DeserializeOwned>(credential: Value) -> Result<T, CeremonyError> {
    serde_json::from_value(credential).map_err(|_| CeremonyError::Credential)
}

fn refused(error: WebauthnError) -> CeremonyError {
    tracing::debug!(?error, "a credential is refused");
    CeremonyError::Credential
}

fn fault(error: WebauthnError) -> ApiError {
    ApiError::Internal(anyhow!("Web Authentication: {error:?}"))
}

/// Runs webauthn-rs without its log, where every stranger's mistake is an error.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    with_default(NoSubscriber::new(), work)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passkeys() -> Passkeys {
        let vault = Vault::from_secret(b"0123456789abcdef0123456789abcdef").unwrap();
        Passkeys::new("https://chat.example.org:8443", vault)
    }

    #[test]
    fn a_ceremony_runs_out() {
        let passkeys = passkeys();
        let seal = |ends: TimeDelta| {
            let expires_at = clock::now() + ends;
            let state = serde_json::to_vec(&Sealed {
                state: 7,
                expires_at,
            })
            .unwrap();
            let sealed = passkeys.vault.seal(SIGNING_IN, NOBODY, &state).unwrap();
            BASE64_URL_SAFE_NO_PAD.encode(sealed)
        };
        let open = |ends| passkeys.open::<i32>(SIGNING_IN, NOBODY, &seal(ends));
        assert_eq!(open(TimeDelta::seconds(60)).unwrap().result, 7);
        assert!(matches!(
            open(TimeDelta::seconds(-1)),
            Err(CeremonyError::Over)
        ));
    }

    #[test]
    fn what_goes_out_tells_nothing_and_only_its_kind_takes_it_back() {
        let passkeys = passkeys();
        let started = passkeys.start_login().unwrap();
        assert_eq!(started.options["publicKey"]["rpId"], "chat.example.org");
        assert!(started.options.get("mediation").is_none());
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&started.ceremony).unwrap();
        assert!(!bytes.windows(9).any(|part| part == b"challenge"));
        let open = |purpose, owner| {
            passkeys
                .open::<DiscoverableAuthentication>(purpose, owner, &started.ceremony)
                .is_ok()
        };
        assert!(open(SIGNING_IN, NOBODY));
        assert!(!open(REGISTERING, NOBODY) && !open(SIGNING_IN, UserId::new()));
    }

    #[test]
    fn only_a_name_has_passkeys() {
        let vault = || Vault::from_secret(b"0123456789abcdef0123456789abcdef").unwrap();
        for (origin, on) in [
            ("https://localhost:8080", true),
            ("http://localhost", true),
            ("https://192.0.2.7", false),
            ("https://[::1]:8080", false),
        ] {
            assert_eq!(Passkeys::new(origin, vault()).are_on(), on, "{origin}");
        }
    }
}
