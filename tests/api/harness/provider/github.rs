//! GitHub as it documents itself: the web application flow, `/user` and `/user/emails`.
//!
//! A person is `{"user": …, "emails": […]}`.

use serde_json::json;

use super::{Asked, Inner, Reply};

pub(super) fn answer(inner: &mut Inner, asked: &Asked) -> Reply {
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/login/oauth/access_token") => match inner.exchange(asked) {
            Ok((token, _)) => Reply::json(
                200,
                &json!({
                    "access_token": token,
                    "scope": "read:user,user:email",
                    "token_type": "bearer",
                }),
            ),
            // GitHub tells of errors with 200.
            Err(error) => Reply::json(
                200,
                &json!({
                    "error": error,
                    "error_description": "The code passed is incorrect or expired.",
                    "error_uri": "https://docs.github.com/",
                }),
            ),
        },
        ("GET", "/api/v3/user" | "/api/v3/user/emails") => {
            // GitHub refuses requests without.
            if asked.header("user-agent").unwrap_or_default().is_empty() {
                return Reply::json(403, &json!({ "message": "Request forbidden" }));
            }
            match inner.bearer(asked) {
                None => Reply::json(401, &json!({ "message": "Bad credentials" })),
                Some((_, person)) if asked.path.ends_with("/emails") => {
                    Reply::json(200, &person["emails"])
                }
                Some((_, person)) => Reply::json(200, &person["user"]),
            }
        }
        _ => Reply::json(404, &json!({ "message": "Not Found" })),
    }
}
