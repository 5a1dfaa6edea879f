//! The first run: whoever reads what the server printed makes the first admin, once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Home, PASSWORD, Person, Server, TestApp, registration};

async fn app() -> TestApp {
    TestApp::with(|config| config.auth.admin = None).await
}

/// The token in the address that the server tells.
fn token(address: Option<&str>) -> String {
    let address = address.expect("an address, as there is no admin");
    let (page, token) = address.split_once("#token=").expect("a fragment");
    assert!(page.ends_with("/setup"), "{address}");
    token.to_owned()
}

fn form(username: &str, token: &str) -> Value {
    let mut form = registration(username);
    form["token"] = token.into();
    form
}

async fn set_up(app: &TestApp, form: &Value) -> Answer {
    app.api().post("/api/setup", form).await
}

async fn is_open(app: &TestApp) -> bool {
    let answer = app.api().get("/api/setup").await.ok(200);
    answer["open"].as_bool().expect("yes or no")
}

#[tokio::test]
async fn the_first_admin_is_made_with_the_token_and_signed_in() {
    let app = app().await;
    let token = token(app.setup_address.as_deref());
    assert!(token.len() >= 40, "nobody guesses it");
    assert!(is_open(&app).await);

    let made = set_up(&app, &form("boss", &token)).await.ok(201);
    assert_eq!(made["user"]["role"], "admin");
    assert_eq!(made["token_type"], "Bearer");
    let boss = Person::from_login(&made, PASSWORD);
    app.as_user(&boss).list_users("").await.ok(200);
    app.as_user(&boss).statistics().await.ok(200);
    app.api().refresh(&boss.refresh_token).await.ok(200);
    app.sign_in(&boss.email, PASSWORD).await;

    assert!(!is_open(&app).await, "once is enough");
    let again = set_up(&app, &form("other", &token)).await;
    again.refused(409, "admin_exists");
    let wrong = set_up(&app, &form("other", "nonsense")).await;
    wrong.refused(409, "admin_exists");
}

#[tokio::test]
async fn a_page_gets_the_refresh_token_in_its_cookie() {
    let app = app().await;
    let mut form = form("boss", &token(app.setup_address.as_deref()));
    form["cookie"] = true.into();
    let made = set_up(&app, &form).await;
    let cookie = made.header("set-cookie").unwrap_or_default().to_owned();
    assert!(cookie.starts_with("__Secure-parlor_refresh="), "{made}");
    assert!(cookie.contains("HttpOnly"), "{made}");
    assert_eq!(made.ok(201).get("refresh_token"), None);
}

#[tokio::test]
async fn without_the_token_nobody_becomes_admin() {
    let app = app().await;
    let token = token(app.setup_address.as_deref());
    for wrong in ["", "nonsense", &token[1..], &format!("{token}x")] {
        let refused = set_up(&app, &form("mallory", wrong)).await;
        refused.refused(403, "invalid_setup_token");
    }
    for missing in [Value::Null, json!(7)] {
        let mut form = form("mallory", "");
        form["token"] = missing;
        assert_eq!(set_up(&app, &form).await.status(), 400);
    }
    let without = set_up(&app, &registration("mallory")).await;
    without.refused_field("token", "required");
    // Clients come before the admin as well as after.
    app.client("alice").await;
    assert!(is_open(&app).await, "and it stays open");
    set_up(&app, &form("boss", &token)).await.ok(201);
}

#[tokio::test]
async fn every_wrong_field_is_told_and_the_token_is_not_used_up() {
    let app = app().await;
    let token = token(app.setup_address.as_deref());
    app.client("alice").await;
    let mut wrong = form("x", &token);
    wrong["password"] = "short".into();
    let refused = set_up(&app, &wrong).await.refused(400, "validation_failed");
    let fields = refused["fields"].as_array().unwrap();
    let named: Vec<_> = fields.iter().map(|field| &field["field"]).collect();
    assert_eq!(named, ["username", "password"]);
    let taken = set_up(&app, &form("Alice", &token)).await;
    assert!(matches!(taken.status(), 409), "{taken}");
    assert!(is_open(&app).await);
    set_up(&app, &form("boss", &token)).await.ok(201);
}

/// Two pages are open, and both are sent in the same moment.
#[tokio::test]
async fn of_several_first_admins_one_wins() {
    let app = app().await;
    let token = token(app.setup_address.as_deref());
    let forms: Vec<_> = (0..6).map(|n| form(&format!("boss-{n}"), &token)).collect();
    let sent = forms.iter().map(|form| set_up(&app, form));
    let answers = futures_util::future::join_all(sent).await;
    let mut made = Vec::new();
    for answer in answers {
        if answer.status() == 201 {
            made.push(answer.ok(201));
        } else {
            answer.refused(409, "admin_exists");
        }
    }
    assert_eq!(made.len(), 1, "{made:?}");
    let boss = Person::from_login(&made[0], PASSWORD);
    let admins = app.as_user(&boss).users_with_role("admin").await.ok(200);
    assert_eq!(admins["pagination"]["total"], 1, "{admins}");
    let all = app.as_user(&boss).list_users("").await.ok(200);
    assert_eq!(
        all["pagination"]["total"], 1,
        "nothing of the others: {all}"
    );
}

#[tokio::test]
async fn with_an_admin_from_the_settings_there_is_nothing_to_set_up() {
    let app = TestApp::spawn().await;
    assert_eq!(app.setup_address, None);
    assert!(!is_open(&app).await);
    let refused = set_up(&app, &form("mallory", "")).await;
    refused.refused(409, "admin_exists");
    let head = app.api().call(Method::HEAD, "/api/setup").await;
    assert_eq!(head.status(), 200);
}

/// Also the right token must wait.
#[tokio::test]
async fn the_token_is_not_guessed_at_without_end() {
    let app = app().await;
    let token = token(app.setup_address.as_deref());
    for _ in 0..10 {
        let wrong = set_up(&app, &form("mallory", "nonsense")).await;
        wrong.refused(403, "invalid_setup_token");
    }
    let refused = set_up(&app, &form("boss", &token)).await;
    refused.refused(429, "rate_limited");
}

/// Behind the `#` it is sent to nobody; it stands on the terminal, after the line with the address,
/// and never in the log.
#[tokio::test]
async fn the_token_is_printed_once_and_never_logged() {
    let home = Home::new().await;
    let start = async || {
        let mut command = home.command(&["serve"]);
        command
            .env_remove("ADMIN_EMAIL")
            .env_remove("ADMIN_PASSWORD")
            .env("RUST_LOG", "debug,parlor=trace");
        Server::from(&home, command).await
    };
    let server = start().await;
    let line = server.line(|line| line.contains("#token=")).await;
    assert!(line.trim().starts_with(&server.url), "{line}");
    let first = token(Some(line.trim()));
    let api = server.api();
    let wrong = form("mallory", "a-guess-at-the-token");
    let refused = api.post("/api/setup", &wrong).await;
    refused.refused(403, "invalid_setup_token");
    server.signal("TERM").await;
    let (_, output) = server.ended().await;
    assert_eq!(output.matches(&first).count(), 1, "{output}");
    assert!(!output.contains("a-guess-at-the-token"), "{output}");

    let server = start().await;
    let line = server.line(|line| line.contains("#token=")).await;
    let second = token(Some(line.trim()));
    assert_ne!(first, second, "each start has its own");
    let api = server.api();
    let stale = api.post("/api/setup", &form("mallory", &first)).await;
    stale.refused(403, "invalid_setup_token");
    let made = api.post("/api/setup", &form("boss", &second)).await.ok(201);
    assert_eq!(made["user"]["role"], "admin");
    server.signal("TERM").await;
    let (_, output) = server.ended().await;
    assert_eq!(output.matches(&second).count(), 1, "{output}");

    let server = start().await;
    server.api().get("/api/setup").await.ok(200);
    server.signal("TERM").await;
    let (_, output) = server.ended().await;
    assert!(!output.contains("#token="), "there is an admin: {output}");
}
