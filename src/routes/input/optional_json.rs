use std::pin::Pin;

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::StatusCode, web};
use serde::de::DeserializeOwned;

use super::{
    body::Object,
    malformed_json,
    patience::{in_time, patience},
};
use crate::error::ApiError;

/// A JSON body that may be missing: no bytes at all read as the default.
///
/// `Option<web::Json<T>>` would also take a malformed body for a missing one.
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = request
            .mime_type()
            .is_ok_and(|mime| mime.is_some_and(|mime| mime.subtype() == "json"));
        let patience = patience(request);
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = in_time(patience, body).await.map_err(|error| {
                match error.as_response_error().status_code() {
                    StatusCode::PAYLOAD_TOO_LARGE => ApiError::PayloadTooLarge,
                    StatusCode::REQUEST_TIMEOUT => ApiError::RequestTimeout,
                    _ => ApiError::BadRequest("The body could not be read".into()),
                }
            })?;
            if body.is_empty() {
                return Ok(Self(T::default()));
            }
            if !is_json {
                return Err(ApiError::UnsupportedMediaType);
            }
            serde_json::from_slice(&body)
                .map(|Object(body)| Self(body))
                .map_err(|error| malformed_json(&error))
        })
    }
}
