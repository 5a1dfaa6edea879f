use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    cookie,
    signed_in::{Answer, RefreshToken, declare_signed_in, refresh_hash},
};
use crate::{
    auth::{Authenticator, Revocations, Revoked, refusals::mark},
    config::Config,
    domain::audit::{By, Refusal},
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        Origins,
        api::{Operation, Tag, examples},
        by, client_address,
        input::OptionalJson,
    },
    store::{Refreshed, Rotation, Store},
};

/// How long a used token still brings another successor: two tabs, or an answer that was lost.
const GRACE: Duration = Duration::from_secs(10);

const REFUSED: ApiError = ApiError::Unauthenticated("The refresh token is not valid; sign in");

/// A refresh token, unless it comes in the browser's cookie.
#[derive(Default, Deserialize, ToSchema)]
pub struct RefreshForm {
    #[serde(default)]
    pub refresh_token: Option<String>,
}

/// `POST /api/auth/refresh`: a fresh token, and the next refresh token instead of this one.
#[expect(clippy::too_many_arguments, reason = "an extractor each")]
#[tracing::instrument(skip_all)]
pub async fn refresh(
    body: OptionalJson<RefreshForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    origins: web::Data<Origins>,
    store: web::Data<Store>,
    authenticator: web::Data<Authenticator>,
    revocations: web::Data<Revocations>,
) -> Result<HttpResponse, ApiError> {
    let (token, cookie) = match body.0.refresh_token {
        Some(token) => (token, false),
        None => {
            let kept = cookie::token_of_page(&request, &origins)?;
            let missing = "Send refresh_token in the body, or the browser's cookie";
            let kept = kept.ok_or_else(|| {
                mark(&request, Refusal::NoToken, None);
                ApiError::Unauthenticated(missing)
            })?;
            (kept, true)
        }
    };
    let known = store.find_login_of_refresh(refresh_hash(&token)).await?;
    let address = client_address(&request, &config);
    tell(&request, limits.refresh(known, address)?);
    let next = RefreshToken::new(config.auth.refresh_lifetime, None);
    let by = by(&request, &config, None);
    mark(&request, Refusal::BadRefreshToken, None);
    let Refreshed {
        login,
        user,
        ends_at,
    } = rotate(&token, &next, &config, &store, &revocations, &by).await?;
    let issued = authenticator.issue(&user, login, ends_at)?;
    let answer = Answer {
        status: StatusCode::OK,
        message: "Token refreshed",
        cookie,
    };
    Ok(answer.with(user, issued, next.ending(ends_at), Vec::new()))
}

pub fn declare_refresh() -> Operation {
    let refresh = Operation::new(Tag::SignIn, "refresh", "Exchanges a refresh token")
        .about(
            "The old one is used up. Used again it ends its login everywhere; but within 10 \
             seconds, while its successor is unused, it brings another one.",
        )
        .may_take::<RefreshForm>(json!({ "refresh_token": examples::REFRESH_TOKEN }))
        .header::<String>(
            "X-Parlor",
            "`1`, where the browser's cookie is to count.",
            "1",
        )
        .secured(json!([{}, { "refresh_cookie": [] }]))
        .refuses(&[
            ErrorCode::Unauthenticated,
            ErrorCode::Forbidden,
            ErrorCode::RateLimited,
            ErrorCode::Unavailable,
        ]);
    declare_signed_in(refresh, 200, "Token refreshed")
}

/// Exchanges a refresh token. One that was used before ends its login everywhere at once.
///
/// # Errors
/// 401 if the token is not, or no more, valid.
pub async fn rotate(
    token: &str,
    next: &RefreshToken,
    config: &Config,
    store: &Store,
    revocations: &Revocations,
    by: &By,
) -> Result<Refreshed, ApiError> {
    let old = refresh_hash(token);
    let lifetime = config.auth.login_lifetime;
    match store
        .rotate_refresh(old, next.hash, next.expires_at, lifetime, GRACE, by)
        .await?
    {
        Rotation::Rotated(refreshed) => Ok(*refreshed),
        Rotation::Reused { login, user_id } => {
            tracing::warn!(user.id = %user_id, "a refresh token was used twice; its login ends");
            revocations.announce(Revoked {
                user_id,
                login_id: Some(login),
            });
            Err(REFUSED)
        }
        Rotation::Unknown => Err(REFUSED),
    }
}
