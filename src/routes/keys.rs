//! `/.well-known/jwks.json`: the keys with which other services verify tokens.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag, Header, IfNoneMatch},
    web,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::api::{Api, Operation, Tag, at};
use crate::{
    auth::{Authenticator, keys::JwkSet},
    error::ApiError,
};

/// How long who has the keys need not ask: so long a key that was taken back is believed elsewhere.
const CACHING: &str = "public, max-age=60";

pub fn configure(api: &mut Api) {
    api.add(at("/.well-known/jwks.json").get(show_keys, declare_show_keys));
}

/// `GET /.well-known/jwks.json`: the public keys, as a set of RFC 7517.
async fn show_keys(
    request: HttpRequest,
    authenticator: web::Data<Authenticator>,
) -> Result<HttpResponse, ApiError> {
    let body = serde_json::to_vec(&authenticator.keys().public())
        .map_err(|error| ApiError::Internal(error.into()))?;
    let digest = Sha256::digest(&body);
    let name: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
    let etag = EntityTag::new_strong(name);
    let known = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(&etag)),
        Err(_) => false,
    };
    let mut answer = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    answer
        .insert_header((header::CACHE_CONTROL, CACHING))
        .insert_header((header::ETAG, etag.to_string()));
    if known {
        return Ok(answer.finish());
    }
    Ok(answer.content_type("application/json").body(body))
}

fn declare_show_keys() -> Operation {
    let key = json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "PzRbcDIsA7Q",
        "alg": "EdDSA",
        "use": "sig",
    });
    Operation::new(
        Tag::SignIn,
        "showKeys",
        "Shows the keys with which other services verify tokens",
    )
    .about(
        "A JSON Web Key Set (RFC 7517). It is empty while tokens are signed with HS256, whose key \
         is a secret. Take the key that `kid` in the token's header names, and its `alg`, not the \
         token's; at an unknown `kid` ask again, for the keys change. A service that verifies \
         alone does not hear that a login has ended before its token does; `/api/auth/validate` \
         does.",
    )
    .answers::<JwkSet>(200, "The keys.", json!({ "keys": [key] }))
    .cached()
}
