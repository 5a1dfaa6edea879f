//! A forgotten password is set anew by who reads the account's mail.

use parlor::protocol::code::CloseCode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    api_tokens::{token, token_for},
    harness::{Answer, Mail, PASSWORD, Person, PostOffice, TestApp},
    mail::{app_with_mail, send_to, settled, verified, verify},
    passkeys,
};

const NEW: &str = "Another-Horse-2";

async fn forget(app: &TestApp, email: &str) -> Answer {
    let body = json!({"email": email});
    app.api().post("/api/auth/password/forgot", &body).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password});
    app.api().post("/api/auth/password/reset", &body).await
}

async fn sign_in(app: &TestApp, person: &Person, password: &str) -> u16 {
    let body = json!({"email": person.email, "password": password});
    app.api().login(&body).await.status()
}

/// The mails with a link that somebody got.
fn links(office: &PostOffice, to: &str) -> Vec<Mail> {
    let mut mails = office.mails();
    mails.retain(|mail| mail.to == to && mail.header("Subject").starts_with("Reset"));
    mails
}

/// Asks for a link and reads the mail.
async fn link(app: &TestApp, office: &PostOffice, person: &Person) -> Mail {
    forget(app, &person.email).await.ok(202);
    settled(app).await;
    office.mail_to(&person.email, "Reset your password").await
}

#[tokio::test]
async fn who_reads_the_mail_sets_the_password_and_every_login_ends() {
    let (app, office) = app_with_mail().await;
    let alice = app.client("alice").await;
    let mut socket = app.ws(&alice).joined("general").await;
    let mail = link(&app, &office, &alice).await;
    assert!(
        mail.part("text/plain")
            .contains(&format!("{}/reset#token=", app.url)),
        "{}",
        mail.text
    );
    let token = mail.token("reset");
    reset(&app, &token, "weak")
        .await
        .refused_field("password", "password_too_short");
    reset(&app, &token, NEW).await.ok(204);

    let code = CloseCode::BadToken;
    socket.closed_within_a_second(code, &app.api()).await;
    let me = app.as_user(&alice).me().await;
    me.refused(401, "unauthenticated");
    let refreshed = app.api().refresh(&alice.refresh_token).await;
    refreshed.refused(401, "unauthenticated");
    assert_eq!(sign_in(&app, &alice, PASSWORD).await, 401);
    let alice = app.sign_in(&alice.email, NEW).await;
    let me = app.as_user(&alice).me().await.ok(200);
    assert_eq!(me["email_verified"], true, "the mail was read");
    office
        .mail_to(&alice.email, "Your password at localhost was changed")
        .await;
}

#[tokio::test]
async fn a_link_works_once_for_a_while_and_only_the_newest() {
    let (app, office) = app_with_mail().await;
    let alice = app.client("alice").await;
    let first = link(&app, &office, &alice).await.token("reset");
    let second = link(&app, &office, &alice).await.token("reset");
    assert_ne!(first, second);
    reset(&app, &first, NEW).await.refused(403, "invalid_link");
    reset(&app, &second, NEW).await.ok(204);
    reset(&app, &second, "Third-Horse-3")
        .await
        .refused(403, "invalid_link");
    assert_eq!(sign_in(&app, &alice, NEW).await, 200);

    let database = &app.home.database;
    let late = link(&app, &office, &alice).await.token("reset");
    database.age("mail_tokens", "expires_at", 31 * 60).await;
    reset(&app, &late, "Third-Horse-3")
        .await
        .refused(403, "invalid_link");
    assert_eq!(sign_in(&app, &alice, NEW).await, 200);
    let in_time = link(&app, &office, &alice).await.token("reset");
    database.age("mail_tokens", "expires_at", 29 * 60).await;
    reset(&app, &in_time, "Third-Horse-3").await.ok(204);
    assert_eq!(sign_in(&app, &alice, "Third-Horse-3").await, 200);
}

/// Two browsers press the button at once: one of the passwords is set, not both.
#[tokio::test]
async fn a_link_that_is_used_twice_at_once_is_used_once() {
    let (app, office) = app_with_mail().await;
    let alice = app.client("alice").await;
    let token = link(&app, &office, &alice).await.token("reset");
    let (one, two) = tokio::join!(
        reset(&app, &token, NEW),
        reset(&app, &token, "Third-Horse-3")
    );
    let mut statuses = [one.status(), two.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 403]);
}

#[tokio::test]
async fn each_link_is_for_its_own_purpose_and_its_own_user() {
    let (app, office) = app_with_mail().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let verify = office.mail_to(&alice.email, "Verify").await.token("verify");
    reset(&app, &verify, NEW).await.refused(403, "invalid_link");
    let token = link(&app, &office, &bob).await.token("reset");
    let body = json!({"token": token});
    let answer = app
        .as_user(&bob)
        .post("/api/auth/email/verify", &body)
        .await;
    answer.refused(403, "invalid_link");
    reset(&app, &token, NEW).await.ok(204);
    assert_eq!(
        sign_in(&app, &alice, PASSWORD).await,
        200,
        "it was bob's link"
    );
    assert_eq!(sign_in(&app, &bob, NEW).await, 200);
}

/// Otherwise anybody could ask who has an account.
#[tokio::test]
async fn the_answer_is_the_same_for_who_is_there_and_who_is_not() {
    let (app, office) = app_with_mail().await;
    let alice = app.client("alice").await;
    let off = app.client("off").await;
    let admin = app.as_user(&app.admin().await);
    admin.deactivate(off.id).await.ok(200);
    let mut told = Vec::new();
    for email in [&alice.email, &off.email, "nobody@parlor.example"] {
        let answer = forget(&app, email).await;
        let headers = ["content-type", "content-length", "retry-after"];
        let headers: Vec<_> = headers
            .iter()
            .map(|name| answer.header(name).map(str::to_owned))
            .collect();
        told.push((answer.status(), answer.body().to_vec(), headers));
    }
    assert_eq!(told[0].0, 202);
    assert!(told.iter().all(|answer| *answer == told[0]), "{told:?}");
    settled(&app).await;
    let resets: Vec<_> = office
        .mails()
        .into_iter()
        .filter(|mail| mail.header("Subject").starts_with("Reset"))
        .map(|mail| mail.to)
        .collect();
    assert_eq!(
        resets,
        std::slice::from_ref(&alice.email),
        "who is off or not there gets none"
    );

    forget(&app, "no address")
        .await
        .refused_field("email", "invalid_email");
}

/// A stranger neither floods somebody's mail nor keeps him from asking himself.
#[tokio::test]
async fn an_address_gets_so_many_links_an_hour_and_asking_is_not_refused() {
    let office = PostOffice::open().await;
    let app = TestApp::with(|config| {
        send_to(config, &office);
        config.limits.resets_per_hour = 5;
    })
    .await;
    let alice = app.client("alice").await;
    for _ in 0..12 {
        forget(&app, &alice.email).await.ok(202);
    }
    settled(&app).await;
    assert_eq!(links(&office, &alice.email).len(), 5);
    // It is counted where the account is: no crowd of made-up addresses takes anybody's place, and
    // neither a restart nor another spelling gives more.
    let app = app.restart().await;
    forget(&app, &alice.email.to_uppercase()).await.ok(202);
    settled(&app).await;
    assert_eq!(links(&office, &alice.email).len(), 5);
    let mut refused = false;
    for number in 0..40 {
        let answer = forget(&app, &format!("nobody{number}@parlor.example")).await;
        refused |= answer.status() == 429;
    }
    assert!(
        refused,
        "one address of the network asks for no more than so many"
    );
}

/// The link that came last works on when no more come, and what is no link comes as ever.
#[tokio::test]
async fn who_asks_in_anothers_name_takes_nothing_away() {
    let (app, office) = app_with_mail().await;
    let alice = app.client("alice").await;
    for _ in 0..25 {
        forget(&app, &alice.email).await.ok(202);
    }
    settled(&app).await;
    let links = links(&office, &alice.email);
    assert_eq!(links.len(), 10, "nobody has verified the address");
    let again = "/api/auth/email/verification";
    let api = app.as_user(&alice);
    for _ in 0..25 {
        api.post(again, &json!({})).await.ok(202);
    }
    let login = json!({"email": alice.email, "password": PASSWORD});
    let request = app.api().request(Method::POST, "/api/auth/login");
    let request = request.header("user-agent", "Phone/1.0").json(&login);
    app.api().answer(request).await.ok(200);
    settled(&app).await;
    office.mail_to(&alice.email, "New sign-in").await;
    let mut verified = 0;
    for mail in office.mails() {
        if mail.to == alice.email && mail.header("Subject").starts_with("Verify") {
            let answer = verify(&app, &alice, &mail.token("verify")).await;
            verified += u32::from(answer.status() == 204);
        }
    }
    assert_eq!(verified, 1, "the link of the last one");
    let mut set = 0;
    for mail in links {
        let answer = reset(&app, &mail.token("reset"), NEW).await;
        set += u32::from(answer.status() == 204);
    }
    assert_eq!(set, 1, "the link of the last one");
}

#[tokio::test]
async fn a_link_is_void_once_the_password_or_the_address_changed() {
    let (app, office) = app_with_mail().await;
    let alice = verified(&app, &office, "alice").await;
    let token = link(&app, &office, &alice).await.token("reset");
    let api = app.as_user(&alice);
    let change = json!({"password": NEW, "current_password": PASSWORD});
    api.update_user(alice.id, &change).await.ok(200);
    reset(&app, &token, "Third-Horse-3")
        .await
        .refused(403, "invalid_link");

    let token = link(&app, &office, &alice).await.token("reset");
    let change = json!({"email": "elsewhere@parlor.example", "current_password": NEW});
    api.update_user(alice.id, &change).await.ok(200);
    reset(&app, &token, "Third-Horse-3")
        .await
        .refused(403, "invalid_link");
}

#[tokio::test]
async fn who_was_switched_off_meanwhile_sets_no_password() {
    let (app, office) = app_with_mail().await;
    let alice = app.client("alice").await;
    let token = link(&app, &office, &alice).await.token("reset");
    let admin = app.as_user(&app.admin().await);
    admin.deactivate(alice.id).await.ok(200);
    reset(&app, &token, NEW).await.refused(403, "invalid_link");
    let gone = app.client("gone").await;
    let token = link(&app, &office, &gone).await.token("reset");
    let path = format!("/api/users/{}", gone.id);
    admin.call(Method::DELETE, &path).await.ok(204);
    reset(&app, &token, NEW).await.refused(403, "invalid_link");
}

/// Somebody makes an account with another's address, prepares ways in, and waits until its owner
/// comes and takes the account for his own.
#[tokio::test]
async fn what_a_stranger_prepared_is_gone_when_the_owner_of_the_address_comes() {
    let (app, office) = app_with_mail().await;
    let stranger = app.client("victim").await;
    let (mut key, _) = passkeys::add(&app, &stranger, "Back door").await;
    let (text, _) = token(&app.as_user(&stranger), &["messages.read"]).await;
    app.enroll(&stranger).await;
    let ticket = app.ticket(&stranger).await;
    app.with_token(&text).rooms().await.ok(200);

    let mail = link(&app, &office, &stranger).await;
    reset(&app, &mail.token("reset"), NEW).await.ok(204);
    let rooms = app.with_token(&text).rooms().await;
    rooms.refused(401, "unauthenticated");
    let step = app.second_step(&ticket, "000000").await;
    step.refused(401, "ticket_ended");
    let by_passkey = passkeys::sign_in(&app, &mut key).await;
    by_passkey.refused(401, "unauthenticated");
    let removed = json!({"removed": {"apps": 1, "api_tokens": 1, "identities": 0, "passkeys": 1}});
    assert_eq!(reset_entries(&app).await, std::slice::from_ref(&removed));
    let owner = app.sign_in(&stranger.email, NEW).await;
    let listed = app.as_user(&owner).get("/api/auth/tokens").await.ok(200);
    assert_eq!(listed["data"], json!([]));
    assert_eq!(app.two_factor(&owner).await["totp"], false);

    // What the owner makes himself outlives a password that he forgets.
    let (text, _) = token_for(&app.as_user(&owner), &["messages.read"], NEW).await;
    app.enroll(&owner).await;
    let ticket = app.ticket(&owner).await;
    let mail = link(&app, &office, &owner).await;
    reset(&app, &mail.token("reset"), "Third-Horse-3")
        .await
        .ok(204);
    app.with_token(&text).rooms().await.ok(200);
    let step = app.second_step(&ticket, "000000").await;
    step.refused(401, "ticket_ended");
    let body = json!({"email": owner.email, "password": "Third-Horse-3"});
    let step = app.api().login(&body).await.ok(200);
    assert!(
        step["second_factor"].is_object(),
        "the second factor stays: {step}"
    );
    assert_eq!(reset_entries(&app).await, [json!({}), removed]);
}

/// What the audit log tells of each reset, the newest first.
async fn reset_entries(app: &TestApp) -> Vec<Value> {
    let api = app.as_user(&app.admin().await);
    let page = api.get("/api/audit?act=password.reset").await.ok(200);
    let entries = page["data"].as_array().expect("a page").iter();
    let entries = entries.filter(|entry| entry["act"] == "password.reset");
    entries.map(|entry| entry["details"].clone()).collect()
}
