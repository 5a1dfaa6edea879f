//! Mails: addresses that are verified, and what users are told.

use parlor::config::Config;
use serde_json::{Value, json};

use crate::harness::{ADMIN_EMAIL, PASSWORD, Person, PostOffice, TestApp, registration, until};

/// A server with a mail server.
pub async fn app_with_mail() -> (TestApp, PostOffice) {
    let office = PostOffice::open().await;
    let app = TestApp::with(|config| send_to(config, &office)).await;
    (app, office)
}

/// Sends mails there, and loses no time when one fails.
pub fn send_to(config: &mut Config, office: &PostOffice) {
    config.mail.smtp = Some(office.config());
    config.jobs.backoff = std::time::Duration::from_millis(20);
    config.jobs.backoff_max = std::time::Duration::from_millis(100);
    config.jobs.poll = std::time::Duration::from_millis(200);
}

/// Makes an account and verifies its address.
pub async fn verified(app: &TestApp, office: &PostOffice, name: &str) -> Person {
    let person = app.client(name).await;
    let mail = office.mail_to(&person.email, "Verify").await;
    verify(app, &person, &mail.token("verify")).await.ok(204);
    person
}

pub async fn verify(app: &TestApp, person: &Person, token: &str) -> crate::harness::Answer {
    let body = json!({"token": token});
    let api = app.as_user(person);
    api.post("/api/auth/email/verify", &body).await
}

async fn is_verified(app: &TestApp, person: &Person) -> Value {
    app.as_user(person).me().await.ok(200)["email_verified"].clone()
}

#[tokio::test]
async fn a_new_address_is_verified_by_the_link_in_its_mail() {
    let (app, office) = app_with_mail().await;
    let alice = app.client("alice").await;
    assert_eq!(is_verified(&app, &alice).await, false);
    let mail = office
        .mail_to(&alice.email, "Verify your e-mail address")
        .await;
    assert_eq!(mail.from, "no-reply@localhost");
    assert_eq!(mail.header("From"), "Parlor <no-reply@localhost>");
    assert_eq!(
        mail.header("To"),
        alice.email,
        "a stranger's name is not told"
    );
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(
        mail.part("text/plain")
            .contains(&format!("{}/verify#token=", app.url))
    );
    assert!(!mail.text.contains("alice Example"), "{}", mail.text);

    let token = mail.token("verify");
    for wrong in ["", "x", &token[1..], &format!("{token}A")] {
        verify(&app, &alice, wrong)
            .await
            .refused(403, "invalid_link");
    }
    assert_eq!(is_verified(&app, &alice).await, false);
    verify(&app, &alice, &token).await.ok(204);
    assert_eq!(is_verified(&app, &alice).await, true);
    verify(&app, &alice, &token)
        .await
        .refused(403, "invalid_link");

    let (bob, admin) = (app.client("bob").await, app.admin().await);
    let seen = app.as_user(&admin).user(alice.id).await.ok(200);
    assert_eq!(seen["email_verified"], true);
    let seen = app.as_user(&bob).user(alice.id).await.ok(200);
    assert!(seen.get("email_verified").is_none(), "{seen}");
}

/// Somebody makes an account with another's address and has him follow the link: an account that is
/// proved so would get who signs in with a provider that knows the address.
#[tokio::test]
async fn a_link_counts_for_who_is_signed_in_to_its_account_alone() {
    let (app, office) = app_with_mail().await;
    let (trap, alice) = (app.client("trap").await, app.client("alice").await);
    let mail = office.mail_to(&trap.email, "Verify").await;
    let token = mail.token("verify");
    let body = json!({"token": token});
    let path = "/api/auth/email/verify";
    let stranger = app.api().post(path, &body).await;
    stranger.refused(401, "unauthenticated");
    let another = verify(&app, &alice, &token).await;
    another.refused(403, "other_account");
    for person in [&trap, &alice] {
        assert_eq!(is_verified(&app, person).await, false);
    }
    // It was not used up.
    verify(&app, &trap, &token).await.ok(204);
    assert_eq!(is_verified(&app, &trap).await, true);
    assert_eq!(is_verified(&app, &alice).await, false);
}

#[tokio::test]
async fn the_mail_is_sent_again_and_the_newest_link_counts() {
    let office = PostOffice::open().await;
    let app = TestApp::with(|config| {
        send_to(config, &office);
        config.limits.resets_per_hour = 5;
    })
    .await;
    let alice = app.client("alice").await;
    let first = office.mail_to(&alice.email, "Verify").await;
    let api = app.as_user(&alice);
    let again = "/api/auth/email/verification";
    app.api()
        .post(again, &json!({}))
        .await
        .refused(401, "unauthenticated");
    api.post(again, &json!({})).await.ok(202);
    // One is the admin's.
    let mails = office.received(3).await;
    let mut tokens: Vec<_> = mails
        .iter()
        .filter(|mail| mail.to == alice.email)
        .map(|mail| mail.token("verify"))
        .collect();
    assert_eq!(tokens.len(), 2, "{mails:#?}");
    tokens.retain(|token| *token != first.token("verify"));
    verify(&app, &alice, &first.token("verify"))
        .await
        .refused(403, "invalid_link");
    verify(&app, &alice, &tokens[0]).await.ok(204);
    api.post(again, &json!({}))
        .await
        .refused(409, "email_verified");
    for _ in 0..10 {
        if api.post(again, &json!({})).await.status() == 429 {
            return;
        }
    }
    panic!("there is no limit");
}

/// A link says something of the address that it was sent to, and of no other.
#[tokio::test]
async fn a_changed_address_is_to_be_verified_anew() {
    let (app, office) = app_with_mail().await;
    let alice = verified(&app, &office, "alice").await;
    let api = app.as_user(&alice);
    let spelled = json!({"email": "Alice@Parlor.Example"});
    let same = api.update_user(alice.id, &spelled).await.ok(200);
    assert_eq!(
        same["email_verified"], true,
        "another spelling is the same address"
    );

    let change = json!({"email": "new@parlor.example", "current_password": PASSWORD});
    let changed = api.update_user(alice.id, &change).await.ok(200);
    assert_eq!(changed["email_verified"], false);
    let told = office
        .mail_to("Alice@Parlor.Example", "Your e-mail address")
        .await;
    assert!(told.part("text/plain").contains("Hello alice Example,"));
    assert!(!told.text.contains("new@parlor.example"), "{}", told.text);
    let to_new = office.mail_to("new@parlor.example", "Verify").await;

    let other = json!({"email": "third@parlor.example", "current_password": PASSWORD});
    api.update_user(alice.id, &other).await.ok(200);
    let to_third = office.mail_to("third@parlor.example", "Verify").await;
    verify(&app, &alice, &to_new.token("verify"))
        .await
        .refused(403, "invalid_link");
    assert_eq!(is_verified(&app, &alice).await, false);
    verify(&app, &alice, &to_third.token("verify"))
        .await
        .ok(204);
    assert_eq!(is_verified(&app, &alice).await, true);
}

#[tokio::test]
async fn a_link_to_verify_runs_out() {
    let (app, office) = app_with_mail().await;
    let alice = app.client("alice").await;
    let mail = office.mail_to(&alice.email, "Verify").await;
    app.home
        .database
        .execute("UPDATE mail_tokens SET expires_at = '2020-01-01T00:00:00+00:00'")
        .await;
    let refused = verify(&app, &alice, &mail.token("verify")).await;
    refused.refused(403, "invalid_link");
}

/// Waits until nothing is left to be done.
pub async fn settled(app: &TestApp) {
    let api = app.as_user(&app.admin().await);
    until(async || {
        let jobs = api.get("/api/admin/jobs?state=waiting").await.ok(200);
        jobs["data"].as_array().expect("a list").is_empty()
    })
    .await;
}

async fn sign_in_with(app: &TestApp, person: &Person, device: &str) {
    let api = app.api();
    let login = json!({"email": person.email, "password": PASSWORD});
    let request = api
        .request(reqwest::Method::POST, "/api/auth/login")
        .json(&login);
    api.answer(request.header("user-agent", device))
        .await
        .ok(200);
}

#[tokio::test]
async fn a_sign_in_with_a_device_that_is_new_is_told_and_one_that_is_known_not() {
    let (app, office) = app_with_mail().await;
    let alice = verified(&app, &office, "alice").await;
    sign_in_with(&app, &alice, "Phone/1.0 <b>bold</b>").await;
    let mail = office.mail_to(&alice.email, "New sign-in").await;
    let plain = mail.part("text/plain");
    assert!(
        plain.contains("Device: Phone/1.0 <b>bold</b>\nAddress: 127.0.0.1"),
        "{plain}"
    );
    assert!(
        mail.part("text/html").contains("&lt;b&gt;bold"),
        "{}",
        mail.text
    );
    sign_in_with(&app, &alice, "Phone/1.0 <b>bold</b>").await;
    app.sign_in(&alice.email, PASSWORD).await;
    sign_in_with(&app, &alice, "Laptop/2.0").await;
    let laptop = async {
        loop {
            let mails = office.received(office.mails().len()).await;
            if mails.iter().any(|mail| mail.text.contains("Laptop/2.0")) {
                return mails;
            }
            tokio::task::yield_now().await;
        }
    };
    let mails = tokio::time::timeout(crate::harness::LIMIT, laptop)
        .await
        .expect("a mail");
    let told = mails
        .iter()
        .filter(|mail| mail.header("Subject").starts_with("New sign-in"));
    assert_eq!(told.count(), 2, "{mails:#?}");
}

#[tokio::test]
async fn a_changed_password_is_told() {
    let (app, office) = app_with_mail().await;
    let alice = verified(&app, &office, "alice").await;
    let change = json!({"password": "Another-Horse-2", "current_password": PASSWORD});
    app.as_user(&alice)
        .update_user(alice.id, &change)
        .await
        .ok(200);
    let mail = office
        .mail_to(&alice.email, "Your password at localhost was changed")
        .await;
    assert!(
        mail.part("text/plain")
            .starts_with("Hello alice Example,\n")
    );
}

/// A name is what its owner likes; a header is not.
#[tokio::test]
async fn a_name_gets_into_no_header_and_no_markup() {
    let (app, office) = app_with_mail().await;
    let mut body = registration("eve");
    body["full_name"] = json!("Eve\" <x@evil.example>,\u{2028}Bcc: victim@parlor.example <b>ü");
    let eve = Person::from_login(&app.api().register(&body).await.ok(201), PASSWORD);
    for injected in ["Eve\r\nBcc: victim@parlor.example", "Eve\nX: y", "Eve\0"] {
        let change = json!({"full_name": injected});
        let refused = app.as_user(&eve).update_user(eve.id, &change).await;
        refused.refused_field("full_name", "control_character");
    }
    let mail = office.mail_to(&eve.email, "Verify").await;
    verify(&app, &eve, &mail.token("verify")).await.ok(204);
    let change = json!({"password": "Another-Horse-2", "current_password": PASSWORD});
    app.as_user(&eve).update_user(eve.id, &change).await.ok(200);
    let mail = office.mail_to(&eve.email, "Your password").await;
    assert!(mail.headers("Bcc").is_empty(), "{}", mail.text);
    let to = mail.header("To");
    assert!(to.ends_with("<eve@parlor.example>"), "{to}");
    assert_eq!(
        to.matches('<').count(),
        1,
        "one address, whatever the name: {to}"
    );
    let html = mail.part("text/html");
    assert!(
        !html.contains("<b>") && html.contains("&lt;b&gt;ü"),
        "{html}"
    );
    assert!(
        mail.text.is_ascii(),
        "it passes every server: {}",
        mail.text
    );
    let victims = office.mails();
    assert!(
        victims.iter().all(|mail| !mail.to.contains("victim")),
        "{victims:#?}"
    );
}

/// Somebody registers with an address that is not his, and makes the server write to it.
#[tokio::test]
async fn an_unverified_address_gets_so_many_mails_a_day_and_no_more() {
    let (app, office) = app_with_mail().await;
    let mallory = app.client("mallory").await;
    for number in 0..40 {
        sign_in_with(&app, &mallory, &format!("Device/{number}")).await;
    }
    settled(&app).await;
    let mails = office.mails();
    let annoyed = mails.iter().filter(|mail| mail.to == mallory.email);
    assert_eq!(annoyed.count(), 11, "one to verify it, ten of the others");
}

#[tokio::test]
async fn without_a_mail_server_the_features_are_off() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let methods = app.api().get("/api/auth/methods").await.ok(200);
    assert_eq!(methods["mail"], false);
    assert_eq!(methods["password"], true);
    assert_eq!(methods["registration"], true);
    let token = json!({"token": "x", "password": PASSWORD, "email": alice.email});
    let api = app.as_user(&alice);
    for path in [
        "email/verify",
        "email/verification",
        "password/forgot",
        "password/reset",
    ] {
        let answer = api.post(&format!("/api/auth/{path}"), &token).await;
        answer.refused(404, "not_available");
    }
    let admin = app.as_user(&app.admin().await);
    let jobs = admin.get("/api/admin/jobs?state=waiting").await.ok(200);
    assert_eq!(jobs["data"], json!([]), "no job is made that nobody does");
}

#[tokio::test]
async fn the_methods_say_what_is_on() {
    let office = PostOffice::open().await;
    let app = TestApp::with(|config| {
        send_to(config, &office);
        config.auth.registration_open = false;
    })
    .await;
    let methods = app.api().get("/api/auth/methods").await.ok(200);
    assert_eq!(methods["mail"], true);
    assert_eq!(methods["registration"], false);
    let admin = office.mail_to(ADMIN_EMAIL, "Verify").await;
    assert!(!admin.token("verify").is_empty());
}

/// A mail goes to who is there: what waits for somebody who left is dropped with him.
#[tokio::test]
async fn who_is_deleted_gets_no_mail_that_waits() {
    let mut office = PostOffice::closed(0).await;
    let app = TestApp::with(|config| send_to(config, &office)).await;
    let alice = app.client("alice").await;
    let api = app.as_user(&app.admin().await);
    let waiting = "/api/admin/jobs?state=waiting";
    let concerns = |list: &Value| {
        let jobs = list["data"].as_array().expect("a list").clone();
        jobs.iter()
            .any(|job| job["user_id"] == alice.id.to_string())
    };
    assert!(concerns(&api.get(waiting).await.ok(200)));
    app.as_user(&alice).delete_user(alice.id).await.ok(204);
    assert!(!concerns(&api.get(waiting).await.ok(200)));
    office.reopen().await;
    office.mail_to(ADMIN_EMAIL, "Verify").await;
    assert!(office.mails().iter().all(|mail| mail.to != alice.email));
}
