//! How often one may try.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, PASSWORD, TestApp, registration};

async fn login_from(app: &TestApp, address: &str, name: &str, password: &str) -> Answer {
    let body = json!({"username": name, "password": password});
    let request = app
        .api()
        .request(Method::POST, "/api/auth/login")
        .json(&body);
    app.api()
        .answer(request.header("x-forwarded-for", address))
        .await
}

/// Also the right password must wait, or guessing would go on unseen.
#[tokio::test]
async fn an_account_is_not_guessed_at_without_end() {
    let app = TestApp::with(|config| config.limits.login_attempts_per_minute = 10).await;
    app.client("alice").await;
    app.client("bob").await;
    for _ in 0..10 {
        let body = json!({"username": "alice", "password": "Wrong-Horse-1"});
        app.api().login(&body).await.refused(401, "unauthenticated");
    }
    for name in ["alice", "ALICE"] {
        let body = json!({"username": name, "password": PASSWORD});
        app.api().login(&body).await.refused(429, "rate_limited");
    }
    app.sign_in("bob@parlor.example", PASSWORD).await;
}

/// An unknown account is limited like a known one, or the limit would tell them apart.
#[tokio::test]
async fn an_address_does_not_try_many_accounts() {
    let app = TestApp::with(|config| config.limits.login_attempts_per_minute = 2).await;
    for number in 0..12 {
        let body = json!({"username": format!("nobody-{number}"), "password": PASSWORD});
        app.api().login(&body).await.refused(401, "unauthenticated");
    }
    let body = json!({"username": "somebody-else", "password": PASSWORD});
    app.api().login(&body).await.refused(429, "rate_limited");
}

#[tokio::test]
async fn an_address_registers_so_many_a_minute() {
    let app = TestApp::with(|config| config.limits.registrations_per_minute = 3).await;
    for number in 0..2 {
        app.client(&format!("user-{number}")).await;
    }
    app.api().create_user(&registration("third")).await.ok(201);
    app.api()
        .register(&registration("fourth"))
        .await
        .refused(429, "rate_limited");
    app.api()
        .create_user(&registration("fifth"))
        .await
        .refused(429, "rate_limited");
}

/// Else whoever makes up an address has no limit.
#[tokio::test]
async fn a_forwarded_address_counts_behind_a_trusted_proxy_alone() {
    let app = TestApp::with(|config| config.limits.login_attempts_per_minute = 1).await;
    for number in 0..6 {
        let (name, address) = (format!("nobody-{number}"), format!("203.0.113.{number}"));
        login_from(&app, &address, &name, PASSWORD)
            .await
            .refused(401, "unauthenticated");
    }
    let made_up = login_from(&app, "203.0.113.99", "nobody-7", PASSWORD).await;
    made_up.refused(429, "rate_limited");

    let app = TestApp::with(|config| {
        config.limits.login_attempts_per_minute = 1;
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    for number in 0..20 {
        let (name, address) = (format!("nobody-{number}"), format!("203.0.113.{number}"));
        login_from(&app, &address, &name, PASSWORD)
            .await
            .refused(401, "unauthenticated");
    }
    let proxied = "198.51.100.1, 203.0.113.200";
    for number in 20..26 {
        let name = format!("nobody-{number}");
        login_from(&app, proxied, &name, PASSWORD)
            .await
            .refused(401, "unauthenticated");
    }
    let same = "198.51.100.2, 203.0.113.200";
    login_from(&app, same, "nobody-27", PASSWORD)
        .await
        .refused(429, "rate_limited");
}

/// What cannot be read was written by nobody whom the operator trusts.
#[tokio::test]
async fn nonsense_in_the_header_is_no_address() {
    let app = TestApp::with(|config| {
        config.limits.login_attempts_per_minute = 1;
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let nonsense = |number: u32| match number % 4 {
        0 => format!("203.0.113.{number}, unknown"),
        1 => format!("{number}"),
        2 => format!("198.51.100.{number}, ,"),
        _ => format!("[2001:db8::{number}, 127.0.0.1:x"),
    };
    for number in 0..6 {
        let name = format!("nobody-{number}");
        let answer = login_from(&app, &nonsense(number), &name, PASSWORD).await;
        answer.refused(401, "unauthenticated");
    }
    for number in 6..10 {
        let name = format!("nobody-{number}");
        let answer = login_from(&app, &nonsense(number), &name, PASSWORD).await;
        answer.refused(429, "rate_limited");
    }
    // And what can be read still counts.
    let answer = login_from(&app, "[2001:db8::7]:443", "nobody-99", PASSWORD).await;
    answer.refused(401, "unauthenticated");
}

/// One limit for both ways of speaking, with the burst that a chat has.
#[tokio::test]
async fn a_user_speaks_so_often_a_second() {
    let app = TestApp::with(|config| config.limits.messages_per_second = 1).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    let mut accepted = 0;
    let refused = loop {
        let body = json!({"content": format!("{accepted}")});
        let answer = api.post_message("general", &body).await;
        if answer.status() != 201 {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 100, "there is a limit");
    };
    refused.refused(429, "rate_limited");
    assert!(accepted >= 5, "a burst of five seconds' worth: {accepted}");
    app.as_user(&bob).say("general", "I am another").await;
}
