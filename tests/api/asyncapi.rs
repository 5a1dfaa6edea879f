//! The description of the socket, and whether the tests have seen all that is in it.

use std::collections::BTreeSet;

use parlor::protocol::asyncapi;

use crate::harness::{
    TestApp,
    contract::{self, Watch},
};

#[tokio::test]
async fn everybody_may_read_what_the_socket_is() {
    let app = TestApp::spawn().await;
    let document = app.api().get("/api/asyncapi.json").await.ok(200);
    assert_eq!(document, asyncapi::document(&app.url));
    assert_eq!(document["asyncapi"], "3.1.0");
    let server = &document["servers"]["parlor"];
    assert_eq!(server["host"], format!("localhost:{}", app.port));
    assert_eq!(server["protocol"], "wss");
    let addresses = document["channels"].as_object().unwrap();
    let addresses = addresses.values().map(|channel| &channel["address"]);
    let addresses: BTreeSet<_> = addresses.filter_map(|address| address.as_str()).collect();
    let all = ["/api/chat/ws", "/api/ws/chat", "/ws/{room_id}"];
    assert_eq!(addresses, BTreeSet::from(all));
}

/// What is held against every frame must notice when one is not as described.
#[test]
fn drift_fails_the_test_in_which_it_shows() {
    const PONG: &str = r#"{"type":"pong","server_time":"2026-11-21T07:34:09.5Z"}"#;
    let refusal = |code: &str| format!(r#"{{"type":"error","error":"no","code":"{code}"}}"#);
    let fails = |talk: &dyn Fn(&mut Watch)| {
        let all = || talk(&mut Watch::default());
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(all)).is_err()
    };
    let good = |watch: &mut Watch| {
        watch.sent(r#"{"type":"typing","room_id":"No Room"}"#);
        watch.sent(r#"{"type":"ping","more":[]}"#);
        watch.heard(&refusal("invalid_frame"));
        watch.heard(PONG);
        watch.heard(&refusal("not_found"));
        watch.closed(4000, r#"{"code":"shutdown","retry_ms":[500,5000]}"#);
    };
    assert!(!fails(&good));
    // The server takes what is not described, or nobody looked.
    assert!(fails(&|watch| {
        watch.sent(r#"{"type":"typing","room_id":"No Room"}"#);
        watch.sent(r#"{"type":"ping"}"#);
        watch.heard(PONG);
    }));
    assert!(fails(&|watch| watch.sent("{}")));
    // The server refuses what is described.
    assert!(fails(&|watch| {
        watch.sent(r#"{"type":"typing","room_id":"general"}"#);
        watch.heard(&refusal("invalid_frame"));
    }));
    // The server sends what is not described.
    let more = PONG.replace('}', r#","more":1}"#);
    for frame in [
        more.as_str(),
        r#"{"type":"dance"}"#,
        &refusal("email_taken"),
        "pong",
    ] {
        assert!(fails(&|watch| {
            watch.sent(r#"{"type":"ping"}"#);
            watch.heard(frame);
        }));
    }
    for (code, reason) in [(4000, ""), (4000, r#"{"code":"shutdown"}"#), (4999, "{}")] {
        assert!(fails(&|watch| watch.closed(code, reason)));
    }
}

/// Run after all the others, with the same `ASYNCAPI_SEEN`: every frame of the run was checked, and
/// what no frame showed was not.
#[test]
#[ignore = "needs the file of a whole run"]
fn the_run_has_seen_everything_in_the_document() {
    let path = contract::seen_file().expect("ASYNCAPI_SEEN is the file of a run");
    let file = std::fs::read_to_string(path).expect("the file of a run");
    let seen: BTreeSet<&str> = file.lines().collect();
    let listed = contract::listed();
    assert!(listed.len() > 40, "{listed:?}");
    let missing: Vec<_> = listed
        .iter()
        .filter(|line| !seen.contains(line.as_str()))
        .collect();
    assert!(missing.is_empty(), "no test has seen {missing:#?}");
}
