//! Where providers send browsers back to.
//!
//! A code that comes back is shown to the provider that the sign-in began with. One that is hostile
//! could send the browser on to another one, whose code it would be shown then; so the two must send
//! browsers to different addresses, and what comes back at the wrong one is refused (RFC 9700,
//! section 4.4.2).

use crate::config::{OauthConfig, PROVIDER};

/// The address that Google, GitHub and Facebook share, unless each has its own.
pub const CALLBACK: &str = "/api/auth/oauth/callback";

/// Where one provider sends browsers back to.
pub(super) struct Redirect {
    pub(super) url: String,
    /// Whether other providers send them there, too.
    is_shared: bool,
}

/// Makes the address of each provider.
pub(super) struct Redirects {
    /// The shared one; or with [`PROVIDER`] in it, where each provider's name stands.
    url: String,
}

impl Redirects {
    pub(super) fn new(config: &OauthConfig, origin: &str) -> Self {
        let url = config.redirect_url.clone();
        Self {
            url: url.unwrap_or_else(|| format!("{origin}{CALLBACK}")),
        }
    }

    /// That of a provider whose name Parlor gave it.
    pub(super) fn of_built_in(&self, name: &str) -> Redirect {
        if self.url.contains(PROVIDER) {
            return self.of_issuer(name);
        }
        Redirect {
            url: self.url.clone(),
            is_shared: true,
        }
    }

    /// That of an issuer which an operator named: beside the shared one, not below it. GitHub sends
    /// browsers to whatever is below the address that it knows.
    pub(super) fn of_issuer(&self, name: &str) -> Redirect {
        let url = if self.url.contains(PROVIDER) {
            self.url.replace(PROVIDER, name)
        } else {
            let (parent, last) = self.url.rsplit_once('/').unwrap_or((&self.url, ""));
            format!("{parent}/{name}/{last}")
        };
        Redirect {
            url,
            is_shared: false,
        }
    }
}

impl Redirect {
    /// Whether it is the address of one provider alone, or the shared one.
    pub(super) fn is_at(&self, own: Option<&str>, name: &str) -> bool {
        match own {
            Some(own) => !self.is_shared && own == name,
            None => self.is_shared,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirects(url: Option<&str>) -> Redirects {
        let config = OauthConfig {
            redirect_url: url.map(str::to_owned),
            ..OauthConfig::default()
        };
        Redirects::new(&config, "https://chat.example")
    }

    #[test]
    fn each_issuer_has_an_address_beside_that_of_the_others() {
        for (set, built_in, issuer) in [
            (
                None,
                "https://chat.example/api/auth/oauth/callback",
                "https://chat.example/api/auth/oauth/home/callback",
            ),
            (
                Some("https://front.example/back"),
                "https://front.example/back",
                "https://front.example/home/back",
            ),
            (
                Some("https://front.example/in/{provider}/back"),
                "https://front.example/in/github/back",
                "https://front.example/in/home/back",
            ),
        ] {
            let redirects = redirects(set);
            let github = redirects.of_built_in("github");
            let home = redirects.of_issuer("home");
            assert_eq!((github.url.as_str(), home.url.as_str()), (built_in, issuer));
            assert!(!home.url.starts_with(&github.url), "GitHub would go there");
        }
    }

    #[test]
    fn nobody_comes_back_at_anothers_address() {
        let redirects = redirects(None);
        let (github, home) = (redirects.of_built_in("github"), redirects.of_issuer("home"));
        assert!(github.is_at(None, "github") && home.is_at(Some("home"), "home"));
        assert!(!github.is_at(Some("github"), "github"), "it has none");
        for wrong in [None, Some("github"), Some("other"), Some("HOME")] {
            assert!(!home.is_at(wrong, "home"), "{wrong:?}");
        }
    }
}
