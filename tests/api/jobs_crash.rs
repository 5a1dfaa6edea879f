//! The job queue and `kill -9`: no mail is lost, and one that comes twice is the same twice.

use reqwest::Method;
use serde_json::json;

use crate::{
    harness::{Home, PostOffice, Server, Trouble, free_port, until},
    jobs::jobs,
};

/// A server's settings for the mail server on this port.
fn settings(port: &str) -> [(&str, &str); 5] {
    [
        ("ENABLE_HTTPS", "false"),
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", port),
        ("SMTP_TLS", "none"),
        ("MAIL_FROM", "The Parlor <chat@parlor.example>"),
    ]
}

/// What was in a worker's hands when it died is done when its claim has run out.
async fn claims_run_out(home: &Home) {
    let sql = "UPDATE jobs SET run_at = created_at";
    home.database.execute(sql).await;
}

/// The mail server has it, the server was killed before it could hear so: its reader can tell that
/// the second one is the first.
#[tokio::test]
async fn a_mail_whose_answer_died_with_the_server_comes_again_the_same() {
    let home = Home::new().await;
    let office = PostOffice::open().await;
    let (port, own) = (office.port().to_string(), free_port().to_string());
    // Both servers at the same place: its port stands in the link.
    let settings = [&settings(&port)[..], &[("PORT", &own)]].concat();
    office.next_fails(Trouble::NoAnswer);
    let server = Server::with(&home, &settings).await;
    office.received(1).await;
    server.kill().await;
    claims_run_out(&home).await;
    let server = Server::with(&home, &settings).await;
    let mails = office.received(2).await;
    let ids = [0, 1].map(|number: usize| mails[number].header("Message-ID"));
    assert!(ids[0].ends_with("@parlor.example>"), "{ids:?}");
    assert_eq!(ids[0], ids[1]);
    assert_eq!(mails[0].text, mails[1].text, "to the byte");
    assert_eq!(
        (&mails[0].from, &mails[0].to),
        (&mails[1].from, &mails[1].to)
    );
    // Its link works, and no third one comes.
    let admin = server.as_user(&server.admin().await);
    let body = json!({"token": mails[0].token("verify")});
    let verified = admin.post("/api/auth/email/verify", &body).await;
    verified.ok(204);
    until(async || jobs(&admin, "waiting").await.is_empty()).await;
    let again = office
        .mails()
        .iter()
        .filter(|mail| mail.text == mails[0].text)
        .count();
    assert_eq!(again, 2);
}

/// A promise of the database's, not of the process's.
#[tokio::test]
async fn a_mail_that_was_promised_survives_kill_9() {
    let home = Home::new().await;
    let mut office = PostOffice::closed(0).await;
    let port = office.port().to_string();
    let settings = settings(&port);
    let server = Server::with(&home, &settings).await;
    let alice = server.client("alice").await;
    let body = json!({"email": alice.email});
    server
        .api()
        .post("/api/auth/password/forgot", &body)
        .await
        .ok(202);
    server.kill().await;
    assert!(office.mails().is_empty());
    office.reopen().await;
    claims_run_out(&home).await;
    let server = Server::with(&home, &settings).await;
    let mail = office.mail_to(&alice.email, "Reset").await;
    assert_eq!(mail.from, "chat@parlor.example");
    let body = json!({"token": mail.token("reset"), "password": "Another-Horse-2"});
    server
        .api()
        .post("/api/auth/password/reset", &body)
        .await
        .ok(204);
    office.mail_to(&alice.email, "Verify").await;
    server.sign_in(&alice.email, "Another-Horse-2").await;
    // The admin's, and alice's: verify, reset, changed, and the device that is none of the first's.
    let mails = office.received(4).await;
    let ids: std::collections::BTreeSet<_> =
        mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), mails.len(), "none came twice: {mails:#?}");
}

/// Killed while the mail server thinks: the claim runs out, and the next server sends it.
#[tokio::test]
async fn a_job_of_a_server_that_died_over_it_is_done_by_the_next() {
    let home = Home::new().await;
    let office = PostOffice::open().await;
    let port = office.port().to_string();
    let settings = settings(&port);
    office.next_fails(Trouble::Silent);
    let server = Server::with(&home, &settings).await;
    office.called(1).await;
    let admin = server.as_user(&server.admin().await);
    until(async || {
        let running = jobs(&admin, "waiting").await;
        running.iter().any(|job| job["state"] == "running")
    })
    .await;
    let running = jobs(&admin, "waiting").await.remove(0);
    let path = format!("/api/admin/jobs/{}", running["id"].as_str().expect("an id"));
    admin
        .call(Method::DELETE, &path)
        .await
        .refused(404, "not_found");
    server.kill().await;
    let server = Server::with(&home, &settings).await;
    let admin = server.as_user(&server.admin().await);
    let still = jobs(&admin, "waiting").await;
    assert!(
        still.iter().any(|job| job["id"] == running["id"]),
        "its claim holds: {still:?}"
    );
    claims_run_out(&home).await;
    until(async || jobs(&admin, "waiting").await.is_empty()).await;
    assert_eq!(office.mails().len(), 1);
}
