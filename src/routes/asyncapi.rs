//! What the socket is, for programs that read it.

use std::sync::OnceLock;

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Origins,
    api::{Api, Operation, Tag, at},
};
use crate::{error::ApiError, protocol::asyncapi};

/// The document as it is sent; written when somebody asks for it first.
#[derive(Default)]
struct Written(OnceLock<Bytes>);

pub fn configure(api: &mut Api) {
    api.add(at("/api/asyncapi.json").get(show_socket, declare_show_socket));
}

/// What the handler needs beside the state.
pub fn provide(app: &mut web::ServiceConfig) {
    app.app_data(web::Data::<Written>::default());
}

/// `GET /api/asyncapi.json`: the socket's frames, codes and addresses, as AsyncAPI.
async fn show_socket(
    origins: web::Data<Origins>,
    written: web::Data<Written>,
) -> Result<HttpResponse, ApiError> {
    let body = match written.0.get() {
        Some(body) => body.clone(),
        None => {
            let document = asyncapi::document(origins.own());
            let body = serde_json::to_vec(&document).map_err(|e| ApiError::Internal(e.into()))?;
            written.0.get_or_init(|| body.into()).clone()
        }
    };
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(body))
}

fn declare_show_socket() -> Operation {
    Operation::new(Tag::Documents, "showAsyncApi", "Describes the socket").answers::<Value>(
        200,
        "AsyncAPI 3.",
        json!({ "asyncapi": "3.1.0" }),
    )
}
