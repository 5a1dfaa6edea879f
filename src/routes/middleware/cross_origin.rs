use actix_cors::Cors;
use actix_web::http::header;

/// What pages of other origins may do: nothing, unless their origin is in `allowed`.
///
/// `*` lets every page call with a token of its own, but never with the browser's cookie.
pub fn cross_origin(allowed: &[String]) -> Cors {
    const AN_HOUR_IN_SECONDS: usize = 3600;
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            header::ACCEPT.as_str(),
            header::AUTHORIZATION.as_str(),
            header::CONTENT_TYPE.as_str(),
            "idempotency-key",
            "x-parlor",
        ])
        .expose_headers([
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "x-request-id",
        ])
        .max_age(AN_HOUR_IN_SECONDS);
    if allowed.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    if allowed.is_empty() {
        return cors;
    }
    allowed
        .iter()
        .fold(cors.supports_credentials(), |cors, origin| {
            cors.allowed_origin(origin)
        })
}
