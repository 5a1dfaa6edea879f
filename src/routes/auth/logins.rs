use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::cookie;
use crate::{
    auth::{AuthUser, Revocations, Revoked},
    clock,
    config::Config,
    domain::ids::LoginId,
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        by,
    },
    store::{OpenLogin, Store, StoreError},
};

/// The most logins that a list has.
const MAX_LOGINS: i64 = 100;

/// A device where the caller is signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = Login)]
struct LoginView {
    id: LoginId,
    /// What the device said of itself, its `User-Agent`.
    #[schema(required = true)]
    device: Option<String>,
    #[schema(required = true)]
    address: Option<String>,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    /// The one that asks.
    current: bool,
}

/// Where the caller is signed in.
#[derive(Serialize, ToSchema)]
pub struct LoginList {
    data: Vec<LoginView>,
}

/// `GET /api/auth/logins`: where the caller is signed in.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn list_logins(
    user: AuthUser,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<web::Json<LoginList>, ApiError> {
    let current = user.login();
    let lifetime = TimeDelta::from_std(config.auth.token_lifetime).unwrap_or(TimeDelta::MAX);
    let tokens_since = clock::now().checked_sub_signed(lifetime);
    let longest = config.auth.login_lifetime.map(TimeDelta::from_std);
    let longest = longest.and_then(Result::ok).unwrap_or(TimeDelta::MAX);
    let opened_since = clock::now().checked_sub_signed(longest);
    let logins = store
        .list_logins(
            user.id,
            current,
            tokens_since.unwrap_or(DateTime::UNIX_EPOCH),
            opened_since.unwrap_or(DateTime::UNIX_EPOCH),
            MAX_LOGINS,
        )
        .await?;
    let view = |login: OpenLogin| LoginView {
        current: login.id == current,
        id: login.id,
        device: login.device,
        address: login.address,
        created_at: login.created_at,
        last_used_at: login.last_used_at,
    };
    Ok(web::Json(LoginList {
        data: logins.into_iter().map(view).collect(),
    }))
}

pub fn declare_list_logins() -> Operation {
    let login = json!({
        "id": examples::LOGIN_ID,
        "device": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "address": "192.0.2.7",
        "created_at": examples::TIME,
        "last_used_at": examples::TIME,
        "current": true,
    });
    Operation::new(
        Tag::SignIn,
        "listLogins",
        "Lists where the caller is signed in",
    )
    .signed_in()
    .answers::<LoginList>(
        200,
        "This one first, then the last used ones, 100 at most.",
        json!({ "data": [login] }),
    )
}

/// `DELETE /api/auth/logins/{id}`: signs the caller out there.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn end_login(
    user: AuthUser,
    login: web::Path<LoginId>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
    revocations: web::Data<Revocations>,
) -> Result<HttpResponse, ApiError> {
    store
        .end_login_of(user.id, *login, &by(&request, &config, Some(&user.0)))
        .await
        .map_err(|error| match error {
            StoreError::NotFound => ApiError::NotFound("Login"),
            error => error.into(),
        })?;
    revocations.announce(Revoked {
        user_id: user.id,
        login_id: Some(*login),
    });
    let mut response = HttpResponse::NoContent();
    if user.login() == *login && cookie::is_sent(&request) {
        response.cookie(cookie::no_cookie());
    }
    Ok(response.finish())
}

pub fn declare_end_login() -> Operation {
    Operation::new(Tag::SignIn, "endLogin", "Signs the caller out somewhere")
        .path::<LoginId>("id", "The login's id.", examples::LOGIN_ID)
        .signed_in()
        .answers_empty(204, "Signed out there.")
        .answers_header(
            204,
            "Set-Cookie",
            "Takes the refresh token out of the browser.",
        )
        .refuses(&[ErrorCode::BadRequest, ErrorCode::NotFound])
}

/// `DELETE /api/auth/logins`: signs the caller out everywhere else.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn end_other_logins(
    user: AuthUser,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
    revocations: web::Data<Revocations>,
) -> Result<HttpResponse, ApiError> {
    let by = by(&request, &config, Some(&user.0));
    if store
        .end_all_logins(user.id, Some(user.login()), &by)
        .await?
    {
        // All look again, and this one finds itself unchanged.
        revocations.announce(Revoked {
            user_id: user.id,
            login_id: None,
        });
    }
    Ok(HttpResponse::NoContent().finish())
}

pub fn declare_end_other_logins() -> Operation {
    Operation::new(
        Tag::SignIn,
        "endOtherLogins",
        "Signs the caller out everywhere else",
    )
    .signed_in()
    .answers_empty(204, "Signed out there.")
}
