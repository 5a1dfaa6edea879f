use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{
    cookie,
    refresh::{RefreshForm, rotate},
    signed_in::RefreshToken,
};
use crate::{
    auth::{Authenticator, Revocations, Revoked, bearer},
    config::Config,
    domain::{
        audit::By,
        ids::{LoginId, UserId},
    },
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        Origins,
        api::{Operation, Tag, examples},
        by,
        input::OptionalJson,
    },
    store::Store,
};

#[derive(Deserialize)]
pub struct LogoutQuery {
    #[serde(default)]
    everywhere: bool,
}

/// `POST /api/auth/logout`: ends this login, or all of the user's.
///
/// A page whose token ran out still has its cookie, so either proves who asks.
#[expect(clippy::too_many_arguments, reason = "an extractor each")]
#[tracing::instrument(skip_all)]
pub async fn log_out(
    query: web::Query<LogoutQuery>,
    body: OptionalJson<RefreshForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    origins: web::Data<Origins>,
    store: web::Data<Store>,
    authenticator: web::Data<Authenticator>,
    revocations: web::Data<Revocations>,
) -> Result<HttpResponse, ApiError> {
    let identified = match bearer(request.headers()) {
        Some(token) => authenticator
            .authenticate(token)
            .await
            .map_err(ApiError::from),
        None => Err(ApiError::Unauthenticated(
            "Sign in first: send a token as Bearer",
        )),
    };
    let stranger = by(&request, &config, None);
    let (user_id, login) = match identified {
        Ok(identity) => {
            let revoked = ApiError::Forbidden("An API token ends no login; revoke it instead");
            (identity.user.id, identity.login().ok_or(revoked)?)
        }
        Err(error @ ApiError::Unauthenticated(_)) => {
            let token = match body.0.refresh_token {
                Some(token) => token,
                None => cookie::token_of_page(&request, &origins)?.ok_or(error)?,
            };
            login_of(&token, &config, &store, &revocations, &stranger).await?
        }
        Err(error) => return Err(error),
    };
    let by = stranger.proved(user_id, Some(login));
    let login_id = if query.everywhere {
        store.end_all_logins(user_id, None, &by).await?;
        None
    } else {
        store.end_login(login, &by).await?;
        Some(login)
    };
    revocations.announce(Revoked { user_id, login_id });

    let mut response = HttpResponse::NoContent();
    if cookie::is_sent(&request) {
        response.cookie(cookie::no_cookie());
    }
    Ok(response.finish())
}

pub fn declare_log_out() -> Operation {
    let everywhere = json!({ "type": "boolean", "default": false });
    Operation::new(Tag::SignIn, "logOut", "Ends a login")
        .about(
            "Its tokens are refused from now on, and its sockets close. A token proves who asks, \
             or the refresh token in the body or the browser's cookie.",
        )
        .query("everywhere", everywhere, "End all logins of the user.")
        .may_take::<RefreshForm>(json!({ "refresh_token": examples::REFRESH_TOKEN }))
        .header::<String>(
            "X-Parlor",
            "`1`, where the browser's cookie is to count.",
            "1",
        )
        .secured(json!([{ "token": [] }, { "refresh_cookie": [] }, {}]))
        .answers_empty(204, "Signed out.")
        .answers_header(
            204,
            "Set-Cookie",
            "Takes the refresh token out of the browser.",
        )
        .refuses(&[
            ErrorCode::Unauthenticated,
            ErrorCode::Forbidden,
            ErrorCode::Unavailable,
        ])
}

/// The login that a refresh token belongs to. The token is used up, as by a refresh.
async fn login_of(
    token: &str,
    config: &Config,
    store: &Store,
    revocations: &Revocations,
    by: &By,
) -> Result<(UserId, LoginId), ApiError> {
    let next = RefreshToken::new(config.auth.refresh_lifetime, None);
    let refreshed = rotate(token, &next, config, store, revocations, by).await?;
    Ok((refreshed.user.id, refreshed.login))
}
