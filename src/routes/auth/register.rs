use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    second_step::declare_first_factor,
    signed_in::{Answer, FirstFactor, finish_sign_in},
};
use crate::{
    auth::{Authenticator, Hasher},
    config::Config,
    domain::user::Role,
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        by, client_address,
        input::Body,
        users::{NewAccount, REFUSALS_OF_NEW},
    },
    store::Store,
};

/// An account, and where its refresh token shall be kept.
#[derive(Deserialize, ToSchema)]
pub struct Registration {
    #[serde(flatten)]
    account: NewAccount,
    /// The refresh token goes to the browser's keeping, not into the body.
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
    let address = client_address(&request, &config);
    tell(&request, limits.registration(address)?);
    let by = by(&request, &config, None);
    let user = store.insert_user(account.hash(&hasher).await?, &by).await?;
    let answer = Answer {
        status: StatusCode::CREATED,
        message: "Registration successful",
        cookie,
    };
    finish_sign_in(
        user,
        FirstFactor::Registration,
        &request,
        &config,
        &store,
        &authenticator,
        answer,
    )
    .await
}

pub fn declare_register() -> Operation {
    let register = Operation::new(Tag::SignIn, "register", "Makes an account and signs in")
        .about("The account has the role `client`. Refused where registration is closed.")
        .takes::<Registration>(examples::new_account())
        .refuses(&REFUSALS_OF_NEW)
        .refuses(&[ErrorCode::Unauthenticated, ErrorCode::Unavailable]);
    declare_first_factor(register, 201, "Registration successful")
}
