//! Reading what was said, page by page.

use serde_json::{Value, json};

use crate::harness::{Client, TestApp};

fn seqs(page: &Value) -> Vec<i64> {
    let messages = page["data"].as_array().unwrap();
    messages
        .iter()
        .map(|message| message["seq"].as_i64().unwrap())
        .collect()
}

async fn say(api: &Client, count: usize) {
    for number in 1..=count {
        api.say("general", &format!("message {number}")).await;
    }
}

#[tokio::test]
async fn pages_go_back_from_the_newest_and_forward_from_anywhere() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    say(&api, 12).await;
    for (query, expected, more) in [
        ("", (1..=12).collect::<Vec<_>>(), false),
        ("limit=5", (8..=12).collect(), true),
        ("before=8&limit=5", (3..=7).collect(), true),
        ("before=3&limit=5", vec![1, 2], false),
        ("before=6&limit=5", (1..=5).collect(), false),
        ("before=1", vec![], false),
        ("before=0", vec![], false),
        ("before=1000&limit=2", vec![11, 12], true),
        ("after=0&limit=5", (1..=5).collect(), true),
        ("after=5&limit=5", (6..=10).collect(), true),
        ("after=10&limit=5", vec![11, 12], false),
        ("after=7&limit=5", (8..=12).collect(), false),
        ("after=12", vec![], false),
        ("after=1000", vec![], false),
        ("limit=200", (1..=12).collect(), false),
        ("limit=1", vec![12], true),
    ] {
        let page = api.messages("general", query).await.ok(200);
        assert_eq!(seqs(&page), expected, "{query}");
        assert_eq!(page["has_more"], more, "{query}");
        assert_eq!(page["head"], 12, "{query}");
    }
}

#[tokio::test]
async fn a_page_has_fifty_unless_asked_and_never_over_two_hundred() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    say(&api, 51).await;
    assert_eq!(seqs(&api.messages("general", "").await.ok(200)).len(), 50);
    for bad in [
        "limit=201",
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=99999999999999999999",
    ] {
        let answer = api.messages("general", bad).await;
        assert_eq!(answer.status(), 400, "{answer}");
    }
}

#[tokio::test]
async fn cursors_are_checked() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    say(&api, 2).await;
    for bad in [
        "before=2&after=1",
        "before=-1",
        "after=-1",
        "before=x",
        "after=1.5",
        "after=99999999999999999999",
        "before=9223372036854775808",
    ] {
        let answer = api.messages("general", bad).await;
        assert_eq!(answer.status(), 400, "{answer}");
    }
    let last = i64::MAX;
    let page = api
        .messages("general", &format!("before={last}"))
        .await
        .ok(200);
    assert_eq!(seqs(&page), [1, 2]);
    let page = api
        .messages("general", &format!("after={last}"))
        .await
        .ok(200);
    assert_eq!(seqs(&page), [0; 0]);
}

#[tokio::test]
async fn an_empty_room_has_an_empty_page() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let page = app.as_user(&alice).messages("help", "").await.ok(200);
    assert_eq!(page, json!({"data": [], "has_more": false, "head": 0}));
}

/// A page shows people as they are called now.
#[tokio::test]
async fn names_in_history_are_the_present_ones() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    say(&api, 1).await;
    let change = json!({"full_name": "Alice the Second", "username": "alice2"});
    api.update_user(alice.id, &change).await.ok(200);
    let page = api.messages("general", "").await.ok(200);
    assert_eq!(page["data"][0]["sender_name"], "Alice the Second");
    assert_eq!(page["data"][0]["user"]["username"], "alice2");
    assert_eq!(
        api.say("general", "new").await["sender_name"],
        "Alice the Second"
    );
}

/// What was said is there after the server stopped and started.
#[tokio::test]
async fn history_outlives_the_server() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    say(&app.as_user(&alice), 3).await;
    let before = app.as_user(&alice).messages("general", "").await.ok(200);
    let app = app.restart().await;
    let api = app.as_user(&alice);
    assert_eq!(
        api.messages("general", "").await.ok(200),
        before,
        "the token still counts, too"
    );
    assert_eq!(api.say("general", "next").await["seq"], 4);
}
