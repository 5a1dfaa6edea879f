//! What is taken back acts on the sockets that are open, at once.

use parlor::protocol::code::CloseCode;
use parlor::{
    domain::audit::By,
    store::{Store, UserChanges},
};
use serde_json::json;

use crate::{
    api_tokens::token,
    harness::{PASSWORD, Person, TestApp},
};

/// Leaving is not enough: deactivation must also reach sockets that are already open.
#[tokio::test]
async fn a_deactivated_user_is_disconnected_and_hears_nothing_more() {
    let app = TestApp::spawn().await;
    let (alice, mallory) = (app.client("alice").await, app.client("mallory").await);
    let admin = app.admin().await;
    let mut alices = app.ws(&alice).joined("general").await;
    let mut mallorys = app.ws(&mallory).joined("general").await;
    let mut phone = app.ws(&mallory).ready().await;
    alices.publish("general", "before").await;
    assert_eq!(mallorys.next_message().await.content, "before");

    app.as_user(&admin).deactivate(mallory.id).await.ok(200);
    mallorys
        .closed_within_a_second(CloseCode::AccountClosed, &app.api())
        .await;
    phone
        .closed_within_a_second(CloseCode::AccountClosed, &app.api())
        .await;
    app.as_user(&mallory)
        .try_ws()
        .await
        .refused(401, "unauthenticated");
    alices.wait_for("user_left").await;
    alices.until_pong().await;
}

#[tokio::test]
async fn a_deleted_user_is_disconnected() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut alices = app.ws(&alice).joined("general").await;
    let mut bobs = app.ws(&bob).joined("general").await;
    app.as_user(&bob).delete_user(bob.id).await.ok(204);
    bobs.closed_within_a_second(CloseCode::AccountClosed, &app.api())
        .await;
    alices.wait_for("user_left").await;
}

#[tokio::test]
async fn a_logout_closes_its_own_sockets_and_everywhere_all() {
    let app = TestApp::spawn().await;
    let laptop = app.client("alice").await;
    let phone = app.sign_in(&laptop.email, PASSWORD).await;
    let mut on_laptop = app.ws(&laptop).joined("general").await;
    let mut on_phone = app.ws(&phone).joined("general").await;
    app.as_user(&laptop).logout().await.ok(204);
    on_laptop
        .closed_within_a_second(CloseCode::BadToken, &app.api())
        .await;
    on_phone.until_pong().await;
    let tablet = app.sign_in(&laptop.email, PASSWORD).await;
    let mut on_tablet = app.ws(&tablet).ready().await;
    app.as_user(&tablet).logout_everywhere().await.ok(204);
    on_phone
        .closed_within_a_second(CloseCode::BadToken, &app.api())
        .await;
    on_tablet
        .closed_within_a_second(CloseCode::BadToken, &app.api())
        .await;
}

/// Who changes a password because of a stranger wants the stranger gone.
#[tokio::test]
async fn a_new_password_closes_every_other_socket() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let stranger = app.sign_in(&alice.email, PASSWORD).await;
    let mut own = app.ws(&alice).joined("general").await;
    let mut strangers = app.ws(&stranger).joined("general").await;
    let change = json!({"password": "Another-Horse-2", "current_password": PASSWORD});
    app.as_user(&alice)
        .update_user(alice.id, &change)
        .await
        .ok(200);
    strangers
        .closed_within_a_second(CloseCode::BadToken, &app.api())
        .await;
    own.publish("general", "still here").await;
    assert_eq!(own.next_message().await.content, "still here");
}

/// A role is never believed from a token, nor from what a socket knew when it was opened.
#[tokio::test]
async fn a_new_role_or_name_leaves_the_socket_open_and_is_seen() {
    let app = TestApp::spawn().await;
    let (alice, admin) = (app.client("alice").await, app.admin().await);
    let mut socket = app.ws(&alice).joined("general").await;
    let change = json!({"role": "trainer", "full_name": "Alice Trainer"});
    app.as_user(&admin)
        .update_user(alice.id, &change)
        .await
        .ok(200);
    app.as_user(&alice).statistics().await.ok(200);
    crate::harness::until(async || {
        socket.publish("general", "who am I?").await;
        socket.next_message().await.sender_name == "Alice Trainer"
    })
    .await;
}

#[tokio::test]
async fn a_token_of_an_ended_login_is_refused_on_an_open_socket() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let other = app.sign_in(&alice.email, PASSWORD).await;
    let mut socket = app.ws(&alice).ready().await;
    app.as_user(&other).logout().await.ok(204);
    let frame = json!({"type": "authorization", "token": other.token});
    let code = parlor::protocol::code::ErrorCode::Unauthenticated;
    socket.refused(&frame, code).await;
    let mut late = app.anonymous_ws().open().await;
    late.send(&frame).await;
    late.closed_as(CloseCode::BadToken).await;
}

/// Of the command line, or of another server: the database tells.
#[tokio::test]
async fn a_change_of_another_process_acts_within_a_second() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let (carol, dora) = (app.client("carol").await, app.client("dora").await);
    let mut sockets = Vec::new();
    for person in [&alice, &bob, &carol, &dora] {
        sockets.push(app.ws(person).joined("general").await);
    }
    let (text, token_id) = token(&app.as_user(&dora), &["messages.read"]).await;
    let mut of_token = app.anonymous_ws().token(&text).joined("general").await;
    let mut command = app.home.command(&["user", "password", "alice"]);
    command.env("PARLOR_PASSWORD", "Another-Horse-2");
    let output = crate::harness::finish(command).await;
    assert!(output.status.success(), "{output:?}");
    sockets[0]
        .closed_within_a_second(CloseCode::BadToken, &app.api())
        .await;

    let other = app.home.database.open().await;
    switch_off(&other, &bob).await;
    sockets[1]
        .closed_within_a_second(CloseCode::AccountClosed, &app.api())
        .await;
    other.delete_user(carol.id, &By::server()).await.unwrap();
    sockets[2]
        .closed_within_a_second(CloseCode::AccountClosed, &app.api())
        .await;
    // One login, and one API token: nothing else of their owner ends.
    let by = By::server();
    let token_id = token_id.parse().unwrap();
    other
        .delete_api_token(dora.id, token_id, &by)
        .await
        .unwrap();
    of_token
        .closed_within_a_second(CloseCode::BadToken, &app.api())
        .await;
    sockets[3].until_pong().await;
    let logins = app.as_user(&dora).get("/api/auth/logins").await.ok(200);
    let login = logins["data"][0]["id"].as_str().unwrap().parse().unwrap();
    other.end_login_of(dora.id, login, &by).await.unwrap();
    sockets[3]
        .closed_within_a_second(CloseCode::BadToken, &app.api())
        .await;
    other.close().await;
    for person in [alice, bob, carol, dora] {
        let answer = app.as_user(&person).try_ws().await;
        answer.refused(401, "unauthenticated");
    }
}

async fn switch_off(store: &Store, person: &Person) {
    let changes = UserChanges {
        active: Some(false),
        ..UserChanges::default()
    };
    store
        .update_user(person.id, changes, None, &By::server())
        .await
        .unwrap();
}
