use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::email::{check_mail, unknown_link};
use crate::{
    auth::{Hasher, Revocations, Revoked},
    config::Config,
    domain::{
        Invalid,
        mail::LinkToken,
        user::{Email, NewPassword},
    },
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        by, client_address,
        input::{Body, Form, Given},
    },
    store::{Store, StoreError},
};

/// Whose password was forgotten.
#[derive(Default, Deserialize, ToSchema)]
pub struct ForgottenPassword {
    #[schema(value_type = Email, required = true)]
    #[serde(default)]
    email: Given<String>,
}

/// `POST /api/auth/password/forgot`: a link by mail, if anybody has the address.
///
/// Nothing here depends on whether anybody has it: not the answer, not the work, and so not the
/// time. Whoever has it is looked up by the worker of the job queue.
#[tracing::instrument(skip_all)]
pub async fn forget_password(
    body: Body<ForgottenPassword>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    check_mail(&config)?;
    let address = client_address(&request, &config);
    tell(&request, limits.reset_from(address)?);
    let mut form = Form::default();
    let email = form.required("email", body.into_inner().email, |text: String| {
        Email::parse(&text)
    });
    let email = email.ok_or_else(|| form.into_error())?.key();
    store
        .note_forgotten(email, &by(&request, &config, None))
        .await?;
    Ok(HttpResponse::Accepted().finish())
}

pub fn declare_forget_password() -> Operation {
    Operation::new(
        Tag::SignIn,
        "forgetPassword",
        "Asks for a link to set a forgotten password anew",
    )
    .about(
        "The link comes by mail, works once and for 30 minutes; a newer one replaces it. The answer \
         is the same whether anybody has the address or not, and whether it has got as many mails \
         as it may get in an hour.",
    )
    .takes::<ForgottenPassword>(json!({ "email": "ada@example.org" }))
    .answers_empty(202, "If somebody has the address, a mail is on its way.")
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::NotAvailable,
        ErrorCode::RateLimited,
        ErrorCode::Unavailable,
    ])
}

/// A password to be, and the secret of the link that lets one set it.
#[derive(Default, Deserialize, ToSchema)]
pub struct PasswordReset {
    #[schema(value_type = String, required = true)]
    #[serde(default)]
    token: Given<String>,
    #[schema(value_type = NewPassword, required = true)]
    #[serde(default)]
    password: Given<String>,
}

/// `POST /api/auth/password/reset`: another password for who has the link; every login ends.
#[tracing::instrument(skip_all)]
pub async fn reset_password(
    body: Body<PasswordReset>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    hasher: web::Data<Hasher>,
    store: web::Data<Store>,
    revocations: web::Data<Revocations>,
) -> Result<HttpResponse, ApiError> {
    check_mail(&config)?;
    tell(&request, limits.oauth(client_address(&request, &config))?);
    let (token, password) = body.into_inner().check()?;
    // A stranger hashes nothing here.
    if !store.is_reset(&token).await? {
        return Err(unknown_link(StoreError::NotFound, &request));
    }
    let hash = hasher.hash(password).await?;
    let by = by(&request, &config, None);
    let reset = store.reset_password(&token, hash, &by).await;
    let user_id = reset.map_err(|error| unknown_link(error, &request))?;
    tracing::info!(user.id = %user_id, "a forgotten password was set anew");
    revocations.announce(Revoked {
        user_id,
        login_id: None,
    });
    Ok(HttpResponse::NoContent().finish())
}

pub fn declare_reset_password() -> Operation {
    let body = json!({ "token": examples::REFRESH_TOKEN, "password": examples::PASSWORD });
    Operation::new(
        Tag::SignIn,
        "resetPassword",
        "Sets a forgotten password anew",
    )
    .about(
        "With what stands behind `#token=` in the link of the mail. Every login ends, and the \
         address counts as verified. Sign in afterwards.",
    )
    .takes::<PasswordReset>(body)
    .answers_empty(204, "The password is set.")
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::InvalidLink,
        ErrorCode::NotAvailable,
        ErrorCode::RateLimited,
        ErrorCode::Overloaded,
        ErrorCode::Unavailable,
    ])
}

impl PasswordReset {
    fn check(self) -> Result<(LinkToken, NewPassword), ApiError> {
        let mut form = Form::default();
        let token = form.required("token", self.token, |text: String| {
            Ok::<_, Invalid>(LinkToken::shown(text))
        });
        let password = form.required("password", self.password, |text: String| {
            NewPassword::parse(SecretString::from(text))
        });
        match (token, password) {
            (Some(token), Some(password)) => form.check().map(|()| (token, password)),
            _ => Err(form.into_error()),
        }
    }
}
