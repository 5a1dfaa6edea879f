//! The audit log: who did what to whom, from where, as admins read it.

use std::collections::BTreeSet;

use parlor::domain::ids::UserId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{PASSWORD, Person, TestApp, registration};

/// Entries that a query finds, the newest first.
pub async fn audit(app: &TestApp, admin: &Person, query: &str) -> Vec<Value> {
    let path = format!("/api/audit?limit=200&{query}");
    let page = app.as_user(admin).get(&path).await.ok(200);
    page["data"].as_array().expect("a list").clone()
}

/// The one entry of an act on somebody.
async fn entry(app: &TestApp, admin: &Person, act: &str, target: &str) -> Value {
    let found = audit(app, admin, &format!("act={act}&target={target}")).await;
    assert_eq!(found.len(), 1, "{act} on {target}: {found:#?}");
    found[0].clone()
}

async fn acts(app: &TestApp, admin: &Person, target: UserId) -> Vec<String> {
    let entries = audit(app, admin, &format!("target={target}")).await;
    let act = |entry: &Value| entry["act"].as_str().expect("a word").to_owned();
    entries.iter().rev().map(act).collect()
}

/// Who, what, whom and from where, for each thing that a person does to himself.
#[tokio::test]
async fn what_people_do_leaves_its_entry() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    let registered = app.api().register(&registration("alice")).await;
    let request_id = registered.request_id().to_owned();
    let alice = Person::from_login(&registered.ok(201), PASSWORD);
    let made = entry(&app, &admin, "user.create", &alice.id.to_string()).await;
    assert_eq!(made["actor_id"], Value::Null, "a stranger made it");
    assert_eq!(made["via"], "api");
    assert_eq!(made["address"], "127.0.0.1");
    assert_eq!(made["request_id"], request_id);
    assert_eq!(made["target_kind"], "user");
    assert_eq!(
        made["details"],
        json!({"kind": "person", "role": "client", "username": "alice"})
    );
    let opened = entry(&app, &admin, "login.open", &alice.id.to_string()).await;
    assert_eq!(opened["actor_id"], json!(alice.id));
    assert!(opened["login_id"].is_string());
    assert_eq!(
        opened["seq"].as_i64(),
        made["seq"].as_i64().map(|seq| seq + 1)
    );
    assert_eq!(opened["prev_hash"], made["hash"]);

    let api = app.as_user(&alice);
    let change = json!({
        "username": "alicia", "bio": "x", "email": "alicia@parlor.example",
        "current_password": PASSWORD,
    });
    api.update_user(alice.id, &change).await.ok(200);
    let change = json!({"password": "Another-Horse-2", "current_password": PASSWORD});
    api.update_user(alice.id, &change).await.ok(200);
    let second = app
        .sign_in("alicia@parlor.example", "Another-Horse-2")
        .await;
    let logins = api.get("/api/auth/logins").await.ok(200);
    let other = logins["data"][1]["id"].as_str().expect("an id");
    api.call(Method::DELETE, &format!("/api/auth/logins/{other}"))
        .await
        .ok(204);
    let third = app
        .sign_in("alicia@parlor.example", "Another-Horse-2")
        .await;
    api.call(Method::DELETE, "/api/auth/logins").await.ok(204);
    api.create_room(&json!({"name": "Tea"})).await.ok(201);
    api.logout().await.ok(204);
    let last = app
        .sign_in("alicia@parlor.example", "Another-Horse-2")
        .await;
    app.as_user(&last).logout_everywhere().await.ok(204);
    drop((second, third));
    let gone = app
        .sign_in("alicia@parlor.example", "Another-Horse-2")
        .await;
    app.as_user(&gone).delete_user(alice.id).await.ok(204);
    assert_eq!(
        acts(&app, &admin, alice.id).await,
        [
            "user.create",
            "login.open",
            "user.update",
            "user.email",
            "user.password",
            "login.open",
            "login.end",
            "login.open",
            "login.end_all",
            "login.end",
            "login.open",
            "login.end_all",
            "login.open",
            "user.delete",
        ]
    );
    let renamed = entry(&app, &admin, "user.update", &alice.id.to_string()).await;
    assert_eq!(
        renamed["details"],
        json!({"fields": ["username", "bio"], "username": {"from": "alice", "to": "alicia"}})
    );
    assert_eq!(renamed["actor_id"], json!(alice.id));
    let room = entry(&app, &admin, "room.create", "tea").await;
    assert_eq!(
        (&room["target_kind"], &room["actor_id"]),
        (&json!("room"), &json!(alice.id))
    );
    let whole = app.as_user(&admin).get("/api/audit/export").await;
    for secret in [
        PASSWORD,
        "Another-Horse-2",
        "alice@",
        "alicia@",
        &alice.token,
        "$2",
    ] {
        assert!(!whole.text().contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn what_admins_do_to_others_leaves_its_entry() {
    let app = TestApp::spawn().await;
    let (admin, alice) = (app.admin().await, app.client("alice").await);
    let api = app.as_user(&admin);
    let id = alice.id.to_string();
    for change in [
        json!({"role": "trainer"}),
        json!({"active": false, "inactive_reason": "spam"}),
        json!({"active": true}),
        json!({"password": "Another-Horse-2"}),
    ] {
        api.update_user(alice.id, &change).await.ok(200);
    }
    let mut by_admin = Vec::new();
    for act in [
        "user.role",
        "user.deactivate",
        "user.activate",
        "user.password",
    ] {
        by_admin.push(entry(&app, &admin, act, &id).await);
    }
    for entry in &by_admin {
        assert_eq!(entry["actor_id"], json!(admin.id), "{entry}");
        assert_eq!(entry["address"], "127.0.0.1", "{entry}");
        assert!(entry["login_id"].is_string(), "{entry}");
    }
    assert_eq!(
        by_admin[0]["details"],
        json!({"from": "client", "to": "trainer"})
    );
    assert_eq!(
        by_admin[1]["details"],
        json!({"reason": "spam", "until": null})
    );
    let found = audit(&app, &admin, &format!("actor={}&act=user", admin.id)).await;
    assert_eq!(found.len(), 4, "{found:#?}");
    let first = audit(&app, &admin, "act=user.first_admin").await;
    assert_eq!((first.len(), &first[0]["via"]), (1, &json!("server")));
    // No change is no act.
    api.update_user(alice.id, &json!({"role": "trainer", "active": true}))
        .await
        .ok(200);
    assert_eq!(audit(&app, &admin, "act=user.role").await.len(), 1);
}

#[tokio::test]
async fn a_stolen_refresh_token_is_told() {
    let app = TestApp::spawn().await;
    let (admin, alice) = (app.admin().await, app.client("alice").await);
    let next = app.api().refresh(&alice.refresh_token).await.ok(200);
    let next = next["refresh_token"].as_str().expect("a token");
    app.api().refresh(next).await.ok(200);
    app.api()
        .refresh(&alice.refresh_token)
        .await
        .refused(401, "unauthenticated");
    let told = entry(&app, &admin, "login.refresh_reuse", &alice.id.to_string()).await;
    assert_eq!(told["actor_id"], Value::Null, "nobody knows who it was");
    assert!(told["details"]["login"].is_string(), "{told}");
}

#[tokio::test]
async fn the_command_line_is_told_too() {
    let app = TestApp::spawn().await;
    let (admin, alice) = (app.admin().await, app.client("alice").await);
    let run = app.home.run(&["user", "role", "alice", "trainer"]).await;
    assert!(run.status.success(), "{run:?}");
    let told = entry(&app, &admin, "user.role", &alice.id.to_string()).await;
    assert_eq!(
        (&told["via"], &told["actor_id"]),
        (&json!("command_line"), &Value::Null)
    );
}

#[tokio::test]
async fn only_admins_read_the_log() {
    let app = TestApp::spawn().await;
    let (alice, tom) = (app.client("alice").await, app.trainer("tom").await);
    for path in ["/api/audit", "/api/audit/export"] {
        for person in [&alice, &tom] {
            app.as_user(person)
                .get(path)
                .await
                .refused(403, "forbidden");
        }
        app.api().get(path).await.refused(401, "unauthenticated");
    }
}

/// Fifty at once, each of them a transaction, and their entries come one after the other.
#[tokio::test]
async fn acts_at_the_same_time_make_one_chain() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    let api = app.api();
    let registering = (0..50).map(|number| {
        let api = api.clone();
        async move {
            api.register(&registration(&format!("user-{number}")))
                .await
                .ok(201)
        }
    });
    let people = futures_util::future::join_all(registering).await;
    let changing = people.iter().map(|answer| {
        let person = Person::from_login(answer, PASSWORD);
        let (own, admins) = (app.as_user(&person), app.as_user(&admin));
        async move {
            let (name, role) = (json!({"bio": "x"}), json!({"role": "trainer"}));
            tokio::join!(
                own.update_user(person.id, &name),
                admins.update_user(person.id, &role)
            )
        }
    });
    for (name, role) in futures_util::future::join_all(changing).await {
        assert_eq!((name.status(), role.status()), (200, 200));
    }
    let verdict = app.home.run(&["audit", "verify"]).await;
    let text = String::from_utf8_lossy(&verdict.stdout);
    assert!(verdict.status.success(), "{verdict:?}");
    // Two for the admin, two for each account, two for each change.
    assert!(text.starts_with("202 entries, head "), "{text}");
    let targets: BTreeSet<String> = audit(&app, &admin, "act=user.role")
        .await
        .iter()
        .map(|entry| entry["target_id"].to_string())
        .collect();
    assert_eq!(targets.len(), 50);
}
