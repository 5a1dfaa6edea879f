//! The devices that an account knows: each browser has a secret of its own, which says nothing but
//! that somebody signed in there before.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{
    config::Config,
    domain::ids::UserId,
    error::ApiError,
    limits::{Known, network},
    routes::client_address,
    store::Store,
};

/// `__Secure-` makes browsers refuse it from a page that came without TLS.
const NAME: &str = "__Secure-parlor_device";

/// Browsers keep no cookie for longer.
const LIFETIME: Duration = Duration::from_secs(400 * 86_400);

/// The secret of a browser: 256 random bits. Only its hash is kept.
pub struct Device {
    text: String,
}

impl Device {
    /// The browser's own, or a new one for it.
    pub fn of(request: &HttpRequest) -> Self {
        Self::sent(request).unwrap_or_else(|| {
            let mut random = [0_u8; 32];
            rand::fill(&mut random);
            Self {
                text: BASE64_URL_SAFE_NO_PAD.encode(random),
            }
        })
    }

    fn sent(request: &HttpRequest) -> Option<Self> {
        let text = request.cookie(NAME)?.value().to_owned();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&text).ok()?;
        (bytes.len() == 32).then_some(Self { text })
    }

    /// What the store knows it by.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }

    /// Keeps it in the browser, for the routes where one signs in alone.
    pub fn into_cookie(self) -> Cookie<'static> {
        let seconds = i64::try_from(LIFETIME.as_secs()).unwrap_or(i64::MAX);
        Cookie::build(NAME, self.text)
            .path("/api/auth")
            .http_only(true)
            .secure(true)
            .same_site(SameSite::Strict)
            .max_age(time::Duration::seconds(seconds))
            .finish()
    }
}

/// Whether a user signed in before from where this request comes from.
///
/// Nobody is asked for too, or the time would tell who has an account.
///
/// # Errors
/// The store cannot be asked.
pub async fn known_to(
    user: Option<UserId>,
    request: &HttpRequest,
    config: &Config,
    store: &Store,
) -> Result<Known, ApiError> {
    let device = Device::sent(request).map(|device| device.hash());
    let network = network(client_address(request, config)).to_string();
    let user = user.unwrap_or(UserId(uuid::Uuid::nil()));
    let known = store.find_known_place(user, &network, device).await?;
    Ok(match device {
        Some(device) if known.device => Known::Device(device),
        _ if known.network => Known::Network,
        _ => Known::No,
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn sending(value: &str) -> HttpRequest {
        let cookie = ("cookie", format!("{NAME}={value}"));
        TestRequest::post().insert_header(cookie).to_http_request()
    }

    #[test]
    fn a_browser_keeps_its_secret_and_no_other() {
        let none = TestRequest::post().to_http_request();
        let first = Device::of(&none);
        assert_ne!(first.hash(), Device::of(&none).hash());
        assert_eq!(Device::of(&sending(&first.text)).hash(), first.hash());
        for made_up in ["", "x", "0123456789", &first.text[1..]] {
            let device = Device::of(&sending(made_up));
            assert_ne!(device.text, made_up);
            assert_eq!(device.text.len(), 43);
        }
    }

    #[test]
    fn the_cookie_is_for_browsers_over_tls_and_our_routes_alone() {
        let device = Device { text: "abc".into() };
        assert_eq!(
            device.into_cookie().to_string(),
            "__Secure-parlor_device=abc; HttpOnly; SameSite=Strict; Secure; Path=/api/auth; \
             Max-Age=34560000"
        );
    }
}
