//! The refresh token in a browser: a cookie that no script reads and no other site sends.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time},
    http::header::ORIGIN,
};

use crate::{error::ApiError, routes::Origins};

/// `__Secure-` makes browsers refuse it from a page that came without TLS.
const NAME: &str = "__Secure-parlor_refresh";

/// Keeps a refresh token in the browser for as long as it lasts.
pub fn refresh_cookie(token: String, lifetime: Duration) -> Cookie<'static> {
    let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    build(token, time::Duration::seconds(seconds))
}

/// Takes the refresh token out of the browser.
pub fn no_cookie() -> Cookie<'static> {
    build(String::new(), time::Duration::ZERO)
}

fn build(value: String, max_age: time::Duration) -> Cookie<'static> {
    Cookie::build(NAME, value)
        .path("/api/auth")
        .http_only(true)
        .secure(true)
        .same_site(SameSite::Strict)
        .max_age(max_age)
        .finish()
}

/// Whether the browser sent the cookie.
pub fn is_sent(request: &HttpRequest) -> bool {
    request.cookie(NAME).is_some()
}

/// The refresh token that the browser sent; `None` if it sent none.
///
/// A browser adds cookies to what any page asks, so the request must prove that one of our pages
/// made it: by a header that a form cannot send, and by its origin.
///
/// # Errors
/// The cookie is there, but not the proof.
pub fn token_of_page(request: &HttpRequest, origins: &Origins) -> Result<Option<String>, ApiError> {
    let Some(cookie) = request.cookie(NAME) else {
        return Ok(None);
    };
    let text = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    if text("x-parlor") != Some("1") {
        return Err(ApiError::Forbidden(
            "The cookie counts only with the header X-Parlor: 1",
        ));
    }
    if !text(ORIGIN.as_str()).is_some_and(|origin| origins.contains(origin)) {
        return Err(ApiError::Forbidden(
            "The cookie counts only on our own pages",
        ));
    }
    Ok(Some(cookie.value().to_owned()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const OWN: &str = "https://chat.example.org";

    fn token(headers: &[(&str, &str)]) -> Result<Option<String>, ApiError> {
        let mut request = TestRequest::post().insert_header(("cookie", format!("{NAME}=abc")));
        for header in headers {
            request = request.insert_header(*header);
        }
        token_of_page(&request.to_http_request(), &Origins::new(OWN.into(), &[]))
    }

    #[test]
    fn the_cookie_counts_only_on_our_own_pages() {
        let proved = token(&[("x-parlor", "1"), ("origin", OWN)]).unwrap();
        assert_eq!(proved.as_deref(), Some("abc"));
        for unproved in [
            &[][..],
            &[("x-parlor", "1")],
            &[("origin", OWN)],
            &[("x-parlor", "0"), ("origin", OWN)],
            &[("x-parlor", "1"), ("origin", "https://evil.example.org")],
        ] {
            assert!(
                matches!(token(unproved), Err(ApiError::Forbidden(_))),
                "{unproved:?}"
            );
        }
    }

    #[test]
    fn the_cookie_is_for_browsers_over_tls_and_our_routes_alone() {
        let cookie = refresh_cookie("abc".into(), Duration::from_secs(60)).to_string();
        assert_eq!(
            cookie,
            "__Secure-parlor_refresh=abc; HttpOnly; SameSite=Strict; Secure; Path=/api/auth; \
             Max-Age=60"
        );
        assert!(no_cookie().to_string().contains("Max-Age=0"));
    }
}
