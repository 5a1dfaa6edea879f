use std::time::Duration;

use actix_web::{Error, HttpRequest, web};
use tokio::time::timeout;

use crate::{
    config::{Config, HttpTiming},
    error::ApiError,
};

/// Reads a body, as long as it comes in time: the framework would wait for ever.
///
/// # Errors
/// What the reader refuses, and [`ApiError::RequestTimeout`].
pub(super) async fn in_time<T>(
    patience: Duration,
    reading: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    timeout(patience, reading)
        .await
        .unwrap_or_else(|_| Err(ApiError::RequestTimeout.into()))
}

/// How long the body of a request may take.
pub(super) fn patience(request: &HttpRequest) -> Duration {
    request
        .app_data::<web::Data<Config>>()
        .map_or_else(|| HttpTiming::default().body, |config| config.http.body)
}
