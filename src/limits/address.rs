//! Who is at the other end, when there may be proxies in between.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// The address of the client whose connection comes from `peer`.
///
/// `X-Forwarded-For` counts only as far as trusted proxies wrote it: it is read from the right, and
/// the first hop that is no trusted proxy is the client. Whatever stands left of it the client
/// itself may have made up.
#[must_use]
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if !is_trusted(&client) {
        return client;
    }
    let lines: Vec<_> = headers.get_all("x-forwarded-for").collect();
    for line in lines.into_iter().rev() {
        let Ok(line) = line.to_str() else {
            return client;
        };
        for hop in line.rsplit(',') {
            let Some(hop) = hop_address(hop.trim()) else {
                return client;
            };
            client = hop;
            if !is_trusted(&client) {
                return client;
            }
        }
    }
    client
}

/// An address with or without a port, as proxies write it.
fn hop_address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn client(peer: &str, lines: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_static(line),
            );
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn the_right_most_hop_that_is_no_proxy_is_the_client() {
        let made_up_on_the_left = "1.2.3.4, 203.0.113.9, 10.0.0.2";
        assert_eq!(client("10.0.0.1", &[made_up_on_the_left]), "203.0.113.9");
        assert_eq!(client("::1", &["1.2.3.4", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            client("10.0.0.1", &["203.0.113.9", "10.0.0.7"]),
            "203.0.113.9"
        );
        assert_eq!(client("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn hops_may_have_ports() {
        assert_eq!(client("10.0.0.1", &["203.0.113.9:5021"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["[2001:db8::9]:5021"]), "2001:db8::9");
        assert_eq!(client("10.0.0.1", &["[2001:db8::9]"]), "2001:db8::9");
    }

    #[test]
    fn nonsense_ends_what_is_believed() {
        assert_eq!(
            client("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.3"]),
            "10.0.0.3"
        );
        assert_eq!(client("10.0.0.1", &[""]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }
}
