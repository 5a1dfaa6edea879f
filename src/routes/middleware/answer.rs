use actix_web::{
    Error, HttpMessage,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, Method, StatusCode, Version,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use tracing_actix_web::RequestId;
use uuid::Uuid;

use super::note_refusal;
use crate::{
    error::{ApiError, Problem},
    limits::{self, Exhausted, Left},
    protocol::code::ErrorCode,
    routes::{Origins, Places},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Marks a response whose body stays although its status is an error's: a page for people.
pub struct AsItIs;

/// Gives every response its request id, and every error the one shape.
///
/// An error that a framework or an extractor answered has a body of its own; it is replaced, so
/// that a client never meets a second shape.
pub async fn finish_answer(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody, String>>, Error> {
    let id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(Uuid::now_v7, |id| **id)
        .to_string();
    // What they may do is said by the page that loads them.
    let is_asset = request.path().starts_with("/assets/");
    let https_alone = request
        .app_data::<web::Data<Origins>>()
        .is_some_and(|origins| origins.are_https_alone());
    let is_head = request.method() == Method::HEAD;
    let hang_up = request.version() <= Version::HTTP_11
        && request
            .app_data::<web::Data<Places>>()
            .is_some_and(|places| places.are_scarce());

    let response = next.call(request).await?;

    let left = limits::told(response.request());
    let problem = problem_of(&response);
    if let Some(problem) = &problem {
        note_refusal(&response, problem);
    }
    let mut response = match &problem {
        Some(problem) => {
            let body = if is_head {
                String::new()
            } else {
                problem.body(&id)
            };
            response.map_body(|head, _| {
                head.headers_mut().remove(header::CONTENT_LENGTH);
                EitherBody::right(body)
            })
        }
        None => response.map_into_left_body(),
    };

    if hang_up {
        response
            .response_mut()
            .head_mut()
            .set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    harden(headers, is_asset, https_alone);
    let exhausted = problem.as_ref().and_then(|problem| problem.exhausted);
    tell_limits(headers, exhausted, &left);
    if let Some(problem) = problem {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Some(seconds) = problem.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if problem.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
    }
    Ok(response)
}

/// Says what browsers may do with an answer, where its handler did not: keep it, show it within
/// another page, tell others where they were.
fn harden(headers: &mut HeaderMap, is_asset: bool, https_alone: bool) {
    let mut unless_set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    unless_set(header::CACHE_CONTROL, "no-store");
    unless_set(header::REFERRER_POLICY, "no-referrer");
    unless_set(header::CROSS_ORIGIN_OPENER_POLICY, "same-origin");
    if !is_asset {
        let nothing = "default-src 'none'; frame-ancestors 'none'";
        unless_set(header::CONTENT_SECURITY_POLICY, nothing);
    }
    if https_alone {
        unless_set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

/// Says which limits counted the request: the one that refused it first, then what is left of others
/// (draft-ietf-httpapi-ratelimit-headers).
fn tell_limits(headers: &mut HeaderMap, exhausted: Option<Exhausted>, left: &[Left]) {
    let refused = exhausted.map(|exhausted| (exhausted.item(), exhausted.policy));
    let told = left.iter().map(|left| (left.item(), left.policy));
    let (items, policies): (Vec<_>, Vec<_>) = refused
        .into_iter()
        .chain(told)
        .map(|(item, policy)| (item, policy.item()))
        .unzip();
    for (name, list) in [(RATE_LIMIT, items), (RATE_LIMIT_POLICY, policies)] {
        if let (false, Ok(value)) = (list.is_empty(), HeaderValue::from_str(&list.join(", "))) {
            headers.insert(name, value);
        }
    }
}

/// What to tell the client if this response is an error. Logs its cause, which stays here.
fn problem_of(response: &ServiceResponse<impl MessageBody>) -> Option<Problem> {
    let response = response.response();
    if response.extensions().get::<AsItIs>().is_some() {
        return None;
    }
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    match response.error().map(|error| (error, error.as_error())) {
        Some((_, Some(ApiError::Internal(cause)))) => {
            tracing::error!(cause = format!("{cause:#}"), "request failed");
        }
        Some((_, Some(ApiError::Unavailable(cause)))) => {
            tracing::warn!(
                cause = format!("{cause:#}"),
                "request could not be served now"
            );
        }
        Some((error, None)) if status.is_server_error() => {
            tracing::error!(cause = %error, "request failed");
        }
        _ => {}
    }
    let carried = response.extensions().get::<Problem>().cloned();
    Some(carried.unwrap_or_else(|| problem_for_status(status)))
}

/// What a status alone says, for errors that arose outside of our handlers.
fn problem_for_status(status: StatusCode) -> Problem {
    let (code, message) = match status {
        StatusCode::UNAUTHORIZED => (ErrorCode::Unauthenticated, "Sign in first"),
        StatusCode::FORBIDDEN => (ErrorCode::Forbidden, "You may not do this"),
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "Route not found"),
        StatusCode::METHOD_NOT_ALLOWED => (
            ErrorCode::MethodNotAllowed,
            "This route does not have that method",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            ErrorCode::PayloadTooLarge,
            "The body is larger than this route takes",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            ErrorCode::UnsupportedMediaType,
            "Send the body as application/json",
        ),
        status if status.is_client_error() => {
            (ErrorCode::BadRequest, "The request cannot be understood")
        }
        _ => (ErrorCode::Internal, "Something went wrong on our side"),
    };
    Problem {
        status,
        code,
        message: message.to_owned(),
        fields: Vec::new(),
        retry_after: None,
        exhausted: None,
    }
}
