use actix_web::{HttpRequest, HttpResponse, web};

use super::{RecoveryCodes, recovery_codes_example};
use crate::{
    auth::{AuthUser, RecoveryCode},
    config::Config,
    domain::{
        audit::Act,
        ids::UserId,
        policy::{Action, Target, allows},
    },
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        auth::step_up::{Proof, StepUp, declare_proof},
        by,
        input::OptionalJson,
    },
    store::{Store, StoreError},
};

/// There is nothing to change.
const NO_APP: ApiError = ApiError::Conflict {
    code: ErrorCode::NotEnrolled,
    message: "No authenticator app is set up",
};

/// `POST /api/auth/two-factor/totp/remove`: sign-ins ask for no code any more.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn remove_totp(
    user: AuthUser,
    proof: OptionalJson<Proof>,
    step_up: StepUp,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
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
    step_up.prove(&user, proof.0).await?;
    let by = by(&request, &config, Some(&user.0));
    store
        .remove_two_factor(user.id, Act::TwoFactorRemove, &by)
        .await?;
    tracing::info!("an authenticator app was removed");
    Ok(HttpResponse::NoContent().finish())
}

pub fn declare_remove() -> Operation {
    let remove = Operation::new(
        Tag::SignIn,
        "removeTotp",
        "Removes the authenticator app and the recovery codes",
    )
    .about("Refused to who has a role that requires a second factor.")
    .signed_in()
    .answers_empty(204, "Signing in asks for no code any more.")
    .refuses(&[ErrorCode::NotEnrolled, ErrorCode::SecondFactorRequired]);
    declare_proof(remove)
}

/// `POST /api/auth/two-factor/recovery-codes`: ten new ones instead of those that are left.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn renew_recovery_codes(
    user: AuthUser,
    proof: OptionalJson<Proof>,
    step_up: StepUp,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<web::Json<RecoveryCodes>, ApiError> {
    if !store.find_two_factor(&user).await?.totp {
        return Err(NO_APP);
    }
    step_up.prove(&user, proof.0).await?;
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
    let renew = Operation::new(
        Tag::SignIn,
        "renewRecoveryCodes",
        "Makes ten new recovery codes",
    )
    .about("They are shown this once; those from before count no more.")
    .signed_in()
    .answers::<RecoveryCodes>(200, "The new codes.", recovery_codes_example())
    .refuses(&[ErrorCode::NotEnrolled]);
    declare_proof(renew)
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
    if *id == admin.id {
        return Err(ApiError::Forbidden(
            "Remove your own second factor with your password and a code",
        ));
    }
    let found = store.find_user(*id).await?;
    let target = found.as_ref().map_or(Target::nobody(*id), Target::from);
    if !allows(&admin, Action::ManageUser(target)) {
        return Err(ApiError::Forbidden("You may not change this user"));
    }
    if found.is_none() {
        return Err(ApiError::NotFound("User"));
    }
    let by = by(&request, &config, Some(&admin.0));
    if !store
        .remove_two_factor(*id, Act::TwoFactorReset, &by)
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
        "For who has `users.write` and may do all that the user may, when somebody else lost the app and the recovery codes. The user's logins go on; \
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
