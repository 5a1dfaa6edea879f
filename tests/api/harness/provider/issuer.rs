//! An issuer of OpenID Connect, which can lie in every way that a token can be wrong.
//!
//! A person is the claims that are told of one.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Asked, CLIENT_ID, CLIENT_SECRET, Inner, Reply};

/// What is wrong with its ID tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    None,
    /// Signed by somebody else with the right key's name.
    Signature,
    /// Changed after it was signed.
    Payload,
    Issuer,
    Audience,
    /// For somebody else, too.
    SecondAudience,
    Nonce,
    NoNonce,
    Expired,
    FromTheFuture,
    /// Not signed, and says so.
    AlgorithmNone,
    /// Signed with the public key as a secret.
    PublicKeyAsSecret,
    /// Signed with the client's secret.
    ClientSecret,
    UnknownKey,
    OtherParty,
    OtherAccessToken,
    NoIdToken,
    /// No ID token at all, but something.
    Rubbish,
    NoSubject,
    /// Its description is another issuer's.
    Description,
    /// The address is told at the user info endpoint alone, and there of somebody else.
    OtherUserInfo,
    /// The same without the lie.
    UserInfo,
    /// It does not know the access token that it gave.
    ForgottenToken,
}

/// A key of the issuer's, with its name.
pub(super) struct Keys {
    name: String,
    pkcs8: Vec<u8>,
    public: Vec<u8>,
}

impl Keys {
    pub(super) fn new(name: &str) -> Self {
        let pair = rcgen::KeyPair::generate().expect("a key for P-256");
        Self {
            name: name.to_owned(),
            pkcs8: pair.serialize_der(),
            public: rcgen::PublicKeyData::der_bytes(&pair).to_vec(),
        }
    }

    fn jwk(&self) -> Value {
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.name,
            "x": part(&self.public[1..33]), "y": part(&self.public[33..65]),
        })
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.name.clone());
        let key = EncodingKey::from_ec_der(&self.pkcs8);
        jsonwebtoken::encode(&header, claims, &key).expect("a token")
    }
}

pub(super) fn answer(inner: &mut Inner, asked: &Asked) -> Reply {
    let url = inner.url.clone();
    match asked.path.as_str() {
        "/.well-known/openid-configuration" => {
            let issuer = match inner.lie {
                Lie::Description => "https://another.example".to_owned(),
                _ => url.clone(),
            };
            Reply::json(
                200,
                &json!({
                    "issuer": issuer,
                    "authorization_endpoint": format!("{url}/authorize"),
                    "token_endpoint": format!("{url}/token"),
                    "userinfo_endpoint": format!("{url}/userinfo"),
                    "jwks_uri": format!("{url}/jwks"),
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
                    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                    "authorization_response_iss_parameter_supported": inner.sends_iss,
                }),
            )
        }
        "/jwks" => Reply::json(200, &json!({ "keys": [inner.keys.jwk()] })),
        "/token" => match inner.exchange(asked) {
            Ok((token, grant)) => {
                let mut claims = claims(inner, &grant.person, &token);
                if let Some(nonce) = grant.nonce.filter(|_| inner.lie != Lie::NoNonce) {
                    let wrong = inner.lie == Lie::Nonce;
                    claims["nonce"] = json!(if wrong { "another".to_owned() } else { nonce });
                }
                let mut tokens = json!({
                    "access_token": token,
                    "token_type": "Bearer",
                    "expires_in": 3600,
                });
                if inner.lie != Lie::NoIdToken {
                    tokens["id_token"] = json!(id_token(inner, &claims));
                }
                Reply::json(200, &tokens)
            }
            Err(error) => Reply::json(
                400,
                &json!({ "error": "invalid_grant", "error_description": error }),
            ),
        },
        "/userinfo" => match inner.bearer(asked) {
            None => Reply::json(401, &json!({ "error": "invalid_token" })),
            Some((_, person)) => {
                let mut told = person.clone();
                if inner.lie == Lie::OtherUserInfo {
                    told["sub"] = json!("somebody else");
                }
                Reply::json(200, &told)
            }
        },
        _ => Reply::text(404, "nothing here"),
    }
}

fn claims(inner: &Inner, person: &Value, token: &str) -> Value {
    let lie = inner.lie;
    let now = parlor::clock::now().timestamp();
    let (issued, expires) = match lie {
        Lie::Expired => (now - 7200, now - 3600),
        Lie::FromTheFuture => (now + 3600, now + 7200),
        _ => (now, now + 3600),
    };
    let at_hash = match lie {
        Lie::OtherAccessToken => Sha256::digest(b"another token"),
        _ => Sha256::digest(token.as_bytes()),
    };
    let mut claims = json!({
        "iss": inner.url,
        "aud": CLIENT_ID,
        "iat": issued,
        "exp": expires,
        "at_hash": BASE64_URL_SAFE_NO_PAD.encode(&at_hash[..16]),
    });
    let told = person.as_object().expect("claims").clone();
    claims.as_object_mut().expect("claims").extend(told);
    match lie {
        Lie::Issuer => claims["iss"] = json!("https://another.example"),
        Lie::Audience => claims["aud"] = json!("another-client"),
        Lie::SecondAudience => claims["aud"] = json!([CLIENT_ID, "another-client"]),
        Lie::OtherParty => claims["azp"] = json!("another-client"),
        Lie::NoSubject => claims["sub"] = json!(""),
        Lie::UserInfo | Lie::OtherUserInfo => {
            let claims = claims.as_object_mut().expect("claims");
            claims.retain(|name, _| !name.starts_with("email"));
        }
        _ => {}
    }
    claims
}

fn id_token(inner: &Inner, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let by_secret = |secret: &[u8]| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(inner.keys.name.clone());
        let key = EncodingKey::from_secret(secret);
        jsonwebtoken::encode(&header, claims, &key).expect("a token")
    };
    match inner.lie {
        Lie::Signature => Keys::new(&inner.keys.name).sign(claims),
        Lie::UnknownKey => Keys::new("nobody knows").sign(claims),
        Lie::AlgorithmNone => format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims)),
        Lie::PublicKeyAsSecret => by_secret(&inner.keys.public),
        Lie::ClientSecret => by_secret(CLIENT_SECRET.as_bytes()),
        Lie::Rubbish => "eyJ.<script>.x".to_owned(),
        Lie::Payload => {
            let token = inner.keys.sign(claims);
            let parts: Vec<&str> = token.split('.').collect();
            let mut other = claims.clone();
            other["sub"] = json!("1");
            format!("{}.{}.{}", parts[0], part(&other), parts[2])
        }
        _ => inner.keys.sign(claims),
    }
}
