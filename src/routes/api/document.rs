use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::{Api, Operation, Tag, refusals};
use crate::{error::ErrorBody, protocol::code::ErrorCode};

const ABOUT: &str = "\
A realtime chat server that keeps every message. Messages come live over a WebSocket, which \
`/api/asyncapi.json` describes; everything else is here.

JSON in and out. Times are RFC 3339 in UTC, ids are UUIDs, rooms have slugs. Unknown fields are \
ignored. In an update an absent field stays and `null` clears one that may be empty; `PUT` and \
`PATCH` mean the same. `HEAD` works wherever `GET` does. Every answer carries `X-Request-Id`.

Requests are counted, by token or else by address, and some again by what they ask for. Answers \
below `/api/` say what is left in `RateLimit` and `RateLimit-Policy`, where there is a limit.

Every error has one shape. Match on `code`: words never change, messages may.
";

/// What the API is, in OpenAPI 3.1.
pub fn document(api: &Api) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    let mut responses: BTreeMap<String, Value> = BTreeMap::new();
    for resource in &api.resources {
        let path = paths.entry(resource.path).or_default();
        for endpoint in &resource.endpoints {
            let mut operation: Operation = (endpoint.declare)();
            if resource.path.starts_with("/api/") {
                operation = operation.refuses(&[ErrorCode::RateLimited]);
            }
            let codes: Vec<ErrorCode> = operation.codes().collect();
            responses.extend(refusals::components(&codes));
            for (name, schema) in operation.schemas.clone() {
                let known = schemas.insert(name, schema.clone());
                debug_assert!(
                    known.is_none_or(|known| known == schema),
                    "two schemas, one name"
                );
            }
            let method = endpoint.method.as_str().to_lowercase();
            path.insert(method, operation.into_json());
        }
    }
    let mut errors = vec![(ErrorBody::name().into_owned(), ErrorBody::schema())];
    ErrorBody::schemas(&mut errors);
    for (name, schema) in errors {
        schemas.insert(name, serde_json::to_value(schema).unwrap_or_default());
    }
    json!({
        "openapi": "3.1.0",
        "info": info(),
        "servers": [{ "url": "/", "description": "This server." }],
        "tags": tags(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "headers": { "RequestId": request_id() },
            "securitySchemes": security_schemes(),
        },
    })
}

fn info() -> Value {
    json!({
        "title": "Parlor",
        "version": env!("CARGO_PKG_VERSION"),
        "description": format!("{ABOUT}\n{}", error_table()),
        "contact": { "name": "Whoever runs this server" },
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    })
}

/// Every code that comes over HTTP, those among them that no single route brings.
fn error_table() -> String {
    let mut statuses: BTreeSet<(u16, String)> = BTreeSet::new();
    for code in ErrorCode::ALL {
        if let Some(status) = refusals::status(*code) {
            let row = format!("| {status} | `{}` | {} |", code.as_str(), code.about());
            statuses.insert((status, row));
        }
    }
    let rows: Vec<String> = statuses.into_iter().map(|(_, row)| row).collect();
    format!(
        "| status | code | what |\n| --- | --- | --- |\n{}\n",
        rows.join("\n")
    )
}

fn tags() -> Vec<Value> {
    Tag::ALL
        .iter()
        .map(|(_, name, about)| json!({ "name": name, "description": about }))
        .collect()
}

fn request_id() -> Value {
    json!({
        "description": "The request's name in the server's log.",
        "required": true,
        "schema": { "type": "string", "format": "uuid" },
    })
}

fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT or parlor_…",
            "description": "A token from one of the ways to sign in, or an API token, which begins with `parlor_`. An API token does what both its scopes name and its owner may; what manages the ways into an account is `forbidden` to it.",
        },
        "refresh_cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Secure-parlor_refresh",
            "description": "The refresh token in a browser's keeping. It counts only with the header `X-Parlor: 1` and an own `Origin`.",
        },
        "metrics_token": {
            "type": "http",
            "scheme": "bearer",
            "description": "The server's setting `METRICS_TOKEN`.",
        },
    })
}
