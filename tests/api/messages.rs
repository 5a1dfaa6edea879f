//! Saying something over REST.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestApp, unique};

async fn with_key(api: &Client, key: &str, body: &Value) -> Answer {
    let request = api.request(Method::POST, "/api/chat/rooms/general/messages");
    api.answer(request.header("idempotency-key", key).json(body))
        .await
}

#[tokio::test]
async fn a_message_has_its_place_its_author_and_its_words() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    let content = " as written:\n\ttabs, lines, 日本語, 🍺 and \"quotes\" ";
    let body = json!({"content": content, "client_message_id": "first"});
    let said = api.post_message("general", &body).await.ok(201);

    assert_eq!(said["content"], content);
    assert_eq!(said["room_id"], "general");
    assert_eq!((&said["seq"], &said["rev"]), (&json!(1), &json!(1)));
    assert_eq!(said["sender_id"], alice.id.to_string());
    assert_eq!(said["user_id"], said["sender_id"]);
    assert_eq!(said["sender_name"], alice.full_name);
    assert_eq!(said["client_message_id"], "first");
    let user = json!({"id": alice.id, "username": "alice", "full_name": alice.full_name});
    assert_eq!(said["user"], user);
    let id: uuid::Uuid = said["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    let at = chrono::DateTime::parse_from_rfc3339(said["created_at"].as_str().unwrap()).unwrap();
    assert!((parlor::clock::now() - at.to_utc()).num_seconds().abs() < 60);

    let page = app.as_user(&bob).messages("general", "").await.ok(200);
    assert_eq!(page["data"], json!([said]), "history tells the same");
    let second = app.as_user(&bob).say("general", "hello").await;
    assert_eq!(second["seq"], 2);
    assert_eq!(
        second.get("client_message_id").unwrap_or(&Value::Null),
        &Value::Null
    );
    let elsewhere = api.say("random", "another room").await;
    assert_eq!(elsewhere["seq"], 1, "each room counts for itself");
}

#[tokio::test]
async fn what_cannot_be_said_is_refused() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    for content in [
        "",
        "  \n\t ",
        "bell \u{7}",
        "zero \0",
        "escape \u{1b}[2J",
        &"ß".repeat(4001),
    ] {
        let body = json!({"content": content});
        api.post_message("general", &body)
            .await
            .refused(400, "invalid_content");
    }
    for body in [
        json!({}),
        json!({"content": 7}),
        json!({"content": null}),
        json!({"content": "x", "client_message_id": ""}),
        json!({"content": "x", "client_message_id": "x".repeat(65)}),
        json!({"content": "x", "client_message_id": "line\n"}),
        json!({"content": "x", "client_message_id": 7}),
    ] {
        let answer = api.post_message("general", &body).await;
        assert_eq!(answer.status(), 400, "{body}: {answer}");
    }
    let longest = api.say("general", &"🍺".repeat(4000)).await;
    assert_eq!(longest["seq"], 1, "what was refused has no number");
    let body = json!({"content": "x"});
    app.api()
        .post_message("general", &body)
        .await
        .refused(401, "unauthenticated");
    api.post_message("nowhere", &body)
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn a_retry_gets_the_first_ones_place() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    let body = json!({"content": "once", "client_message_id": "m 1~"});
    let first = api.post_message("general", &body).await.ok(201);
    api.say("general", "in between").await;
    for _ in 0..3 {
        assert_eq!(api.post_message("general", &body).await.ok(200), first);
    }
    let key = with_key(&api, "m 1~", &json!({"content": "once"})).await;
    assert_eq!(key.ok(200), first, "the header is the same thing");
    let both = with_key(&api, "m 1~", &body).await;
    assert_eq!(both.ok(200), first, "both and the same is one");
    let two = with_key(&api, "m2", &body).await;
    assert_eq!(two.status(), 400, "{two}");

    let other = app
        .as_user(&bob)
        .post_message("general", &body)
        .await
        .ok(201);
    assert_eq!(other["seq"], 3, "ids are the sender's own");
    assert_eq!(api.room("general").await.ok(200)["head"], 3);
}

#[tokio::test]
async fn one_id_is_one_message() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let said = |content: &str| json!({"content": content, "client_message_id": "m1"});
    let first = with_key(&api, "m1", &json!({"content": "one"}))
        .await
        .ok(201);
    assert_eq!(first["client_message_id"], "m1");
    let code = "client_message_id_conflict";
    api.post_message("general", &said("two"))
        .await
        .refused(409, code);
    api.post_message("random", &said("one"))
        .await
        .refused(409, code);
    assert_eq!(
        api.post_message("general", &said("one")).await.ok(200),
        first
    );
    assert_eq!(
        api.say("general", "next").await["seq"],
        2,
        "no number is burnt"
    );
}

/// Retries that overtake each other are one message all the same.
#[tokio::test]
async fn retries_at_once_are_one_message() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    for round in 1..=5 {
        let body = json!({"content": "at once", "client_message_id": unique("m")});
        let answers = join_all((0..20).map(|_| api.post_message("general", &body))).await;
        let created = answers
            .iter()
            .filter(|answer| answer.status() == 201)
            .count();
        assert_eq!(created, 1);
        for answer in answers {
            assert!(matches!(answer.status(), 200 | 201), "{answer}");
            assert_eq!(answer.json()["seq"], round, "{answer}");
        }
    }
    let page = api.messages("general", "limit=200").await.ok(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 5);
}

/// The same id with two contents, in one batch of the journal: one is said, the other refused.
#[tokio::test]
async fn two_contents_for_one_id_at_once_conflict() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    for round in 1..=5 {
        let id = unique("m");
        let bodies: Vec<_> = (0..10)
            .map(|number| json!({"content": format!("c{}", number % 2), "client_message_id": id}))
            .collect();
        let answers = join_all(bodies.iter().map(|body| api.post_message("general", body))).await;
        let count = |status| {
            answers
                .iter()
                .filter(|answer| answer.status() == status)
                .count()
        };
        assert_eq!((count(201), count(200), count(409)), (1, 4, 5));
        assert_eq!(api.room("general").await.ok(200)["head"], round);
    }
}

#[tokio::test]
async fn many_authors_leave_no_hole() {
    let app = TestApp::spawn().await;
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(app.client(&format!("user-{number}")).await);
    }
    let all = people.iter().map(|person| async {
        let api = app.as_user(person);
        for number in 0..25 {
            api.say("general", &format!("{number}")).await;
        }
    });
    join_all(all).await;
    let page = app
        .as_user(&people[0])
        .messages("general", "after=0&limit=200")
        .await
        .ok(200);
    let messages = page["data"].as_array().unwrap();
    let seqs: Vec<_> = messages
        .iter()
        .map(|m| m["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=200).collect::<Vec<_>>());
    for person in &people {
        let said: Vec<_> = messages
            .iter()
            .filter(|m| m["sender_id"] == person.id.to_string())
            .map(|m| m["content"].as_str().unwrap().parse::<i32>().unwrap())
            .collect();
        assert_eq!(
            said,
            (0..25).collect::<Vec<_>>(),
            "each author's order is kept"
        );
    }
}

/// What one says over REST the others hear on their sockets, in the same words.
#[tokio::test]
async fn sockets_hear_what_is_posted() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut socket = app.ws(&bob).joined("general").await;
    let body = json!({"content": "from REST", "client_message_id": "r1"});
    let mut posted = app
        .as_user(&alice)
        .post_message("general", &body)
        .await
        .ok(201);
    let mut heard = socket.wait_for("message").await;
    heard.as_object_mut().unwrap().remove("type");
    posted.as_object_mut().unwrap().remove("user_id");
    assert_eq!(heard, posted);
    app.as_user(&alice)
        .post_message("general", &body)
        .await
        .ok(200);
    app.as_user(&alice).say("general", "next").await;
    assert_eq!(
        socket.next_message().await.content,
        "next",
        "a retry is not heard again"
    );
}
