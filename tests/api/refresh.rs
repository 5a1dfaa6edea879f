//! A login that goes on: rotation, and what happens when a token comes back.

use parlor::protocol::code::CloseCode;

use crate::harness::{Answer, PASSWORD, Person, TestApp};

fn renewed(answer: Answer) -> Person {
    Person::from_login(&answer.ok(200), PASSWORD)
}

#[tokio::test]
async fn refreshing_gives_a_new_pair() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let answer = app.api().refresh(&alice.refresh_token).await.ok(200);
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 86_400);
    let next = Person::from_login(&answer, PASSWORD);
    assert_ne!(next.token, alice.token);
    assert_ne!(next.refresh_token, alice.refresh_token);
    app.as_user(&next).me().await.ok(200);
    app.as_user(&alice).me().await.ok(200);
    renewed(app.api().refresh(&next.refresh_token).await);
}

/// Two hold the same token: one of them stole it, and nobody can tell which.
#[tokio::test]
async fn a_token_used_again_ends_the_whole_family() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let elsewhere = app.sign_in(&alice.email, PASSWORD).await;
    let second = renewed(app.api().refresh(&alice.refresh_token).await);
    let third = renewed(app.api().refresh(&second.refresh_token).await);
    app.as_user(&third).me().await.ok(200);

    let reused = app.api().refresh(&alice.refresh_token).await;
    reused.refused(401, "unauthenticated");
    for person in [&alice, &second, &third] {
        app.as_user(person)
            .me()
            .await
            .refused(401, "unauthenticated");
        app.api()
            .refresh(&person.refresh_token)
            .await
            .refused(401, "unauthenticated");
    }
    app.as_user(&elsewhere).me().await.ok(200);
    renewed(app.api().refresh(&elsewhere.refresh_token).await);
}

/// An open socket of the stolen login must not outlive it.
#[tokio::test]
async fn the_end_of_a_family_closes_its_sockets() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut socket = app.ws(&alice).joined("general").await;
    let second = renewed(app.api().refresh(&alice.refresh_token).await);
    renewed(app.api().refresh(&second.refresh_token).await);
    app.api()
        .refresh(&alice.refresh_token)
        .await
        .refused(401, "unauthenticated");
    let code = CloseCode::BadToken;
    socket.closed_within_a_second(code, &app.api()).await;
}

/// A tab that did not hear the answer, or two tabs at once, are no thieves.
#[tokio::test]
async fn the_predecessor_gets_a_sibling_while_the_successor_is_unused() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let lost = renewed(app.api().refresh(&alice.refresh_token).await);
    let sibling = renewed(app.api().refresh(&alice.refresh_token).await);
    assert_ne!(lost.refresh_token, sibling.refresh_token);
    app.as_user(&sibling).me().await.ok(200);
    let next = renewed(app.api().refresh(&sibling.refresh_token).await);
    app.as_user(&next).me().await.ok(200);
    app.api()
        .refresh(&alice.refresh_token)
        .await
        .refused(401, "unauthenticated");
    app.as_user(&next)
        .me()
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_both_go_on() {
    let app = TestApp::spawn().await;
    for round in 0..5 {
        let alice = app.client(&format!("alice-{round}")).await;
        let api = app.api();
        let (one, two) = tokio::join!(
            api.refresh(&alice.refresh_token),
            api.refresh(&alice.refresh_token),
        );
        let (one, two) = (renewed(one), renewed(two));
        assert_ne!(one.refresh_token, two.refresh_token);
        app.as_user(&one).me().await.ok(200);
        app.as_user(&two).me().await.ok(200);
    }
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    for token in ["", "nonsense", "\0", &alice.token, &"x".repeat(4000)] {
        let answer = app.api().refresh(token).await;
        assert_eq!(answer.status(), 401, "{answer}");
    }
    let nothing = app
        .api()
        .post("/api/auth/refresh", &serde_json::json!({}))
        .await;
    assert!(matches!(nothing.status(), 400 | 401), "{nothing}");
    renewed(app.api().refresh(&alice.refresh_token).await);
}

#[tokio::test]
async fn a_closed_account_is_not_refreshed() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let admin = app.admin().await;
    app.as_user(&admin).deactivate(alice.id).await.ok(200);
    app.api()
        .refresh(&alice.refresh_token)
        .await
        .refused(401, "unauthenticated");
    let active = serde_json::json!({"active": true});
    app.as_user(&admin)
        .update_user(alice.id, &active)
        .await
        .ok(200);
    app.api()
        .refresh(&alice.refresh_token)
        .await
        .refused(401, "unauthenticated");
    app.sign_in(&alice.email, PASSWORD).await;
}

/// Ten seconds are enough for a lost answer; later it is somebody else.
#[tokio::test]
async fn the_predecessor_gets_no_sibling_later() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let next = renewed(app.api().refresh(&alice.refresh_token).await);
    let past = "UPDATE refresh_tokens SET used_at = '2020-01-01T00:00:00+00:00' \
                WHERE used_at IS NOT NULL";
    app.home.database.execute(past).await;
    let late = app.api().refresh(&alice.refresh_token).await;
    late.refused(401, "unauthenticated");
    let ended = app.api().refresh(&next.refresh_token).await;
    ended.refused(401, "unauthenticated");
    app.as_user(&next)
        .me()
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_login_that_was_not_refreshed_for_long_is_over() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let past = "UPDATE refresh_tokens SET expires_at = '2020-01-01T00:00:00+00:00'";
    app.home.database.execute(past).await;
    let late = app.api().refresh(&alice.refresh_token).await;
    late.refused(401, "unauthenticated");
}
