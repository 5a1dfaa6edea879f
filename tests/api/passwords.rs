//! Passwords that everybody tries first are no passwords.

use serde_json::{Value, json};

use crate::harness::{Answer, Home, PASSWORD, TestApp, finish, registration};

const CODE: &str = "password_too_common";

fn with_password(username: &str, password: &str) -> Value {
    let mut body = registration(username);
    body["password"] = password.into();
    body
}

#[tokio::test]
async fn no_account_gets_a_common_password() {
    let app = TestApp::spawn().await;
    for common in [
        "Password1",
        "Qwerty123",
        "Summer2026",
        "Aa111111",
        "Countess1",
    ] {
        let body = with_password("countess", common);
        let refused = app.api().register(&body).await;
        refused.refused_field("password", CODE);
        let refused = app.api().create_user(&body).await;
        refused.refused_field("password", CODE);
    }
    let admin = app.admin().await;
    let body = with_password("bob", "Password1");
    let by_admin = app.as_user(&admin).create_user(&body).await;
    by_admin.refused_field("password", CODE);
    app.client("countess").await;
}

#[tokio::test]
async fn nobody_changes_to_a_common_password() {
    let app = TestApp::spawn().await;
    let (alice, admin) = (app.client("quorvax").await, app.admin().await);
    let change = async |password: &str| -> Answer {
        let body = json!({"password": password, "current_password": PASSWORD});
        app.as_user(&alice).update_user(alice.id, &body).await
    };
    for common in ["Password1", "Quorvax1"] {
        change(common).await.refused_field("password", CODE);
    }
    let by_admin = json!({"password": "Welcome1"});
    let refused = app.as_user(&admin).update_user(alice.id, &by_admin).await;
    refused.refused_field("password", CODE);
    app.sign_in(&alice.email, PASSWORD).await;
    change("Other-Zebra-77").await.ok(200);
}

/// The first admin has the most to lose.
#[tokio::test]
async fn the_first_admin_needs_more_than_a_common_password() {
    let app = TestApp::with(|config| config.auth.admin = None).await;
    let address = app.setup_address.clone().expect("an address");
    let (_, token) = address.split_once("#token=").expect("a token");
    let mut body = with_password("boss", "Password1");
    body["token"] = token.into();
    let refused = app.api().post("/api/setup", &body).await;
    refused.refused_field("password", CODE);
    body["password"] = PASSWORD.into();
    app.api().post("/api/setup", &body).await.ok(201);
}

#[tokio::test]
async fn a_common_password_of_the_admin_stops_the_start() {
    let home = Home::new().await;
    let mut command = home.command(&["serve"]);
    command.env("ADMIN_PASSWORD", "Password1");
    let output = finish(command).await;
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains("ADMIN_PASSWORD is too easy to guess"),
        "{text}"
    );
    assert!(!text.contains("Password1"), "{text}");
}

#[tokio::test]
async fn the_command_line_sets_no_common_password() {
    let home = Home::new().await;
    let run = async |args: &[&str], password: &str| {
        let mut command = home.command(args);
        command.env("PARLOR_PASSWORD", password);
        finish(command).await
    };
    let create = ["user", "create", "quorvax", "--email", "q@parlor.example"];
    for (args, password) in [
        (&create[..], "Password1"),
        (&create, "Quorvax1"),
        (&["user", "password", "admin"], "Welcome1"),
    ] {
        let output = run(args, password).await;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{text}");
        assert!(text.contains("too easy to guess"), "{text}");
    }
    assert!(run(&create, PASSWORD).await.status.success());
}
