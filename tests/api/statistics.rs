//! Numbers over time, for those who lead.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use parlor::domain::{
    ids::{MessageId, RoomId},
    message::{Content, Draft},
    user::Profile,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, TestApp};

async fn days(api: &Client, query: &str) -> Vec<(NaiveDate, i64)> {
    let path = format!("/api/statistics/messages{query}");
    let answer = api.get(&path).await.ok(200);
    let read = |day: &Value| {
        let date = day["day"].as_str().unwrap().parse().unwrap();
        (date, day["messages"].as_i64().unwrap())
    };
    answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(read)
        .collect()
}

/// What was said some days ago, as the store has it.
fn said(sender: &Arc<Profile>, days_ago: i64) -> Draft {
    let content = Content::parse("long ago").unwrap();
    let id = MessageId::new().0.as_u128();
    let millis = TimeDelta::days(days_ago).num_milliseconds().unsigned_abs();
    Draft {
        id: MessageId(uuid::Uuid::from_u128(id - (u128::from(millis) << 80))),
        room_id: RoomId::parse("random").unwrap(),
        sender: sender.clone(),
        content_hash: content.hash(),
        content,
        client_message_id: None,
    }
}

#[tokio::test]
async fn messages_are_counted_by_day_with_the_days_that_had_none() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let trainer = app.trainer("tom").await;
    let admin = app.admin().await;
    let sender = Arc::new(Profile {
        id: alice.id,
        username: alice.username.clone(),
        full_name: alice.full_name.clone(),
    });
    let old = [3, 3, 40].map(|ago| said(&sender, ago));
    app.store.commit_batch(old.to_vec().into()).await.unwrap();
    for _ in 0..2 {
        app.as_user(&alice).say("general", "x").await;
    }
    for person in [&trainer, &admin] {
        let api = app.as_user(person);
        let month = days(&api, "").await;
        assert_eq!(month.len(), 30);
        for pair in month.windows(2) {
            assert_eq!(pair[1].0 - pair[0].0, TimeDelta::days(1), "{month:?}");
        }
        // The day may have changed while the messages were said.
        let sum = |days: &[(NaiveDate, i64)]| days.iter().map(|(_, count)| count).sum::<i64>();
        assert_eq!(sum(&month), 4);
        assert_eq!(sum(&month[..28]), 2, "{month:?}");
        assert!(month.iter().any(|(_, count)| *count == 0));
        let year = days(&api, "?days=365").await;
        assert_eq!((year.len(), sum(&year)), (365, 5));
        assert_eq!(days(&api, "?days=1").await.len(), 1);
    }
    app.as_user(&alice).say("general", "y").await;
    let last: i64 = days(&app.as_user(&admin), "?days=2")
        .await
        .iter()
        .map(|(_, count)| count)
        .sum();
    assert_eq!(last, 3, "what is new is there at once");
}

#[tokio::test]
async fn numbers_are_for_trainers_and_admins() {
    let app = TestApp::spawn().await;
    let path = "/api/statistics/messages";
    app.api().get(path).await.refused(401, "unauthenticated");
    let alice = app.client("alice").await;
    let refused = app.as_user(&alice).get(path).await;
    refused.refused(403, "forbidden");
    let admin = app.as_user(&app.admin().await);
    let head = admin.call(Method::HEAD, path).await;
    assert_eq!(head.status(), 200);
    let posted = admin.post(path, &json!({})).await;
    posted.refused(405, "method_not_allowed");
    for wrong in ["0", "366", "-1", "1.5", "many", "99999999999999999999"] {
        let answer = admin.get(&format!("{path}?days={wrong}")).await;
        answer.refused_field("days", "out_of_range");
    }
}
