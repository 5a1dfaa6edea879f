//! A sign-in that did not come to its end, as a browser and as a program are told.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{ACCEPT, LOCATION, REFERRER_POLICY},
    },
    web,
};

use crate::{
    auth::{
        Refusals,
        oauth::{CALLBACK, ProviderError},
        refusals::{Key, mark},
    },
    config::Config,
    domain::audit::Refusal,
    error::ApiError,
    protocol::code::ErrorCode,
    routes::client_address,
};

/// The page that ends a sign-in in a browser.
pub const COMPLETE: &str = "/sign-in/complete";
/// The page where a link was asked for.
pub const PROFILE: &str = "/profile";

pub const DENIED: ApiError = ApiError::Oauth {
    code: ErrorCode::OauthDenied,
    message: "The provider was not allowed to tell who you are",
};
pub const EXPIRED: ApiError = ApiError::Oauth {
    code: ErrorCode::OauthExpired,
    message: "The sign-in took too long or began in another browser; begin again",
};
pub const FAILED: ApiError = ApiError::Oauth {
    code: ErrorCode::OauthFailed,
    message: "What the provider said does not prove who you are",
};
pub const EMAIL_IN_USE: ApiError = ApiError::Conflict {
    code: ErrorCode::EmailInUse,
    message: "An account has this e-mail address. Sign in to it, and link the two in your profile",
};
pub const INACTIVE: ApiError = ApiError::Unauthenticated("This account is switched off");

impl From<ProviderError> for ApiError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(_) => Self::Unavailable(error.into()),
            ProviderError::Refused(reason) => {
                tracing::warn!(reason, "a provider vouched for nobody");
                FAILED
            }
        }
    }
}

/// Whether a program asks, which wants an answer and no page.
pub fn asks_for_json(request: &HttpRequest) -> bool {
    let accepts = request.headers().get(ACCEPT);
    accepts
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kinds| kinds.contains("application/json") && !kinds.contains("text/html"))
}

/// Sends the browser on to a page, with what it shall know behind the `#`.
pub fn go_on(page: &str, known: &[(&str, &str)]) -> HttpResponse {
    let fragment = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(known)
        .finish();
    HttpResponse::build(StatusCode::SEE_OTHER)
        .insert_header((LOCATION, format!("{page}#{fragment}")))
        // The address that is left holds the provider's code.
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}

/// Tells whoever asked what went wrong: a program in JSON, a browser by one of few words.
pub fn tell(request: &HttpRequest, page: &str, error: ApiError) -> Result<HttpResponse, ApiError> {
    let refusal = refusal(&error);
    if asks_for_json(request) {
        if let Some(kind) = refusal {
            mark(request, kind, None);
        }
        return Err(error);
    }
    if let Some(kind) = refusal {
        note(request, kind);
    }
    // Where an error becomes a response, its cause would be logged; this one becomes none.
    match &error {
        ApiError::Internal(cause) => {
            tracing::error!(cause = format!("{cause:#}"), "a sign-in failed");
        }
        ApiError::Unavailable(cause) => {
            tracing::warn!(cause = format!("{cause:#}"), "a sign-in failed");
        }
        _ => {}
    }
    Ok(go_on(page, &[("error", word(&error))]))
}

/// What the audit log calls it, if somebody was refused.
fn refusal(error: &ApiError) -> Option<Refusal> {
    match error.code() {
        ErrorCode::OauthDenied
        | ErrorCode::OauthExpired
        | ErrorCode::OauthFailed
        | ErrorCode::EmailInUse
        | ErrorCode::IdentityTaken
        | ErrorCode::Unauthenticated => Some(Refusal::Provider),
        ErrorCode::RegistrationClosed => Some(Refusal::RegistrationClosed),
        ErrorCode::RateLimited => Some(Refusal::RateLimited),
        _ => None,
    }
}

/// Counts a refusal for the audit log. A browser's answer is no error, so nobody else would.
fn note(request: &HttpRequest, kind: Refusal) {
    let refusals = request.app_data::<web::Data<Refusals>>();
    let config = request.app_data::<web::Data<Config>>();
    if let (Some(refusals), Some(config)) = (refusals, config) {
        let address = client_address(request, config);
        let place = format!("GET {CALLBACK}");
        refusals.note(kind, Key::Network(address), Some(address), &place);
    }
}

/// The words of `#error=`.
fn word(error: &ApiError) -> &'static str {
    match error.code() {
        ErrorCode::OauthDenied => "denied",
        ErrorCode::OauthExpired => "expired",
        ErrorCode::OauthFailed => "failed",
        ErrorCode::EmailInUse => "email_in_use",
        ErrorCode::IdentityTaken => "identity_taken",
        ErrorCode::RegistrationClosed => "registration_closed",
        ErrorCode::RateLimited => "rate_limited",
        ErrorCode::TooMany => "too_many",
        ErrorCode::Unauthenticated => "inactive",
        _ => "unavailable",
    }
}
