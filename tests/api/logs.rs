//! What the log tells, and what it never does.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{ADMIN_PASSWORD, Home, PASSWORD, Proof, Server};

/// Lines of the log that are JSON.
fn parsed(output: &str) -> Vec<Value> {
    output
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Whether a line tells of work that only requests cause.
fn belongs_to_a_request(line: &Value) -> bool {
    let statement = line["db.statement"].as_str().unwrap_or_default();
    line["message"] == "request answered"
        || ["INTO logins", "INTO refresh_tokens"]
            .iter()
            .any(|part| statement.contains(part))
}

#[tokio::test]
async fn every_line_of_a_request_has_its_id_and_no_secret() {
    let home = Home::new().await;
    let secret = "a signing secret that must never be printed";
    let environment = [
        ("RUST_LOG", "debug,parlor=trace"),
        ("JWT_SECRET", secret),
        ("METRICS_TOKEN", "the-scrapers-own-token"),
    ];
    let server = Server::with(&home, &environment).await;
    let alice = server.client("alice").await;
    let wrong = json!({"username": "alice", "password": "Wrong-Horse-7"});
    let refused = server.api().login(&wrong).await;
    let mut socket = server.ws(&alice).by(Proof::Query).joined("general").await;
    let id = socket.publish("general", "a private word").await;
    socket.acked(&id).await;
    let protocol = server
        .ws(&alice)
        .by(Proof::Subprotocol)
        .joined("general")
        .await;
    drop(protocol);
    server.ws(&alice).by(Proof::Frame).joined("general").await;
    let api = server.as_user(&alice);
    let listed = api.list_users("q=needle-in-the-query").await;
    api.say("general", "another private word").await;
    let unknown = server.api().get("/nowhere?secret=query-of-nowhere").await;
    let path = format!("/api/chat/ws?token={}x", alice.token);
    let bad = server.api().call(Method::GET, &path).await;
    let refreshed = server.api().refresh(&alice.refresh_token).await.ok(200);
    server.with_token("the-scrapers-own-token").metrics().await;
    let ids: Vec<_> = [&refused, &listed, &unknown, &bad]
        .iter()
        .map(|answer| answer.request_id().to_owned())
        .collect();
    for id in &ids {
        server.line(|line| line.contains(id.as_str())).await;
    }
    server.signal("TERM").await;
    let (status, output) = server.ended().await;
    assert!(status.success(), "{output}");

    let lines = parsed(&output);
    assert!(lines.len() > 10, "{output}");
    for line in &lines {
        assert!(
            line["level"].is_string() && line["timestamp"].is_string(),
            "{line}"
        );
    }
    for line in lines.iter().filter(|line| belongs_to_a_request(line)) {
        let spans = line["spans"].as_array();
        let has_id = |span: &Value| span["request_id"].is_string();
        assert!(
            spans.is_some_and(|spans| spans.iter().any(has_id)),
            "{line}"
        );
    }
    for (what, value) in [
        ("a password", PASSWORD),
        ("a wrong password", "Wrong-Horse-7"),
        ("the admin's password", ADMIN_PASSWORD),
        ("the signing secret", secret),
        ("a token", alice.token.as_str()),
        (
            "a token's signature",
            alice.token.rsplit('.').next().unwrap(),
        ),
        ("a refresh token", alice.refresh_token.as_str()),
        ("a new token", refreshed["token"].as_str().unwrap()),
        (
            "a new refresh token",
            refreshed["refresh_token"].as_str().unwrap(),
        ),
        ("the scraper's token", "the-scrapers-own-token"),
        ("a query", "needle-in-the-query"),
        ("another query", "query-of-nowhere"),
        ("a message", "private word"),
        ("a hash", "$2b$"),
        ("a hash of another kind", "$2y$"),
    ] {
        let line = output.lines().find(|line| line.contains(value));
        assert!(line.is_none(), "{what} is logged: {line:?}");
    }
}

#[tokio::test]
async fn the_log_can_be_for_people() {
    let home = Home::new().await;
    let server = Server::with(&home, &[("LOG_FORMAT", "pretty")]).await;
    let answer = server.api().get("/nowhere").await;
    let id = answer.request_id().to_owned();
    server.line(|line| line.contains(&id)).await;
    server.signal("TERM").await;
    let (status, output) = server.ended().await;
    assert!(status.success(), "{output}");
    assert!(
        parsed(&output).iter().all(|line| !line.is_object()),
        "{output}"
    );
}

/// `RUST_LOG=error` is how operators make it quiet.
#[tokio::test]
async fn levels_are_obeyed() {
    let home = Home::new().await;
    let server = Server::with(&home, &[("RUST_LOG", "error")]).await;
    server.client("alice").await;
    server.api().get("/nowhere").await;
    server.signal("TERM").await;
    let (status, output) = server.ended().await;
    assert!(status.success(), "{output}");
    assert_eq!(parsed(&output), [Value::Null; 0], "{output}");
}
