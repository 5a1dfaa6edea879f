//! Requests that are far too much of something.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::harness::{
    LIMIT, TestApp,
    wire::{TEXT, Wire, frame, upgrade},
};

const MIB: usize = 1024 * 1024;

async fn plain() -> TestApp {
    TestApp::with(|config| config.server.https = false).await
}

/// Sends a beginning and then the same again and again, up to 10 MiB, until the server has enough;
/// gives what it took and what it said.
async fn pour(port: u16, beginning: &str, more: &[u8]) -> (usize, String) {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let pouring = async {
        writing.write_all(beginning.as_bytes()).await.unwrap();
        let mut poured = 0;
        while poured < 10 * MIB && writing.write_all(more).await.is_ok() {
            poured += more.len();
        }
        poured
    };
    let mut said = Vec::new();
    let listening = async {
        // A reset behind the answer is an end as well.
        while reading
            .read_buf(&mut said)
            .await
            .is_ok_and(|count| count > 0)
        {}
    };
    let done = timeout(LIMIT, async { tokio::join!(pouring, listening) }).await;
    let (poured, ()) = done.expect("the server ends it");
    (poured, String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn ten_megabytes_of_headers_are_not_read() {
    let app = plain().await;
    let heads = [
        "GET /health HTTP/1.1\r\n",
        "GET /api/chat/ws HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n",
    ];
    let line = format!("X-Y: {}\r\n", "z".repeat(1_000));
    for head in heads {
        for (beginning, more) in [
            (head.to_owned(), line.as_bytes()),
            (format!("{head}X: "), &[b'x'; 1_000]),
            (format!("{head}X"), &[b'-'; 1_000]),
            (head.replacen(" HTTP", "?", 1), &[b'a'; 1_000]),
        ] {
            let (poured, said) = pour(app.port, &beginning, more).await;
            assert!(poured < 4 * MIB, "{beginning:?}: {poured} bytes were taken");
            assert!(said.starts_with("HTTP/1.1 4"), "{beginning:?}: {said}");
        }
    }
    app.api().get("/health/live").await.ok(200);
}

#[tokio::test]
async fn ten_megabytes_of_body_are_not_read() {
    let app = TestApp::with(|config| {
        config.server.https = false;
        // Of chunks that are poured on behind the answer.
        config.http.sending = Duration::from_secs(1);
    })
    .await;
    for (path, size) in [
        ("/api/auth/login", "Content-Length: 10485760"),
        ("/api/auth/logout", "Content-Length: 10485760"),
        ("/api/auth/login", "Content-Length: 18446744073709551615"),
        ("/api/auth/login", "Transfer-Encoding: chunked"),
        ("/api/auth/logout", "Transfer-Encoding: chunked"),
        ("/nowhere", "Content-Length: 10485760"),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{size}\r\n\r\n"
        );
        let chunk = [b"400\r\n".as_slice(), &[b' '; 1024], b"\r\n"].concat();
        let (_, said) = pour(app.port, &head, &chunk).await;
        assert!(said.starts_with("HTTP/1.1 4"), "{head}: {said}");
        assert!(
            path == "/nowhere" || said.starts_with("HTTP/1.1 413 "),
            "{head}: {said}"
        );
    }
    app.api().get("/health/live").await.ok(200);
}

/// A parser that goes one call deeper with each bracket ends on the stack's floor.
#[tokio::test]
async fn json_may_not_be_nested_without_end() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut wire = Wire::of(&app, &alice.token).await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let deep = open.repeat(60 * 1024 / open.len());
        let closed = {
            let count = 28 * 1024 / open.len();
            format!("{}1{}", open.repeat(count), close.repeat(count))
        };
        for text in [deep.clone(), format!(r#"{{"content":{deep}"#)] {
            let request = app
                .as_user(&alice)
                .request(reqwest::Method::POST, "/api/chat/rooms/general/messages")
                .header("content-type", "application/json")
                .body(text);
            app.api().answer(request).await.refused(400, "bad_request");
        }
        for text in [deep, format!(r#"{{"type":"ping","ref":{closed}}}"#)] {
            wire.send(&frame(TEXT, text.as_bytes())).await;
            let error = wire.wait_for("error").await;
            assert_eq!(error["code"], "invalid_frame", "{error}");
        }
        // What is not known is passed over, not followed.
        let depth = 100 / open.matches(['[', '{']).count();
        let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let unknown = format!(r#"{{"type":"ping","more":{deep}}}"#);
        wire.send(&frame(TEXT, unknown.as_bytes())).await;
        wire.wait_for("pong").await;
    }
    wire.say(&json!({"type": "ping"})).await;
    wire.wait_for("pong").await;
}

#[tokio::test]
async fn a_body_that_is_no_utf_8_is_refused() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    for bytes in [
        &b"{\"content\":\"\xff\"}"[..],
        b"{\"content\":\"\xed\xa0\x80\"}",
        b"{\"content\":\"\xc0\x80\"}",
        b"{\"content\":\"\\ud800\"}",
        b"\xef\xbb\xbf{\"content\":\"x\"}",
        b"{\"content\xff\":\"x\"}",
    ] {
        let request = app
            .as_user(&alice)
            .request(reqwest::Method::POST, "/api/chat/rooms/general/messages")
            .header("content-type", "application/json")
            .body(bytes.to_vec());
        app.api().answer(request).await.refused(400, "bad_request");
    }
}

/// What is behind an upgrade are frames, and what is behind a refused one is nothing.
#[tokio::test]
async fn requests_behind_an_upgrade_are_none() {
    let app = plain().await;
    let alice = app.client("alice").await;
    let get = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let path = format!("/api/chat/ws?token={}", alice.token);
    let mut wire = Wire::connect(app.port, None).await;
    wire.send((upgrade(&path, "") + get).as_bytes()).await;
    let head = wire.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    wire.closed_as(parlor::protocol::code::CloseCode::ProtocolError)
        .await;

    for refused in [upgrade("/nowhere", ""), upgrade("/api/chat/ws?token=x", "")] {
        let mut wire = Wire::connect(app.port, None).await;
        wire.send((get.repeat(20) + &refused + &get.repeat(20)).as_bytes())
            .await;
        let said = wire.rest().await;
        assert_eq!(said.matches("HTTP/1.1 200 ").count(), 20, "{said}");
        let last = said.rsplit("HTTP/1.1 ").next().unwrap_or_default();
        assert!(last.starts_with('4'), "{said}");
    }
}

/// Nothing of a request with a body is taken for the socket's first frames.
#[tokio::test]
async fn a_body_of_an_upgrade_request_is_no_way_in() {
    let app = plain().await;
    for lines in ["Content-Length: 40\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut wire = Wire::connect(app.port, None).await;
        let bytes = [upgrade("/api/chat/ws", lines).as_bytes(), &[b'x'; 40]].concat();
        wire.send(&bytes).await;
        let said = wire.rest().await;
        assert!(said.starts_with("HTTP/1.1 4"), "{said}");
    }
    // HTTP/2 without TLS is not offered, and CONNECT leads nowhere.
    for request in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\nContent-Length: 4\r\n\r\nSSH-",
        "CONNECT /api/chat/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ] {
        let mut wire = Wire::connect(app.port, None).await;
        wire.send(request.as_bytes()).await;
        let said = wire.rest().await;
        assert!(said.starts_with("HTTP/1.1 4"), "{request:?}: {said}");
    }
    app.api().get("/health/live").await.ok(200);
}
