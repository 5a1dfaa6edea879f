//! Rooms: which there are, making one, who is in one.

use serde_json::{Value, json};

use crate::harness::TestApp;

fn ids(list: &Value) -> Vec<String> {
    let rooms = list.as_array().or_else(|| list["data"].as_array());
    let rooms = rooms.unwrap_or_else(|| panic!("no list of rooms: {list}"));
    let mut ids: Vec<_> = rooms
        .iter()
        .map(|r| r["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn three_rooms_are_there_from_the_first_start() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    assert_eq!(
        ids(&api.rooms().await.ok(200)),
        ["general", "help", "random"]
    );
    let room = api.room("general").await.ok(200);
    assert_eq!(room["id"], "general");
    assert_eq!(room["name"], "General");
    assert_eq!(room["head"], 0);
    assert_eq!(room["online"], 0);
    assert_eq!(room["last_message_at"], Value::Null);
    assert!(room["created_at"].is_string(), "{room}");
    assert!(room.as_object().unwrap().contains_key("topic"), "{room}");
}

#[tokio::test]
async fn a_room_tells_its_head_and_when_somebody_last_spoke() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    api.say("help", "one").await;
    let last = api.say("help", "two").await;
    let room = api.room("help").await.ok(200);
    assert_eq!(room["head"], 2);
    assert_eq!(room["last_message_at"], last["created_at"]);
    let list = api.rooms().await.ok(200);
    let rooms = list.as_array().or_else(|| list["data"].as_array()).unwrap();
    assert!(rooms.contains(&room), "the list tells the same: {list}");
}

#[tokio::test]
async fn anybody_signed_in_makes_a_room() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    let made = api
        .create_room(&json!({"name": "Coffee & Tea!", "topic": "Drinks"}))
        .await
        .ok(201);
    assert_eq!(made["id"], "coffee-tea", "made from the name");
    assert_eq!(made["name"], "Coffee & Tea!");
    assert_eq!(made["topic"], "Drinks");
    assert_eq!(made["head"], 0);
    let named = api
        .create_room(&json!({"id": "my-room-7", "name": "Seven"}))
        .await
        .ok(201);
    assert_eq!(named["id"], "my-room-7");
    assert_eq!(named["topic"], Value::Null);

    let others = app.as_user(&bob);
    assert_eq!(others.room("coffee-tea").await.ok(200), made);
    others.say("coffee-tea", "hello").await;
    let again = json!({"id": "coffee-tea", "name": "Other"});
    others.create_room(&again).await.refused(409, "room_exists");
    others
        .create_room(&json!({"name": "coffee, tea"}))
        .await
        .refused(409, "room_exists");
    app.api()
        .create_room(&json!({"name": "No"}))
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn what_a_room_may_not_be_is_refused() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    for body in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "   "}),
        json!({"name": "x".repeat(101)}),
        json!({"name": "zero \0 byte"}),
        json!({"name": 7}),
        json!({"id": "Upper", "name": "Room"}),
        json!({"id": "with space", "name": "Room"}),
        json!({"id": "under_score", "name": "Room"}),
        json!({"id": "", "name": "Room"}),
        json!({"id": "x".repeat(65), "name": "Room"}),
        json!({"id": "../etc", "name": "Room"}),
        json!({"name": "Room", "topic": "x".repeat(251)}),
        json!({"name": "Room", "topic": "bell \u{7}"}),
    ] {
        let answer = api.create_room(&body).await;
        assert_eq!(answer.status(), 400, "{body}: {answer}");
    }
    api.create_room(&json!({"id": "x".repeat(64), "name": "Room"}))
        .await
        .ok(201);
    let unspellable = api.create_room(&json!({"name": "日本語"})).await;
    assert!(matches!(unspellable.status(), 201 | 400), "{unspellable}");
}

/// Rooms are for ever, so nobody may litter.
#[tokio::test]
async fn ten_rooms_an_hour_are_enough() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    for number in 0..10 {
        api.create_room(&json!({"name": format!("Room {number}")}))
            .await
            .ok(201);
    }
    api.create_room(&json!({"name": "Room 11"}))
        .await
        .refused(429, "rate_limited");
    app.as_user(&bob)
        .create_room(&json!({"name": "Room of Bob"}))
        .await
        .ok(201);
}

#[tokio::test]
async fn what_is_no_room_is_not_found() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    for room in ["nowhere", "General", "a%20b", "x%00y", "%F0%9F%8D%BA"] {
        for answer in [
            api.room(room).await,
            api.members(room).await,
            api.messages(room, "").await,
            api.post_message(room, &json!({"content": "x"})).await,
        ] {
            assert!(matches!(answer.status(), 400 | 404), "{answer}");
        }
    }
    api.room("nowhere").await.refused(404, "not_found");
    api.members("nowhere").await.refused(404, "not_found");
    for api in [app.api(), app.with_token("nonsense")] {
        api.rooms().await.refused(401, "unauthenticated");
        api.room("general").await.refused(401, "unauthenticated");
        api.members("general").await.refused(401, "unauthenticated");
        api.messages("general", "")
            .await
            .refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn members_are_the_users_who_are_here_now() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    let nobody = api.members("general").await.ok(200);
    assert_eq!(usernames(&nobody), Vec::<String>::new());

    let mut first = app.ws(&bob).joined("general").await;
    let _second = app.ws(&bob).joined("general").await;
    let mut watching = app.ws(&alice).joined("general").await;
    let members = api.members("general").await.ok(200);
    assert_eq!(usernames(&members), ["alice", "bob"], "users, not sockets");
    assert!(!members.to_string().contains('@'), "no addresses");
    assert_eq!(api.room("general").await.ok(200)["online"], 2);
    assert_eq!(
        usernames(&api.members("random").await.ok(200)),
        Vec::<String>::new()
    );

    first.leave("general").await;
    assert_eq!(
        api.room("general").await.ok(200)["online"],
        2,
        "the other socket stays"
    );
    let third = app.client("carol").await;
    let mut carol = app.ws(&third).joined("general").await;
    carol.leave("general").await;
    watching.wait_for("user_left").await;
    assert_eq!(
        usernames(&api.members("general").await.ok(200)),
        ["alice", "bob"]
    );
}

fn usernames(list: &Value) -> Vec<String> {
    let users = list.as_array().or_else(|| list["data"].as_array());
    let users = users.unwrap_or_else(|| panic!("no list of members: {list}"));
    users
        .iter()
        .map(|user| user["username"].as_str().unwrap().to_owned())
        .collect()
}
