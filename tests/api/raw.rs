//! Requests that no HTTP library would send.

use reqwest::header::{HeaderMap, HeaderName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::harness::{Answer, LIMIT, TestApp};

async fn plain() -> TestApp {
    TestApp::with(|config| config.server.https = false).await
}

/// Sends bytes and reads what comes back.
async fn exchange(app: &TestApp, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", app.port)).await.unwrap();
    stream.write_all(request).await.unwrap();
    heard(&mut stream).await
}

/// Reads until the server ends the connection or a whole answer is there.
async fn heard(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
            }
            if split(&answer).is_some() {
                break;
            }
        }
    };
    let ended = timeout(LIMIT, reading).await;
    assert!(
        ended.is_ok(),
        "no end: {:?}",
        String::from_utf8_lossy(&answer)
    );
    answer
}

/// Status, headers and body, once as much of the body as the head says is there.
fn split(bytes: &[u8]) -> Option<(u16, HeaderMap, String)> {
    let (head, body) = std::str::from_utf8(bytes).ok()?.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name: HeaderName = name.parse().ok()?;
        headers.insert(name, value.trim().parse().ok()?);
    }
    let length = headers
        .get("content-length")
        .map_or("0", |v| v.to_str().unwrap_or("0"));
    let whole = body.len() >= length.parse::<usize>().ok()?;
    whole.then(|| (status, headers, body.to_owned()))
}

async fn asked(app: &TestApp, head: &str) -> Answer {
    let request = format!("{head}\r\nHost: localhost\r\n\r\n");
    let mut stream = TcpStream::connect(("127.0.0.1", app.port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(head.to_owned(), &mut stream).await
}

/// Reads the answer to a request.
pub async fn answer(request: String, stream: &mut TcpStream) -> Answer {
    let bytes = heard(stream).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let answer = split(&bytes);
    let (status, headers, body) =
        answer.unwrap_or_else(|| panic!("{request}: no whole answer in {text:?}"));
    Answer::new(request, status, headers, body.into())
}

#[tokio::test]
async fn a_plain_server_speaks_http() {
    let app = plain().await;
    assert_eq!(asked(&app, "GET /health/live HTTP/1.1").await.status(), 200);
    let alice = app.client("alice").await;
    app.ws(&alice).joined("general").await;
}

#[tokio::test]
async fn odd_targets_are_refused_in_our_shape() {
    let app = plain().await;
    for target in [
        "/api/users/%zz",
        "/%",
        "/api/users/../../etc/passwd",
        "/..",
        "//",
    ] {
        let answer = asked(&app, &format!("GET {target} HTTP/1.1")).await;
        assert!((400..500).contains(&answer.status()), "{answer}");
    }
    for head in [
        "OPTIONS * HTTP/1.1",
        "TRACE / HTTP/1.1",
        "GET http://localhost/nowhere HTTP/1.1",
    ] {
        let answer = asked(&app, head).await;
        assert!((400..500).contains(&answer.status()), "{answer}");
    }
    assert_eq!(asked(&app, "GET /health/live HTTP/1.0").await.status(), 200);
}

/// The upgrade service sees these before the routes do.
#[tokio::test]
async fn upgrades_that_are_none_are_refused_in_our_shape() {
    let app = plain().await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket";
    let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for head in [
        format!("GET /api/users HTTP/1.1\r\n{upgrade}\r\n{key}"),
        format!("GET /nowhere HTTP/1.1\r\n{upgrade}\r\n{key}"),
        format!("POST /api/chat/ws HTTP/1.1\r\nContent-Length: 0\r\n{upgrade}\r\n{key}"),
        format!("GET /api/chat/ws HTTP/1.1\r\n{upgrade}"),
        format!("GET /api/chat/ws HTTP/1.1\r\n{upgrade}\r\nSec-WebSocket-Version: 8"),
        format!("GET /ws/NOT%20A%20ROOM HTTP/1.1\r\n{upgrade}\r\n{key}\r\nAuthorization: Bearer x"),
        "GET /api/chat/ws HTTP/1.1".to_owned(),
        "GET /health HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c".to_owned(),
        "CONNECT example.org:443 HTTP/1.1".to_owned(),
        "CONNECT / HTTP/1.1".to_owned(),
    ] {
        let answer = asked(&app, &head).await;
        let status = answer.status();
        let served = head.contains("h2c") && status == 200;
        assert!(served || (400..500).contains(&status), "{answer}");
    }
    assert_eq!(asked(&app, "GET /health/live HTTP/1.1").await.status(), 200);
}

/// What is no HTTP gets no shape, but must not hurt.
#[tokio::test]
async fn what_is_no_http_ends_its_connection_alone() {
    let app = plain().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        b"POST /api/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let answer = exchange(&app, bytes).await;
        let head = String::from_utf8_lossy(&answer).into_owned();
        assert!(!head.starts_with("HTTP/1.1 5"), "{bytes:?}: {head}");
    }
    assert_eq!(asked(&app, "GET /health/live HTTP/1.1").await.status(), 200);
}
