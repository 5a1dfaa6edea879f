use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    browser::{self, Browser},
    hash,
};
use crate::{
    auth::Authenticator,
    config::Config,
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        auth::{
            second_step::declare_first_factor,
            signed_in::{Answer, FirstFactor, finish_sign_in},
        },
        client_address,
        input::{Body, Form, Given},
    },
    store::Store,
};

const REFUSED: ApiError = ApiError::Unauthenticated("The code is not valid; sign in again");

/// The code that came with the page's address.
#[derive(Default, Deserialize, ToSchema)]
pub struct ExchangeForm {
    #[schema(value_type = String, required = true)]
    #[serde(default)]
    code: Given<String>,
    /// The refresh token goes to the browser's keeping, not into the body.
    #[serde(default)]
    cookie: bool,
}

/// `POST /api/auth/oauth/exchange`: a login for the code that the callback gave.
#[tracing::instrument(skip_all)]
pub async fn exchange(
    body: Body<ExchangeForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
    authenticator: web::Data<Authenticator>,
) -> Result<HttpResponse, ApiError> {
    let address = client_address(&request, &config);
    tell(&request, limits.oauth(address)?);
    let ExchangeForm { code, cookie } = body.into_inner();
    let mut form = Form::default();
    let code = form.required("code", code, Ok::<String, _>);
    let code = code.ok_or_else(|| form.into_error())?;
    let browser = Browser::known(&request).ok_or(REFUSED)?;
    let taken = store.take_oauth_code(hash(&code), browser.hash()).await?;
    let (user, provider) = taken.ok_or(REFUSED)?;
    let user = store.find_user(user).await?;
    let user = user.filter(|user| user.active).ok_or(REFUSED)?;
    let answer = Answer {
        status: StatusCode::OK,
        message: "Login successful",
        cookie,
    };
    let mut response = finish_sign_in(
        user,
        FirstFactor::OAuth(provider),
        &request,
        &config,
        &store,
        &authenticator,
        answer,
    )
    .await?;
    response
        .add_cookie(&browser::no_cookie())
        .map_err(|error| ApiError::Internal(error.into()))?;
    Ok(response)
}

pub fn declare_exchange() -> Operation {
    let exchange = Operation::new(
        Tag::SignIn,
        "exchangeOauth",
        "Exchanges the code of a sign-in with a provider",
    )
    .about(
        "The code stands behind the `#` of the page that the callback leads to. It lasts a minute, \
         counts once, and only with the cookie of the browser where the sign-in began.",
    )
    .takes::<ExchangeForm>(json!({ "code": examples::REFRESH_TOKEN, "cookie": true }))
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::Unauthenticated,
        ErrorCode::RateLimited,
        ErrorCode::Unavailable,
    ]);
    declare_first_factor(exchange, 200, "Login successful")
}
