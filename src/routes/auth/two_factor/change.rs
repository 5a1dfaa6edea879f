use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{CodeText, RecoveryCodes, code, recovery_codes_example, step_up::StepUp};
use crate::{
    auth::{AuthUser, Code, Hasher, RecoveryCode, SecondFactors},
    config::Config,
    domain::{
        audit::Act,
        ids::UserId,
        policy::{Action, Target, allows},
        user::User,
    },
    error::ApiError,
    limits::Limits,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        by,
        input::{Body, Form, Given},
    },
    store::{Store, StoreError},
};

/// There is nothing to change.
const NO_APP: ApiError = ApiError::Conflict {
    code: ErrorCode::NotEnrolled,
    message: "No authenticator app is set up",
};

/// What proves that it is the owner who asks.
#[derive(Deserialize, ToSchema)]
pub struct RemoveForm {
    /// The present password; not asked for if the account has none.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    password: Given<String>,
    #[schema(value_type = CodeText, required = true)]
    #[serde(default)]
    code: Given<String>,
}

impl RemoveForm {
    fn check(self) -> Result<(Option<SecretString>, Code), ApiError> {
        let mut form = Form::default();
        let password = form.optional("password", self.password, |text: String| {
            Ok(SecretString::from(text))
        });
        match code(&mut form, self.code) {
            Some(code) => form.check().map(|()| (password, code)),
            None => Err(form.into_error()),
        }
    }
}

/// `POST /api/auth/two-factor/totp/remove`: sign-ins ask for no code any more.
#[expect(clippy::too_many_arguments, reason = "an extractor each")]
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn remove_totp(
    user: AuthUser,
    body: Body<RemoveForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    hasher: web::Data<Hasher>,
    store: web::Data<Store>,
    factors: web::Data<SecondFactors>,
) -> Result<HttpResponse, ApiError> {
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
    let present = store.find_two_factor(&user).await?;
    if !present.totp {
        return Err(NO_APP);
    }
    if present.required {
        return Err(ApiError::Conflict {
            code: ErrorCode::SecondFactorRequired,
            message: "Your role requires a second factor; set up another app in its place",
        });
    }
    step_up.spend(&code).await?;
    let by = by(&request, &config, Some(&user.0));
    store
        .remove_two_factor(User::clone(&user), Act::TwoFactorRemove, &by)
        .await?;
    tracing::info!("an authenticator app was removed");
    Ok(HttpResponse::NoContent().finish())
}

pub fn declare_remove() -> Operation {
    Operation::new(
        Tag::SignIn,
        "removeTotp",
        "Removes the authenticator app and the recovery codes",
    )
    .about("Refused to who has a role that requires a second factor.")
    .signed_in()
    .takes::<RemoveForm>(json!({ "password": examples::PASSWORD, "code": "492039" }))
    .answers_empty(204, "Signing in asks for no code any more.")
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::WrongCode,
        ErrorCode::NotEnrolled,
        ErrorCode::SecondFactorRequired,
        ErrorCode::RateLimited,
        ErrorCode::Overloaded,
    ])
}

/// A code of the app, or one of the recovery codes.
#[derive(Deserialize, ToSchema)]
pub struct RenewForm {
    #[schema(value_type = CodeText, required = true)]
    #[serde(default)]
    code: Given<String>,
}

/// `POST /api/auth/two-factor/recovery-codes`: ten new ones instead of those that are left.
#[expect(clippy::too_many_arguments, reason = "an extractor each")]
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn renew_recovery_codes(
    user: AuthUser,
    body: Body<RenewForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    hasher: web::Data<Hasher>,
    store: web::Data<Store>,
    factors: web::Data<SecondFactors>,
) -> Result<web::Json<RecoveryCodes>, ApiError> {
    let mut form = Form::default();
    let code = code(&mut form, body.into_inner().code);
    let code = code.ok_or_else(|| form.into_error())?;
    if !store.find_two_factor(&user).await?.totp {
        return Err(NO_APP);
    }
    let step_up = StepUp {
        user: &user,
        request: &request,
        config: &config,
        limits: &limits,
        hasher: &hasher,
        store: &store,
        factors: &factors,
    };
    step_up.spend(&code).await?;
    let codes = RecoveryCode::set();
    let hashes = codes.iter().map(|code| code.hash).collect();
    store
        .replace_recovery_codes(user.id, hashes, &by(&request, &config, Some(&user.0)))
        .await
        .map_err(|error| match error {
            StoreError::NotFound => NO_APP,
            error => error.into(),
        })?;
    Ok(web::Json(RecoveryCodes {
        recovery_codes: codes.into_iter().map(|code| code.text).collect(),
    }))
}

pub fn declare_renew() -> Operation {
    Operation::new(
        Tag::SignIn,
        "renewRecoveryCodes",
        "Makes ten new recovery codes",
    )
    .about("They are shown this once; those from before count no more.")
    .signed_in()
    .takes::<RenewForm>(json!({ "code": "492039" }))
    .answers::<RecoveryCodes>(200, "The new codes.", recovery_codes_example())
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::WrongCode,
        ErrorCode::NotEnrolled,
        ErrorCode::RateLimited,
    ])
}

/// `DELETE /api/users/{id}/two-factor`: for somebody who lost the telephone and the recovery codes.
#[tracing::instrument(skip_all, fields(user.id = %admin.id, reset.id = %id))]
pub async fn reset_two_factor(
    admin: AuthUser,
    id: web::Path<UserId>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    let found = store.find_user(*id).await?;
    let target = found.as_ref().map_or(Target::nobody(*id), Target::from);
    if !allows(&admin, Action::ManageUser(target)) {
        return Err(ApiError::Forbidden("You may not change this user"));
    }
    let found = found.ok_or(ApiError::NotFound("User"))?;
    let by = by(&request, &config, Some(&admin.0));
    if !store
        .remove_two_factor(found, Act::TwoFactorReset, &by)
        .await?
    {
        return Err(NO_APP);
    }
    tracing::info!("an admin reset a second factor");
    Ok(HttpResponse::NoContent().finish())
}

pub fn declare_reset() -> Operation {
    Operation::new(
        Tag::Users,
        "resetTwoFactor",
        "Removes a user's second factor",
    )
    .about(
        "For who has `users.write` and may do all that the user may, when somebody lost the app and the recovery codes. The user's logins go on; \
         where the role requires a second factor, the next sign-in sets one up.",
    )
    .path::<UserId>("id", "The user's id.", examples::USER_ID)
    .signed_in()
    .answers_empty(204, "Signing in asks for no code any more.")
    .refuses(&[
        ErrorCode::BadRequest,
        ErrorCode::Forbidden,
        ErrorCode::NotFound,
        ErrorCode::NotEnrolled,
    ])
}
