use actix_web::{HttpRequest, web};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    CodeText, EnrollmentView, RecoveryCodes, code, enrollment_example, recovery_codes_example,
};
use crate::{
    auth::{AuthUser, SecondFactors, refusals::mark},
    clock,
    config::Config,
    domain::audit::Refusal,
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        Origins,
        api::{Operation, Tag},
        auth::step_up::{Proof, StepUp, declare_proof, told},
        by,
        input::{Body, Form, Given, OptionalJson},
    },
    store::{Store, StoreError},
};

/// How long a secret waits for its first code.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// Nothing waits for a code.
const NONE_BEGUN: ApiError = ApiError::Conflict {
    code: ErrorCode::NotEnrolled,
    message: "No authenticator app is being set up; begin anew",
};

/// `POST /api/auth/two-factor/totp`: begins to set up an app, or another one instead.
#[expect(clippy::too_many_arguments, reason = "an extractor each")]
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn begin_totp(
    user: AuthUser,
    proof: OptionalJson<Proof>,
    step_up: StepUp,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
    origins: web::Data<Origins>,
    factors: web::Data<SecondFactors>,
) -> Result<web::Json<EnrollmentView>, ApiError> {
    step_up.prove(&user, proof.0).await?;
    let (secret, sealed) = factors.generate(user.id)?;
    store
        .begin_totp(
            user.id,
            sealed,
            clock::now() + PATIENCE,
            &by(&request, &config, Some(&user.0)),
        )
        .await?;
    EnrollmentView::new(&secret, &origins, &user).map(web::Json)
}

pub fn declare_begin() -> Operation {
    let begin = Operation::new(
        Tag::SignIn,
        "beginTotp",
        "Begins to set up an authenticator app",
    )
    .about(
        "Nothing changes before a code of the app confirms it, within ten minutes. With an app \
         already there the new one takes its place then, and a code is asked for here.",
    )
    .signed_in()
    .answers::<EnrollmentView>(200, "What the app takes in.", enrollment_example());
    declare_proof(begin)
}

/// The first code of an app.
#[derive(Deserialize, ToSchema)]
pub struct ConfirmForm {
    #[schema(value_type = CodeText, required = true)]
    #[serde(default)]
    code: Given<String>,
}

/// `POST /api/auth/two-factor/totp/confirm`: from now on sign-ins ask for a code.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn confirm_totp(
    user: AuthUser,
    body: Body<ConfirmForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
    factors: web::Data<SecondFactors>,
) -> Result<web::Json<RecoveryCodes>, ApiError> {
    let mut form = Form::default();
    let code = code(&mut form, body.into_inner().code);
    let code = code.ok_or_else(|| form.into_error())?;
    // Whoever has a stolen token must not find the code while its owner sets up the app.
    let attempt = limits.confirmation(user.id, user.login())?;
    tell(&request, attempt.left());
    let sealed = store.guess_pending_totp(user.id).await?.ok_or(NONE_BEGUN)?;
    let confirmed = factors.confirm(user.id, sealed, &code);
    if matches!(confirmed, Err(ApiError::WrongCode)) {
        mark(&request, Refusal::WrongCode, None);
    }
    let (totp, codes) = told(attempt, confirmed)?;
    let by = by(&request, &config, Some(&user.0));
    store
        .confirm_totp(totp, &by)
        .await
        .map_err(|error| match error {
            StoreError::NotFound => NONE_BEGUN,
            error => error.into(),
        })?;
    tracing::info!("an authenticator app was set up");
    Ok(web::Json(RecoveryCodes {
        recovery_codes: codes.into_iter().map(|code| code.text).collect(),
    }))
}

pub fn declare_confirm() -> Operation {
    Operation::new(
        Tag::SignIn,
        "confirmTotp",
        "Confirms an authenticator app by its first code",
    )
    .about(
        "From now on signing in asks for a code. The recovery codes are shown this once, and those \
         from before count no more. After five wrong codes the app is given up: begin anew.",
    )
    .signed_in()
    .takes::<ConfirmForm>(json!({ "code": "492039" }))
    .answers::<RecoveryCodes>(200, "The app is set up.", recovery_codes_example())
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::WrongCode,
        ErrorCode::NotEnrolled,
        ErrorCode::RateLimited,
    ])
}
