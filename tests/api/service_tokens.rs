//! Tokens of services: accounts that only programs have.

use reqwest::Method;
use serde_json::json;

use crate::{
    api_tokens::token,
    harness::{PASSWORD, TestApp, registration},
};

#[tokio::test]
async fn a_service_acts_for_itself_and_signs_in_nowhere() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let path = "/api/admin/service-tokens";
    let body = json!({
        "name": "import", "username": "importer", "full_name": "Nightly import", "role": "trainer",
        "scopes": ["messages.send", "messages.read"],
    });
    let made = admin.post(path, &body).await.ok(201);
    let account = &made["account"];
    assert_eq!(
        (&account["username"], &account["role"]),
        (&json!("importer"), &json!("trainer"))
    );
    let service = app.with_token(made["token"].as_str().unwrap());
    let said = service.say("general", "imported").await;
    assert_eq!(said["sender_id"], account["id"]);
    assert_eq!(service.me().await.ok(200)["kind"], "service");
    service.statistics().await.refused(403, "forbidden");

    // The second token is the same service's; with another role it is a mistake.
    let next = json!({"name": "next", "username": "importer", "scopes": ["statistics.read"]});
    let again = admin.post(path, &next).await.ok(201);
    assert_eq!(again["account"]["id"], account["id"]);
    app.with_token(again["token"].as_str().unwrap())
        .statistics()
        .await
        .ok(200);
    let other = json!({"name": "x", "username": "importer", "role": "client", "scopes": []});
    admin
        .post(path, &other)
        .await
        .refused_field("role", "other_role");
    let listed = admin.get(path).await.ok(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    assert!(listed["data"][0].get("token").is_none());

    // No other way in.
    let id = account["id"].as_str().unwrap().parse().unwrap();
    for change in [
        json!({"password": PASSWORD}),
        json!({"email": "s@parlor.example"}),
    ] {
        admin
            .update_user(id, &change)
            .await
            .refused(403, "forbidden");
    }
    let login = json!({"username": "importer", "password": PASSWORD});
    app.api()
        .login(&login)
        .await
        .refused(401, "unauthenticated");
    // A person's name will not do, and a service's token is no personal one.
    app.client("alice").await;
    let person = json!({"name": "x", "username": "alice", "scopes": []});
    admin
        .post(path, &person)
        .await
        .refused(409, "username_taken");
    let mut account = registration("importer");
    account["email"] = "importer@parlor.example".into();
    app.api()
        .register(&account)
        .await
        .refused(409, "username_taken");

    let revoke = format!("{path}/{}", made["id"].as_str().unwrap());
    admin.call(Method::DELETE, &revoke).await.ok(204);
    service.me().await.refused(401, "unauthenticated");
    admin
        .call(Method::DELETE, &revoke)
        .await
        .refused(404, "not_found");
    admin.deactivate(id).await.ok(200);
    app.with_token(again["token"].as_str().unwrap())
        .me()
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn only_who_manages_tokens_makes_services_and_none_above_himself() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let role = json!({
        "name": "operator",
        "permissions": ["tokens.manage", "users.read", "rooms.create", "messages.read",
            "messages.send"],
    });
    admin.post("/api/roles", &role).await.ok(201);
    let eve = app.client("eve").await;
    let path = "/api/admin/service-tokens";
    let body = json!({"name": "x", "username": "service", "scopes": ["messages.read"]});
    let api = app.as_user(&eve);
    api.post(path, &body).await.refused(403, "forbidden");
    api.get(path).await.refused(403, "forbidden");
    admin
        .update_user(eve.id, &json!({"role": "operator"}))
        .await
        .ok(200);
    let made = api.post(path, &body).await.ok(201);
    for above in [
        json!({"name": "x", "username": "other", "role": "admin", "scopes": []}),
        json!({"name": "x", "username": "other", "role": "trainer", "scopes": []}),
        json!({"name": "x", "username": "other", "scopes": ["statistics.read"]}),
    ] {
        api.post(path, &above).await.refused(403, "forbidden");
    }
    let unknown = json!({"name": "x", "username": "other", "role": "boss", "scopes": []});
    api.post(path, &unknown)
        .await
        .refused_field("role", "invalid_role");
    // A service that an admin made to be an admin gets no token of eve's.
    let high = json!({"name": "x", "username": "high", "role": "admin", "scopes": ["audit.read"]});
    let high = admin.post(path, &high).await.ok(201);
    let more = json!({"name": "x", "username": "high", "scopes": []});
    api.post(path, &more).await.refused(403, "forbidden");
    app.with_token(high["token"].as_str().unwrap())
        .get("/api/audit")
        .await
        .ok(200);
    app.with_token(made["token"].as_str().unwrap())
        .get("/api/audit")
        .await
        .refused(403, "forbidden");
    // Nor is a personal token revoked there.
    let (_, id) = token(&api, &[]).await;
    let answer = admin.call(Method::DELETE, &format!("{path}/{id}")).await;
    answer.refused(404, "not_found");
}
