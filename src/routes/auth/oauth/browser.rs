//! The browser that a sign-in belongs to: who has the cookie began it.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time},
};

use super::hash;
use crate::auth::oauth::random_text;

/// `__Secure-` makes browsers refuse it from a page that came without TLS.
const NAME: &str = "__Secure-parlor_oauth";

/// How long somebody may take at the provider's, in seconds.
pub const PATIENCE: i64 = 600;

/// One browser, by 256 random bits in its cookie.
pub struct Browser {
    text: String,
}

impl Browser {
    /// The one that asks; a new one if it has no cookie. One that has keeps it, so that two tabs can
    /// sign in side by side.
    pub fn of(request: &HttpRequest) -> Self {
        let text = sent(request).unwrap_or_else(random_text);
        Self { text }
    }

    /// The one that asks, if it has the cookie.
    pub fn known(request: &HttpRequest) -> Option<Self> {
        sent(request).map(|text| Self { text })
    }

    /// What the store knows it by.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.text)
    }

    /// The cookie that it is known by for the next ten minutes.
    ///
    /// `Lax`, because the way back from the provider begins on another site's page.
    pub fn cookie(&self) -> Cookie<'static> {
        build(self.text.clone(), time::Duration::seconds(PATIENCE))
    }
}

/// Takes the cookie out of the browser.
pub fn no_cookie() -> Cookie<'static> {
    build(String::new(), time::Duration::ZERO)
}

fn build(value: String, max_age: time::Duration) -> Cookie<'static> {
    Cookie::build(NAME, value)
        .path("/api/auth/oauth")
        .http_only(true)
        .secure(true)
        .same_site(SameSite::Lax)
        .max_age(max_age)
        .finish()
}

fn sent(request: &HttpRequest) -> Option<String> {
    let cookie = request.cookie(NAME)?;
    let value = cookie.value();
    let ours = value.len() == 43
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    ours.then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn asking(cookie: &str) -> HttpRequest {
        let header = ("cookie", format!("{NAME}={cookie}"));
        TestRequest::get().insert_header(header).to_http_request()
    }

    #[test]
    fn a_browser_keeps_its_cookie() {
        let first = Browser::of(&TestRequest::get().to_http_request());
        let again = Browser::of(&asking(&first.text));
        assert_eq!(first.hash(), again.hash());
        let cookie = first.cookie().to_string();
        let (_, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(
            attributes,
            "HttpOnly; SameSite=Lax; Secure; Path=/api/auth/oauth; Max-Age=600"
        );
    }

    #[test]
    fn what_we_did_not_make_is_no_cookie_of_ours() {
        for odd in ["", "abc", &"x".repeat(44), &"%".repeat(43)] {
            assert!(Browser::known(&asking(odd)).is_none(), "{odd}");
        }
    }
}
