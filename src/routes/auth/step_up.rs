//! Proving once more who one is, before something that a stolen token must not do.

use std::any::type_name;

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use anyhow::anyhow;
use chrono::TimeDelta;
use futures_util::future::{Ready, ready};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::two_factor::CodeText;
use crate::{
    auth::{AuthUser, Code, Hasher, SecondFactor, SecondFactors, refusals::mark},
    clock,
    config::Config,
    domain::{Invalid, audit::Refusal},
    error::ApiError,
    limits::{Attempt, Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, examples},
        by,
        input::{Form, Given},
    },
    store::Store,
};

/// How long ago the sign-in may be of somebody who has no password to give.
const RECENT: TimeDelta = TimeDelta::minutes(10);

/// What proves that it is the owner who asks.
#[derive(Default, Deserialize, ToSchema)]
pub struct Proof {
    /// The present password. It is not asked for if the account has none: then the sign-in must be
    /// at most ten minutes ago.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    password: Given<String>,
    /// A code of the authenticator app, or a recovery code; only if there is an app.
    #[schema(value_type = Option<CodeText>)]
    #[serde(default)]
    code: Given<String>,
}

impl Proof {
    fn check(self) -> Result<(Option<SecretString>, Option<Code>), ApiError> {
        let mut form = Form::default();
        let password = form.optional("password", self.password, |text: String| {
            Ok(SecretString::from(text))
        });
        let code = form.optional("code", self.code, |text: String| Code::parse(&text));
        form.check().map(|()| (password, code))
    }
}

/// How a [`Proof`] may fail.
pub const NOT_PROVED: &[ErrorCode] = &[
    ErrorCode::ValidationFailed,
    ErrorCode::WrongCode,
    ErrorCode::LoginTooOld,
    ErrorCode::RateLimited,
    ErrorCode::Overloaded,
    ErrorCode::Unavailable,
];

/// Says that a route asks for a [`Proof`], and how it may fail.
pub fn declare_proof(operation: Operation) -> Operation {
    operation
        .may_take::<Proof>(json!({ "password": examples::PASSWORD }))
        .refuses(NOT_PROVED)
}

/// Everything that a proof is checked with.
pub struct StepUp {
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    hasher: web::Data<Hasher>,
    store: web::Data<Store>,
    factors: web::Data<SecondFactors>,
}

impl FromRequest for StepUp {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl StepUp {
    fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        Ok(Self {
            request: request.clone(),
            config: data(request)?,
            limits: data(request)?,
            hasher: data(request)?,
            store: data(request)?,
            factors: data(request)?,
        })
    }

    /// Takes the password, or without one a recent sign-in; and a code if there is an app, which
    /// counts once.
    ///
    /// # Errors
    /// Something is missing, wrong, or was wrong too often; the sign-in is too long ago.
    pub async fn prove(&self, user: &AuthUser, proof: Proof) -> Result<(), ApiError> {
        let (password, code) = proof.check()?;
        self.prove_first(user, "password", password).await?;
        if self.store.find_two_factor(user).await?.totp {
            let missing = || Invalid::new("code", "required", "is required: there is an app");
            self.spend(user, &code.ok_or_else(missing)?).await?;
        }
        Ok(())
    }

    /// Takes the password, which stands in `field`, or a recent sign-in if the account has none.
    /// Tells the hash of the password that was proved.
    ///
    /// # Errors
    /// The password is missing, wrong, or was wrong too often; the sign-in is too long ago.
    pub async fn prove_first(
        &self,
        user: &AuthUser,
        field: &'static str,
        password: Option<SecretString>,
    ) -> Result<Option<String>, ApiError> {
        let credentials = self.store.find_credentials_by_id(user.id).await?;
        let Some(hash) = credentials.and_then(|found| found.password_hash) else {
            return self.check_recent(user).await.map(|()| None);
        };
        let missing = || Invalid::new(field, "required", "is required");
        let password = password.ok_or_else(missing)?;
        // A stolen token must not be enough to guess the password at leisure.
        let attempt = self.attempt(user)?;
        if self.hasher.verify(password, Some(&hash)).await? {
            attempt.succeeded();
            return Ok(Some(hash));
        }
        attempt.failed();
        mark(&self.request, Refusal::WrongPassword, None);
        Err(wrong_password(field).into())
    }

    /// A token that somebody stole is rarely one of a login that has just begun.
    async fn check_recent(&self, user: &AuthUser) -> Result<(), ApiError> {
        let began = self.store.find_login_start(user.login()).await?;
        if began.is_some_and(|began| clock::now() - began <= RECENT) {
            Ok(())
        } else {
            Err(ApiError::LoginTooOld)
        }
    }

    async fn spend(&self, user: &AuthUser, code: &Code) -> Result<SecondFactor, ApiError> {
        let attempt = self.attempt(user)?;
        let by = by(&self.request, &self.config, Some(&user.0));
        let outcome = self.factors.spend(user.id, code, &by).await;
        if matches!(outcome, Err(ApiError::WrongCode)) {
            mark(&self.request, Refusal::WrongCode, None);
        }
        told(attempt, outcome)
    }

    fn attempt(&self, user: &AuthUser) -> Result<Attempt, ApiError> {
        let attempt = self.limits.confirmation(user.id, user.login())?;
        tell(&self.request, attempt.left());
        Ok(attempt)
    }
}

/// What every handler of the app shares.
fn data<T: 'static>(request: &HttpRequest) -> Result<web::Data<T>, ApiError> {
    let found = request.app_data::<web::Data<T>>().cloned();
    found.ok_or_else(|| ApiError::Internal(anyhow!("the app has no {}", type_name::<T>())))
}

/// The password in `field` is not the present one.
pub fn wrong_password(field: &'static str) -> Invalid {
    Invalid::new(field, "wrong_password", "is not the present password")
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
