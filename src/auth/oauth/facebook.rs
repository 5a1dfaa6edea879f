//! Facebook: OAuth 2, and its Graph API to learn who signed in.

use oauth2::TokenResponse as _;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    ProviderError, Returned, Secrets,
    github::{Client, authorize, client},
    http::Http,
    no_token,
};
use crate::{
    config::{ClientCredentials, FacebookConfig},
    domain::{
        identity::{Person, ProvidedEmail, Subject},
        user::Email,
    },
};

/// The version of the Graph API that is asked for; one lasts two years at least.
const VERSION: &str = "v24.0";

/// Facebook.
pub struct Facebook {
    client: Client,
    secret: SecretString,
    url: String,
    graph_url: String,
    http: Http,
}

#[derive(Deserialize)]
struct Me {
    id: String,
    name: Option<String>,
    email: Option<String>,
}

impl Facebook {
    pub fn new(
        config: &FacebookConfig,
        credentials: &ClientCredentials,
        redirect: &str,
        http: Http,
    ) -> anyhow::Result<Self> {
        let (url, graph_url) = (&config.url, &config.graph_url);
        Ok(Self {
            client: client(
                credentials,
                &format!("{url}/{VERSION}/dialog/oauth"),
                &format!("{graph_url}/{VERSION}/oauth/access_token"),
                redirect,
            )?,
            secret: credentials.secret.clone(),
            url: url.clone(),
            graph_url: graph_url.clone(),
            http,
        })
    }

    /// Who vouches.
    pub fn issuer(&self) -> &str {
        &self.url
    }

    pub fn authorize(&self, secrets: &Secrets) -> Url {
        authorize(&self.client, secrets, &["public_profile", "email"])
    }

    pub async fn person(&self, returned: Returned) -> Result<Person, ProviderError> {
        let tokens = self
            .client
            .exchange_code(returned.code())
            .set_pkce_verifier(returned.verifier())
            .request_async(&self.http)
            .await
            .map_err(no_token)?;
        let token = tokens.access_token();
        // Shows that the token was not stolen from another app.
        let proof = hmac_sha256(
            self.secret.expose_secret().as_bytes(),
            token.secret().as_bytes(),
        );
        let proof: String = proof.iter().map(|byte| format!("{byte:02x}")).collect();
        let me = format!(
            "{}/{VERSION}/me?fields=id,name,email&appsecret_proof={proof}",
            self.graph_url
        );
        let me: Me = self.http.get_json(&me, token, "application/json").await?;
        // Facebook does not say whether the address was ever proved, so it counts as not.
        let email = me.email.and_then(|email| Email::parse(&email).ok());
        Ok(Person {
            issuer: self.url.clone(),
            subject: Subject::parse(&me.id).map_err(ProviderError::refused)?,
            login: None,
            name: me.name,
            email: email.map(|address| ProvidedEmail {
                address,
                verified: false,
            }),
        })
    }
}

/// RFC 2104 with SHA-256.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let hashed;
    let key = if key.len() > BLOCK {
        hashed = Sha256::digest(key);
        hashed.as_slice()
    } else {
        key
    };
    let pad = |with: u8| {
        let mut block = [with; BLOCK];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(pad(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: [u8; 32]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Cases 2 and 6 of RFC 4231.
    #[test]
    fn the_proof_is_an_hmac() {
        assert_eq!(
            hex(hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hex(hmac_sha256(&[0xaa; 131], long)),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
