//! `admin.access`: the server's metrics, and which roles require a second factor.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api_tokens::token,
    harness::{Answer, Client, PASSWORD, Person, TestApp, registration},
};

/// Somebody whose role grants this; the role is called as he is.
async fn with_role(app: &TestApp, name: &str, permissions: &[&str]) -> Person {
    let admin = app.as_user(&app.admin().await);
    let role = json!({"name": name, "permissions": permissions});
    admin.post("/api/roles", &role).await.ok(201);
    let mut account = registration(name);
    account["role"] = name.into();
    admin.create_user(&account).await.ok(201);
    app.sign_in(&format!("{name}@parlor.example"), PASSWORD)
        .await
}

/// Asks for the metrics from another machine.
async fn from_elsewhere(api: &Client) -> Answer {
    let request = api.request(Method::GET, "/metrics");
    api.answer(request.header("x-forwarded-for", "203.0.113.7"))
        .await
}

#[tokio::test]
async fn the_metrics_are_for_who_has_it_in_person_or_by_a_token() {
    for metrics_token in [None, Some("a token for the scraper")] {
        let app = TestApp::with(|config| {
            config.server.metrics_token = metrics_token.map(Into::into);
        })
        .await;
        let admin = app.as_user(&app.admin().await);
        let keeper = app.as_user(&with_role(&app, "keeper", &["admin.access"]).await);
        let (scraper, id) = token(&keeper, &["admin.access"]).await;
        let (other, _) = token(&admin, &["audit.read", "statistics.read"]).await;
        for api in [&admin, &keeper, &app.with_token(&scraper)] {
            let answer = from_elsewhere(api).await;
            assert!(answer.text().contains("api_audit_entries "), "{answer}");
        }
        let alice = app.as_user(&app.client("alice").await);
        for api in [&alice, &app.with_token(&other)] {
            from_elsewhere(api).await.refused(403, "forbidden");
        }
        let path = format!("/api/auth/tokens/{id}");
        keeper.call(Method::DELETE, &path).await.ok(204);
        for gone in [app.with_token(&scraper), app.with_token("another")] {
            from_elsewhere(&gone).await.refused(401, "unauthenticated");
        }
        let (status, code) = match metrics_token {
            Some(_) => (401, "unauthenticated"),
            None => (403, "forbidden"),
        };
        from_elsewhere(&app.api()).await.refused(status, code);
    }
}

/// Each guess at an API token asks the database.
#[tokio::test]
async fn tokens_are_not_guessed_at_the_metrics_without_end() {
    let app = TestApp::with(|config| config.limits.requests_per_second = 1).await;
    let stranger = app.with_token(&format!("parlor_{}", "x".repeat(43)));
    let mut limited = false;
    while !limited {
        let guesses = (0..100).map(|_| from_elsewhere(&stranger));
        let answers = join_all(guesses).await;
        limited = answers.iter().any(|answer| answer.status() == 429);
    }
}

#[tokio::test]
async fn who_requires_a_second_factor_of_a_role_has_it() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let manages = ["users.read", "roles.manage"];
    let help = app.as_user(&with_role(&app, "help", &manages).await);
    let keeps = ["users.read", "roles.manage", "admin.access"];
    let keeper = app.as_user(&with_role(&app, "keeper", &keeps).await);
    let role = |name: &str, required: bool| json!({"name": name, "permissions": ["users.read"], "requires_two_factor": required});
    help.post("/api/roles", &role("strict", true))
        .await
        .refused(403, "forbidden");
    help.post("/api/roles", &role("lax", false)).await.ok(201);
    keeper
        .post("/api/roles", &role("strict", true))
        .await
        .ok(201);
    for (name, now) in [("strict", true), ("lax", false)] {
        let path = format!("/api/roles/{name}");
        let set = async |api: &Client, required: bool, about: &str| {
            let body = json!({"requires_two_factor": required, "about": about});
            api.send(Method::PATCH, &path, &body).await
        };
        set(&help, !now, "x").await.refused(403, "forbidden");
        // A form sends all of its fields: what is so already may be said.
        let changed: Value = set(&help, now, "helped").await.ok(200);
        assert_eq!(changed["about"], "helped");
        assert_eq!(changed["requires_two_factor"], now);
        assert_eq!(
            set(&keeper, !now, "kept").await.ok(200)["requires_two_factor"],
            !now
        );
    }
    let (with, without) = (["roles.manage", "users.read"], ["admin.access"]);
    for scopes in [&with[..], &without[..]] {
        let (text, _) = token(&admin, scopes).await;
        let body = json!({"requires_two_factor": true});
        app.with_token(&text)
            .send(Method::PATCH, "/api/roles/strict", &body)
            .await
            .refused(403, "forbidden");
    }
    let nowhere = json!({"requires_two_factor": true});
    help.send(Method::PATCH, "/api/roles/nowhere", &nowhere)
        .await
        .refused(404, "not_found");
}
