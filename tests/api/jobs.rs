//! The job queue: a mail that was promised is sent, once, whatever happens in between.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Client, PostOffice, TestApp, Trouble, until},
    mail::{app_with_mail, send_to, verify},
};

/// Jobs in a state, as an admin sees them.
pub async fn jobs(api: &Client, state: &str) -> Vec<Value> {
    let list = api
        .get(&format!("/api/admin/jobs?state={state}"))
        .await
        .ok(200);
    list["data"].as_array().expect("a list").clone()
}

/// A server with a mail server, an admin of it, and the admin's own mail out of the way.
pub async fn with_admin() -> (TestApp, PostOffice, Client) {
    let (app, office) = app_with_mail().await;
    office.received(1).await;
    let admin = app.as_user(&app.admin().await);
    until(async || jobs(&admin, "waiting").await.is_empty()).await;
    (app, office, admin)
}

#[tokio::test]
async fn a_mail_waits_for_the_mail_server_and_is_sent_once() {
    let mut office = PostOffice::closed(0).await;
    let app = TestApp::with(|config| send_to(config, &office)).await;
    let alice = app.client("alice").await;
    let admin = app.as_user(&app.admin().await);
    until(async || {
        let waiting = jobs(&admin, "waiting").await;
        let tried = |job: &Value| job["attempts"].as_i64() >= Some(2);
        waiting.iter().filter(|job| tried(job)).count() == 2
    })
    .await;
    let waiting = jobs(&admin, "waiting").await;
    for job in &waiting {
        assert_eq!(job["kind"], "mail.verify_email", "{job}");
        let error = job["last_error"].as_str().unwrap_or_default();
        assert!(error.contains("cannot speak to the mail server"), "{job}");
        assert!(job.get("payload").is_none(), "it has a secret: {job}");
    }
    assert_eq!(app.api().metric("jobs_waiting").await, 2.0);
    office.reopen().await;
    let mail = office.mail_to(&alice.email, "Verify").await;
    until(async || jobs(&admin, "waiting").await.is_empty()).await;
    assert_eq!(office.mails().len(), 2, "one for each");
    verify(&app, &alice, &mail.token("verify")).await.ok(204);
    let done = r#"jobs_attempts_total{outcome="done",part="mail"}"#;
    assert_eq!(app.api().metric(done).await, 2.0);
    let retried = r#"jobs_attempts_total{outcome="retried",part="mail"}"#;
    assert!(app.api().metric(retried).await >= 4.0);
    until(async || app.api().metric("jobs_waiting").await == 0.0).await;
}

/// The server took it, but nobody knows: it is sent again, and its reader can tell that it is one.
#[tokio::test]
async fn a_mail_whose_answer_was_lost_comes_again_with_the_same_id() {
    let (app, office, _) = with_admin().await;
    office.next_fails(Trouble::LostAnswer);
    office.next_fails(Trouble::HangsUp);
    let alice = app.client("alice").await;
    office.received(3).await;
    let mails: Vec<_> = office
        .mails()
        .into_iter()
        .filter(|mail| mail.to == alice.email)
        .collect();
    assert_eq!(mails.len(), 2, "{mails:#?}");
    let id = mails[0].header("Message-ID");
    assert!(id.starts_with('<') && id.ends_with("@localhost>"), "{id}");
    assert_eq!(id, mails[1].header("Message-ID"));
    assert_eq!(mails[0].text, mails[1].text, "to the byte");
    verify(&app, &alice, &mails[0].token("verify"))
        .await
        .ok(204);
}

#[tokio::test]
async fn what_is_refused_for_now_is_tried_again() {
    let (app, office, admin) = with_admin().await;
    for code in [421, 450, 451, 530] {
        office.next_fails(Trouble::Recipient(code));
        office.next_fails(Trouble::Message(code));
    }
    let alice = app.client("alice").await;
    office.mail_to(&alice.email, "Verify").await;
    until(async || jobs(&admin, "waiting").await.is_empty()).await;
    assert_eq!(jobs(&admin, "dead").await, Vec::<Value>::new());
    assert_eq!(office.mails().len(), 2);
}

#[tokio::test]
async fn what_is_refused_for_good_is_a_dead_letter_until_an_admin_looks() {
    let (app, office, admin) = with_admin().await;
    office.next_fails(Trouble::Message(554));
    let alice = app.client("alice").await;
    until(async || jobs(&admin, "dead").await.len() == 1).await;
    let dead = jobs(&admin, "dead").await.remove(0);
    assert_eq!(dead["kind"], "mail.verify_email");
    assert_eq!(dead["user_id"], alice.id.to_string());
    assert_eq!(dead["attempts"], 1, "it was not tried again");
    assert_eq!(dead["state"], "dead");
    let error = dead["last_error"].as_str().expect("a reason");
    assert!(error.contains("554") && error.contains('…'), "{error}");
    until(async || app.api().metric("jobs_dead").await == 1.0).await;

    let path = format!("/api/admin/jobs/{}", dead["id"].as_str().expect("an id"));
    for other in [app.api(), app.as_user(&alice)] {
        let status = if other.me().await.status() == 200 {
            403
        } else {
            401
        };
        assert_eq!(other.get("/api/admin/jobs").await.status(), status);
        assert_eq!(
            other
                .post(&format!("{path}/retry"), &json!({}))
                .await
                .status(),
            status
        );
        assert_eq!(other.call(Method::DELETE, &path).await.status(), status);
    }
    admin
        .post(&format!("{path}/retry"), &json!({}))
        .await
        .ok(204);
    let mail = office.mail_to(&alice.email, "Verify").await;
    let token = mail.token("verify");
    let quoted = (0..token.len() - 6).any(|at| error.contains(&token[at..at + 6]));
    assert!(!quoted, "{error} has some of {token}");
    verify(&app, &alice, &token).await.ok(204);
    until(async || jobs(&admin, "waiting").await.is_empty()).await;
    assert_eq!(jobs(&admin, "dead").await, Vec::<Value>::new());
    let again = admin.post(&format!("{path}/retry"), &json!({})).await;
    again.refused(404, "not_found");

    office.next_fails(Trouble::Recipient(550));
    app.client("bob").await;
    until(async || jobs(&admin, "dead").await.len() == 1).await;
    let dead = jobs(&admin, "dead").await.remove(0);
    let path = format!("/api/admin/jobs/{}", dead["id"].as_str().expect("an id"));
    admin.call(Method::DELETE, &path).await.ok(204);
    admin
        .call(Method::DELETE, &path)
        .await
        .refused(404, "not_found");
    assert_eq!(jobs(&admin, "dead").await, Vec::<Value>::new());
}

#[tokio::test]
async fn after_so_many_tries_it_is_given_up() {
    let office = PostOffice::closed(0).await;
    let app = TestApp::with(|config| {
        send_to(config, &office);
        config.jobs.attempts = 3;
    })
    .await;
    let admin = app.as_user(&app.admin().await);
    until(async || jobs(&admin, "dead").await.len() == 1).await;
    assert_eq!(jobs(&admin, "dead").await[0]["attempts"], 3);
}

/// A link that works no more helps nobody, and its mail would only alarm.
#[tokio::test]
async fn a_mail_whose_link_ran_out_is_not_sent() {
    let mut office = PostOffice::closed(0).await;
    let app = TestApp::with(|config| {
        send_to(config, &office);
        // Once, and then not until somebody asks.
        config.jobs.backoff = Duration::from_secs(3_600);
        config.jobs.backoff_max = Duration::from_secs(3_600);
    })
    .await;
    let admin = app.as_user(&app.admin().await);
    until(async || {
        let waiting = jobs(&admin, "waiting").await;
        waiting.iter().any(|job| job["last_error"].is_string())
    })
    .await;
    let job = jobs(&admin, "waiting").await.remove(0);
    app.home
        .database
        .execute(
            "UPDATE jobs SET payload = replace(payload, '\"expires_at\":\"20', '\"expires_at\":\"19')",
        )
        .await;
    office.reopen().await;
    let path = format!(
        "/api/admin/jobs/{}/retry",
        job["id"].as_str().expect("an id")
    );
    admin.post(&path, &json!({})).await.ok(204);
    until(async || jobs(&admin, "dead").await.len() == 1).await;
    let dead = jobs(&admin, "dead").await.remove(0);
    assert_eq!(
        dead["last_error"],
        "its link ran out before it could be sent"
    );
    assert!(office.mails().is_empty());
}

#[tokio::test]
async fn a_mail_server_that_says_nothing_is_given_up_in_time() {
    let office = PostOffice::open().await;
    office.next_fails(Trouble::Silent);
    let app = TestApp::with(|config| {
        send_to(config, &office);
        config.jobs.attempt = Duration::from_millis(300);
    })
    .await;
    let alice = app.client("alice").await;
    office.mail_to(&alice.email, "Verify").await;
    office.received(2).await;
}

#[tokio::test]
async fn only_right_questions_are_answered() {
    let (_app, _office, admin) = with_admin().await;
    for wrong in ["state=done", "after=x", "limit=0", "limit=201"] {
        let field = wrong.split('=').next().expect("a name");
        let code = match field {
            "state" => "invalid_state",
            "after" => "invalid_id",
            _ => "out_of_range",
        };
        let answer = admin.get(&format!("/api/admin/jobs?{wrong}")).await;
        answer.refused_field(field, code);
    }
    let nobodys = uuid::Uuid::now_v7();
    let path = format!("/api/admin/jobs/{nobodys}");
    admin
        .call(Method::DELETE, &path)
        .await
        .refused(404, "not_found");
}
