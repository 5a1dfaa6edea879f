//! How the document tells of errors: one answer for each set of codes that share a status.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::examples::REQUEST_ID;
use crate::protocol::code::ErrorCode;

/// The fields of draft-ietf-httpapi-ratelimit-headers.
const RATE_LIMIT: [(&str, &str); 2] = [
    (
        "RateLimit",
        "What is left of each limit that counted the request, the one that refused it first: `r` \
         more at once, and after `t` seconds more again.",
    ),
    (
        "RateLimit-Policy",
        "The same limits: `q` at once, and as many again within `w` seconds.",
    ),
];

/// The status with which a code comes over HTTP; `None` for one of the socket alone.
pub const fn status(code: ErrorCode) -> Option<u16> {
    Some(match code {
        ErrorCode::BadRequest
        | ErrorCode::ValidationFailed
        | ErrorCode::InvalidContent
        | ErrorCode::OauthExpired => 400,
        ErrorCode::Unauthenticated | ErrorCode::TicketEnded => 401,
        ErrorCode::Forbidden
        | ErrorCode::RegistrationClosed
        | ErrorCode::InvalidSetupToken
        | ErrorCode::InvalidLink
        | ErrorCode::WrongCode
        | ErrorCode::LoginTooOld
        | ErrorCode::OtherAccount
        | ErrorCode::OauthDenied
        | ErrorCode::OauthFailed => 403,
        ErrorCode::NotFound | ErrorCode::NotAvailable => 404,
        ErrorCode::MethodNotAllowed => 405,
        ErrorCode::EmailTaken
        | ErrorCode::UsernameTaken
        | ErrorCode::RoomExists
        | ErrorCode::RoleExists
        | ErrorCode::RoleInUse
        | ErrorCode::BuiltInRole
        | ErrorCode::TooMany
        | ErrorCode::LastAdmin
        | ErrorCode::AdminExists
        | ErrorCode::NotEnrolled
        | ErrorCode::SecondFactorRequired
        | ErrorCode::IdentityTaken
        | ErrorCode::EmailInUse
        | ErrorCode::EmailVerified
        | ErrorCode::PasskeysUnavailable
        | ErrorCode::PasskeyTaken
        | ErrorCode::LastWayIn
        | ErrorCode::ClientMessageIdConflict => 409,
        ErrorCode::RequestTimeout => 408,
        ErrorCode::PayloadTooLarge => 413,
        ErrorCode::UnsupportedMediaType => 415,
        ErrorCode::RateLimited => 429,
        ErrorCode::Internal => 500,
        ErrorCode::Overloaded | ErrorCode::Unavailable => 503,
        ErrorCode::TokenExpiring
        | ErrorCode::NotConnected
        | ErrorCode::InvalidFrame
        | ErrorCode::UnknownType => return None,
    })
}

/// Codes by the status that they share.
fn by_status(codes: &[ErrorCode]) -> BTreeMap<u16, Vec<ErrorCode>> {
    let mut found: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        if let Some(status) = status(*code) {
            found.entry(status).or_default().push(*code);
        }
    }
    found
}

/// The answers of an operation that may be refused with these codes.
pub fn references(codes: &[ErrorCode]) -> impl Iterator<Item = (u16, Value)> {
    by_status(codes).into_iter().map(|(status, codes)| {
        let reference = format!("#/components/responses/{}", name(&codes));
        (status, json!({ "$ref": reference }))
    })
}

/// What [`references`] refers to.
pub fn components(codes: &[ErrorCode]) -> impl Iterator<Item = (String, Value)> {
    by_status(codes)
        .into_iter()
        .map(|(status, codes)| (name(&codes), answer(status, &codes)))
}

/// `email_taken` and `username_taken` make `EmailTakenOrUsernameTaken`.
fn name(codes: &[ErrorCode]) -> String {
    let camel = |code: &ErrorCode| -> String {
        code.as_str()
            .split('_')
            .flat_map(|word| {
                word.chars()
                    .take(1)
                    .map(|c| c.to_ascii_uppercase())
                    .chain(word.chars().skip(1))
            })
            .collect()
    };
    codes.iter().map(camel).collect::<Vec<_>>().join("Or")
}

/// An answer with a status for one of these reasons.
pub fn answer(status: u16, codes: &[ErrorCode]) -> Value {
    let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let about: Vec<String> = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.as_str(), code.about()))
        .collect();
    let examples: BTreeMap<&str, Value> = codes
        .iter()
        .map(|code| (code.as_str(), json!({ "value": example(status, *code) })))
        .collect();
    let schema = json!({
        "allOf": [
            { "$ref": "#/components/schemas/Error" },
            { "properties": { "status": { "const": status }, "code": { "enum": words } } },
        ],
    });
    let mut headers = request_id();
    let header = |about: &str, schema: Value| json!({ "description": about, "schema": schema });
    if let Some(headers) = headers.as_object_mut() {
        match status {
            401 => {
                let bearer = json!({ "type": "string", "const": "Bearer" });
                let about = "The way to sign in.";
                headers.insert("WWW-Authenticate".to_owned(), header(about, bearer));
            }
            429 | 503 => {
                let seconds = json!({ "type": "integer", "minimum": 1 });
                let about = "Seconds to wait before the next try.";
                headers.insert("Retry-After".to_owned(), header(about, seconds));
                if status == 429 {
                    for (name, about) in RATE_LIMIT {
                        let text = json!({ "type": "string" });
                        headers.insert(name.to_owned(), header(about, text));
                    }
                }
            }
            _ => {}
        }
    }
    json!({
        "description": about.join("\n\n"),
        "headers": headers,
        "content": { "application/json": { "schema": schema, "examples": examples } },
    })
}

/// The header that every answer has.
pub fn request_id() -> Value {
    json!({ "X-Request-Id": { "$ref": "#/components/headers/RequestId" } })
}

fn example(status: u16, code: ErrorCode) -> Value {
    let mut example = json!({
        "error": true,
        "status": status,
        "code": code.as_str(),
        "message": code.about(),
        "request_id": REQUEST_ID,
    });
    let field = match code {
        ErrorCode::ValidationFailed => json!({
            "field": "password",
            "code": "password_too_short",
            "message": "must have at least 8 characters",
        }),
        ErrorCode::InvalidContent => json!({
            "field": "content",
            "code": "invalid_content",
            "message": "must not be blank",
        }),
        _ => return example,
    };
    if let Some(example) = example.as_object_mut() {
        example.insert("fields".to_owned(), json!([field]));
    }
    example
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_named_by_its_codes() {
        let codes = [ErrorCode::EmailTaken, ErrorCode::UsernameTaken];
        assert_eq!(name(&codes), "EmailTakenOrUsernameTaken");
    }

    /// A code that has no status here would be in no answer of the document.
    #[test]
    fn codes_without_a_status_are_those_of_frames_alone() {
        for code in ErrorCode::ALL {
            assert!(status(*code).is_some() || code.is_of_frames(), "{code:?}");
        }
    }
}
