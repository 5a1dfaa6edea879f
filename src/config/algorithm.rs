use std::fmt;

use serde::{Deserialize, Serialize};

/// How a token is signed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256: whoever can verify can sign, so nobody else verifies.
    #[default]
    #[serde(rename = "HS256")]
    #[value(name = "HS256")]
    Hs256,
    /// Ed25519: others verify with the public key.
    #[serde(rename = "EdDSA")]
    #[value(name = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256: others verify with the public key.
    #[serde(rename = "ES256")]
    #[value(name = "ES256")]
    Es256,
}

impl JwtAlgorithm {
    /// Every one, with its name in RFC 7518 and RFC 8037.
    pub const ALL: [(&'static str, Self); 3] = [
        ("HS256", Self::Hs256),
        ("EdDSA", Self::EdDsa),
        ("ES256", Self::Es256),
    ];

    /// Its name in a token's header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
