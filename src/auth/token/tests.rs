use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::*;

const SECRET: &[u8] = b"an old secret of at least 32 bytes";
const HOUR: Duration = Duration::from_secs(3600);

fn user() -> User {
    let mut user = User::sample("ann", Role::Client);
    Arc::make_mut(&mut user.profile).full_name = "Ann Lee".into();
    user
}

/// A token with any header and claims, signed with HMAC-SHA-256 whatever the header says.
fn forged(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
    format!("{message}.{}", signature.unwrap())
}

fn claims(lifetime: i64) -> Value {
    let now = clock::now().timestamp();
    json!({
        "sub": UserId::new(), "name": "Ann", "role": "client", "iat": now, "exp": now + lifetime,
        "jti": Uuid::now_v7(), "sid": LoginId::new(),
    })
}

fn kid(keys: &Keys) -> String {
    keys.ring().signing.id.to_string()
}

#[test]
fn what_was_issued_is_accepted_and_says_who() {
    let keys = Keys::from_secret(SECRET);
    let (ann, login) = (user(), LoginId::new());
    let (token, issued) = keys.issue(&ann, login, HOUR).unwrap();
    let read = keys.verify(&token).unwrap().claims;
    assert_eq!((read.sub, read.sid, read.exp), (ann.id, login, issued.exp));
    assert_eq!(read.exp - read.iat, 3600);
    let header = decode_header(&token).unwrap();
    assert_eq!(
        (header.alg, header.kid),
        (Algorithm::HS256, Some(kid(&keys)))
    );
    let (again, _) = keys.issue(&ann, login, HOUR).unwrap();
    assert_ne!(token, again, "no two tokens are alike");
}

#[test]
fn only_the_key_that_kid_names_counts_and_only_its_algorithm() {
    let keys = Keys::from_secret(SECRET);
    let kid = kid(&keys);
    let good = json!({"alg": "HS256", "typ": "JWT", "kid": kid});
    assert!(
        keys.verify(&forged(&good, &claims(60), SECRET)).is_ok(),
        "the forger can sign"
    );

    let other = b"another secret of at least 32 bytes";
    assert_eq!(
        keys.verify(&forged(&good, &claims(60), other)).err(),
        Some(TokenError::Invalid),
        "signed with another key"
    );
    for header in [
        json!({"alg": "none", "kid": kid}),
        json!({"alg": "HS384", "kid": kid}),
        json!({"alg": "RS256", "kid": kid}),
        json!({"alg": "HS256"}),
        json!({"alg": "HS256", "kid": "other"}),
        json!({"alg": "HS256", "kid": 7}),
        json!({"alg": "HS256", "kid": kid, "crit": ["b64"], "b64": false}),
        json!({"kid": kid}),
    ] {
        let token = forged(&header, &claims(60), SECRET);
        assert_eq!(
            keys.verify(&token).err(),
            Some(TokenError::Invalid),
            "{header}"
        );
    }
}

#[test]
fn a_key_that_is_not_there_may_only_be_new() {
    let keys = Keys::from_secret(SECRET);
    let header = json!({"alg": "HS256", "kid": "AAAAAAAAAAA"});
    assert_eq!(
        keys.verify(&forged(&header, &claims(60), SECRET)).err(),
        Some(TokenError::UnknownKey)
    );
}

#[test]
fn a_token_without_a_signature_is_none() {
    let keys = Keys::from_secret(SECRET);
    let (token, _) = keys.issue(&user(), LoginId::new(), HOUR).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    for bad in [
        message.to_owned(),
        format!("{message}."),
        format!("{message}.{}", &signature[1..]),
        format!("{token}."),
        String::new(),
        "a.b.c".into(),
        "x".repeat(1 << 20),
    ] {
        assert_eq!(
            keys.verify(&bad).err(),
            Some(TokenError::Invalid),
            "{bad:.60}"
        );
    }
}

#[test]
fn an_end_is_an_end() {
    let keys = Keys::from_secret(SECRET);
    let header = json!({"alg": "HS256", "kid": kid(&keys)});
    let verify = |claims: &Value| keys.verify(&forged(&header, claims, SECRET)).err();
    assert_eq!(
        verify(&claims(-2)),
        Some(TokenError::Expired),
        "there is no leeway"
    );
    assert_eq!(verify(&claims(60)), None);

    let mut endless = claims(60);
    endless.as_object_mut().unwrap().remove("exp");
    assert_eq!(verify(&endless), Some(TokenError::Invalid));
    for exp in [json!("never"), json!(null), json!(-1), json!(1e300)] {
        let mut odd = claims(60);
        odd["exp"] = exp.clone();
        assert_eq!(verify(&odd), Some(TokenError::Invalid), "exp {exp}");
    }
    let mut early = claims(60);
    early["nbf"] = json!(clock::now().timestamp() + 30);
    assert_eq!(verify(&early), Some(TokenError::Invalid));
}
