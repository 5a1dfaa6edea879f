//! What remains of a user who is gone.

use parlor::protocol::code::CloseCode;

use crate::harness::TestApp;

#[tokio::test]
async fn a_deleted_user_leaves_a_free_name_and_a_tombstone() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let said = app.as_user(&alice).say("general", "I was here").await;
    let mut socket = app.ws(&alice).joined("general").await;

    let answer = app.as_user(&alice).delete_user(alice.id).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.text(), "");

    assert_eq!(socket.close_code().await, CloseCode::AccountClosed);
    app.as_user(&alice)
        .me()
        .await
        .refused(401, "unauthenticated");
    app.api()
        .refresh(&alice.refresh_token)
        .await
        .refused(401, "unauthenticated");
    let api = app.as_user(&bob);
    api.user(alice.id).await.refused(404, "not_found");
    assert_eq!(
        api.list_users("q=alice").await.ok(200)["pagination"]["total"],
        0
    );

    let page = api.messages("general", "").await.ok(200);
    let message = &page["data"][0];
    assert_eq!(message["id"], said["id"]);
    assert_eq!(message["content"], "I was here");
    assert_eq!(message["sender_id"], alice.id.to_string(), "the same id");
    assert_eq!(message["user"]["username"], "deleted");
    assert!(!page.to_string().contains("alice"), "{page}");

    let again = app.client("alice").await;
    assert_ne!(again.id, alice.id);
    let page = api.messages("general", "").await.ok(200);
    assert_eq!(
        page["data"][0]["user"]["username"], "deleted",
        "the new one inherits nothing"
    );
}

#[tokio::test]
async fn an_admin_deletes_others_once() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    assert_eq!(api.delete_user(alice.id).await.status(), 204);
    api.delete_user(alice.id).await.refused(404, "not_found");
    let change = serde_json::json!({"active": true});
    api.update_user(alice.id, &change)
        .await
        .refused(404, "not_found");
    assert_eq!(api.statistics().await.ok(200)["total"], 1);
}

/// The tombstones all have the same name, and the name must not be anybody's.
#[tokio::test]
async fn many_are_deleted_and_nobody_is_called_deleted() {
    let app = TestApp::spawn().await;
    for name in ["one", "two", "three"] {
        let person = app.client(name).await;
        app.as_user(&person).say("general", name).await;
        assert_eq!(
            app.as_user(&person).delete_user(person.id).await.status(),
            204
        );
    }
    let mut body = crate::harness::registration("impostor");
    body["username"] = "Deleted".into();
    app.api()
        .create_user(&body)
        .await
        .refused_field("username", "invalid_username");
    let bob = app.client("bob").await;
    let page = app.as_user(&bob).messages("general", "").await.ok(200);
    let senders: std::collections::HashSet<_> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["sender_id"].to_string())
        .collect();
    assert_eq!(senders.len(), 3);
}
