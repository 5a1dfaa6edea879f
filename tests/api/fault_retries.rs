//! The same message is sent again while it is still on its way.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::harness::{Socket, TestApp, history, unique};

/// What the socket says about a message: `Err` is the code of an error.
async fn answer(socket: &mut Socket, name: &str, content: &str) -> Result<Value, String> {
    socket.publish_as("general", content, name).await;
    let about =
        |f: &Value| f["client_message_id"] == name && (f["type"] == "ack" || f["type"] == "error");
    let frame = socket.wait_until("an answer", about).await;
    match frame["code"].as_str() {
        None => Ok(frame),
        Some(code) => Err(code.to_owned()),
    }
}

/// A phone that sends again, a tab that sends too: one row, whoever comes first.
#[tokio::test]
async fn retries_in_the_same_moment_over_sockets_and_rest_make_one_message() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let mut one = app.ws(&alice).joined("general").await;
    let mut two = app.ws(&alice).joined("general").await;
    for round in 1..=100 {
        let name = unique("m");
        let body = json!({"content": name, "client_message_id": name});
        let (one, two, rest) = tokio::join!(
            answer(&mut one, &name, &name),
            answer(&mut two, &name, &name),
            api.post_message("general", &body),
        );
        let (one, two) = (one.expect("an ack"), two.expect("an ack"));
        let first = u16::from(one["duplicate"] == false)
            + u16::from(two["duplicate"] == false)
            + u16::from(rest.status() == 201);
        assert_eq!(first, 1, "one of them was first: {one} {two} {rest}");
        let status = rest.status();
        let rest = rest.ok(status);
        for answer in [&one, &two, &rest] {
            assert_eq!(answer["seq"], round, "no number is burnt: {answer}");
            assert_eq!(answer["id"], one["id"]);
        }
    }
    assert_eq!(history(&api, "general").await.len(), 100);
}

/// Whoever comes second with something else must hear that it was not said.
#[tokio::test]
async fn the_same_id_with_other_content_in_the_same_moment_is_a_conflict() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let mut one = app.ws(&alice).joined("general").await;
    let mut two = app.ws(&alice).joined("general").await;
    let mut said = HashSet::new();
    for round in 1..=100 {
        let name = unique("m");
        let body = json!({"content": "rest", "client_message_id": name});
        let (one, two, rest) = tokio::join!(
            answer(&mut one, &name, "one"),
            answer(&mut two, &name, "two"),
            api.post_message("general", &body),
        );
        let mut winners = Vec::new();
        for (content, answer) in [("one", one), ("two", two)] {
            match answer {
                Ok(_) => winners.push(content),
                Err(code) => assert_eq!(code, "client_message_id_conflict"),
            }
        }
        if rest.status() == 201 {
            winners.push("rest");
        } else {
            rest.refused(409, "client_message_id_conflict");
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        let history = history(&api, "general").await;
        assert_eq!(history.len(), round);
        assert_eq!(history[round - 1].content, winners[0]);
        said.insert(winners[0]);
    }
    assert!(said.len() > 1, "it was no race: always {said:?}");
}
