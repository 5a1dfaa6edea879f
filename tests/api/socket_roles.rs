//! What a role loses or gains acts on the sockets that are open.

use parlor::protocol::code::ErrorCode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, TestApp, until};

async fn grant(api: &Client, role: &str, permissions: Value) {
    let body = json!({"permissions": permissions});
    let path = format!("/api/roles/{role}");
    let answer = api.send(Method::PATCH, &path, &body);
    answer.await.ok(200);
}

fn message(content: &str) -> Value {
    json!({"type": "message", "room_id": "general", "content": content, "client_message_id": content})
}

#[tokio::test]
async fn who_may_no_more_speak_is_told_so_on_an_open_socket() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let (alice, tina) = (app.client("alice").await, app.trainer("tina").await);
    let mut socket = app.ws(&alice).joined("general").await;
    let mut other = app.ws(&tina).joined("general").await;
    let id = socket.publish("general", "before").await;
    socket.acked(&id).await;

    grant(&admin, "client", json!(["messages.read"])).await;
    // The change is under way to the socket when the answer comes.
    let mut tries = 0;
    until(async || {
        tries += 1;
        socket.send(&message(&format!("try {tries}"))).await;
        let answer = socket
            .wait_until("ack or error", |frame| {
                matches!(frame["type"].as_str(), Some("ack" | "error"))
            })
            .await;
        answer["type"] == "error" && answer["code"] == "forbidden"
    })
    .await;
    let typing = json!({"type": "typing", "room_id": "general"});
    socket.refused(&typing, ErrorCode::Forbidden).await;
    let id = other.publish("general", "a trainer speaks on").await;
    other.acked(&id).await;
    socket
        .wait_until("what others say", |frame| {
            frame["content"] == "a trainer speaks on"
        })
        .await;

    grant(&admin, "client", json!(["messages.read", "messages.send"])).await;
    until(async || {
        tries += 1;
        socket.send(&message(&format!("try {tries}"))).await;
        let answer = socket
            .wait_until("ack or error", |frame| {
                matches!(frame["type"].as_str(), Some("ack" | "error"))
            })
            .await;
        answer["type"] == "ack"
    })
    .await;
}

#[tokio::test]
async fn who_may_no_more_read_leaves_every_room() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let (alice, tina) = (app.client("alice").await, app.trainer("tina").await);
    let mut socket = app.ws(&alice).joined("general").await;
    socket.join("random").await;
    let mut other = app.ws(&tina).joined("general").await;

    grant(&admin, "client", json!(["users.read"])).await;
    let mut left = Vec::new();
    for _ in 0..2 {
        let frame = socket.wait_for("disconnected").await;
        left.push(frame["room_id"].as_str().unwrap().to_owned());
    }
    left.sort();
    assert_eq!(left, ["general", "random"]);
    other.wait_for("user_left").await;
    let connect = json!({"type": "connect", "room_id": "general"});
    socket.refused(&connect, ErrorCode::Forbidden).await;
    // Neither by the address.
    let mut late = app.ws(&alice).path("/ws/general").open().await;
    let refused = late.wait_for("error").await;
    assert_eq!(refused["code"], "forbidden");

    grant(&admin, "client", json!(["messages.read"])).await;
    until(async || {
        socket.send(&connect).await;
        let answer = socket
            .wait_until("an answer", |frame| {
                matches!(frame["type"].as_str(), Some("connected" | "error"))
            })
            .await;
        answer["type"] == "connected"
    })
    .await;
}

/// Another process' change of a role is one row, and reaches all who have it.
#[tokio::test]
async fn a_role_changed_by_another_process_acts_within_a_second() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut socket = app.ws(&alice).joined("general").await;
    let other = app.home.database.open().await;
    let changes = parlor::store::RoleChanges {
        permissions: Some(parlor::domain::permission::Permissions::NONE),
        ..Default::default()
    };
    let client = parlor::domain::user::Role::Client;
    let by = parlor::domain::audit::By::server();
    other.update_role(client, changes, &by).await.unwrap();
    socket.wait_for("disconnected").await;
    let api = app.as_user(&alice);
    until(async || api.get("/api/chat/rooms").await.status() == 403).await;
    other.close().await;
}
