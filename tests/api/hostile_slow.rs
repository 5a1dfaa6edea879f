//! Clients that take their time: each is given some, and none holds a connection for ever.

use std::time::Duration;

use parlor::config::HttpTiming;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::harness::{LIMIT, TestApp};

const GET: &str = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A server without patience.
async fn hasty() -> TestApp {
    TestApp::with(|config| {
        config.server.https = false;
        config.http = HttpTiming {
            head: Duration::from_millis(300),
            body: Duration::from_millis(300),
            sending: Duration::from_millis(900),
            taking: Duration::from_millis(900),
            keep_alive: Duration::from_secs(60),
        };
    })
    .await
}

fn post(path: &str, lines: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{lines}\r\n"
    )
}

/// Sends a beginning and then a drop now and again, until the server ends the connection.
async fn drip(port: u16, beginning: String, drop: &'static str) -> String {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    writing.write_all(beginning.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        while writing.write_all(drop.as_bytes()).await.is_ok() {
            pause.tick().await;
        }
    });
    let mut heard = Vec::new();
    // A reset is an end as well.
    let ended = timeout(LIMIT, reading.read_to_end(&mut heard)).await;
    dripping.abort();
    let heard = String::from_utf8_lossy(&heard).into_owned();
    assert!(ended.is_ok(), "{beginning:?} {drop:?} goes on: {heard}");
    heard
}

#[tokio::test]
async fn a_request_that_does_not_end_is_ended() {
    let app = hasty().await;
    let long = "Content-Length: 60000\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    let upgrade = "GET /api/chat/ws HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX: ";
    let login = "/api/auth/login";
    let cases = [
        // What comes first, what comes drop by drop, and how the last answer begins.
        (String::new(), "", "408"),
        ("GET /health HTTP/1.1\r\nX: ".to_owned(), "x", "408"),
        (upgrade.to_owned(), "x", "408"),
        (post(login, long) + "{", " ", "408"),
        (post(login, long) + "{", "", "408"),
        (post(login, chunked) + "1\r\n{\r\n", "1\r\n \r\n", "408"),
        (
            post("/api/auth/logout", chunked) + "1\r\n{\r\n",
            "1\r\n \r\n",
            "40",
        ),
        (post("/nowhere", long) + "{", " ", "404"),
        (
            post("/nowhere", chunked) + "1\r\n{\r\n",
            "1\r\n \r\n",
            "404",
        ),
        // The framework looks at the clock for a connection's first head alone.
        (format!("{GET}GET /health HTTP/1.1\r\nX: "), "x", "200"),
        (format!("{GET}{upgrade}"), "x", "200"),
    ];
    let dripping = cases.map(|(beginning, drop, status)| {
        let port = app.port;
        async move {
            let heard = drip(port, beginning.clone(), drop).await;
            let last = heard.rsplit("HTTP/1.1 ").next().unwrap_or_default();
            assert!(last.starts_with(status), "{beginning:?} {drop:?}: {heard}");
        }
    });
    futures_util::future::join_all(dripping).await;
}

/// A body that is late is refused in the one shape, with a code of its own.
#[tokio::test]
async fn a_late_body_is_told_so() {
    let app = hasty().await;
    let heard = drip(
        app.port,
        post("/api/auth/login", "Content-Length: 9\r\n"),
        "",
    )
    .await;
    let (_, body) = heard.split_once("\r\n\r\n").expect("a body");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["code"], "request_timeout", "{body}");
    assert_eq!(body["status"], 408, "{body}");
}

/// Slow is no crime: who goes on sending may take longer than one of these times.
#[tokio::test]
async fn a_slow_but_steady_client_is_served() {
    let app = hasty().await;
    let mut stream = TcpStream::connect(("127.0.0.1", app.port)).await.unwrap();
    let mut answer = [0; 12];
    let mut pause = tokio::time::interval(Duration::from_millis(400));
    // Together longer than a client may go on without an answer.
    for _ in 0..4 {
        pause.tick().await;
        let (first, rest) = GET.split_at(9);
        stream.write_all(first.as_bytes()).await.unwrap();
        stream.write_all(rest.as_bytes()).await.unwrap();
        timeout(LIMIT, stream.read_exact(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        let mut rest = Vec::new();
        while !rest.ends_with(br#"{"status":"live"}"#) {
            assert!(stream.read_buf(&mut rest).await.unwrap() > 0);
        }
    }
}

/// Answers that nobody takes must not stay in buffers.
#[tokio::test]
async fn a_client_that_takes_no_answers_is_ended() {
    let app = hasty().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket
        .connect(([127, 0, 0, 1], app.port).into())
        .await
        .unwrap();
    let burst = GET.repeat(1_000);
    let flood = async { while stream.write_all(burst.as_bytes()).await.is_ok() {} };
    timeout(LIMIT, flood).await.expect("the server hangs up");
}

/// A socket that was upgraded looks after itself: it may be silent for longer.
#[tokio::test]
async fn a_silent_socket_is_not_ended_by_these_times() {
    let app = hasty().await;
    let alice = app.client("alice").await;
    let mut socket = app.ws(&alice).joined("general").await;
    let slow = drip(app.port, "GET / HTTP/1.1\r\n".to_owned(), "x");
    let slower = drip(app.port, format!("{GET}GET / HTTP/1.1\r\nX: "), "x");
    tokio::join!(slow, slower);
    socket.until_pong().await;
}
