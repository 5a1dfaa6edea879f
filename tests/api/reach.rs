//! Who manages others, and where that ends: at who may do more, and at second factors.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{api_tokens::token, harness::TestApp, roles::person_with};

#[tokio::test]
async fn nobody_revokes_a_token_of_a_service_above_himself() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let mut ids = Vec::new();
    for (username, role) in [("low", "client"), ("high", "admin")] {
        let form = json!({"name": "x", "username": username, "role": role, "scopes": []});
        let made = admin.post("/api/admin/service-tokens", &form).await.ok(201);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let permissions = [
        "tokens.manage",
        "users.read",
        "rooms.create",
        "messages.read",
        "messages.send",
    ];
    let keeper = app.as_user(&person_with(&app, "keeper", &permissions).await);
    let path = |id: &str| format!("/api/admin/service-tokens/{id}");
    let refused = keeper.call(Method::DELETE, &path(&ids[1])).await;
    refused.refused(403, "forbidden");
    keeper.call(Method::DELETE, &path(&ids[0])).await.ok(204);
    let left = admin.get("/api/admin/service-tokens").await.ok(200);
    assert_eq!(left["data"][0]["id"], ids[1].as_str(), "{left}");
    admin.call(Method::DELETE, &path(&ids[1])).await.ok(204);
}

#[tokio::test]
async fn no_token_says_whether_a_role_requires_a_second_factor() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let role = json!({"name": "guard", "permissions": [], "requires_two_factor": true});
    admin.post("/api/roles", &role).await.ok(201);
    let (text, _) = token(&admin, &["roles.manage"]).await;
    let program = app.with_token(&text);
    let send = async |method, path: &str, body: Value| program.send(method, path, &body).await;
    let off = json!({"requires_two_factor": false});
    let refused = send(Method::PATCH, "/api/roles/guard", off.clone()).await;
    refused.refused(403, "forbidden");
    let mine = json!({"name": "mine", "requires_two_factor": true});
    let refused = send(Method::POST, "/api/roles", mine).await;
    refused.refused(403, "forbidden");
    let about = json!({"about": "Guards."});
    let changed = send(Method::PATCH, "/api/roles/guard", about).await.ok(200);
    assert_eq!(changed["requires_two_factor"], true);
    send(Method::POST, "/api/roles", json!({"name": "mine"}))
        .await
        .ok(201);
    let changed = admin.send(Method::PATCH, "/api/roles/guard", &off).await;
    assert_eq!(changed.ok(200)["requires_two_factor"], false);
}

#[tokio::test]
async fn an_admin_does_not_reset_himself() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    app.enroll(&admin).await;
    let refused = app.reset_two_factor(&admin, &admin).await;
    refused.refused(403, "forbidden");
    assert_eq!(app.two_factor(&admin).await["totp"], true);
}
