use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::Deserialize;

use super::signed_in::{Answer, open_login};
use crate::{
    auth::{Authenticator, Hasher},
    config::Config,
    domain::user::Role,
    error::ApiError,
    limits::Limits,
    routes::{client_address, input::Body, users::NewAccount},
    store::Store,
};

#[derive(Deserialize)]
pub struct Registration {
    #[serde(flatten)]
    account: NewAccount,
    #[serde(default)]
    cookie: bool,
}

/// `POST /api/auth/register`: a new client, signed in at once.
#[tracing::instrument(skip_all)]
pub async fn register(
    body: Body<Registration>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    hasher: web::Data<Hasher>,
    store: web::Data<Store>,
    authenticator: web::Data<Authenticator>,
) -> Result<HttpResponse, ApiError> {
    if !config.auth.registration_open {
        return Err(ApiError::RegistrationClosed);
    }
    let Registration { account, cookie } = body.into_inner();
    let account = account.check()?;
    if account.role != Role::Client {
        return Err(ApiError::Forbidden("Only admins give roles"));
    }
    limits
        .registration(client_address(&request, &config))
        .map_err(|retry_after| ApiError::RateLimited { retry_after })?;
    let user = store.insert_user(account.hash(&hasher).await?).await?;
    let answer = Answer {
        status: StatusCode::CREATED,
        message: "Registration successful",
        cookie,
    };
    open_login(user, &request, &config, &store, &authenticator, answer).await
}
