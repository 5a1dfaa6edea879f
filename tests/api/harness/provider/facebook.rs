//! Facebook as it documents itself: the manual login flow and `/me` with `appsecret_proof`.
//!
//! A person is `{"id", "name", "email"?}`.

use serde_json::json;

use super::{Asked, Inner, Reply};

pub(super) fn answer(inner: &mut Inner, asked: &Asked) -> Reply {
    let (_, path) = asked.path[1..].split_once('/').unwrap_or(("", ""));
    let error = |code: u32, message: &str| {
        let error = json!({ "message": message, "type": "OAuthException", "code": code });
        Reply::json(400, &json!({ "error": error }))
    };
    match path {
        "oauth/access_token" => match inner.exchange(asked) {
            Ok((token, _)) => Reply::json(
                200,
                &json!({
                    "access_token": token,
                    "token_type": "bearer",
                    "expires_in": 5_183_944,
                }),
            ),
            Err(wrong) => error(100, wrong),
        },
        "me" => {
            let Some((_, person)) = inner.bearer(asked) else {
                return error(190, "Invalid OAuth access token.");
            };
            let proof = asked.query.get("appsecret_proof").map(String::len);
            if proof != Some(64) {
                return error(100, "Invalid appsecret_proof provided in the API argument");
            }
            let fields = asked.query.get("fields").cloned().unwrap_or_default();
            let told = fields
                .split(',')
                .filter_map(|field| Some((field.to_owned(), person.get(field)?.clone())));
            Reply::json(200, &told.collect::<serde_json::Map<_, _>>().into())
        }
        _ => error(2500, "Unknown path components"),
    }
}
