//! Proving once more who one is, before something that a stolen token must not do.

use actix_web::HttpRequest;
use secrecy::SecretString;

use crate::{
    auth::{AuthUser, Code, Hasher, SecondFactor, SecondFactors, refusals::mark},
    config::Config,
    domain::{Invalid, audit::Refusal},
    error::ApiError,
    limits::{Attempt, Limits, tell},
    routes::by,
    store::Store,
};

/// Everything that a password and a code are checked with.
#[derive(Clone, Copy)]
pub struct StepUp<'a> {
    pub user: &'a AuthUser,
    pub request: &'a HttpRequest,
    pub config: &'a Config,
    pub limits: &'a Limits,
    pub hasher: &'a Hasher,
    pub store: &'a Store,
    pub factors: &'a SecondFactors,
}

impl StepUp<'_> {
    /// Checks the own password, if the account has one.
    ///
    /// # Errors
    /// It is missing or wrong; or it was wrong too often.
    pub async fn check_password(&self, password: Option<SecretString>) -> Result<(), ApiError> {
        let credentials = self.store.find_credentials_by_id(self.user.id).await?;
        let Some(hash) = credentials.and_then(|found| found.password_hash) else {
            return Ok(());
        };
        let password = password.ok_or_else(|| refused("required", "is required"))?;
        // A stolen token must not be enough to guess the password at leisure.
        let attempt = self.attempt()?;
        if self.hasher.verify(password, Some(&hash)).await? {
            attempt.succeeded();
            Ok(())
        } else {
            attempt.failed();
            mark(self.request, Refusal::WrongPassword, None);
            Err(refused("wrong_password", "is not the present password"))
        }
    }

    /// Takes a code of the second factor, which counts once.
    ///
    /// # Errors
    /// It is wrong; or codes were wrong too often.
    pub async fn spend(&self, code: &Code) -> Result<SecondFactor, ApiError> {
        let attempt = self.attempt()?;
        let by = by(self.request, self.config, Some(&self.user.0));
        let outcome = self.factors.spend(self.user.id, code, &by).await;
        if matches!(outcome, Err(ApiError::WrongCode)) {
            mark(self.request, Refusal::WrongCode, None);
        }
        told(attempt, outcome)
    }

    fn attempt(&self) -> Result<Attempt, ApiError> {
        let attempt = self.limits.confirmation(self.user.id, self.user.login())?;
        tell(self.request, attempt.left());
        Ok(attempt)
    }
}

/// Tells an attempt whether its code was right.
pub fn told<T>(attempt: Attempt, outcome: Result<T, ApiError>) -> Result<T, ApiError> {
    match &outcome {
        Ok(_) => attempt.succeeded(),
        Err(ApiError::WrongCode) => attempt.failed(),
        // Nobody looked at the code.
        Err(_) => drop(attempt),
    }
    outcome
}

fn refused(code: &'static str, message: &str) -> ApiError {
    Invalid::new("password", code, message).into()
}
