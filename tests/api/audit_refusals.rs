//! What was refused is in the audit log, summed: strangers cannot fill it.

use parlor::{domain::ids::UserId, protocol::code::ErrorCode};
use serde_json::{Value, json};

use crate::harness::{PASSWORD, TestApp, registration};

/// The sums that a server wrote when it stopped, by what was refused.
pub async fn sums(app: TestApp) -> (TestApp, Vec<Value>) {
    let app = app.restart().await;
    let admin = app.admin().await;
    let found = app
        .as_user(&admin)
        .get("/api/audit?act=refusal&limit=200")
        .await;
    let found = found.ok(200)["data"].as_array().expect("a list").clone();
    (app, found)
}

/// The only sum of a kind.
pub fn one<'a>(sums: &'a [Value], kind: &str) -> &'a Value {
    let act = format!("refusal.{kind}");
    let found: Vec<_> = sums.iter().filter(|sum| sum["act"] == *act).collect();
    assert_eq!(found.len(), 1, "{act}: {sums:#?}");
    found[0]
}

#[tokio::test]
async fn a_thousand_wrong_passwords_are_a_row_for_each_account() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.api();
    for round in 0..20 {
        let attempts = (0..50).map(|_| {
            let name = if round % 2 == 0 { "alice" } else { "nobody" };
            let login = json!({"username": name, "password": "Wrong-Horse-1"});
            let api = api.clone();
            async move { api.login(&login).await.status() }
        });
        for status in futures_util::future::join_all(attempts).await {
            // The queue of what is to be hashed may be full.
            assert!(matches!(status, 401 | 503), "{status}");
        }
    }
    let (_app, sums) = sums(app).await;
    let wrong: Vec<_> = sums
        .iter()
        .filter(|sum| sum["act"] == "refusal.wrong_password")
        .collect();
    assert_eq!(wrong.len(), 2, "{sums:#?}");
    let of = |target: Value| {
        let sum = wrong.iter().find(|sum| sum["target_id"] == target);
        sum.expect("a sum").to_owned().clone()
    };
    let (known, unknown) = (of(json!(alice.id)), of(Value::Null));
    for sum in [&known, &unknown] {
        let count = sum["details"]["count"].as_i64().expect("a count");
        assert!((400..=500).contains(&count), "{sum}");
        assert_eq!(sum["details"]["places"], json!(["POST /api/auth/login"]));
        assert_eq!(sum["address"], "127.0.0.1");
        assert_eq!(sum["actor_id"], Value::Null);
    }
}

#[tokio::test]
async fn each_refusal_is_told_by_its_kind() {
    let app = TestApp::with(|config| config.limits.registrations_per_minute = 2).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    api.get("/api/audit").await.refused(403, "forbidden");
    api.update_user(bob.id, &json!({"bio": "x"}))
        .await
        .refused(403, "forbidden");
    let own = json!({"password": "Another-Horse-2", "current_password": "Wrong-Horse-1"});
    api.update_user(alice.id, &own)
        .await
        .refused(400, "validation_failed");
    app.api().me().await.refused(401, "unauthenticated");
    app.with_token("x.y.z")
        .me()
        .await
        .refused(401, "unauthenticated");
    let expired = app.token_for(&bob, std::time::Duration::ZERO).await;
    let _ = app.with_token(&expired).me().await;
    app.api()
        .refresh("nothing")
        .await
        .refused(401, "unauthenticated");
    app.api()
        .register(&registration("carl"))
        .await
        .refused(429, "rate_limited");
    app.with_token("x.y.z")
        .try_ws()
        .await
        .refused(401, "unauthenticated");
    let (_app, sums) = sums(app).await;

    let forbidden = one(&sums, "forbidden");
    assert_eq!(forbidden["actor_id"], json!(alice.id));
    assert_eq!(forbidden["details"]["count"], 2);
    assert_eq!(
        forbidden["details"]["places"],
        json!(["GET /api/audit", "PATCH /api/users/{id}"])
    );
    assert_eq!(one(&sums, "wrong_password")["actor_id"], json!(alice.id));
    let nobody = one(&sums, "no_token");
    assert_eq!(
        (&nobody["actor_id"], &nobody["address"]),
        (&Value::Null, &Value::Null)
    );
    let bad = one(&sums, "bad_token");
    assert_eq!(
        bad["details"]["places"],
        json!(["GET /api/users/me", "GET /api/chat/ws"])
    );
    assert_eq!(bad["address"], "127.0.0.1");
    one(&sums, "bad_refresh_token");
    one(&sums, "rate_limited");
    let text = format!("{sums:?}");
    assert!(
        !text.contains("x.y.z") && !text.contains("nothing"),
        "{text}"
    );
}

#[tokio::test]
async fn what_a_socket_refuses_is_told() {
    let app = TestApp::with(|config| config.limits.messages_per_second = 1).await;
    let alice = app.client("alice").await;
    let mut stranger = app.anonymous_ws().open().await;
    stranger
        .send(&json!({"type": "authorization", "token": "x.y.z"}))
        .await;
    stranger.closed().await;
    let mut socket = app.ws(&alice).joined("general").await;
    let other = json!({"type": "connect", "room_id": "help", "user_id": UserId::new()});
    socket.refused(&other, ErrorCode::Forbidden).await;
    for _ in 0..10 {
        let body = json!({"type": "message", "room_id": "general", "content": "x"});
        socket.send(&body).await;
    }
    let refused = |frame: &Value| frame["code"] == "rate_limited";
    socket.wait_until("rate_limited", refused).await;
    let (_app, sums) = sums(app).await;
    let bad = one(&sums, "bad_token");
    assert_eq!(bad["address"], "127.0.0.1");
    assert_eq!(one(&sums, "forbidden")["actor_id"], json!(alice.id));
    assert_eq!(one(&sums, "rate_limited")["actor_id"], json!(alice.id));
}

/// Not only when the server stops.
#[tokio::test]
async fn sums_are_written_while_the_server_runs() {
    let every = std::time::Duration::from_millis(50);
    let app = TestApp::with(|config| config.audit.sum_refusals = every).await;
    let admin = app.admin().await;
    let login = json!({"username": "alice", "password": PASSWORD});
    app.api()
        .login(&login)
        .await
        .refused(401, "unauthenticated");
    let api = app.as_user(&admin);
    crate::harness::until(async || {
        let found = api
            .get("/api/audit?act=refusal.wrong_password")
            .await
            .ok(200);
        found["data"].as_array().is_some_and(|data| data.len() == 1)
    })
    .await;
}
