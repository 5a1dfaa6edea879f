//! The flaky proxy: each fault happens, is counted and told, and breaks no promise that should hold.

use serde_json::json;

use crate::harness::{Event, Findings, Home, Server, TestApp, unique};

/// What holds through any network.
const LASTING: &str = "conversation,kept";
/// What holds as long as no connection is cut.
const WHOLE: &str = "references,bad-frames,close-echo,order,conflict,resume,resume-live,\
                     resume-refused,conversation,kept";

/// A proxy before a server, with the faults of these arguments.
async fn flaky(app: &TestApp, faults: &[&str]) -> Server {
    let ca = app.home.ca();
    let args = [
        &[
            "flaky",
            "--upstream",
            &app.url,
            "--ca",
            ca.to_str().unwrap(),
        ][..],
        &["--listen", "127.0.0.1:0", "--seed", "7"],
        faults,
    ]
    .concat();
    Server::from(&app.home, app.home.command(&args)).await
}

/// Ends it, and gives what it counted of one thing, and everything it said.
async fn counted(flaky: Server, what: &str) -> (u64, String) {
    flaky.signal("TERM").await;
    let (status, text) = flaky.ended().await;
    assert!(status.success(), "{text}");
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix(what)?.strip_prefix(": "));
    let count = count.unwrap_or_else(|| panic!("{what} is not counted: {text}"));
    (count.parse().unwrap(), text)
}

async fn holds(faults: &[&str], checks: &str, what: &str) {
    let app = TestApp::spawn().await;
    let proxy = flaky(&app, faults).await;
    let found = Findings::of(&app.home, &[&proxy.url, "--only", checks]).await;
    found.all_passed();
    let (count, text) = counted(proxy, what).await;
    assert!(count > 0, "no {what} happened: {text}");
}

#[tokio::test]
async fn promises_hold_through_a_proxy_that_does_nothing() {
    holds(&[], WHOLE, "sockets").await;
}

#[tokio::test]
async fn promises_hold_when_everything_is_late() {
    holds(&["--delay", "2..30"], WHOLE, "delays").await;
}

#[tokio::test]
async fn promises_hold_when_connections_are_cut_at_any_byte() {
    let faults = ["--cut", "0.03", "--refuse", "0.1"];
    holds(&faults, LASTING, "cuts").await;
}

#[tokio::test]
async fn promises_hold_when_connections_do_not_last() {
    holds(&["--cut-after", "5..80"], LASTING, "cuts").await;
}

#[tokio::test]
async fn promises_hold_when_messages_come_twice() {
    // Twice refused is not what that check expects.
    let checks = WHOLE.replace("bad-frames,", "");
    holds(&["--double-frames", "0.5"], &checks, "doubled frames").await;
}

#[tokio::test]
async fn promises_hold_when_sockets_are_opened_twice() {
    let faults = ["--double-connections", "0.5"];
    holds(
        &faults,
        "order,resume,resume-live,conversation,kept",
        "doubled connections",
    )
    .await;
}

#[tokio::test]
async fn promises_hold_when_connections_overtake_each_other() {
    let faults = ["--reorder", "0.5", "--reorder-wait", "200", "--cut", "0.02"];
    holds(&faults, LASTING, "reorderings").await;
}

#[tokio::test]
async fn promises_hold_when_reading_stalls() {
    let faults = [
        "--stall",
        "0.02",
        "--stall-for",
        "50..300",
        "--receive-buffer",
        "8192",
    ];
    holds(&faults, WHOLE, "stalls").await;
}

/// Everything at once is what a train is.
#[tokio::test]
async fn promises_hold_on_a_train() {
    let faults = [
        "--delay",
        "1..20",
        "--cut",
        "0.01",
        "--refuse",
        "0.05",
        "--double-frames",
        "0.2",
        "--double-connections",
        "0.1",
        "--reorder",
        "0.2",
        "--reorder-wait",
        "100",
        "--stall",
        "0.01",
        "--stall-for",
        "20..200",
    ];
    holds(&faults, LASTING, "connections").await;
}

/// The first connection is held until the second one is through.
#[tokio::test]
async fn a_later_connection_overtakes_one_that_is_held() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let proxy = flaky(&app, &["--reorder", "1", "--reorder-wait", "600000"]).await;
    let opened = tokio::join!(proxy.ws(&alice).ready(), proxy.ws(&alice).ready());
    let (count, text) = counted(proxy, "reorderings").await;
    assert_eq!(count, 1, "{text}");
    assert!(text.contains("#1 overtaken by a later one"), "{text}");
    drop(opened);
}

/// Frames that come twice are one message, and the sender hears two acks.
#[tokio::test]
async fn a_doubled_message_is_answered_twice_and_stored_once() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let proxy = flaky(&app, &["--double-frames", "1"]).await;
    let mut socket = proxy.ws(&alice).joined("general").await;
    let name = socket.publish("general", "hello").await;
    let (one, two) = (socket.acked(&name).await, socket.acked(&name).await);
    assert_eq!((&one["id"], &one["duplicate"]), (&two["id"], &json!(false)));
    assert_eq!(two["duplicate"], true);
    // Without a name it would be another message.
    let nameless = json!({"type": "message", "room_id": "general", "content": "nameless"});
    socket.send(&nameless).await;
    socket
        .wait_until("the second", |f| f["content"] == "nameless")
        .await;
    let room = app.as_user(&alice).room("general").await.ok(200);
    assert_eq!(room["head"], 2);
    assert_eq!(counted(proxy, "doubled frames").await.0, 1);
}

/// One who looks for a fault of his client wants to see it again.
#[tokio::test]
async fn the_same_seed_cuts_at_the_same_place() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut logs = Vec::new();
    for _ in 0..2 {
        let proxy = flaky(&app, &["--cut", "0.05"]).await;
        for _ in 0..5 {
            let mut socket = proxy.ws(&alice).open().await;
            // One frame at a time, so that both directions take turns.
            while matches!(socket.next().await, Event::Frame(_)) {
                socket.offer(&json!({"type": "ping"})).await;
            }
        }
        let (cuts, text) = counted(proxy, "cuts").await;
        assert_eq!(cuts, 5, "{text}");
        let cut = |line: &str| Some(line.split_once(" #")?.1.to_owned());
        let told: Vec<_> = text.lines().filter_map(cut).collect();
        logs.push(told);
    }
    assert_eq!(logs[0], logs[1]);
}

/// Requests go through as well, so that a client needs one address; and nothing tells a token.
#[tokio::test]
async fn requests_pass_and_tokens_are_not_told() {
    let app = TestApp::spawn().await;
    let proxy = flaky(&app, &["--delay", "1"]).await;
    let alice = proxy.client(&unique("alice")).await;
    let said = proxy.as_user(&alice).say("general", "by REST").await;
    assert_eq!(said["seq"], 1);
    let by_query = crate::harness::Proof::Query;
    proxy.ws(&alice).by(by_query).ready().await;
    proxy
        .as_user(&alice)
        .get("/nowhere")
        .await
        .refused(404, "not_found");
    let (count, text) = counted(proxy, "sockets").await;
    assert_eq!(count, 1);
    assert!(text.contains("socket /api/chat/ws"), "{text}");
    assert!(
        !text.contains(&alice.token) && !text.contains('?'),
        "{text}"
    );
}

#[tokio::test]
async fn a_proxy_speaks_tls_when_it_has_a_certificate() {
    let app = TestApp::spawn().await;
    let (cert, key) = (app.home.certificate(), app.home.key());
    let tls = [
        "--cert",
        cert.to_str().unwrap(),
        "--key",
        key.to_str().unwrap(),
    ];
    let proxy = flaky(&app, &tls).await;
    let address = proxy.line(|line| line.contains("wss://127")).await;
    let (_, address) = address.split_once("now at ").unwrap();
    let ca = app.home.ca();
    let args = [address, "--ca", ca.to_str().unwrap(), "--only", "binary"];
    Findings::of(&app.home, &args).await.all_passed();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let home = Home::new().await;
    let args = [
        "flaky",
        "--upstream",
        "ws://localhost:1",
        "--listen",
        "127.0.0.1:0",
    ];
    let proxy = Server::from(&home, home.command(&args)).await;
    let address = format!("127.0.0.1:{}", proxy.port);
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    proxy
        .line(|line| line.contains("#1 the server is not reached"))
        .await;
    assert_eq!(counted(proxy, "unreachable").await.0, 1);

    for args in [
        &["flaky"][..],
        &["flaky", "--upstream", "ws://localhost:1", "--cut", "2"],
        &["flaky", "--upstream", "ws://localhost:1", "--delay", "9..1"],
        &["flaky", "--upstream", "ws://localhost:1", "--cert", "x"],
    ] {
        assert_eq!(home.run(args).await.status.code(), Some(2), "{args:?}");
    }
}
