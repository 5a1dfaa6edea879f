//! Who manages others, and where that ends: at who may do more.

use reqwest::Method;
use serde_json::json;

use crate::{harness::TestApp, roles::person_with};

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
