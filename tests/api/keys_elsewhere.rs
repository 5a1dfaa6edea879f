//! Other services verify our tokens by the public keys alone.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};

use crate::{
    harness::{Answer, Client, TestApp, until},
    keys::{header, keys, rotate, signed_with},
};

pub async fn jwks(api: &Client) -> Answer {
    let answer = api.get("/.well-known/jwks.json").await;
    assert_eq!(answer.status(), 200, "{answer}");
    answer
}

/// As another service does: with the set alone.
fn verified_elsewhere(set: &JwkSet, token: &str) -> bool {
    let head = jsonwebtoken::decode_header(token).unwrap();
    let Some(jwk) = set.find(&head.kid.unwrap()) else {
        return false;
    };
    let algorithm: Algorithm = jwk
        .common
        .key_algorithm
        .unwrap()
        .to_string()
        .parse()
        .unwrap();
    let key = DecodingKey::from_jwk(jwk).unwrap();
    let verified = jsonwebtoken::decode::<Value>(token, &key, &Validation::new(algorithm));
    verified.is_ok()
}

#[tokio::test]
async fn other_services_verify_by_the_public_keys() {
    let app = TestApp::spawn().await;
    let api = app.api();
    let alice = app.client("alice").await;
    let empty = jwks(&api).await;
    assert_eq!(empty.json(), json!({"keys": []}), "a secret is not shown");
    assert_eq!(empty.header("cache-control"), Some("public, max-age=60"));
    let etag = empty.header("etag").unwrap().to_owned();

    let mut tokens = Vec::new();
    for algorithm in ["EdDSA", "ES256"] {
        let new = rotate(&app.home, &["--algorithm", algorithm]).await;
        let person = signed_with(&api, &alice, &new).await;
        tokens.push(person.token);
    }
    let answer = jwks(&api).await;
    let body = answer.json();
    assert_eq!(body["keys"].as_array().unwrap().len(), 2, "{body}");
    for private in ["d", "k", "p", "q"] {
        assert!(body["keys"][0].get(private).is_none(), "{body}");
    }
    assert_ne!(answer.header("etag"), Some(etag.as_str()));
    let etag = answer.header("etag").unwrap();
    let request = api
        .request(reqwest::Method::GET, "/.well-known/jwks.json")
        .header("if-none-match", etag);
    assert_eq!(api.answer(request).await.status(), 304);

    let set: JwkSet = serde_json::from_value(body).unwrap();
    for token in &tokens {
        assert!(verified_elsewhere(&set, token));
        let (message, _) = token.rsplit_once('.').unwrap();
        let (_, other) = tokens[0].rsplit_once('.').unwrap();
        let spoilt = format!("{message}.{}", &other[..other.len() - 6]);
        assert!(!verified_elsewhere(&set, &spoilt));
    }
    assert!(!verified_elsewhere(&set, &alice.token));

    let kid = header(&tokens[0])["kid"].as_str().unwrap().to_owned();
    keys(&app.home, &["retire", &kid]).await;
    until(async || jwks(&api).await.json()["keys"].as_array().unwrap().len() == 1).await;
}
