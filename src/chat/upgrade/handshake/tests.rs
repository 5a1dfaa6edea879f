use actix_http::{
    Method,
    header::{HeaderName, HeaderValue},
};
use proptest::prelude::*;

use super::*;
use crate::protocol::asyncapi::REFUSALS;

/// What a header may hold: near what a handshake wants, or any bytes that HTTP lets through.
fn value(near: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> + Clone {
    let byte = prop_oneof![8 => 0x20..0x7f_u8, 1 => Just(b'\t'), 1 => 0x80..=0xff_u8];
    prop_oneof![
        6 => prop::sample::select(near).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(byte, 0..60),
    ]
}

fn header(
    name: &'static str,
    near: &'static [&'static str],
) -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let line = value(near).prop_map(move |value| (name, value));
    prop_oneof![
        8 => line.clone().prop_map(|line| vec![line]),
        1 => Just(Vec::new()),
        1 => prop::collection::vec(line, 2..4),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let lines = (
        header("connection", &["Upgrade", "keep-alive, upgrade", "close"]),
        header("upgrade", &["websocket", "WebSocket", "h2c"]),
        header("sec-websocket-version", &["13", "13", "13", "8"]),
        header(
            "sec-websocket-key",
            &["dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", "="],
        ),
        header(
            "sec-websocket-protocol",
            &[
                "parlor.v1",
                "parlor.v1, bearer.S3CRET",
                "bearer.S3CRET",
                "bearer., parlor.v1",
                ",,",
            ],
        ),
        header(
            "authorization",
            &[
                "Bearer S3CRET",
                "bearer  S3CRET ",
                "Bearer",
                "Basic YTpi",
                "",
            ],
        ),
    );
    lines.prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f].concat())
}

fn target() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        3 => Just("/api/chat/ws".to_owned()),
        1 => Just("/api/ws/chat".to_owned()),
        3 => Just("/ws/general".to_owned()),
        2 => "/ws/[a-z0-9A-Z%._~-]{0,70}",
        2 => "/[ -~]{0,40}",
    ];
    let query = prop_oneof![
        3 => Just(String::new()),
        2 => "\\?(token|after|epoch)=[a-zA-Z0-9%+.-]{0,30}",
        2 => "\\?after=-?[0-9]{0,25}&epoch=%[0-9a-g]{0,2}",
        1 => "\\?[!-~]{0,60}",
    ];
    (path, query).prop_map(|(path, query)| path + &query)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Nobody gets anything but a socket or a refusal that the description lists.
    #[test]
    fn any_request_is_a_handshake_or_refused_as_described(
        target in target(),
        method in prop_oneof![8 => Just(Method::GET), 1 => Just(Method::POST), 1 => Just(Method::CONNECT)],
        headers in headers(),
    ) {
        let Ok(uri) = target.parse::<actix_http::Uri>() else { return Ok(()) };
        let mut request = Request::new();
        let head = request.head_mut();
        head.uri = uri;
        head.method = method;
        for (name, value) in headers {
            let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
            head.headers.append(HeaderName::from_static(name), value);
        }
        let read = Wanted::by(request.path())
            .ok_or(ApiError::NotFound("Route"))
            .and_then(|wanted| Handshake::read(&request, wanted));
        match read {
            Ok(handshake) => {
                let response = String::from_utf8(handshake.response("id")).unwrap();
                prop_assert!(response.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
                prop_assert!(response.ends_with("\r\n\r\n"));
                let lines = 6 + usize::from(handshake.selects_protocol);
                prop_assert_eq!(response.lines().count(), lines, "{}", response);
                prop_assert!(!response.contains("S3CRET"), "{}", response);
                prop_assert_eq!(handshake.accept.len(), 28, "SHA-1 in base64");
                if let Some((_, resume)) = handshake.greeting.join {
                    prop_assert!(resume.after.is_none_or(|after| after >= 0));
                }
            }
            Err(fault) => {
                let problem = fault.problem();
                let refusal = (problem.status.as_u16(), problem.code);
                let listed = REFUSALS.iter().any(|(status, code, _)| (*status, *code) == refusal);
                prop_assert!(listed, "{:?}", refusal);
            }
        }
    }

    /// A `rev` in the address is the one that was meant, or the request is refused.
    #[test]
    fn a_cursor_in_the_address_is_read_as_written(rev in any::<i64>(), epoch in any::<String>()) {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("after", &rev.to_string())
            .append_pair("epoch", &epoch)
            .finish();
        match Query::read(&query) {
            Ok(read) => {
                prop_assert_eq!(read.after, Some(rev));
                prop_assert_eq!(read.epoch, Some(epoch));
            }
            Err(fault) => {
                prop_assert!(rev < 0);
                prop_assert_eq!(fault.problem().status.as_u16(), 400);
            }
        }
    }

    #[test]
    fn any_query_is_read_or_refused(query in "[ -~]{0,80}") {
        if let Err(fault) = Query::read(&query) {
            prop_assert_eq!(fault.problem().status.as_u16(), 400);
        }
    }
}
