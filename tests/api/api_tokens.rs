//! API tokens over REST: what they may do, and what ends them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{ADMIN_PASSWORD, Client, Home, PASSWORD, TestApp, until};

/// Makes a token, and returns its text and its id.
pub async fn token(api: &Client, scopes: &[&str]) -> (String, String) {
    let me = api.me().await.ok(200);
    let password = match me["username"].as_str() {
        Some("admin") => ADMIN_PASSWORD,
        _ => PASSWORD,
    };
    token_for(api, scopes, password).await
}

/// The same of somebody whose password is another one.
pub async fn token_for(api: &Client, scopes: &[&str], password: &str) -> (String, String) {
    let body = json!({"name": "a program", "scopes": scopes, "password": password});
    let made = api.post("/api/auth/tokens", &body).await.ok(201);
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("token"), text("id"))
}

/// Takes an hour off the end of every token.
pub async fn expire(home: &Home) {
    let sql = "UPDATE api_tokens SET expires_at = '2020-01-01T00:00:00Z'";
    home.database.execute(sql).await;
}

#[tokio::test]
async fn a_token_is_shown_once_listed_and_revoked() {
    let app = TestApp::spawn().await;
    let alice = app.as_user(&app.client("alice").await);
    let body = json!({
        "name": " Nightly export ", "scopes": ["messages.read", "users.read"],
        "expires_at": "2030-01-01T00:00:00Z", "password": PASSWORD,
    });
    let made = alice.post("/api/auth/tokens", &body).await.ok(201);
    let text = made["token"].as_str().unwrap();
    assert!(text.starts_with("parlor_") && text.len() == 50, "{text}");
    assert_eq!(made["name"], "Nightly export");
    assert_eq!(made["scopes"], json!(["users.read", "messages.read"]));
    assert_eq!(made["expires_at"], "2030-01-01T00:00:00Z");

    let listed = alice.get("/api/auth/tokens").await.ok(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    let shown = &listed["data"][0];
    assert_eq!(shown["id"], made["id"]);
    assert!(
        shown.get("token").is_none() && shown.get("hash").is_none(),
        "{shown}"
    );
    assert_eq!(shown["last_used_at"], Value::Null);

    let program = app.with_token(text);
    assert_eq!(program.me().await.ok(200)["username"], "alice");
    let valid = app.api().validate(text).await.ok(200);
    assert_eq!(valid["scopes"], made["scopes"]);
    assert_eq!(valid["expires_at"], made["expires_at"]);

    let path = format!("/api/auth/tokens/{}", made["id"].as_str().unwrap());
    let bob = app.as_user(&app.client("bob").await);
    bob.call(Method::DELETE, &path)
        .await
        .refused(404, "not_found");
    assert_eq!(bob.get("/api/auth/tokens").await.ok(200)["data"], json!([]));
    program.me().await.ok(200);
    alice.call(Method::DELETE, &path).await.ok(204);
    program.me().await.refused(401, "unauthenticated");
    alice
        .call(Method::DELETE, &path)
        .await
        .refused(404, "not_found");
    assert_eq!(
        alice.get("/api/auth/tokens").await.ok(200)["data"],
        json!([])
    );
}

#[tokio::test]
async fn what_is_no_token_is_refused_field_by_field() {
    let app = TestApp::spawn().await;
    let alice = app.as_user(&app.client("alice").await);
    for (body, field, code) in [
        (json!({"scopes": []}), "name", "required"),
        (json!({"name": "", "scopes": []}), "name", "too_short"),
        (
            json!({"name": "x".repeat(101), "scopes": []}),
            "name",
            "too_long",
        ),
        (json!({"name": "x"}), "scopes", "required"),
        (
            json!({"name": "x", "scopes": ["all"]}),
            "scopes",
            "invalid_permission",
        ),
        (
            json!({"name": "x", "scopes": [], "expires_at": "soon"}),
            "expires_at",
            "wrong_type",
        ),
        (
            json!({"name": "x", "scopes": [], "expires_at": "2020-01-01T00:00:00Z"}),
            "expires_at",
            "out_of_range",
        ),
        (
            json!({"name": "x", "scopes": [], "expires_at": "9999-01-01T00:00:00Z"}),
            "expires_at",
            "out_of_range",
        ),
    ] {
        let answer = alice.post("/api/auth/tokens", &body).await;
        answer.refused_field(field, code);
    }
    for bad in [
        "parlor_",
        &format!("parlor_{}", "A".repeat(43)),
        "parlor_x.y.z",
    ] {
        app.with_token(bad)
            .me()
            .await
            .refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_token_does_what_its_scopes_name_and_its_owner_may() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let (reader, _) = token(&api, &["messages.read"]).await;
    let reader = app.with_token(&reader);
    reader.rooms().await.ok(200);
    reader.messages("general", "").await.ok(200);
    reader
        .post_message("general", &json!({"content": "x"}))
        .await
        .refused(403, "forbidden");
    reader
        .create_room(&json!({"name": "x"}))
        .await
        .refused(403, "forbidden");
    reader.get("/api/users").await.refused(403, "forbidden");
    reader.statistics().await.refused(403, "forbidden");
    reader
        .update_user(alice.id, &json!({"full_name": "x"}))
        .await
        .refused(403, "forbidden");
    reader.delete_user(alice.id).await.refused(403, "forbidden");
    let me = reader.me().await.ok(200);
    assert!(
        me.get("email").is_none() && me.get("phone_number").is_none(),
        "{me}"
    );

    let (nothing, _) = token(&api, &[]).await;
    let nothing = app.with_token(&nothing);
    nothing.me().await.ok(200);
    nothing.rooms().await.refused(403, "forbidden");

    let (writer, _) = token(&api, &["messages.send"]).await;
    let writer = app.with_token(&writer);
    writer.say("general", "from a program").await;
    writer.rooms().await.refused(403, "forbidden");

    // Nobody gives more than he has, and what he loses his tokens lose.
    for more in ["statistics.read", "users.write", "admin.access"] {
        let body = json!({"name": "x", "scopes": ["messages.read", more]});
        api.post("/api/auth/tokens", &body)
            .await
            .refused(403, "forbidden");
    }
    let change = json!({"permissions": ["messages.read"]});
    admin
        .send(Method::PATCH, "/api/roles/client", &change)
        .await
        .ok(200);
    writer
        .post_message("general", &json!({"content": "x"}))
        .await
        .refused(403, "forbidden");
    reader.rooms().await.ok(200);
}

/// Else who finds a token on a disk has the account, and a way in that outlasts the token.
#[tokio::test]
async fn no_scope_lets_a_token_manage_the_ways_in() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    let all = api.get("/api/permissions").await.ok(200);
    let all: Vec<_> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].clone())
        .collect();
    let body = json!({"name": "everything", "scopes": all, "password": ADMIN_PASSWORD});
    let made = api.post("/api/auth/tokens", &body).await.ok(201);
    let program = app.with_token(made["token"].as_str().unwrap());
    program.list_users("sort=email").await.ok(200);
    program.statistics().await.ok(200);

    let body = json!({"name": "x", "scopes": []});
    program
        .post("/api/auth/tokens", &body)
        .await
        .refused(403, "forbidden");
    program
        .get("/api/auth/tokens")
        .await
        .refused(403, "forbidden");
    let path = format!("/api/auth/tokens/{}", made["id"].as_str().unwrap());
    program
        .call(Method::DELETE, &path)
        .await
        .refused(403, "forbidden");
    let service = json!({"name": "x", "username": "service", "scopes": []});
    program
        .post("/api/admin/service-tokens", &service)
        .await
        .refused(403, "forbidden");
    program
        .get("/api/admin/service-tokens")
        .await
        .refused(403, "forbidden");
    program
        .get("/api/auth/logins")
        .await
        .refused(403, "forbidden");
    program
        .call(Method::DELETE, "/api/auth/logins")
        .await
        .refused(403, "forbidden");
    program.logout().await.refused(403, "forbidden");
    program.logout_everywhere().await.refused(403, "forbidden");
    let bob = app.client("bob").await;
    for id in [admin.id, bob.id] {
        for change in [
            json!({"password": "Another-Horse-2", "current_password": "x"}),
            json!({"email": "elsewhere@parlor.example"}),
        ] {
            program
                .update_user(id, &change)
                .await
                .refused(403, "forbidden");
        }
    }
    let changed = program
        .update_user(bob.id, &json!({"full_name": "Bobby"}))
        .await
        .ok(200);
    assert_eq!(changed["full_name"], "Bobby");
    app.sign_in(&bob.email, PASSWORD).await;
}

#[tokio::test]
async fn a_token_ends_with_its_time_and_with_its_owner() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let (of_alice, _) = token(&app.as_user(&alice), &["messages.read"]).await;
    let (of_bob, _) = token(&app.as_user(&bob), &["messages.read"]).await;
    let (of_alice, of_bob) = (app.with_token(&of_alice), app.with_token(&of_bob));
    of_alice.rooms().await.ok(200);
    admin.deactivate(alice.id).await.ok(200);
    of_alice.rooms().await.refused(401, "unauthenticated");
    admin
        .update_user(alice.id, &json!({"active": true}))
        .await
        .ok(200);
    of_alice.rooms().await.ok(200);
    admin.delete_user(alice.id).await.ok(204);
    of_alice.rooms().await.refused(401, "unauthenticated");
    // Not looked at before, so nothing remembers it.
    expire(&app.home).await;
    let answer = of_bob.rooms().await;
    assert!(answer.text().contains("expired"), "{answer}");
    answer.refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_last_use_is_told() {
    let app = TestApp::spawn().await;
    let alice = app.as_user(&app.client("alice").await);
    let (text, _) = token(&alice, &["messages.read"]).await;
    let program = app.with_token(&text);
    let last = async || {
        let listed = alice.get("/api/auth/tokens").await.ok(200);
        listed["data"][0]["last_used_at"].clone()
    };
    assert_eq!(last().await, Value::Null);
    program.rooms().await.ok(200);
    until(async || last().await.is_string()).await;
    let first = last().await;
    for _ in 0..3 {
        program.rooms().await.ok(200);
    }
    assert_eq!(last().await, first, "once a minute");
}

#[tokio::test]
async fn nobody_has_more_than_fifty() {
    let app = TestApp::spawn().await;
    let alice = app.as_user(&app.client("alice").await);
    for _ in 0..50 {
        token(&alice, &[]).await;
    }
    let body = json!({"name": "one more", "scopes": [], "password": PASSWORD});
    alice
        .post("/api/auth/tokens", &body)
        .await
        .refused(409, "too_many");
}
