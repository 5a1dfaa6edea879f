//! How far one has read: a maximum of each user's own, from which unread counts are made.

use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD, TestApp};

/// `read` and `head` as one room tells them, and as the list does.
async fn marks(api: &Client, room: &str) -> (i64, i64) {
    let one = api.room(room).await.ok(200);
    let list = api.rooms().await.ok(200);
    let rooms = list["data"].as_array().unwrap();
    assert!(rooms.contains(&one), "{one} is not in {list}");
    (one["read"].as_i64().unwrap(), one["head"].as_i64().unwrap())
}

async fn mark(api: &Client, room: &str, seq: i64) -> Value {
    api.mark_read(room, &json!({"seq": seq})).await.ok(200)
}

#[tokio::test]
async fn a_mark_only_rises_and_not_above_the_head() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let (alice, bob) = (app.as_user(&alice), app.as_user(&bob));
    for _ in 0..5 {
        alice.say("general", "x").await;
    }
    assert_eq!(marks(&bob, "general").await, (0, 5));
    let told = mark(&bob, "general", 3).await;
    assert_eq!(told, json!({"room_id": "general", "head": 5, "read": 3}));
    assert_eq!(marks(&bob, "general").await, (3, 5));
    for (seq, read) in [(2, 3), (0, 3), (4, 4), (99, 5), (i64::MAX, 5), (1, 5)] {
        assert_eq!(mark(&bob, "general", seq).await["read"], read, "{seq}");
        assert_eq!(marks(&bob, "general").await, (read, 5));
    }
    alice.say("general", "y").await;
    assert_eq!(marks(&bob, "general").await, (5, 6), "that one is unread");
    assert_eq!(marks(&bob, "random").await, (0, 0));
    assert_eq!(marks(&alice, "general").await, (0, 6), "each has his own");
}

/// Else the first thing a newcomer sees is a number of a thousand.
#[tokio::test]
async fn what_is_older_than_the_account_is_read() {
    let app = TestApp::spawn().await;
    let alice = app.as_user(&app.client("alice").await);
    for _ in 0..3 {
        alice.say("general", "old").await;
        alice.say("help", "old").await;
    }
    let bob = app.as_user(&app.client("bob").await);
    assert_eq!(marks(&bob, "general").await, (3, 3));
    let carol = app.as_user(&app.client("carol").await);
    alice.say("general", "new").await;
    alice.say("general", "new").await;
    assert_eq!(marks(&carol, "general").await, (3, 5), "asked late");
    assert_eq!(marks(&bob, "general").await, (3, 5), "asked before");
    assert_eq!(marks(&bob, "help").await, (3, 3));
    assert_eq!(mark(&carol, "general", 1).await["read"], 3);

    let made = json!({"name": "Later"});
    alice.create_room(&made).await.ok(201);
    alice.say("later", "first").await;
    assert_eq!(marks(&bob, "later").await, (0, 1), "made after the account");
}

/// A phone that lies beside the laptop counts down with it.
#[tokio::test]
async fn all_devices_of_the_reader_hear_of_it_and_nobody_else() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    for _ in 0..4 {
        app.as_user(&alice).say("general", "x").await;
    }
    let phone = app.sign_in(&bob.email, PASSWORD).await;
    let mut on_laptop = app.ws(&bob).joined("general").await;
    let mut on_phone = app.ws(&phone).ready().await;
    let mut others = app.ws(&alice).joined("general").await;
    let api = app.as_user(&bob);
    for (seq, told) in [(2, Some(2)), (1, None), (2, None), (9, Some(4))] {
        mark(&api, "general", seq).await;
        for socket in [&mut on_laptop, &mut on_phone] {
            if let Some(told) = told {
                let frame = socket.wait_for("read").await;
                assert_eq!(
                    frame,
                    json!({"type": "read", "room_id": "general", "seq": told})
                );
            }
            let rest = socket.until_pong().await;
            assert!(
                !rest.iter().any(|frame| frame["type"] == "read"),
                "{rest:?}"
            );
        }
    }
    let heard = others.until_pong().await;
    assert!(
        !heard.iter().any(|frame| frame["type"] == "read"),
        "{heard:?}"
    );
}

#[tokio::test]
async fn marks_outlive_a_restart_and_end_with_the_account() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    app.as_user(&alice).say("general", "x").await;
    app.as_user(&alice).say("general", "y").await;
    mark(&app.as_user(&bob), "general", 1).await;
    let app = app.restart().await;
    let api = app.as_user(&bob);
    assert_eq!(marks(&api, "general").await, (1, 2));
    assert_eq!(api.delete_user(bob.id).await.status(), 204);
    let refused = api.mark_read("general", &json!({"seq": 2})).await;
    refused.refused(401, "unauthenticated");
}

#[tokio::test]
async fn what_is_no_mark_is_refused() {
    let app = TestApp::spawn().await;
    let alice = app.as_user(&app.client("alice").await);
    let nowhere = alice.mark_read("nowhere", &json!({"seq": 1})).await;
    nowhere.refused(404, "not_found");
    for (body, code) in [
        (json!({}), "required"),
        (json!({"seq": null}), "required"),
        (json!({"seq": -1}), "out_of_range"),
        (json!({"seq": "3"}), "wrong_type"),
        (json!({"seq": 1.5}), "wrong_type"),
    ] {
        let refused = alice.mark_read("general", &body).await;
        refused.refused_field("seq", code);
    }
    let huge = alice.mark_read("general", &json!({"seq": u64::MAX})).await;
    huge.refused_field("seq", "wrong_type");
    let list = alice.mark_read("general", &json!([1])).await;
    list.refused(400, "bad_request");
    let nobody = app.api().mark_read("general", &json!({"seq": 1})).await;
    nobody.refused(401, "unauthenticated");
}

/// Everybody in a room reads each message at once.
#[tokio::test]
async fn many_marks_at_once_are_all_kept() {
    let app = TestApp::spawn().await;
    let alice = app.as_user(&app.client("alice").await);
    let mut readers = Vec::new();
    for number in 0..6 {
        let reader = app.client(&format!("reader-{number}")).await;
        readers.push(app.as_user(&reader));
    }
    for _ in 0..20 {
        alice.say("general", "x").await;
    }
    let sent = readers
        .iter()
        .flat_map(|reader| (1..=20).rev().map(|seq| mark(reader, "general", seq)));
    for told in futures_util::future::join_all(sent).await {
        assert!(told["read"].as_i64() <= Some(20), "{told}");
    }
    for reader in &readers {
        assert_eq!(marks(reader, "general").await, (20, 20));
    }
}
