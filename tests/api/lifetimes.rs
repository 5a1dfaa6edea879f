//! How long a login lasts: without being used, and at all.

use std::time::Duration;

use parlor::{config::Config, protocol::code::CloseCode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Client, Home, PASSWORD, Person, Server, Site, TestApp, TestDatabase, registration,
};

const DAY: u64 = 86_400;
const HOUR: u32 = 3_600;

async fn app(lifetime: Duration) -> TestApp {
    TestApp::with(|config: &mut Config| config.auth.login_lifetime = Some(lifetime)).await
}

async fn logins(api: &Client) -> Vec<Value> {
    let list = api.get("/api/auth/logins").await.ok(200);
    list["data"].as_array().expect("a list").clone()
}

async fn on_phone(site: &Site, person: &Person) -> Person {
    let api = site.api();
    let login = json!({"email": person.email, "password": PASSWORD});
    let request = api.request(Method::POST, "/api/auth/login").json(&login);
    let answer = api.answer(request.header("user-agent", "Phone")).await;
    Person::from_login(&answer.ok(200), PASSWORD)
}

/// Refreshing does not make a login immortal.
#[tokio::test]
async fn a_login_ends_however_often_it_is_refreshed() {
    let app = app(Duration::from_secs(DAY)).await;
    let laptop = app.client("alice").await;
    let phone = on_phone(&app, &laptop).await;
    let fresh = app.api().refresh(&phone.refresh_token).await.ok(200);
    let fresh = Person::from_login(&fresh, PASSWORD);
    assert_eq!(logins(&app.as_user(&laptop)).await.len(), 2);
    app.home
        .database
        .age("logins", "created_at", 23 * HOUR)
        .await;
    let fresh = app.api().refresh(&fresh.refresh_token).await.ok(200);
    let fresh = Person::from_login(&fresh, PASSWORD);
    assert_eq!(logins(&app.as_user(&laptop)).await.len(), 2);
    app.home
        .database
        .age("logins", "created_at", 2 * HOUR)
        .await;
    let refused = app.api().refresh(&fresh.refresh_token).await;
    refused.refused(401, "unauthenticated");
    let laptop = app.sign_in(&laptop.email, PASSWORD).await;
    assert_eq!(
        logins(&app.as_user(&laptop)).await.len(),
        1,
        "they are over"
    );
    let goes_on = app.api().refresh(&laptop.refresh_token).await.ok(200);
    let left = goes_on["expires_in"].as_u64().expect("seconds");
    assert!((DAY - 600..=DAY).contains(&left), "{left}");
}

/// A token outlives its login by nothing, nor does the cookie.
#[tokio::test]
async fn tokens_and_cookies_end_with_their_login() {
    let app = app(Duration::from_secs(600)).await;
    let mut body = registration("alice");
    body["cookie"] = true.into();
    let answer = app.api().register(&body).await;
    let cookies = answer.headers("set-cookie");
    let refresh = cookies.iter().find(|cookie| cookie.contains("refresh"));
    let age = refresh.and_then(|cookie| cookie.split("Max-Age=").nth(1));
    let age: u64 = age.expect("an age").parse().expect("seconds");
    assert!((500..=600).contains(&age), "{answer}");
    let left = answer.ok(201)["expires_in"].as_u64().unwrap();
    assert!((500..=600).contains(&left), "{left}");
}

/// The socket is told before, and a token is no way to stay longer than the login lasts.
#[tokio::test]
async fn sockets_close_when_their_login_ends() {
    let app = TestApp::with(|config| {
        config.auth.login_lifetime = Some(Duration::from_secs(12));
        config.chat.expiry_warning = Duration::from_secs(3);
    })
    .await;
    let alice = app.client("alice").await;
    let mut socket = app.ws(&alice).joined("general").await;
    let told = socket.wait_for("error").await;
    assert_eq!(told["code"], "token_expiring");
    socket.closed_as(CloseCode::TokenExpired).await;
    app.as_user(&alice)
        .me()
        .await
        .refused(401, "unauthenticated");
    assert_eq!(app.as_user(&alice).try_ws().await.status(), 401);
}

/// Who was away for long signs in again. A login lasts a day without being used, here.
async fn ends_when_it_is_idle(site: &Site, database: &TestDatabase) {
    let laptop = site.client("alice").await;
    let phone = on_phone(site, &laptop).await;
    let away = async |hours: u32| {
        database
            .age("refresh_tokens", "expires_at", hours * HOUR)
            .await;
        database.age("logins", "last_used_at", hours * HOUR).await;
    };
    away(23).await;
    let phone = site.api().refresh(&phone.refresh_token).await.ok(200);
    let phone = Person::from_login(&phone, PASSWORD);
    assert_eq!(logins(&site.as_user(&laptop)).await.len(), 2);
    away(25).await;
    let refused = site.api().refresh(&phone.refresh_token).await;
    refused.refused(401, "unauthenticated");
    let laptop = site.sign_in(&laptop.email, PASSWORD).await;
    let left = logins(&site.as_user(&laptop)).await;
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn a_login_that_is_not_refreshed_ends() {
    let app = TestApp::with(|config| {
        config.auth.refresh_lifetime = Duration::from_secs(DAY);
        config.auth.token_lifetime = Duration::from_secs(3_600);
    })
    .await;
    ends_when_it_is_idle(&app, &app.home.database).await;
}

#[tokio::test]
async fn how_long_it_lasts_unused_is_set_in_the_environment() {
    let home = Home::new().await;
    let settings = [("LOGIN_IDLE_SECONDS", "86400"), ("JWT_EXPIRATION", "3600")];
    let server = Server::with(&home, &settings).await;
    ends_when_it_is_idle(&server, &home.database).await;
}
