//! `/api/openapi.json`, and the page that shows it to people.

use std::sync::OnceLock;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::{
    Origins,
    api::{Api, Operation, Tag, at, document},
    client::send_fresh,
};
use crate::{
    client::{Asset, swagger},
    error::ApiError,
    protocol::code::ErrorCode,
};

pub fn configure(api: &mut Api) {
    api.add(at("/api/openapi.json").get(send_document, declare_send_document))
        .add(at("/api/docs").get(show_page, declare_show_page))
        .add(at("/api/docs/{file}").get(send_file, declare_send_file));
}

/// `GET /api/openapi.json`: every route, made from what stands beside the handlers.
async fn send_document(
    request: HttpRequest,
    origins: web::Data<Origins>,
) -> Result<HttpResponse, ApiError> {
    static DOCUMENT: OnceLock<Asset> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| {
        let text = document(&super::api()).to_string();
        Asset::new("openapi.json", text.into())
    });
    Ok(send_fresh(document, &request, &origins).await)
}

fn declare_send_document() -> Operation {
    Operation::new(Tag::Documents, "showOpenApi", "Shows this document")
        .answers::<serde_json::Value>(200, "OpenAPI 3.1.", json!({ "openapi": "3.1.0" }))
        .cached()
}

/// `GET /api/docs`: Swagger UI.
async fn show_page(
    request: HttpRequest,
    origins: web::Data<Origins>,
) -> Result<HttpResponse, ApiError> {
    send("index.html", &request, &origins).await
}

fn declare_show_page() -> Operation {
    Operation::new(Tag::Documents, "showDocs", "Shows this document to people")
        .answers_text(&["text/html"], "A page.", "<!doctype html>")
        .cached()
}

/// `GET /api/docs/{file}`: what that page needs.
async fn send_file(
    request: HttpRequest,
    file: web::Path<String>,
    origins: web::Data<Origins>,
) -> Result<HttpResponse, ApiError> {
    send(&file, &request, &origins).await
}

fn declare_send_file() -> Operation {
    Operation::new(
        Tag::Documents,
        "sendFileOfDocs",
        "Sends a file of the page of documents",
    )
    .path::<String>("file", "The file's name.", "start.js")
    .answers_text(
        &["text/javascript", "text/css", "text/html", "text/plain"],
        "The file.",
        "// @ts-check",
    )
    .cached()
    .refuses(&[ErrorCode::NotFound])
}

async fn send(
    name: &str,
    request: &HttpRequest,
    origins: &Origins,
) -> Result<HttpResponse, ApiError> {
    let asset = swagger::file(name).ok_or(ApiError::NotFound("File"))?;
    Ok(send_fresh(asset, request, origins).await)
}
