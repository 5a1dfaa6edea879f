//! Roles that require a second factor.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Enrolled, PASSWORD, Person, TestApp, authenticator::App, registration,
};

/// An admin makes a role require a second factor, or not.
async fn require(app: &TestApp, admin: &Person, role: &str, required: bool) {
    let body = json!({"requires_two_factor": required});
    let path = format!("/api/roles/{role}");
    app.as_user(admin)
        .send(Method::PATCH, &path, &body)
        .await
        .ok(200);
}

/// The ticket of somebody who must set up an app first.
fn enrolling(step: &Value) -> String {
    let second = &step["second_factor"];
    assert_eq!(second["methods"], json!(["enroll"]), "{step}");
    assert!(step.get("token").is_none(), "{step}");
    second["ticket"].as_str().expect("a ticket").to_owned()
}

async fn enroll(app: &TestApp, ticket: &str) -> Answer {
    let body = json!({"ticket": ticket});
    app.api().post("/api/auth/login/enroll", &body).await
}

async fn app_of(app: &TestApp, ticket: &str) -> App {
    let begun = enroll(app, ticket).await.ok(200);
    assert!(begun["qr_svg"].as_str().unwrap().contains("<svg"));
    App::new(begun["secret"].as_str().expect("the secret"))
}

#[tokio::test]
async fn who_must_have_a_second_factor_sets_it_up_while_signing_in() {
    let app = TestApp::spawn().await;
    let (alice, admin) = (app.client("alice").await, app.admin().await);
    require(&app, &admin, "client", true).await;
    // Logins that are open go on.
    assert_eq!(app.two_factor(&alice).await["required"], true);

    let ticket = enrolling(&app.first_step(&alice).await.ok(200));
    app.second_step(&ticket, "123456")
        .await
        .refused(403, "wrong_code");
    let first = app_of(&app, &ticket).await;
    let phone = app_of(&app, &ticket).await;
    // What was shown last counts.
    app.second_step(&ticket, &first.code())
        .await
        .refused(403, "wrong_code");
    let answer = app.second_step(&ticket, &phone.code()).await.ok(200);
    let enrolled = Enrolled::new(phone, &answer);
    let again = Person::from_login(&answer, PASSWORD);
    app.as_user(&again).me().await.ok(200);
    enroll(&app, &ticket).await.refused(401, "ticket_ended");
    app.second_step(&ticket, &enrolled.recovery_codes[0])
        .await
        .refused(401, "ticket_ended");

    app.forget_steps().await;
    let ticket = app.ticket(&alice).await;
    enroll(&app, &ticket).await.refused(401, "ticket_ended");
    app.second_step(&ticket, &enrolled.app.code()).await.ok(200);

    let api = app.as_user(&alice);
    let remove = async |code: &str| {
        let body = json!({"password": PASSWORD, "code": code});
        api.post("/api/auth/two-factor/totp/remove", &body).await
    };
    remove(&enrolled.recovery_codes[0])
        .await
        .refused(409, "second_factor_required");
    require(&app, &admin, "client", false).await;
    remove(&enrolled.recovery_codes[0]).await.ok(204);
    app.first_step(&alice).await.ok(200)["token"]
        .as_str()
        .unwrap();
}

#[tokio::test]
async fn a_new_account_of_such_a_role_begins_with_an_app() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    require(&app, &admin, "client", true).await;
    let made = app.api().register(&registration("alice")).await.ok(201);
    let ticket = enrolling(&made);
    let phone = app_of(&app, &ticket).await;
    let answer = app.second_step(&ticket, &phone.code()).await.ok(200);
    let alice = Person::from_login(&answer, PASSWORD);
    assert_eq!(alice.username, "alice");
    app.reset_two_factor(&admin, &alice).await.ok(204);
    enrolling(&app.first_step(&alice).await.ok(200));
}

/// The owner and somebody who has the password, at the same time: one app, not two.
#[tokio::test]
async fn the_first_app_wins() {
    let app = TestApp::spawn().await;
    let (alice, admin) = (app.client("alice").await, app.admin().await);
    require(&app, &admin, "client", true).await;
    let first = enrolling(&app.first_step(&alice).await.ok(200));
    let second = enrolling(&app.first_step(&alice).await.ok(200));
    let (phone, other) = (app_of(&app, &first).await, app_of(&app, &second).await);
    app.second_step(&first, &phone.code()).await.ok(200);
    app.second_step(&second, &other.code())
        .await
        .refused(401, "ticket_ended");
    app.forget_steps().await;
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &other.code())
        .await
        .refused(403, "wrong_code");
    app.second_step(&ticket, &phone.code()).await.ok(200);
}
