use actix_web::{
    Error,
    body::MessageBody,
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

/// Counts every request of the REST API against the address that it comes from.
///
/// Who shows a token is counted by that as well, where the token is checked: here nobody knows yet
/// whether it is one.
pub async fn limit_request(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.path().starts_with("/api/") {
        let (http, bears) = (
            request.request(),
            request.headers().contains_key(AUTHORIZATION),
        );
        let parts = http
            .app_data::<web::Data<Limits>>()
            .zip(http.app_data::<web::Data<Config>>());
        if let Some((limits, config)) = parts {
            let counted = limits.request_from(client_address(http, config), bears);
            let left = counted.map_err(ApiError::from)?;
            // Who shows a token is told how much is left of that.
            tell(http, left.filter(|_| !bears));
        }
    }
    next.call(request).await
}
