//! Setting up an authenticator app while somebody else has one's token.

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    audit_refusals::{one, sums},
    harness::{Answer, Person, TestApp},
};

async fn confirm(app: &TestApp, person: &Person, code: &str) -> Answer {
    let path = "/api/auth/two-factor/totp/confirm";
    let body = json!({"code": code});
    app.as_user(person).post(path, &body).await
}

/// A hit would show ten recovery codes to whoever tries.
#[tokio::test]
async fn five_wrong_codes_end_an_app_that_is_being_set_up() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let phone = app.begin_totp(&alice).await;
    let wrong = phone.wrong_code();
    // All at once: what is counted first cannot be outrun.
    let tries = (0..12).map(|_| confirm(&app, &alice, &wrong));
    let answers = join_all(tries).await;
    let looked_at = answers.iter().filter(|answer| answer.status() == 403);
    assert_eq!(looked_at.count(), 5, "{answers:?}");
    let late = confirm(&app, &alice, &phone.code()).await;
    late.refused(409, "not_enrolled");
    assert_eq!(app.two_factor(&alice).await["totp"], false);

    let phone = app.begin_totp(&alice).await;
    for _ in 0..4 {
        let wrong = confirm(&app, &alice, &phone.wrong_code()).await;
        wrong.refused(403, "wrong_code");
    }
    confirm(&app, &alice, &phone.code()).await.ok(200);
}

/// Beginning anew gives five more, but not as often as one likes.
#[tokio::test]
async fn wrong_codes_while_setting_up_make_the_next_one_wait() {
    let app = TestApp::with(|config| config.limits.login_attempts_per_minute = 4).await;
    let alice = app.client("alice").await;
    let phone = app.begin_totp(&alice).await;
    for _ in 0..3 {
        let wrong = confirm(&app, &alice, &phone.wrong_code()).await;
        wrong.refused(403, "wrong_code");
    }
    let right = confirm(&app, &alice, &phone.code()).await;
    right.refused(429, "rate_limited");
    let (_app, sums) = sums(app).await;
    let wrong = one(&sums, "wrong_code");
    assert_eq!(wrong["actor_id"], json!(alice.id), "{wrong}");
    assert_eq!(wrong["details"]["count"], 3, "{wrong}");
}
