use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use anyhow::{Context, ensure};
use rustls_pki_types::ServerName;
use url::{Host, Url};

use crate::config::ServerConfig;

/// Where a server is, and who it must prove to be.
#[derive(Debug)]
pub(super) struct Target {
    /// What to connect to.
    pub host: String,
    pub port: u16,
    /// Whom the certificate must name; `None` without TLS.
    pub tls_name: Option<ServerName<'static>>,
    /// What the request says in `Host`.
    pub authority: String,
}

impl Target {
    /// The server at an address that somebody typed.
    ///
    /// # Errors
    /// It is no origin such as `https://localhost:8080`.
    pub(super) fn named(url: &str) -> anyhow::Result<Self> {
        let wrong = || format!("{url:?} is no address such as https://localhost:8080");
        let parsed = Url::parse(url).with_context(wrong)?;
        let path_is_ours = matches!(parsed.path(), "/" | "/health/ready");
        let is_bare = parsed.query().is_none()
            && parsed.fragment().is_none()
            && parsed.username().is_empty()
            && parsed.password().is_none();
        ensure!(
            matches!(parsed.scheme(), "http" | "https") && path_is_ours && is_bare,
            wrong()
        );
        let host = parsed.host().with_context(wrong)?;
        let port = parsed.port_or_known_default().with_context(wrong)?;
        let host = bare(&host);
        let tls_name = (parsed.scheme() == "https").then(|| host.clone());
        Self::new(host, port, tls_name)
    }

    /// The server that these settings describe, on this machine. Its certificate is for the host of
    /// `PUBLIC_URL` where that is set.
    ///
    /// # Errors
    /// The port is a free one that only the server knows.
    pub(super) fn of_settings(server: &ServerConfig) -> anyhow::Result<Self> {
        ensure!(
            server.port != 0,
            "PORT is 0: say where the server is, as its first line does"
        );
        // Nobody can connect to "every address".
        let (host, name) = match server.host.parse() {
            Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => ("127.0.0.1", "localhost"),
            Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => ("::1", "localhost"),
            _ => (server.host.as_str(), server.host.as_str()),
        };
        let public = server.public_url.as_ref().and_then(Url::host);
        let name = public.map_or_else(|| name.to_owned(), |host| bare(&host));
        Self::new(host.to_owned(), server.port, server.https.then_some(name))
    }

    fn new(host: String, port: u16, tls_name: Option<String>) -> anyhow::Result<Self> {
        let shown = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        Ok(Self {
            authority: format!("{shown}:{port}"),
            tls_name: tls_name
                .map(|name| ServerName::try_from(name.clone()).with_context(|| name))
                .transpose()
                .context("no certificate can be for this name")?,
            host,
            port,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.tls_name.as_ref().map_or("http", |_| "https");
        write!(f, "{scheme}://{}", self.authority)
    }
}

/// A host as one connects to it: an IPv6 address without brackets.
fn bare(host: &Host<&str>) -> String {
    match host {
        Host::Ipv6(address) => address.to_string(),
        host => host.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(host: &str, public_url: Option<&str>, https: bool) -> Target {
        Target::of_settings(&ServerConfig {
            host: host.to_owned(),
            public_url: public_url.map(|url| url.parse().unwrap()),
            https,
            ..ServerConfig::default()
        })
        .unwrap()
    }

    #[test]
    fn an_address_is_an_origin_and_nothing_more() {
        for (url, shown) in [
            ("https://localhost:8443", "https://localhost:8443"),
            ("http://127.0.0.1", "http://127.0.0.1:80"),
            ("https://[::1]/", "https://[::1]:443"),
            (
                "https://chat.example.org/health/ready",
                "https://chat.example.org:443",
            ),
        ] {
            assert_eq!(Target::named(url).unwrap().to_string(), shown);
        }
        for url in [
            "",
            "localhost:8080",
            "wss://localhost:8080",
            "https://localhost/health",
            "https://localhost/?a=b",
            "https://localhost/#top",
            "https://ann@localhost/",
            "https://:secret@localhost/",
            "file:///health/ready",
        ] {
            assert!(Target::named(url).is_err(), "{url:?}");
        }
    }

    #[test]
    fn the_own_server_is_on_this_machine_under_its_public_name() {
        let name = |target: &Target| target.tls_name.as_ref().map(|name| name.to_str().into());
        let everywhere = own("0.0.0.0", None, true);
        assert_eq!(everywhere.to_string(), "https://127.0.0.1:8080");
        assert_eq!(name(&everywhere), Some("localhost".to_owned()));
        assert_eq!(own("::", None, true).host, "::1");
        let public = own("127.0.0.1", Some("https://chat.example.org/"), true);
        assert_eq!(public.host, "127.0.0.1");
        assert_eq!(name(&public), Some("chat.example.org".to_owned()));
        let proxied = own("127.0.0.1", Some("https://chat.example.org/"), false);
        assert_eq!(proxied.to_string(), "http://127.0.0.1:8080");
    }

    #[test]
    fn a_free_port_cannot_be_guessed() {
        let server = ServerConfig {
            port: 0,
            ..ServerConfig::default()
        };
        assert!(Target::of_settings(&server).is_err());
    }
}
