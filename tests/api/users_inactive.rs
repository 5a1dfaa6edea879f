//! Switching an account off for a reason and until a time.

use serde_json::{Value, json};

use crate::harness::{PASSWORD, TestApp, TestDatabase, until};

const FAR: &str = "2999-01-01T00:00:00Z";

#[tokio::test]
async fn admins_see_why_and_until_when() {
    let app = TestApp::spawn().await;
    let (admin, alice, bob) = (
        app.admin().await,
        app.client("alice").await,
        app.client("bob").await,
    );
    let api = app.as_user(&admin);
    let change = json!({"active": false, "inactive_reason": "spam", "inactive_until": FAR});
    let off = api.update_user(alice.id, &change).await.ok(200);
    assert_eq!(
        (&off["active"], &off["inactive_reason"]),
        (&json!(false), &json!("spam"))
    );
    assert_eq!(off["inactive_until"], FAR);
    let login = json!({"username": "alice", "password": PASSWORD});
    app.api()
        .login(&login)
        .await
        .refused(401, "unauthenticated");
    app.as_user(&alice)
        .me()
        .await
        .refused(401, "unauthenticated");
    let seen = app.as_user(&bob).user(alice.id).await.ok(200);
    assert_eq!(seen["active"], false);
    assert!(seen.get("inactive_reason").is_none() && seen.get("inactive_until").is_none());

    // What is not named stays, null clears.
    let longer = json!({"active": false, "inactive_until": null});
    let off = api.update_user(alice.id, &longer).await.ok(200);
    assert_eq!(
        (&off["inactive_reason"], &off["inactive_until"]),
        (&json!("spam"), &Value::Null)
    );
    let on = api
        .update_user(alice.id, &json!({"active": true}))
        .await
        .ok(200);
    assert_eq!(
        (&on["inactive_reason"], &on["inactive_until"]),
        (&Value::Null, &Value::Null)
    );
    app.api().login(&login).await.ok(200);
}

#[tokio::test]
async fn a_reason_and_a_time_come_only_with_switching_off() {
    let app = TestApp::spawn().await;
    let (admin, alice) = (app.admin().await, app.client("alice").await);
    let api = app.as_user(&admin);
    for (change, field, code) in [
        (
            json!({"inactive_reason": "x"}),
            "inactive_reason",
            "not_inactive",
        ),
        (
            json!({"active": true, "inactive_until": FAR}),
            "inactive_until",
            "not_inactive",
        ),
        (
            json!({"inactive_until": null}),
            "inactive_until",
            "not_inactive",
        ),
        (
            json!({"active": false, "inactive_until": "2020-01-01T00:00:00Z"}),
            "inactive_until",
            "not_in_future",
        ),
        (
            json!({"active": false, "inactive_until": "soon"}),
            "inactive_until",
            "invalid_time",
        ),
        (
            json!({"active": false, "inactive_until": 7}),
            "inactive_until",
            "wrong_type",
        ),
        (
            json!({"active": false, "inactive_reason": "x".repeat(501)}),
            "inactive_reason",
            "too_long",
        ),
    ] {
        api.update_user(alice.id, &change)
            .await
            .refused_field(field, code);
    }
    let own = json!({"active": false, "inactive_reason": "x"});
    app.as_user(&alice)
        .update_user(alice.id, &own)
        .await
        .refused(403, "forbidden");
    assert_eq!(api.user(alice.id).await.ok(200)["active"], true);
}

#[tokio::test]
async fn whose_time_is_over_is_let_in_again() {
    let app = TestApp::spawn().await;
    let (admin, alice, bob) = (
        app.admin().await,
        app.client("alice").await,
        app.client("bob").await,
    );
    let api = app.as_user(&admin);
    let change = json!({"active": false, "inactive_reason": "spam", "inactive_until": FAR});
    api.update_user(alice.id, &change).await.ok(200);
    api.deactivate(bob.id).await.ok(200);
    app.home
        .database
        .execute(match &app.home.database {
            TestDatabase::Sqlite(_) => {
                "UPDATE users SET inactive_until = '2026-01-01T00:00:00+00:00'
                 WHERE inactive_until IS NOT NULL"
            }
            TestDatabase::Postgres { .. } => {
                "UPDATE users SET inactive_until = '2026-01-01T00:00:00Z'
                 WHERE inactive_until IS NOT NULL"
            }
        })
        .await;
    until(async || api.user(alice.id).await.ok(200)["active"] == true).await;
    let alice = app.sign_in(&alice.email, PASSWORD).await;
    let mut socket = app.ws(&alice).joined("general").await;
    let id = socket.publish("general", "back").await;
    socket.acked(&id).await;
    assert_eq!(
        api.user(bob.id).await.ok(200)["active"],
        false,
        "he is off for good"
    );
    let path = format!("/api/audit?act=user.activate&target={}", alice.id);
    let told = api.get(&path).await.ok(200);
    assert_eq!(told["data"][0]["via"], "server", "{told}");
    assert_eq!(told["data"][0]["actor_id"], Value::Null);
}

#[tokio::test]
async fn the_command_line_says_why_and_until_when() {
    let app = TestApp::spawn().await;
    let (admin, alice) = (app.admin().await, app.client("alice").await);
    let run = |args: &[&str]| {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let home = &app.home;
        async move { home.run(&args).await.status.success() }
    };
    assert!(!run(&["user", "deactivate", "alice", "--until", "yesterday"]).await);
    assert!(
        !run(&[
            "user",
            "deactivate",
            "alice",
            "--until",
            "2020-01-01T00:00:00Z"
        ])
        .await
    );
    assert!(
        run(&[
            "user",
            "deactivate",
            "alice",
            "--reason",
            "spam",
            "--until",
            FAR
        ])
        .await
    );
    let seen = app.as_user(&admin).user(alice.id).await.ok(200);
    assert_eq!(
        (&seen["inactive_reason"], &seen["inactive_until"]),
        (&json!("spam"), &json!(FAR))
    );
}
