//! Role and state are the database's, not the token's: what changes acts on the next request.

use parlor::protocol::code::CloseCode;
use serde_json::json;

use crate::harness::{Home, PASSWORD, Server, TestApp, finish, until};

#[tokio::test]
async fn a_deactivated_user_is_out_at_once_and_back_at_once() {
    let app = TestApp::spawn().await;
    let (alice, mallory) = (app.client("alice").await, app.client("mallory").await);
    let admin = app.admin().await;
    let mut alice_ws = app.ws(&alice).joined("general").await;
    let mut mallory_ws = app.ws(&mallory).joined("general").await;
    alice_ws.publish("general", "before").await;
    assert_eq!(
        mallory_ws.next_message().await.content,
        "before",
        "mallory hears alice first"
    );
    app.as_user(&mallory).me().await.ok(200);

    assert_eq!(
        app.as_user(&admin).deactivate(mallory.id).await.status(),
        200
    );

    assert_eq!(mallory_ws.close_code().await, CloseCode::AccountClosed);
    app.as_user(&mallory)
        .me()
        .await
        .refused(401, "unauthenticated");
    assert_eq!(app.as_user(&mallory).try_ws().await.status(), 401);
    app.api()
        .validate(&mallory.token)
        .await
        .refused(401, "unauthenticated");
    let login = json!({"username": "mallory", "password": PASSWORD});
    app.api()
        .login(&login)
        .await
        .refused(401, "unauthenticated");
    let seen = app.as_user(&admin).user(mallory.id).await.ok(200);
    assert_eq!(seen["active"], false);

    let active = json!({"active": true});
    app.as_user(&admin)
        .update_user(mallory.id, &active)
        .await
        .ok(200);
    app.sign_in(&mallory.email, PASSWORD).await;
}

#[tokio::test]
async fn a_role_acts_on_the_next_request() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let admin = app.admin().await;
    let api = app.as_user(&alice);
    api.statistics().await.refused(403, "forbidden");
    let admins = app.as_user(&admin);
    admins
        .update_user(alice.id, &json!({"role": "trainer"}))
        .await
        .ok(200);
    api.statistics().await.ok(200);
    assert_eq!(
        app.api().validate(&alice.token).await.ok(200)["role"],
        "trainer"
    );
    admins
        .update_user(alice.id, &json!({"role": "admin"}))
        .await
        .ok(200);
    api.list_users("sort=email").await.ok(200);
    admins
        .update_user(alice.id, &json!({"role": "client"}))
        .await
        .ok(200);
    api.statistics().await.refused(403, "forbidden");
    api.list_users("sort=email").await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_new_password_closes_the_sockets_of_the_old_one() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let phone = app.sign_in(&alice.email, PASSWORD).await;
    let mut own = app.ws(&alice).joined("general").await;
    let mut stale = app.ws(&phone).joined("general").await;
    let body = json!({"password": "Another-Horse-2", "current_password": PASSWORD});
    app.as_user(&alice)
        .update_user(alice.id, &body)
        .await
        .ok(200);
    let (code, _) = stale.closed().await;
    assert!(
        (4500..5000).contains(&code),
        "do not come back with this token: {code}"
    );
    let id = own.publish("general", "still here").await;
    own.acked(&id).await;
}

#[tokio::test]
async fn logging_out_closes_the_sockets_of_that_login() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let phone = app.sign_in(&alice.email, PASSWORD).await;
    let mut own = app.ws(&alice).joined("general").await;
    let mut ended = app.ws(&phone).joined("general").await;
    app.as_user(&phone).logout().await;
    let (code, _) = ended.closed().await;
    assert!((4500..5000).contains(&code), "{code}");
    let id = own.publish("general", "still here").await;
    own.acked(&id).await;
}

async fn parlor(home: &Home, args: &[&str]) {
    let output = home.run(args).await;
    assert!(output.status.success(), "{args:?}: {output:?}");
}

/// What another process changed acts within a second, on requests and open sockets.
#[tokio::test]
async fn the_command_line_acts_on_a_running_server() {
    let home = Home::new().await;
    let server = Server::start(&home).await;
    let alice = server.client("alice").await;
    let bob = server.client("bob").await;
    let api = server.as_user(&alice);
    api.statistics().await.refused(403, "forbidden");
    let mut socket = server.ws(&alice).joined("general").await;
    let mut other = server.ws(&bob).joined("general").await;

    parlor(&home, &["user", "role", "alice", "trainer"]).await;
    until(async || api.statistics().await.status() == 200).await;

    let mut change = home.command(&["user", "password", "alice"]);
    change.env("PARLOR_PASSWORD", "Another-Horse-2");
    let output = finish(change).await;
    assert!(output.status.success(), "{output:?}");
    let (code, reason) = socket.closed().await;
    assert!((4500..5000).contains(&code), "{code} {reason}");
    until(async || api.me().await.status() == 401).await;
    server.sign_in(&alice.email, "Another-Horse-2").await;
    let id = other.publish("general", "nobody else is touched").await;
    other.acked(&id).await;
}
