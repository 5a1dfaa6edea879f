//! Proving once more who one is, before something that a stolen token must not do.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    harness::{Answer, Browser, Client, Kind, PASSWORD, Person, Provider, TestApp},
    passkeys::{add, list, remove, sign_in},
};

/// As if everybody had signed in long ago; the tokens are good all the same.
async fn age_logins(app: &TestApp) {
    let long_ago = "UPDATE logins SET created_at = '2020-01-01T00:00:00+00:00'";
    app.home.database.execute(long_ago).await;
}

/// As if the account had been made by a provider.
async fn forget_password(app: &TestApp) {
    let forget = "UPDATE users SET password_hash = NULL WHERE username = 'alice'";
    app.home.database.execute(forget).await;
}

/// Everything that changes how one gets in, asked for by somebody without a password.
async fn attempts(api: &Client, alice: &Person, passkey: &Value, identity: &Value) -> Vec<Answer> {
    let id = |thing: &Value| thing["id"].as_str().expect("an id").to_owned();
    let mut answers = Vec::new();
    for path in [
        "/api/auth/passkeys/register/start".to_owned(),
        format!("/api/auth/passkeys/{}/remove", id(passkey)),
        "/api/auth/two-factor/totp".to_owned(),
        "/api/auth/oauth/github/link".to_owned(),
        format!("/api/auth/identities/{}/remove", id(identity)),
    ] {
        answers.push(api.post(&path, &json!({})).await);
    }
    let token = json!({"name": "x", "scopes": []});
    answers.push(api.post("/api/auth/tokens", &token).await);
    for change in [
        json!({"email": "elsewhere@parlor.example"}),
        json!({"password": "Another-Horse-2"}),
    ] {
        answers.push(api.update_user(alice.id, &change).await);
    }
    answers
}

/// A token of hers is found on a disk, where it lay for a while.
#[tokio::test]
async fn a_token_of_an_old_login_gives_who_has_no_password_no_way_in() {
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| github.believed_by(config)).await;
    let alice = app.client("alice").await;
    let (mut key, _) = add(&app, &alice, "kept").await;
    let (_, passkey) = add(&app, &alice, "key").await;
    let octo = json!({
        "user": { "id": 1, "login": "octocat", "name": null },
        "emails": [{ "email": "octo@cats.example", "primary": true, "verified": true }],
    });
    let mut browser = Browser::program(&app);
    let linked = browser.link(&app, &alice, "github", &github, &octo).await;
    let identity = linked.ok(201);
    forget_password(&app).await;
    age_logins(&app).await;

    let api = app.as_user(&alice);
    let before = api.me().await.ok(200);
    for answer in attempts(&api, &alice, &passkey, &identity).await {
        let told = answer.refused(403, "login_too_old");
        assert!(told["message"].as_str().unwrap().contains("sign in again"));
    }
    assert_eq!(api.me().await.ok(200), before);
    assert_eq!(list(&api).await.len(), 2);

    // Refreshing it makes the login no younger.
    let refreshed = app.api().refresh(&alice.refresh_token).await.ok(200);
    let refreshed = app.with_token(refreshed["token"].as_str().expect("a token"));
    let begun = refreshed
        .post("/api/auth/two-factor/totp", &json!({}))
        .await;
    begun.refused(403, "login_too_old");

    // Who signs in again is believed.
    let again = sign_in(&app, &mut key).await.ok(200);
    let again = app.as_user(&Person::from_login(&again, PASSWORD));
    for answer in attempts(&again, &alice, &passkey, &identity).await {
        assert!((200..300).contains(&answer.status()), "{answer}");
    }
}

/// A password is a proof at any time, and the only one of who has it.
#[tokio::test]
async fn who_has_a_password_gives_it_however_young_the_login() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let (_, passkey) = add(&app, &alice, "key").await;
    let api = app.as_user(&alice);
    let path = format!(
        "/api/auth/passkeys/{}/remove",
        passkey["id"].as_str().unwrap()
    );
    for (body, code) in [
        (json!({}), "required"),
        (json!({"password": "Wrong-Horse-7"}), "wrong_password"),
    ] {
        let refused = api.post(&path, &body).await;
        refused.refused_field("password", code);
    }
    let token = json!({"name": "x", "scopes": []});
    let refused = api.post("/api/auth/tokens", &token).await;
    refused.refused_field("password", "required");
    let email = json!({"email": "elsewhere@parlor.example"});
    let refused = api.update_user(alice.id, &email).await;
    refused.refused_field("current_password", "required");
    age_logins(&app).await;
    remove(&api, &passkey).await.ok(204);
    let email = json!({"email": "elsewhere@parlor.example", "current_password": PASSWORD});
    api.update_user(alice.id, &email).await.ok(200);
    // What is not changed needs no proof.
    let same = json!({"email": "Elsewhere@parlor.example", "bio": "x"});
    api.update_user(alice.id, &same).await.ok(200);
}

/// Codes are asked for beside the password, or beside a recent login.
#[tokio::test]
async fn who_has_an_app_shows_a_code_too() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let enrolled = app.enroll(&alice).await;
    let (codes, api) = (&enrolled.recovery_codes, app.as_user(&alice));
    let path = "/api/auth/two-factor/recovery-codes";
    let alone = api.post(path, &json!({"code": codes[0]})).await;
    alone.refused_field("password", "required");
    forget_password(&app).await;
    let none = api.post(path, &json!({})).await;
    none.refused_field("code", "required");
    age_logins(&app).await;
    let old = api.post(path, &json!({"code": codes[0]})).await;
    old.refused(403, "login_too_old");
    let now = "UPDATE logins SET created_at = last_used_at";
    app.home.database.execute(now).await;
    api.post(path, &json!({"code": codes[0]})).await.ok(200);
}

/// Somebody came by a provider, and would like to be able to come without it.
#[tokio::test]
async fn who_has_no_password_sets_a_first_one() {
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| github.believed_by(config)).await;
    let octo = json!({
        "user": { "id": 1, "login": "octocat", "name": null },
        "emails": [{ "email": "octo@cats.example", "primary": true, "verified": true }],
    });
    let person = Browser::new(&app).sign_in("github", &github, &octo).await;
    assert_eq!(app.two_factor(&person).await["password"], false);
    let api = app.as_user(&person);
    let weak = api
        .update_user(person.id, &json!({"password": "weak"}))
        .await;
    assert_eq!(weak.status(), 400, "{weak}");
    let first = json!({"password": "Another-Horse-2"});
    api.update_user(person.id, &first).await.ok(200);
    assert_eq!(app.two_factor(&person).await["password"], true);
    app.sign_in("octo@cats.example", "Another-Horse-2").await;
    // The second one is a change like everybody's.
    let second = json!({"password": "Third-Horse-3"});
    let refused = api.update_user(person.id, &second).await;
    refused.refused_field("current_password", "required");
}

/// Who has no password would be locked out for good.
#[tokio::test]
async fn the_last_way_in_cannot_be_removed() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let (_, first) = add(&app, &alice, "one").await;
    let (mut key, second) = add(&app, &alice, "two").await;
    forget_password(&app).await;
    let removals = [remove(&api, &first), remove(&api, &second)];
    let mut statuses: Vec<u16> = join_all(removals)
        .await
        .iter()
        .map(Answer::status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    let left = list(&api).await;
    assert_eq!(left.len(), 1);
    let refused = remove(&api, &left[0]).await;
    refused.refused(409, "last_way_in");
    if left[0]["id"] == second["id"] {
        sign_in(&app, &mut key).await.ok(200);
    }
}
