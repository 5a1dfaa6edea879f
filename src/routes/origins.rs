use std::sync::Arc;

/// The origins whose pages may use the browser's cookie: the own one and those an operator named.
#[derive(Clone, Debug)]
pub struct Origins {
    own: Arc<[String]>,
    sockets: Arc<[String]>,
    https_alone: bool,
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
            https_alone: false,
        }
    }

    /// Lets browsers that came by HTTPS come by nothing else for a year, unless the own host is a
    /// machine that has other servers too: what is said of `localhost` is said of all its ports.
    #[must_use]
    pub fn by_https_alone(self) -> Self {
        let own = url::Url::parse(self.own());
        let https_alone = own.is_ok_and(|own| {
            let is_name = |host| matches!(host, url::Host::Domain(name) if name != "localhost");
            own.scheme() == "https" && own.host().is_some_and(is_name)
        });
        Self {
            https_alone,
            ..self
        }
    }

    /// Whether answers say so.
    #[must_use]
    pub fn are_https_alone(&self) -> bool {
        self.https_alone
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
    fn only_a_site_of_its_own_binds_browsers_to_https() {
        let binds = |own: &str| {
            let origins = Origins::new(own.to_owned(), &[]);
            assert!(!origins.are_https_alone(), "not by itself");
            origins.by_https_alone().are_https_alone()
        };
        assert!(binds("https://chat.example.org"));
        assert!(binds("https://chat.example.org:8443"));
        for other in [
            "http://chat.example.org",
            "https://localhost:8080",
            "https://192.0.2.1",
            "https://[2001:db8::1]:8080",
        ] {
            assert!(!binds(other), "{other}");
        }
    }

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
