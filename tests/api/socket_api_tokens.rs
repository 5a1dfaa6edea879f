//! API tokens on the socket.

use parlor::protocol::code::{CloseCode, ErrorCode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api_tokens::{expire, token},
    harness::{PASSWORD, Proof, TestApp},
};

#[tokio::test]
async fn a_token_opens_a_socket_that_does_what_its_scopes_name() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let (reader, _) = token(&api, &["messages.read"]).await;
    let (writer, _) = token(&api, &["messages.send"]).await;
    let mut own = app.ws(&alice).joined("general").await;
    let mut reading = app.anonymous_ws().token(&reader).joined("general").await;
    let id = own.publish("general", "heard by a program").await;
    own.acked(&id).await;
    assert_eq!(reading.next_message().await.content, "heard by a program");
    let message = json!({"type": "message", "room_id": "general", "content": "x"});
    reading.refused(&message, ErrorCode::Forbidden).await;

    // In a frame as well; and who may only write joins nothing.
    let mut writing = app.anonymous_ws().open().await;
    writing
        .send(&json!({"type": "authorization", "token": writer}))
        .await;
    let welcome = writing.wait_for("authenticated").await;
    assert_eq!(welcome["user_id"], alice.id.to_string());
    let connect = json!({"type": "connect", "room_id": "general"});
    writing.refused(&connect, ErrorCode::Forbidden).await;
}

#[tokio::test]
async fn a_revoked_token_closes_its_sockets_and_no_others() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let scopes = ["messages.read", "messages.send"];
    let ((lost, lost_id), (kept, _)) = (token(&api, &scopes).await, token(&api, &scopes).await);
    let mut own = app.ws(&alice).joined("general").await;
    let mut of_lost = app.anonymous_ws().token(&lost).joined("general").await;
    let mut of_kept = app.anonymous_ws().token(&kept).joined("general").await;
    api.call(Method::DELETE, &format!("/api/auth/tokens/{lost_id}"))
        .await
        .ok(204);
    of_lost
        .closed_within_a_second(CloseCode::BadToken, &api)
        .await;
    for socket in [&mut own, &mut of_kept] {
        let id = socket.publish("general", "still here").await;
        socket.acked(&id).await;
    }
    app.with_token(&lost)
        .try_ws()
        .await
        .refused(401, "unauthenticated");
    app.with_token(&kept).try_ws().await;
}

#[tokio::test]
async fn a_revoked_token_of_a_service_closes_its_sockets() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let path = "/api/admin/service-tokens";
    let mut made = Vec::new();
    for name in ["lost", "kept"] {
        let body = json!({"name": name, "username": "importer", "scopes": ["messages.read"]});
        made.push(admin.post(path, &body).await.ok(201));
    }
    let text = |made: &Value, field: &str| made[field].as_str().unwrap().to_owned();
    let open = async |made: &Value| {
        let token = text(made, "token");
        app.anonymous_ws().token(&token).joined("general").await
    };
    let (mut of_lost, mut of_kept) = (open(&made[0]).await, open(&made[1]).await);
    let revoke = format!("{path}/{}", text(&made[0], "id"));
    admin.call(Method::DELETE, &revoke).await.ok(204);
    let code = CloseCode::BadToken;
    of_lost.closed_within_a_second(code, &admin).await;
    of_kept.until_pong().await;
}

#[tokio::test]
async fn a_deactivated_owner_closes_the_sockets_of_his_tokens() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let alice = app.client("alice").await;
    let (text, _) = token(&app.as_user(&alice), &["messages.read"]).await;
    let mut socket = app.anonymous_ws().token(&text).joined("general").await;
    admin.deactivate(alice.id).await.ok(200);
    socket
        .closed_within_a_second(CloseCode::AccountClosed, &admin)
        .await;
}

#[tokio::test]
async fn a_role_that_is_changed_reaches_the_sockets_of_tokens() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let alice = app.client("alice").await;
    let (text, _) = token(&app.as_user(&alice), &["messages.read"]).await;
    let mut socket = app.anonymous_ws().token(&text).joined("general").await;
    let change = json!({"permissions": ["messages.send"]});
    admin
        .send(Method::PATCH, "/api/roles/client", &change)
        .await
        .ok(200);
    socket.wait_for("disconnected").await;
}

/// In a frame it is told why: one that was revoked never counts again, one that ran out is made anew.
#[tokio::test]
async fn a_token_that_ended_is_refused_in_a_frame() {
    let app = TestApp::spawn().await;
    let alice = app.as_user(&app.client("alice").await);
    let (revoked, id) = token(&alice, &["messages.read"]).await;
    let (late, _) = token(&alice, &["messages.read"]).await;
    let path = format!("/api/auth/tokens/{id}");
    alice.call(Method::DELETE, &path).await.ok(204);
    expire(&app.home).await;
    for (text, code) in [
        (&revoked, CloseCode::BadToken),
        (&late, CloseCode::TokenExpired),
    ] {
        let shown = app.anonymous_ws().token(text).by(Proof::Frame);
        shown.open().await.closed_as(code).await;
    }
}

/// The socket is told before, as it is of a login's token.
#[tokio::test]
async fn a_token_that_ends_closes_its_sockets() {
    let app = TestApp::with(|config| {
        config.chat.expiry_warning = std::time::Duration::from_secs(4);
    })
    .await;
    let alice = app.as_user(&app.client("alice").await);
    let end = parlor::clock::now() + chrono::TimeDelta::seconds(12);
    let body = json!({
        "name": "short", "scopes": ["messages.read"], "expires_at": end, "password": PASSWORD,
    });
    let made = alice.post("/api/auth/tokens", &body).await.ok(201);
    let text = made["token"].as_str().unwrap();
    let mut socket = app.anonymous_ws().token(text).joined("general").await;
    socket
        .wait_until("the warning", |frame| frame["code"] == "token_expiring")
        .await;
    socket.closed_as(CloseCode::TokenExpired).await;
    app.with_token(text)
        .me()
        .await
        .refused(401, "unauthenticated");
}
