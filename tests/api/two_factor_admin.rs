//! What others, and other events, do to a second factor and its tickets.

use serde_json::json;

use crate::harness::{PASSWORD, TestApp, unique};

#[tokio::test]
async fn an_admin_lets_somebody_in_who_lost_everything() {
    let app = TestApp::spawn().await;
    let (alice, bob, admin) = (
        app.client("alice").await,
        app.client("bob").await,
        app.admin().await,
    );
    let enrolled = app.enroll(&alice).await;
    for (who, status) in [(&bob, 403), (&alice, 403)] {
        app.reset_two_factor(who, &alice)
            .await
            .refused(status, "forbidden");
    }
    let ticket = app.ticket(&alice).await;
    app.reset_two_factor(&admin, &alice).await.ok(204);
    app.reset_two_factor(&admin, &alice)
        .await
        .refused(409, "not_enrolled");
    app.as_user(&alice).me().await.ok(200);
    app.first_step(&alice).await.ok(200)["token"]
        .as_str()
        .unwrap();
    app.second_step(&ticket, &enrolled.recovery_codes[0])
        .await
        .refused(401, "ticket_ended");
    let mut nobody = bob.clone();
    nobody.id = parlor::domain::ids::UserId::new();
    app.reset_two_factor(&admin, &nobody)
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn a_ticket_is_no_token_anywhere() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    app.enroll(&alice).await;
    let ticket = app.ticket(&alice).await;
    let bearer = app.with_token(&ticket);
    bearer.me().await.refused(401, "unauthenticated");
    bearer
        .get("/api/auth/two-factor")
        .await
        .refused(401, "unauthenticated");
    assert_eq!(bearer.try_ws().await.status(), 401);
    let api = app.api();
    api.refresh(&ticket).await.refused(401, "unauthenticated");
    api.validate(&ticket).await.refused(401, "unauthenticated");
    let body = json!({"ticket": ticket});
    let enroll = api.post("/api/auth/login/enroll", &body).await;
    enroll.refused(401, "ticket_ended");
    // Nor is a token a ticket.
    for other in [&alice.token, &alice.refresh_token] {
        let refused = app.second_step(other, "123456").await;
        refused.refused(401, "ticket_ended");
    }
}

/// Whoever has the old password may hold a ticket for it.
#[tokio::test]
async fn a_new_password_ends_the_tickets_of_the_old_one() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let enrolled = app.enroll(&alice).await;
    let ticket = app.ticket(&alice).await;
    let change = json!({"password": "Another-Horse-2", "current_password": PASSWORD});
    app.as_user(&alice)
        .update_user(alice.id, &change)
        .await
        .ok(200);
    app.second_step(&ticket, &enrolled.app.code())
        .await
        .refused(401, "ticket_ended");
    assert_eq!(app.two_factor(&alice).await["totp"], true);
}

#[tokio::test]
async fn a_ticket_opens_no_account_that_is_closed() {
    let app = TestApp::spawn().await;
    let (alice, bob, admin) = (
        app.client("alice").await,
        app.client("bob").await,
        app.admin().await,
    );
    let (alices, bobs) = (app.enroll(&alice).await, app.enroll(&bob).await);
    let (first, second) = (app.ticket(&alice).await, app.ticket(&bob).await);
    let api = app.as_user(&admin);
    api.deactivate(alice.id).await.ok(200);
    api.delete_user(bob.id).await.ok(204);
    let refused = app.second_step(&first, &alices.app.code()).await;
    refused.refused(401, "unauthenticated");
    let refused = app.second_step(&second, &bobs.app.code()).await;
    refused.refused(401, "ticket_ended");
    let again = json!({"email": alice.email, "password": PASSWORD});
    app.api()
        .login(&again)
        .await
        .refused(401, "unauthenticated");
}

/// A copy of the database alone makes no codes; and who lost the key still gets in.
#[tokio::test]
async fn without_the_key_only_recovery_codes_count() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let enrolled = app.enroll(&alice).await;
    let key = app.home.data().join("encryption.key");
    let text = std::fs::read(&key).expect("the key is there");
    std::fs::write(&key, unique("another-key-of-another-server")).expect("a folder");
    let app = app.restart().await;
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &enrolled.app.code())
        .await
        .refused(403, "wrong_code");
    app.second_step(&ticket, &enrolled.recovery_codes[0])
        .await
        .ok(200);
    std::fs::write(&key, text).expect("a folder");
    let app = app.restart().await;
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &enrolled.app.code()).await.ok(200);
}

/// Who tries a password a thousand times over fills no table.
#[tokio::test]
async fn the_oldest_tickets_of_a_user_give_way() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let enrolled = app.enroll(&alice).await;
    let first = app.ticket(&alice).await;
    for _ in 0..19 {
        app.ticket(&alice).await;
    }
    let wrong = enrolled.app.wrong_code();
    app.second_step(&first, &wrong)
        .await
        .refused(403, "wrong_code");
    let last = app.ticket(&alice).await;
    app.second_step(&first, &wrong)
        .await
        .refused(401, "ticket_ended");
    app.second_step(&last, &enrolled.app.code()).await.ok(200);
}

/// The log says who did it, and holds no code.
#[tokio::test]
async fn what_becomes_of_a_second_factor_is_in_the_audit_log() {
    let app = TestApp::spawn().await;
    let (alice, admin) = (app.client("alice").await, app.admin().await);
    let enrolled = app.enroll(&alice).await;
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &enrolled.recovery_codes[0])
        .await
        .ok(200);
    let api = app.as_user(&alice);
    let renew = json!({"password": PASSWORD, "code": enrolled.recovery_codes[1]});
    let path = "/api/auth/two-factor/recovery-codes";
    api.post(path, &renew).await.ok(200);
    let remove = json!({"password": PASSWORD, "code": enrolled.app.code()});
    let path = "/api/auth/two-factor/totp/remove";
    api.post(path, &remove).await.ok(204);
    app.enroll(&alice).await;
    app.reset_two_factor(&admin, &alice).await.ok(204);

    let log = app.as_user(&admin);
    let mut found = Vec::new();
    for about in ["two_factor", "recovery_code"] {
        let page = log.get(&format!("/api/audit?act={about}")).await.ok(200);
        let text = page.to_string();
        assert!(!text.contains(&enrolled.recovery_codes[0]), "{text}");
        for entry in page["data"].as_array().expect("a page") {
            assert_eq!(entry["target_id"], alice.id.to_string(), "{entry}");
            let act = entry["act"].as_str().expect("an act").to_owned();
            let actor = entry["actor_id"].as_str().expect("an actor").to_owned();
            found.push((entry["seq"].as_i64().expect("a number"), act, actor));
        }
    }
    found.sort();
    let (alices, admins) = (alice.id.to_string(), admin.id.to_string());
    let found: Vec<_> = found
        .iter()
        .map(|(_, act, actor)| (act.as_str(), actor.as_str()))
        .collect();
    let expected = [
        ("two_factor.enroll", &alices),
        ("recovery_code.use", &alices),
        ("recovery_code.use", &alices),
        ("recovery_code.renew", &alices),
        ("two_factor.remove", &alices),
        ("two_factor.enroll", &alices),
        ("two_factor.reset", &admins),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(act, actor)| (*act, actor.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn who_gets_or_loses_a_second_factor_is_told_by_mail() {
    let (app, office) = crate::mail::app_with_mail().await;
    let (alice, admin) = (app.client("alice").await, app.admin().await);
    app.enroll(&alice).await;
    let mail = office.mail_to(&alice.email, "Two-factor was set up").await;
    let text = mail.part("text/plain");
    assert!(text.contains("an authenticator app was set up"), "{text}");
    app.reset_two_factor(&admin, &alice).await.ok(204);
    let mail = office.mail_to(&alice.email, "Two-factor was removed").await;
    let text = mail.part("text/plain");
    assert!(text.contains("the second factor of your account"), "{text}");
}

/// Who reads somebody's mail gets no further than the password.
#[tokio::test]
async fn a_password_reset_by_mail_leaves_the_second_factor() {
    let (app, office) = crate::mail::app_with_mail().await;
    let mut alice = crate::mail::verified(&app, &office, "alice").await;
    let enrolled = app.enroll(&alice).await;
    let forgot = json!({"email": alice.email});
    let path = "/api/auth/password/forgot";
    app.api().post(path, &forgot).await.ok(202);
    let mail = office.mail_to(&alice.email, "Reset your password").await;
    let reset = json!({"token": mail.token("reset"), "password": "Another-Horse-2"});
    let path = "/api/auth/password/reset";
    app.api().post(path, &reset).await.ok(204);
    alice.password = "Another-Horse-2".to_owned();
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &enrolled.app.code()).await.ok(200);
}
