use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    auth::{AuthUser, Revocations, Revoked, refusals},
    config::Config,
    domain::{
        Invalid,
        audit::Refusal,
        mail::LinkToken,
        policy::{Action, allows},
    },
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        by, client_address,
        input::{Body, Form, Given},
    },
    store::{Store, StoreError, Verification, Verified},
};

/// The secret of a mail's link: what stands behind `#token=`.
#[derive(Default, Deserialize, ToSchema)]
pub struct LinkForm {
    #[schema(value_type = String, required = true)]
    #[serde(default)]
    token: Given<String>,
}

/// `POST /api/auth/email/verify`: who has the link reads mail at the address, and who is signed in
/// made the account.
///
/// The link alone would prove an account that a stranger made with the address of who follows it.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn verify_email(
    user: AuthUser,
    body: Body<LinkForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
    revocations: web::Data<Revocations>,
) -> Result<HttpResponse, ApiError> {
    check_mail(&config)?;
    tell(&request, limits.oauth(client_address(&request, &config))?);
    let mut form = Form::default();
    let token = form.required("token", body.into_inner().token, Ok::<String, Invalid>);
    let token = token.ok_or_else(|| form.into_error())?;
    let by = by(&request, &config, Some(&user.0));
    let verified = store
        .verify_email(user.id, &LinkToken::shown(token), &by)
        .await
        .map_err(|error| unknown_link(error, &request))?;
    if verified == Verified::OtherAccount {
        refusals::mark(&request, Refusal::BadLink, None);
        return Err(ApiError::OtherAccount);
    }
    tracing::info!("an e-mail address was verified");
    // What is remembered of the user says otherwise.
    revocations.announce(Revoked {
        user_id: user.id,
        login_id: None,
    });
    Ok(HttpResponse::NoContent().finish())
}

pub fn declare_verify_email() -> Operation {
    Operation::new(
        Tag::SignIn,
        "verifyEmail",
        "Verifies the own e-mail address",
    )
    .about(
        "With what stands behind `#token=` in the link of a mail. It works once, for 24 hours, \
             for the address that it was sent to, and for the account that has it; a newer mail \
             replaces it. Another account's link is not used up.",
    )
    .signed_in()
    .takes::<LinkForm>(json!({ "token": examples::REFRESH_TOKEN }))
    .answers_empty(204, "The address is verified.")
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::InvalidLink,
        ErrorCode::OtherAccount,
        ErrorCode::NotAvailable,
        ErrorCode::RateLimited,
        ErrorCode::Unavailable,
    ])
}

/// `POST /api/auth/email/verification`: sends the mail with the link again.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn send_verification(
    user: AuthUser,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    if !allows(&user, Action::ManageOwnAccess) {
        return Err(ApiError::Forbidden("A token cannot do this for its user"));
    }
    check_mail(&config)?;
    let address = client_address(&request, &config);
    tell(&request, limits.verification(user.id, address)?);
    match store.send_verification(user.id).await? {
        Verification::Sent => Ok(HttpResponse::Accepted().finish()),
        Verification::Verified => Err(ApiError::Conflict {
            code: ErrorCode::EmailVerified,
            message: "Your e-mail address is verified already",
        }),
        Verification::NoAddress => Err(ApiError::NotFound("E-mail address")),
    }
}

pub fn declare_send_verification() -> Operation {
    Operation::new(
        Tag::SignIn,
        "sendVerification",
        "Sends the caller another mail to verify the e-mail address",
    )
    .about("The link of an earlier mail works no more.")
    .signed_in()
    .answers_empty(202, "The mail is on its way.")
    .refuses(&[
        ErrorCode::EmailVerified,
        ErrorCode::Forbidden,
        ErrorCode::NotFound,
        ErrorCode::NotAvailable,
        ErrorCode::RateLimited,
    ])
}

/// Refuses what needs mail on a server that sends none.
pub fn check_mail(config: &Config) -> Result<(), ApiError> {
    if config.mail.is_on() {
        Ok(())
    } else {
        Err(ApiError::MailOff)
    }
}

/// What the store does not find is a link that does not work.
pub fn unknown_link(error: StoreError, request: &HttpRequest) -> ApiError {
    match error {
        StoreError::NotFound => {
            refusals::mark(request, Refusal::BadLink, None);
            ApiError::InvalidLink
        }
        error => error.into(),
    }
}
