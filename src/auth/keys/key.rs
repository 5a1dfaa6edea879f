//! One key: what it is made of, its name, and the part of it that everybody may know.

use std::{fmt, str::FromStr};

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
use rustls_pki_types::PrivatePkcs8KeyDer;
use secrecy::zeroize::Zeroizing;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::config::JwtAlgorithm;

/// HS256 asks for a key as long as its digest (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// The name of a key, `kid` in a token's header. It follows from the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    fn of(material: &[u8]) -> Self {
        let digest = Sha256::new()
            .chain_update("parlor kid")
            .chain_update(material)
            .finalize();
        let mut id = [0; 8];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for KeyId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let id = bytes.and_then(|bytes| bytes.try_into().ok());
        id.map(Self).ok_or("must be the name of a key")
    }
}

/// A key that can sign and verify. It has its algorithm for good: a token's own word on it is not
/// taken, or a public key could be passed off as a secret.
pub struct Key {
    pub id: KeyId,
    pub algorithm: Algorithm,
    pub encoding: EncodingKey,
    pub decoding: DecodingKey,
    /// From when on it no longer verifies; `None` for the one that signs, and for those that are
    /// set.
    pub until: Option<DateTime<Utc>>,
    public: Option<Jwk>,
}

/// The public part of a key (RFC 7517, RFC 8037).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Jwk {
    /// `OKP` or `EC`.
    kty: &'static str,
    /// `Ed25519` or `P-256`.
    crv: &'static str,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    kid: String,
    /// `EdDSA` or `ES256`.
    alg: &'static str,
    /// `sig`.
    #[serde(rename = "use")]
    usage: &'static str,
}

/// The keys with which others verify tokens (RFC 7517, section 5).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JwkSet {
    pub keys: Vec<Jwk>,
}

impl Key {
    /// An HS256 key.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self {
            id: KeyId::of(secret),
            algorithm: Algorithm::HS256,
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            until: None,
            public: None,
        }
    }

    /// Reads a key: a secret's bytes, or a key pair as PKCS #8.
    ///
    /// # Errors
    /// It is no key of that kind; the reason does not repeat it.
    pub fn read(algorithm: JwtAlgorithm, private: &[u8]) -> anyhow::Result<Self> {
        let pair = |kind| {
            let der = PrivatePkcs8KeyDer::from(private);
            KeyPair::from_pkcs8_der_and_sign_algo(&der, kind)
                .with_context(|| format!("it is no key of {algorithm}"))
        };
        match algorithm {
            JwtAlgorithm::Hs256 => {
                let long = private.len() >= MIN_SECRET_BYTES;
                ensure!(long, "a secret holds fewer than {MIN_SECRET_BYTES} bytes");
                Ok(Self::from_secret(private))
            }
            JwtAlgorithm::EdDsa => {
                let pair = pair(&PKCS_ED25519)?;
                let public = pair.public_key_raw();
                let id = KeyId::of(public);
                Ok(Self {
                    id,
                    algorithm: Algorithm::EdDSA,
                    encoding: EncodingKey::from_ed_der(private),
                    decoding: DecodingKey::from_ed_der(public),
                    until: None,
                    public: Some(Jwk::new(id, algorithm, "OKP", "Ed25519", public, None)),
                })
            }
            JwtAlgorithm::Es256 => {
                let pair = pair(&PKCS_ECDSA_P256_SHA256)?;
                let public = pair.public_key_raw();
                // A point that is not compressed: 4, x and y (SEC 1, section 2.3.3).
                let point = public.strip_prefix(&[4]).filter(|point| point.len() == 64);
                let (x, y) = point.context("it has no point of P-256")?.split_at(32);
                let id = KeyId::of(public);
                Ok(Self {
                    id,
                    algorithm: Algorithm::ES256,
                    encoding: EncodingKey::from_ec_der(private),
                    decoding: DecodingKey::from_ec_der(public),
                    until: None,
                    public: Some(Jwk::new(id, algorithm, "EC", "P-256", x, Some(y))),
                })
            }
        }
    }

    /// Makes what [`Key::read`] reads.
    ///
    /// # Errors
    /// The crypto library failed.
    pub fn generate(algorithm: JwtAlgorithm) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let pair = |kind: &'static SignatureAlgorithm| {
            let pair = KeyPair::generate_for(kind).context("cannot make a key")?;
            Ok(Zeroizing::new(pair.serialize_der()))
        };
        match algorithm {
            JwtAlgorithm::Hs256 => {
                let mut random = Zeroizing::new(vec![0_u8; 48]);
                rand::fill(random.as_mut_slice());
                Ok(random)
            }
            JwtAlgorithm::EdDsa => pair(&PKCS_ED25519),
            JwtAlgorithm::Es256 => pair(&PKCS_ECDSA_P256_SHA256),
        }
    }

    /// What others need to verify its tokens; nothing of a secret.
    pub fn public(&self) -> Option<&Jwk> {
        self.public.as_ref()
    }

    /// Whether it still verifies at a time.
    pub fn verifies_at(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Jwk {
    fn new(
        id: KeyId,
        algorithm: JwtAlgorithm,
        kty: &'static str,
        crv: &'static str,
        x: &[u8],
        y: Option<&[u8]>,
    ) -> Self {
        Self {
            kty,
            crv,
            x: BASE64_URL_SAFE_NO_PAD.encode(x),
            y: y.map(|y| BASE64_URL_SAFE_NO_PAD.encode(y)),
            kid: id.to_string(),
            alg: algorithm.as_str(),
            usage: "sig",
        }
    }
}
