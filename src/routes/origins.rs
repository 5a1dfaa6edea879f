use std::sync::Arc;

/// The origins whose pages may use the browser's cookie: the own one and those an operator named.
#[derive(Clone, Debug)]
pub struct Origins {
    own: Arc<[String]>,
    sockets: Arc<[String]>,
}

impl Origins {
    /// `own` is the server's origin, such as `https://chat.example.org`; `allowed` are
    /// `CORS_ORIGINS`. Its `*` opens the API to tokens of everybody, but never to a cookie.
    #[must_use]
    pub fn new(own: String, allowed: &[String]) -> Self {
        let sockets = std::iter::once(&own).chain(allowed).cloned().collect();
        let named = allowed.iter().filter(|origin| *origin != "*").cloned();
        Self {
            own: std::iter::once(own).chain(named).collect(),
            sockets,
        }
    }

    /// The server's own.
    #[must_use]
    pub fn own(&self) -> &str {
        self.own.first().map_or("", String::as_str)
    }

    /// Origins whose pages may open sockets, where a token speaks and no cookie; `*` among them if
    /// an operator named it.
    #[must_use]
    pub fn all(&self) -> Arc<[String]> {
        self.sockets.clone()
    }

    /// Whether a page of this `Origin` is one of ours.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.own.iter().any(|own| own.eq_ignore_ascii_case(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_opens_no_cookie() {
        let own = || "https://chat.example.org".to_owned();
        let origins = Origins::new(own(), &["*".to_owned()]);
        assert!(origins.contains("https://chat.example.org"));
        for other in [
            "*",
            "null",
            "",
            "https://chat.example.org:444",
            "http://chat.example.org",
        ] {
            assert!(!origins.contains(other), "{other:?}");
        }
        let origins = Origins::new(own(), &["https://app.example.org".to_owned()]);
        assert!(origins.contains("https://app.example.org"));
    }
}
