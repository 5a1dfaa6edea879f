//! Where somebody is signed in, as he sees it himself, and signing out there from here.

use parlor::protocol::code::CloseCode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Browser, Client, Kind, PASSWORD, Person, Provider, TestApp, known},
    passkeys,
};

async fn logins(api: &Client) -> Vec<Value> {
    let list = api.get("/api/auth/logins").await.ok(200);
    list["data"].as_array().expect("a list").clone()
}

async fn sign_in_with(app: &TestApp, person: &Person, device: &str) -> Person {
    let api = app.api();
    let login = json!({"email": person.email, "password": PASSWORD});
    let request = api.request(Method::POST, "/api/auth/login").json(&login);
    let answer = api.answer(request.header("user-agent", device)).await;
    Person::from_login(&answer.ok(200), PASSWORD)
}

/// The login's id, by what the list calls the device.
async fn id_of(api: &Client, device: &str) -> String {
    let all = logins(api).await;
    let found = all.iter().find(|login| login["device"] == device);
    let found = found.unwrap_or_else(|| panic!("no {device} in {all:?}"));
    found["id"].as_str().expect("an id").to_owned()
}

async fn end(api: &Client, id: &str) -> crate::harness::Answer {
    let path = format!("/api/auth/logins/{id}");
    api.call(Method::DELETE, &path).await
}

#[tokio::test]
async fn everybody_sees_where_he_is_signed_in() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let phone = sign_in_with(&app, &alice, "Phone/1.0").await;
    let laptop = sign_in_with(&app, &alice, "Laptop/2.0").await;
    let api = app.as_user(&phone);
    let all = logins(&api).await;
    let devices: Vec<_> = all.iter().map(|login| &login["device"]).collect();
    assert_eq!(
        devices,
        [&json!("Phone/1.0"), &json!("Laptop/2.0"), &Value::Null]
    );
    let current: Vec<_> = all.iter().map(|login| &login["current"]).collect();
    assert_eq!(current, [&json!(true), &json!(false), &json!(false)]);
    for login in &all {
        assert_eq!(login["address"], "127.0.0.1");
        assert!(
            login["id"].is_string() && login["created_at"].is_string(),
            "{login}"
        );
        assert_eq!(login["created_at"], login["last_used_at"], "{login}");
    }
    assert_eq!(logins(&app.as_user(&bob)).await.len(), 1, "only his own");

    app.api().refresh(&laptop.refresh_token).await.ok(200);
    let all = logins(&api).await;
    assert_eq!(all[1]["device"], "Laptop/2.0");
    let time = |login: &Value, name: &str| login[name].as_str().unwrap().to_owned();
    assert!(time(&all[1], "last_used_at") > time(&all[1], "created_at"));
    app.as_user(&laptop).logout().await.ok(204);
    assert_eq!(logins(&api).await.len(), 2, "who signed out is not there");
    app.api()
        .get("/api/auth/logins")
        .await
        .refused(401, "unauthenticated");
}

/// A phone was lost.
#[tokio::test]
async fn ending_a_login_closes_its_sockets_and_no_other() {
    let app = TestApp::spawn().await;
    let laptop = app.client("alice").await;
    let phone = sign_in_with(&app, &laptop, "Phone").await;
    let tablet = sign_in_with(&app, &laptop, "Tablet").await;
    let mut on_laptop = app.ws(&laptop).joined("general").await;
    let mut on_phone = app.ws(&phone).joined("general").await;
    let mut second_on_phone = app.ws(&phone).ready().await;
    let mut on_tablet = app.ws(&tablet).joined("general").await;
    let api = app.as_user(&laptop);
    let id = id_of(&api, "Phone").await;
    end(&api, &id).await.ok(204);
    for socket in [&mut on_phone, &mut second_on_phone] {
        let code = CloseCode::BadToken;
        socket.closed_within_a_second(code, &api).await;
    }
    on_laptop.until_pong().await;
    on_tablet.until_pong().await;
    app.as_user(&phone)
        .me()
        .await
        .refused(401, "unauthenticated");
    let refreshed = app.api().refresh(&phone.refresh_token).await;
    refreshed.refused(401, "unauthenticated");
    assert_eq!(app.as_user(&phone).try_ws().await.status(), 401);
    assert_eq!(logins(&api).await.len(), 2);
    end(&api, &id).await.refused(404, "not_found");
    app.as_user(&tablet).me().await.ok(200);
}

#[tokio::test]
async fn nobody_ends_anothers_login() {
    let app = TestApp::spawn().await;
    let (alice, admin) = (app.client("alice").await, app.admin().await);
    let own = sign_in_with(&app, &alice, "Phone").await;
    let id = id_of(&app.as_user(&own), "Phone").await;
    let bob = app.client("bob").await;
    for other in [&bob, &admin] {
        let refused = end(&app.as_user(other), &id).await;
        refused.refused(404, "not_found");
    }
    end(&app.api(), &id).await.refused(401, "unauthenticated");
    let nobodys = uuid::Uuid::now_v7().to_string();
    let api = app.as_user(&own);
    end(&api, &nobodys).await.refused(404, "not_found");
    for wrong in ["x", "%00", "1"] {
        let answer = end(&api, wrong).await;
        assert!(matches!(answer.status(), 400 | 404), "{answer}");
    }
    api.me().await.ok(200);
}

#[tokio::test]
async fn ending_the_own_login_is_a_logout() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let own = sign_in_with(&app, &alice, "Browser").await;
    let api = app.as_user(&own);
    let mut socket = app.ws(&own).joined("general").await;
    let path = format!("/api/auth/logins/{}", id_of(&api, "Browser").await);
    let request = api
        .request(Method::DELETE, &path)
        .header("cookie", "__Secure-parlor_refresh=abc");
    let ended = api.answer(request).await;
    let cookie = ended.header("set-cookie").unwrap_or_default();
    assert!(cookie.contains("Max-Age=0"), "{ended}");
    ended.ok(204);
    let code = CloseCode::BadToken;
    socket.closed_within_a_second(code, &app.api()).await;
    api.me().await.refused(401, "unauthenticated");
    app.as_user(&alice).me().await.ok(200);
}

#[tokio::test]
async fn all_other_logins_end_at_once() {
    let app = TestApp::spawn().await;
    let laptop = app.client("alice").await;
    let phone = sign_in_with(&app, &laptop, "Phone").await;
    let bob = app.client("bob").await;
    let mut on_laptop = app.ws(&laptop).joined("general").await;
    let mut on_phone = app.ws(&phone).joined("general").await;
    let mut bobs = app.ws(&bob).joined("general").await;
    let api = app.as_user(&laptop);
    api.call(Method::DELETE, "/api/auth/logins").await.ok(204);
    let code = CloseCode::BadToken;
    on_phone.closed_within_a_second(code, &api).await;
    on_laptop.until_pong().await;
    bobs.until_pong().await;
    let left = logins(&api).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["current"], true);
}

/// With nothing to end nobody is told, and no socket asks the database who is behind it.
#[tokio::test]
async fn ending_no_other_login_makes_nobody_look() {
    const LOOKED: &str = r#"api_db_queries_total{operation="select",table="logins"}"#;

    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(app.ws(&alice).joined("general").await);
    }
    let api = app.as_user(&alice);
    let before = app.api().metric(LOOKED).await;
    assert!(before > 0.0, "logins are looked up");
    for _ in 0..10 {
        api.call(Method::DELETE, "/api/auth/logins").await.ok(204);
        for socket in &mut sockets {
            socket.until_pong().await;
        }
    }
    assert_eq!(app.api().metric(LOOKED).await, before);
}

/// What lets nobody in would only make the list long.
#[tokio::test]
async fn a_login_that_ran_out_is_not_listed() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let phone = sign_in_with(&app, &alice, "Phone").await;
    let database = &app.home.database;
    database
        .execute(
            "UPDATE logins SET last_used_at = '2020-01-01T00:00:00+00:00' WHERE device = 'Phone'",
        )
        .await;
    let api = app.as_user(&alice);
    assert_eq!(logins(&api).await.len(), 2, "it can still be refreshed");
    database
        .execute("UPDATE refresh_tokens SET expires_at = '2020-02-01T00:00:00+00:00'")
        .await;
    let left = logins(&api).await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["current"], true, "its token still counts");
    let refused = app.api().refresh(&phone.refresh_token).await;
    refused.refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_audit_log_tells_how_each_login_was_opened() {
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| github.believed_by(config)).await;
    let alice = app.client("alice").await;
    app.sign_in(&alice.email, PASSWORD).await;
    let (mut key, _) = passkeys::add(&app, &alice, "key").await;
    let octo = json!({
        "user": { "id": 1, "login": "octocat", "name": null },
        "emails": [{ "email": "octo@cats.example", "primary": true, "verified": true }],
    });
    let mut browser = Browser::new(&app);
    browser.link(&app, &alice, "github", &github, &octo).await;
    browser.sign_in("github", &github, &octo).await;
    let enrolled = app.enroll(&alice).await;
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &enrolled.app.code()).await.ok(200);
    let back = browser.go("github", &github, &octo).await;
    let code = known(&back, "code").expect("a code");
    let step = browser.exchange(&code).await.ok(200);
    let ticket = step["second_factor"]["ticket"].as_str().expect("a ticket");
    let code = &enrolled.recovery_codes[0];
    app.second_step(ticket, code).await.ok(200);
    // A passkey is both factors.
    passkeys::sign_in(&app, &mut key).await.ok(200);

    let admin = app.admin().await;
    let log = app.as_user(&admin);
    let page = log.get("/api/audit?act=login.open&limit=100").await.ok(200);
    let of_alice = page["data"].as_array().expect("a page").iter().rev();
    let id = json!(alice.id);
    let told: Vec<_> = of_alice
        .filter(|entry| entry["target_id"] == id)
        .map(|entry| &entry["details"])
        .map(|details| (&details["method"], &details["second_factor"]))
        .map(|(method, second)| json!([method, second]))
        .collect();
    let expected = json!([
        ["register", null],
        ["password", null],
        ["oauth:github", null],
        ["password", "totp"],
        ["oauth:github", "recovery_code"],
        ["passkey", null],
    ]);
    assert_eq!(json!(told), expected);
}
