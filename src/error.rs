//! Why a request failed: one error for every handler, one shape for every client.

use std::{borrow::Cow, time::Duration};

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{domain::Invalid, limits::Exhausted, protocol::code::ErrorCode};

/// Why a request failed, as far as its sender may know.
///
/// The variant fixes the status and the code; the message is for people. A cause is logged once,
/// where the error becomes a response, and is never sent.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{0}")]
    Unauthenticated(&'static str),
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("Registration is closed")]
    RegistrationClosed,
    #[error("This is not the token that the server printed at its last start")]
    WrongSetupToken,
    #[error("This code does not count: it is wrong, or was used before")]
    WrongCode,
    #[error("The ticket is not, or no longer, valid; sign in again")]
    TicketEnded,
    #[error("The link is not known: it was used, replaced by a newer one, or ran out")]
    InvalidLink,
    #[error("The link belongs to another account; sign in to that one")]
    OtherAccount,
    #[error("You signed in too long ago for this; sign in again")]
    LoginTooOld,
    #[error("This server sends no mail")]
    MailOff,
    #[error("{0} not found")]
    NotFound(&'static str),
    #[error("This route does not have that method")]
    MethodNotAllowed,
    #[error("{0}")]
    BadRequest(Cow<'static, str>),
    #[error("{}", list(.0))]
    Invalid(Vec<Invalid>),
    #[error("The body did not arrive in time")]
    RequestTimeout,
    #[error("The body is larger than this route takes")]
    PayloadTooLarge,
    #[error("Send the body as application/json")]
    UnsupportedMediaType,
    /// Something that must be unique is not, or a rule about the whole would break.
    #[error("{message}")]
    Conflict {
        code: ErrorCode,
        message: &'static str,
    },
    /// A sign-in with a provider that did not come to its end.
    #[error("{message}")]
    Oauth {
        code: ErrorCode,
        message: &'static str,
    },
    #[error("Too many requests; try again later")]
    RateLimited(Exhausted),
    #[error("The server has too much to do; try the same again")]
    Overloaded { retry_after: Duration },
    #[error("The service cannot store or read data now; try again later")]
    Unavailable(#[source] anyhow::Error),
    #[error("Something went wrong on our side")]
    Internal(#[source] anyhow::Error),
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(vec![invalid])
    }
}

impl From<Exhausted> for ApiError {
    fn from(exhausted: Exhausted) -> Self {
        Self::RateLimited(exhausted)
    }
}

impl ApiError {
    /// The word for programs.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unauthenticated(_) => ErrorCode::Unauthenticated,
            Self::Forbidden(_) => ErrorCode::Forbidden,
            Self::RegistrationClosed => ErrorCode::RegistrationClosed,
            Self::WrongSetupToken => ErrorCode::InvalidSetupToken,
            Self::WrongCode => ErrorCode::WrongCode,
            Self::TicketEnded => ErrorCode::TicketEnded,
            Self::InvalidLink => ErrorCode::InvalidLink,
            Self::OtherAccount => ErrorCode::OtherAccount,
            Self::LoginTooOld => ErrorCode::LoginTooOld,
            Self::MailOff => ErrorCode::NotAvailable,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::MethodNotAllowed => ErrorCode::MethodNotAllowed,
            Self::BadRequest(_) => ErrorCode::BadRequest,
            Self::Invalid(fields) if fields.iter().all(|f| f.code == "invalid_content") => {
                ErrorCode::InvalidContent
            }
            Self::Invalid(_) => ErrorCode::ValidationFailed,
            Self::RequestTimeout => ErrorCode::RequestTimeout,
            Self::PayloadTooLarge => ErrorCode::PayloadTooLarge,
            Self::UnsupportedMediaType => ErrorCode::UnsupportedMediaType,
            Self::Conflict { code, .. } | Self::Oauth { code, .. } => *code,
            Self::RateLimited(_) => ErrorCode::RateLimited,
            Self::Overloaded { .. } => ErrorCode::Overloaded,
            Self::Unavailable(_) => ErrorCode::Unavailable,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// What the client is told.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (fields, retry_after) = match self {
            Self::Invalid(fields) => (fields.clone(), None),
            Self::RateLimited(exhausted) => (Vec::new(), Some(exhausted.wait)),
            Self::Overloaded { retry_after } => (Vec::new(), Some(*retry_after)),
            Self::Unavailable(_) => (Vec::new(), Some(Duration::from_secs(1))),
            _ => (Vec::new(), None),
        };
        Problem {
            status: self.status_code(),
            code: self.code(),
            message: self.to_string(),
            fields,
            retry_after,
            exhausted: match self {
                Self::RateLimited(exhausted) => Some(*exhausted),
                _ => None,
            },
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unauthenticated(_) | Self::TicketEnded => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_)
            | Self::RegistrationClosed
            | Self::WrongSetupToken
            | Self::WrongCode
            | Self::InvalidLink
            | Self::OtherAccount
            | Self::LoginTooOld => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::MailOff => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadRequest(_)
            | Self::Invalid(_)
            | Self::Oauth {
                code: ErrorCode::OauthExpired,
                ..
            } => StatusCode::BAD_REQUEST,
            Self::Oauth { .. } => StatusCode::FORBIDDEN,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded { .. } | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// An empty response that carries its [`Problem`]: the body is written where the request's id
    /// is known.
    fn error_response(&self) -> HttpResponse {
        let problem = self.problem();
        let mut response = HttpResponse::new(problem.status);
        response.extensions_mut().insert(problem);
        response
    }
}

/// What a client is told of an error, before it has the request's id.
#[derive(Clone, Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub code: ErrorCode,
    pub message: String,
    pub fields: Vec<Invalid>,
    /// When to try again; rounded up to whole seconds in the `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// The limit that was reached.
    pub exhausted: Option<Exhausted>,
}

/// The one shape of every error.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody<'a> {
    /// Always true.
    error: bool,
    /// The HTTP status again.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    code: ErrorCode,
    /// What went wrong, for people.
    message: &'a str,
    /// The same as in the header `X-Request-Id`; the server's log names it.
    #[schema(format = Uuid)]
    request_id: &'a str,
    /// Every value that was refused, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldError<'a>>,
}

/// A value that was refused.
#[derive(Serialize, ToSchema)]
struct FieldError<'a> {
    /// The field, parameter or header as the client spells it.
    field: &'a str,
    /// Why, as a word that never changes.
    #[schema(pattern = "^[a-z_]+$")]
    code: &'a str,
    /// What the value must be, for people; the sentence begins with the field's name.
    message: &'a str,
}

impl Problem {
    /// The body: the one shape that every error of the REST API has.
    #[must_use]
    pub fn body(&self, request_id: &str) -> String {
        let body = ErrorBody {
            error: true,
            status: self.status.as_u16(),
            code: self.code,
            message: &self.message,
            request_id,
            fields: self
                .fields
                .iter()
                .map(|f| FieldError {
                    field: f.field,
                    code: f.code,
                    message: &f.message,
                })
                .collect(),
        };
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// The `Retry-After` header's value, in whole seconds and at least 1.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after
            .map(|wait| wait.as_millis().div_ceil(1000).max(1) as u64)
    }
}

fn list(fields: &[Invalid]) -> String {
    fields
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
