//! The conformance kit: a Parlor passes it, and what is none does not.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use parlor::{config::Config, conformance::CHECKS};
use serde_json::json;

use crate::harness::{Fate, Findings, Home, Liar, PASSWORD, Server, Stand, TestApp, finish};

/// Checks that need longer, or somebody who runs the server.
const NOT_NOW: [&str; 3] = ["expiry", "heartbeat", "operator"];

/// The limits that a server has unless it is told otherwise.
const USUAL: [(&str, &str); 10] = [
    ("MESSAGES_PER_SECOND", "20"),
    ("MAX_CONNECTIONS_PER_USER", "50"),
    ("SOCKETS_PER_MINUTE", "600"),
    ("ROOM_MESSAGES_PER_SECOND", "200"),
    ("JOINS_PER_MINUTE", "600"),
    ("ROOM_JOINS_PER_SECOND", "500"),
    ("TYPING_PER_SECOND", "10"),
    ("ROOM_TYPING_PER_SECOND", "50"),
    ("REQUESTS_PER_SECOND", "50"),
    ("REFRESHES_PER_MINUTE", "30"),
];

#[tokio::test]
async fn a_parlor_keeps_every_promise() {
    let home = Home::new().await;
    let server = Server::with(&home, &USUAL).await;
    let ca = home.ca();
    let args = [&server.url, "--ca", ca.to_str().unwrap()];
    let found = Findings::of(&home, &args).await;
    assert!(found.status.success(), "{}", found.text);
    assert!(found.checks("failed").is_empty(), "{}", found.text);
    for check in CHECKS.iter().map(|check| check.name) {
        let (verdict, seen) = found.verdict(check);
        match check {
            _ if NOT_NOW.contains(&check) => {
                assert_eq!(verdict, "skipped", "{check}: {seen}");
                assert!(seen.starts_with("not checked: "), "{check}: {seen}");
            }
            // A database that is quick enough is not overloaded by this.
            "overload" => {}
            _ => assert_eq!(verdict, "passed", "{check}: {seen}"),
        }
    }
    // What was made is gone, but for the room.
    let left = found.report["left_behind"].as_array().unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    let users = home.run(&["user", "list"]).await;
    let users = String::from_utf8(users.stdout).unwrap();
    assert!(!users.contains("conformance-"), "{users}");
}

/// Without limits of a user's own it is the room that has no more room.
#[tokio::test]
async fn a_parlor_tells_of_overload_or_has_none() {
    let app = TestApp::with(|config| config.server.https = false).await;
    let found = Findings::of(&app.home, &[&app.url, "--only", "overload,rate-limit"]).await;
    let (verdict, seen) = found.verdict("overload");
    match verdict {
        "passed" => assert!(!seen.contains(" 0 overloaded"), "{seen}"),
        other => assert_eq!(other, "unlimited", "{seen}"),
    }
    assert_eq!(found.verdict("rate-limit").0, "skipped");
}

#[tokio::test]
async fn what_takes_its_time_is_checked_when_there_is_time() {
    let app = TestApp::with(|config| {
        config.server.https = false;
        config.chat.heartbeat = Duration::from_secs(1);
    })
    .await;
    let found = Findings::of(&app.home, &[&app.url, "--only", "heartbeat"]).await;
    found.all_passed();
    let impatient = [&app.url, "--only", "heartbeat", "--patience", "1"];
    let found = Findings::of(&app.home, &impatient).await;
    assert_eq!(found.verdict("heartbeat").0, "skipped");
    assert!(
        !found.status.success(),
        "nothing was checked: {}",
        found.text
    );

    let app = TestApp::with(short_tokens).await;
    Findings::of(&app.home, &[&app.url, "--only", "expiry"])
        .await
        .all_passed();
}

fn short_tokens(config: &mut Config) {
    config.server.https = false;
    config.auth.token_lifetime = Duration::from_secs(10);
}

#[tokio::test]
async fn users_who_exist_are_enough_where_nobody_may_register() {
    let app = TestApp::with(|config| config.server.https = false).await;
    let (ann, bob) = (app.client("ann").await, app.client("bob").await);
    let home = &app.home;
    let file = home.path().join("users");
    let lines = format!("token {}\nbob@parlor.example {PASSWORD}\n", ann.token);
    std::fs::write(&file, lines).unwrap();
    let only = "sign-in,order,presence,logout,deleted";
    let by_file = [&app.url, "--users", file.to_str().unwrap(), "--only", only];
    let found = Findings::of(home, &by_file).await;
    assert!(found.status.success(), "{}", found.text);
    assert_eq!(found.checks("passed"), ["sign-in", "order", "presence"]);
    assert_eq!(found.checks("skipped"), ["logout", "deleted"]);
    app.as_user(&bob).me().await.ok(200);

    let by_name = [
        &app.url,
        "--user",
        "ann",
        "--room",
        "general",
        "--only",
        "presence,typing,order",
    ];
    let password = [("PARLOR_PASSWORD", PASSWORD)];
    let found = Findings::with(home, &by_name, &password).await;
    assert_eq!(found.checks("passed"), ["order"], "{}", found.text);
    assert_eq!(
        found.checks("skipped"),
        ["presence", "typing"],
        "one user is alone"
    );
    assert_eq!(found.report["room"], "general");
    assert_eq!(found.report["left_behind"], json!([]));

    let closed = TestApp::with(|config| {
        config.server.https = false;
        config.auth.registration_open = false;
    })
    .await;
    let found = Findings::of(&closed.home, &[&closed.url]).await;
    assert_eq!(found.status.code(), Some(1));
    assert!(found.text.contains("--user"), "{}", found.text);
}

#[tokio::test]
async fn the_table_is_for_people_and_the_command_line_is_checked() {
    let app = TestApp::spawn().await;
    let ca = app.home.ca();
    let ca = ca.to_str().unwrap();
    let args = [
        "conformance",
        &app.url,
        "--ca",
        ca,
        "--only",
        "binary,operator",
    ];
    let output = app.home.run(&args).await;
    assert!(output.status.success(), "{output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("binary ") && lines[0].contains(" passed "),
        "{table}"
    );
    assert!(
        lines[1].contains(" skipped ") && lines[1].contains("not checked: "),
        "{table}"
    );
    assert_eq!(lines[2], "1 passed, 0 failed, 1 skipped, 0 unlimited");

    let list = app.home.run(&["conformance", "--list"]).await;
    let list = String::from_utf8(list.stdout).unwrap();
    assert_eq!(list.lines().count(), CHECKS.len());

    for (args, code) in [
        // Nobody vouches for the certificate.
        (&["conformance", &app.url, "--only", "binary"][..], 1),
        (
            &["conformance", &app.url, "--insecure", "--only", "dance"],
            1,
        ),
        (&["conformance", "wss://localhost:1", "--insecure"], 1),
        (&["conformance", "localhost"], 1),
        (&["conformance"], 2),
        (&["conformance", &app.url, "--insecure", "--ca", ca], 2),
    ] {
        let output = app.home.run(args).await;
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
    let insecure = ["conformance", &app.url, "--insecure", "--only", "binary"];
    assert!(finish(app.home.command(&insecure)).await.status.success());
}

/// Every check, and a lie that it must see.
fn lies() -> Vec<(&'static str, Liar)> {
    let closes = [
        "silence",
        "ten-bad-frames",
        "protocol-error",
        "binary",
        "not-utf8",
        "too-large",
        "close-echo",
        "slow-reader",
        "logout",
        "deleted",
    ];
    let mut lies: Vec<_> = closes.map(|check| (check, Liar::of_closes())).into();
    for check in ["order", "resume", "resume-live", "conversation"] {
        for fate in [Fate::Drop, Fate::Twice, Fate::Later] {
            lies.push((check, Liar::to_a_message(fate)));
        }
    }
    lies.extend([
        (
            "sign-in",
            Liar::saying("authenticated", "protocol", json!(2)),
        ),
        ("bad-token", Liar::of_words("HTTP/1.1 401", "HTTP/1.1 403")),
        ("nobody", Liar::saying("error", "code", json!("forbidden"))),
        ("references", Liar::saying("pong", "ref", json!("another"))),
        (
            "bad-frames",
            Liar::saying("error", "code", json!("invalid_frame")),
        ),
        ("fragments", Liar::of_pongs()),
        (
            "order",
            Liar::saying("message", "content", json!("something else")),
        ),
        ("order", Liar::saying("ack", "seq", json!(1))),
        ("order", Liar::of_words("order 0 3\"", "order 0 4\"")),
        ("duplicates", Liar::saying("ack", "duplicate", json!(false))),
        (
            "duplicates",
            Liar::of("ack", |frame| {
                if frame["duplicate"] == true {
                    frame["id"] = json!("another");
                }
            }),
        ),
        (
            "conflict",
            Liar::saying("error", "code", json!("invalid_content")),
        ),
        ("conflict", Liar::of_words("HTTP/1.1 409", "HTTP/1.1 200")),
        ("resume", Liar::saying("connected", "resumed", json!(false))),
        (
            "resume-refused",
            Liar::saying("connected", "resumed", json!(true)),
        ),
        (
            "resume-limit",
            Liar::saying("connected", "resumed", json!(true)),
        ),
        (
            "join-again",
            Liar::saying("connected", "resumed", json!(false)),
        ),
        (
            "presence",
            Liar::saying("user_left", "content", json!("gone")),
        ),
        ("presence", Liar::saying("connected", "online", json!(1))),
        (
            "typing",
            Liar::saying("typing", "room_id", json!("another")),
        ),
        (
            "overload",
            Liar::of("ack", |frame| {
                frame["type"] = json!("error");
                frame["code"] = json!("overloaded");
            }),
        ),
        (
            "overload",
            Liar::of("ack", |frame| {
                frame["type"] = json!("error");
                frame["code"] = json!("overloaded");
                frame["retry_after_ms"] = json!(1);
            }),
        ),
    ]);
    lies
}

/// A check that cannot fail proves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_broken_promise_is_seen() {
    let app = TestApp::with(|config| {
        config.server.https = false;
        config.chat.slow_close = Duration::from_secs(10);
    })
    .await;
    caught(&app, lies(), 3).await;
    // The stand itself breaks nothing.
    let names: Vec<_> = lies().into_iter().map(|(check, _)| check).collect();
    let honest = Stand::before(&app, Liar::honest()).await;
    let found = Findings::of(&app.home, &[&honest.address, "--only", &names.join(",")]).await;
    assert!(found.status.success(), "{}", found.text);
    assert!(found.checks("failed").is_empty(), "{}", found.text);
}

/// What is kept must be what was acknowledged; and some clocks and limits are the server's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_broken_promise_of_clocks_and_limits_is_seen() {
    let app = TestApp::with(|config| {
        config.server.https = false;
        config.chat.heartbeat = Duration::from_secs(1);
    })
    .await;
    let words = Liar::of_words(r#"{"id":"0"#, r#"{"id":"f"#);
    caught(&app, vec![("heartbeat", Liar::of_closes())], 1).await;
    let stand = Stand::before(&app, words).await;
    let found = Findings::of(&app.home, &[&stand.address, "--only", "resume,kept"]).await;
    assert_eq!(found.verdict("kept").0, "failed", "{}", found.text);
    drop(app);

    let app = TestApp::with(short_tokens).await;
    caught(&app, vec![("expiry", Liar::of_closes())], 1).await;
    drop(app);

    let app = TestApp::with(|config| {
        config.server.https = false;
        config.limits.messages_per_second = 5;
        config.limits.max_connections_per_user = 10;
        config.chat.lost_grace = Duration::from_millis(100);
    })
    .await;
    let lies = vec![
        ("flood", Liar::of_closes()),
        ("sockets-per-user", Liar::of_closes()),
        (
            "rate-limit",
            Liar::saying("error", "retry_after_ms", json!(0)),
        ),
        // The server's own clock is the lie.
        ("lost", Liar::honest()),
    ];
    caught(&app, lies, 2).await;
}

async fn caught(app: &TestApp, lies: Vec<(&'static str, Liar)>, at_once: usize) {
    let found = lies
        .into_iter()
        .enumerate()
        .map(|(number, (check, liar))| async move {
            let stand = Stand::before(app, liar).await;
            let found = Findings::of(&app.home, &[&stand.address, "--only", check]).await;
            (number, check, found)
        });
    let mut found = stream::iter(found).buffer_unordered(at_once);
    while let Some((number, check, found)) = found.next().await {
        let what = format!("lie {number} to {check}: {}", found.text);
        assert!(!found.report.is_null(), "{what}");
        assert_eq!(found.verdict(check).0, "failed", "{what}");
        assert_eq!(found.status.code(), Some(1), "{what}");
    }
}
