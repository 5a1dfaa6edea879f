//! How requests are read: limits, and refusals in the one shape.

mod body;
mod form;
mod optional_json;
mod patience;
mod query;
mod whole;

use actix_web::{
    error::{JsonPayloadError, PathError, QueryPayloadError},
    web,
};

use crate::error::ApiError;

pub use body::Body;
pub use form::{Form, Given};
pub use optional_json::OptionalJson;
pub use query::{flag, number};
pub use whole::Whole;

/// The largest body that any route reads, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// Sets the limits and the refusals of all extractors.
pub fn configure(app: &mut web::ServiceConfig) {
    app.app_data(web::PayloadConfig::new(MAX_BODY))
        .app_data(
            web::JsonConfig::default()
                .limit(MAX_BODY)
                .error_handler(|error, _| json_refusal(&error).into()),
        )
        .app_data(
            web::QueryConfig::default().error_handler(|error, _| query_refusal(&error).into()),
        )
        .app_data(web::PathConfig::default().error_handler(|error, _| path_refusal(&error).into()));
}

fn json_refusal(error: &JsonPayloadError) -> ApiError {
    match error {
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
            ApiError::PayloadTooLarge
        }
        JsonPayloadError::ContentType => ApiError::UnsupportedMediaType,
        JsonPayloadError::Deserialize(error) => malformed_json(error),
        _ => ApiError::BadRequest("The body could not be read".into()),
    }
}

/// Says where a body stops being JSON, but repeats nothing of it: it may hold a password.
fn malformed_json(error: &serde_json::Error) -> ApiError {
    let (line, column) = (error.line(), error.column());
    let what = if error.is_data() {
        "the JSON object of this route"
    } else {
        "JSON"
    };
    ApiError::BadRequest(format!("The body is not {what} at line {line}, column {column}").into())
}

fn query_refusal(error: &QueryPayloadError) -> ApiError {
    match error {
        QueryPayloadError::Deserialize(error) => {
            ApiError::BadRequest(format!("The query cannot be read: {error}").into())
        }
        _ => ApiError::BadRequest("The query cannot be read".into()),
    }
}

fn path_refusal(error: &PathError) -> ApiError {
    match error {
        PathError::Deserialize(error) => {
            ApiError::BadRequest(format!("The address names nothing: {error}").into())
        }
        _ => ApiError::BadRequest("The address cannot be read".into()),
    }
}
