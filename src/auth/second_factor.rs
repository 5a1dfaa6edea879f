//! The second factor: whether a code is right, and that each counts once.

use secrecy::{ExposeSecret, SecretSlice};

use super::{
    Vault,
    code::{Code, RecoveryCode},
    totp::TotpSecret,
};
use crate::{
    clock,
    domain::{audit::By, ids::UserId},
    error::ApiError,
    limits::{Exhausted, Policy},
    store::{Guess, NewTotp, Store},
};

/// What the vault knows the secrets of apps by.
const PURPOSE: &str = "totp";

/// What is told of the limit that the store keeps, which is the stricter one in the long run.
const GUESSES: Policy = Policy {
    name: "second-factor",
    quota: 5,
    window: 900,
};

/// Which kind of code was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    Totp,
    RecoveryCode,
}

impl SecondFactor {
    /// The word for it in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

/// Checks codes. Cloning shares the key.
#[derive(Clone)]
pub struct SecondFactors {
    vault: Vault,
    store: Store,
}

impl SecondFactors {
    /// Apps' secrets are sealed with this vault's key.
    #[must_use]
    pub fn new(vault: Vault, store: Store) -> Self {
        Self { vault, store }
    }

    /// A fresh secret for an app of `user`, and how it is kept.
    ///
    /// # Errors
    /// The crypto library failed.
    pub fn generate(&self, user: UserId) -> Result<(TotpSecret, Vec<u8>), ApiError> {
        let secret = TotpSecret::generate();
        let sealed = self.vault.seal(PURPOSE, user, secret.bytes());
        Ok((secret, sealed.map_err(ApiError::Internal)?))
    }

    /// An app that its first code confirms, and the recovery codes that come with it.
    ///
    /// # Errors
    /// [`ApiError::WrongCode`].
    pub fn confirm(
        &self,
        user: UserId,
        sealed: Vec<u8>,
        code: &Code,
    ) -> Result<(NewTotp, Vec<RecoveryCode>), ApiError> {
        let step = self.step_of(user, &sealed, code)?;
        let codes = RecoveryCode::set();
        let totp = NewTotp {
            user_id: user,
            sealed,
            step,
            recovery_hashes: codes.iter().map(|code| code.hash).collect(),
        };
        Ok((totp, codes))
    }

    /// Takes a code from a user: it counts now and never again.
    ///
    /// Recovery codes do not wait when too many codes of the app were wrong: nobody guesses one, and
    /// so nobody who guesses keeps the owner out.
    ///
    /// # Errors
    /// [`ApiError::WrongCode`]; [`ApiError::RateLimited`] when too many were wrong.
    pub async fn spend(
        &self,
        user: UserId,
        code: &Code,
        by: &By,
    ) -> Result<SecondFactor, ApiError> {
        match code {
            Code::Recovery(hash) => {
                let spent = self.store.spend_recovery_code(user, *hash, by).await?;
                spent
                    .then_some(SecondFactor::RecoveryCode)
                    .ok_or(ApiError::WrongCode)
            }
            Code::Totp(_) => {
                let sealed = match self.store.guess_totp(user).await? {
                    Guess::Allowed(sealed) => sealed,
                    Guess::Off => return Err(ApiError::WrongCode),
                    Guess::Wait(wait) => {
                        let policy = GUESSES;
                        return Err(Exhausted { policy, wait }.into());
                    }
                };
                let step = self.step_of(user, &sealed, code)?;
                let spent = self.store.spend_totp_step(user, sealed, step).await?;
                spent
                    .then_some(SecondFactor::Totp)
                    .ok_or(ApiError::WrongCode)
            }
        }
    }

    fn step_of(&self, user: UserId, sealed: &[u8], code: &Code) -> Result<i64, ApiError> {
        let Code::Totp(digits) = code else {
            return Err(ApiError::WrongCode);
        };
        let Some(bytes) = self.vault.unseal(PURPOSE, user, sealed) else {
            // Another key than at the enrollment. Recovery codes still count.
            tracing::error!(user.id = %user, "the secret of an app cannot be decrypted");
            return Err(ApiError::WrongCode);
        };
        let bytes = SecretSlice::from(bytes);
        TotpSecret::from_bytes(bytes.expose_secret())
            .and_then(|secret| secret.step_of(digits, clock::now()))
            .ok_or(ApiError::WrongCode)
    }
}
