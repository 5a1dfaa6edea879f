use actix_web::{HttpRequest, web};
use chrono::TimeDelta;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    CodeText, EnrollmentView, RecoveryCodes, code, enrollment_example, recovery_codes_example,
    step_up::StepUp,
};
use crate::{
    auth::{AuthUser, Code, Hasher, SecondFactors},
    clock,
    config::Config,
    domain::Invalid,
    error::ApiError,
    limits::Limits,
    protocol::code::ErrorCode,
    routes::{
        Origins,
        api::{Operation, Tag, examples},
        by,
        input::{Body, Form, Given},
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

/// What proves that it is the owner who asks.
#[derive(Deserialize, ToSchema)]
pub struct TotpForm {
    /// The present password; not asked for if the account has none.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    password: Given<String>,
    /// A code of the present app, or a recovery code; only if there is an app already.
    #[schema(value_type = Option<CodeText>)]
    #[serde(default)]
    code: Given<String>,
}

impl TotpForm {
    fn check(self) -> Result<(Option<SecretString>, Option<Code>), ApiError> {
        let mut form = Form::default();
        let password = form.optional("password", self.password, |text: String| {
            Ok(SecretString::from(text))
        });
        let code = form.optional("code", self.code, |text: String| Code::parse(&text));
        form.check().map(|()| (password, code))
    }
}

/// `POST /api/auth/two-factor/totp`: begins to set up an app, or another one instead.
#[expect(clippy::too_many_arguments, reason = "an extractor each")]
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn begin_totp(
    user: AuthUser,
    body: Body<TotpForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    hasher: web::Data<Hasher>,
    store: web::Data<Store>,
    origins: web::Data<Origins>,
    factors: web::Data<SecondFactors>,
) -> Result<web::Json<EnrollmentView>, ApiError> {
    let (password, code) = body.into_inner().check()?;
    let step_up = StepUp {
        user: &user,
        request: &request,
        config: &config,
        limits: &limits,
        hasher: &hasher,
        store: &store,
        factors: &factors,
    };
    step_up.check_password(password).await?;
    if store.find_two_factor(&user).await?.totp {
        let missing = || Invalid::new("code", "required", "is required: there is an app already");
        let code = code.ok_or_else(missing)?;
        step_up.spend(&code).await?;
    }
    let (secret, sealed) = factors.generate(user.id)?;
    store
        .begin_totp(user.id, sealed, clock::now() + PATIENCE)
        .await?;
    EnrollmentView::new(&secret, &origins, &user).map(web::Json)
}

pub fn declare_begin() -> Operation {
    Operation::new(
        Tag::SignIn,
        "beginTotp",
        "Begins to set up an authenticator app",
    )
    .about(
        "Nothing changes before a code of the app confirms it, within ten minutes. With an app \
         already there the new one takes its place then, and a code is asked for here.",
    )
    .signed_in()
    .takes::<TotpForm>(json!({ "password": examples::PASSWORD }))
    .answers::<EnrollmentView>(200, "What the app takes in.", enrollment_example())
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::WrongCode,
        ErrorCode::RateLimited,
        ErrorCode::Overloaded,
    ])
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
    store: web::Data<Store>,
    factors: web::Data<SecondFactors>,
) -> Result<web::Json<RecoveryCodes>, ApiError> {
    let mut form = Form::default();
    let code = code(&mut form, body.into_inner().code);
    let code = code.ok_or_else(|| form.into_error())?;
    let sealed = store.find_pending_totp(user.id).await?.ok_or(NONE_BEGUN)?;
    let (totp, codes) = factors.confirm(user.id, sealed, &code)?;
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
         from before count no more.",
    )
    .signed_in()
    .takes::<ConfirmForm>(json!({ "code": "492039" }))
    .answers::<RecoveryCodes>(200, "The app is set up.", recovery_codes_example())
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::WrongCode,
        ErrorCode::NotEnrolled,
    ])
}
