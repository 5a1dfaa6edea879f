use actix_web::{
    Error,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::AUTHORIZATION,
    middleware::Next,
    web,
};

use crate::{
    config::Config,
    error::ApiError,
    limits::{Limits, tell},
    routes::client_address,
};

/// Counts every request of the REST API, and each that shows a token, against the address that it
/// comes from.
///
/// Who shows a token is counted by that as well, where the token is checked: here nobody knows yet
/// whether it is one.
pub async fn limit_request(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody, BoxBody>>, Error> {
    let bears = request.headers().contains_key(AUTHORIZATION);
    if bears || request.path().starts_with("/api/") {
        let http = request.request();
        let parts = http
            .app_data::<web::Data<Limits>>()
            .zip(http.app_data::<web::Data<Config>>());
        if let Some((limits, config)) = parts {
            let counted = limits.request_from(client_address(http, config), bears);
            match counted {
                // Who shows a token is told how much is left of that.
                Ok(left) => tell(http, left.filter(|_| !bears)),
                // An answer and no error, which would not come by the middleware around this one.
                Err(exhausted) => {
                    let refused = request.error_response(ApiError::from(exhausted));
                    return Ok(refused.map_into_right_body());
                }
            }
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}
