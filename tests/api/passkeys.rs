//! Passkeys, with an authenticator in software; Chromium's own is in tests/client/pages.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, PASSWORD, Person, SecurityKey, TestApp};

async fn start(api: &Client) -> Value {
    let body = json!({"password": PASSWORD});
    let path = "/api/auth/passkeys/register/start";
    api.post(path, &body).await.ok(200)
}

async fn finish(api: &Client, started: &Value, name: &str, credential: &Value) -> Answer {
    let ceremony = &started["ceremony"];
    let body = json!({"ceremony": ceremony, "name": name, "credential": credential});
    api.post("/api/auth/passkeys/register/finish", &body).await
}

/// Adds a passkey and gives the key that has it.
pub async fn add(app: &TestApp, person: &Person, name: &str) -> (SecurityKey, Value) {
    let api = app.as_user(person);
    let mut key = SecurityKey::new(&app.url);
    let started = start(&api).await;
    let credential = key.create(&started["options"]);
    let passkey = finish(&api, &started, name, &credential).await.ok(201);
    (key, passkey)
}

async fn challenge(app: &TestApp) -> Value {
    let path = "/api/auth/passkeys/login/start";
    app.api().call(Method::POST, path).await.ok(200)
}

async fn answer(app: &TestApp, started: &Value, credential: &Value) -> Answer {
    let body = json!({"ceremony": started["ceremony"], "credential": credential});
    app.api()
        .post("/api/auth/passkeys/login/finish", &body)
        .await
}

/// Signs in with what a key has.
pub async fn sign_in(app: &TestApp, key: &mut SecurityKey) -> Answer {
    let started = challenge(app).await;
    let credential = key.sign(&started["options"]);
    answer(app, &started, &credential).await
}

pub async fn list(api: &Client) -> Vec<Value> {
    let list = api.get("/api/auth/passkeys").await.ok(200);
    list["data"].as_array().expect("a list").clone()
}

fn path(passkey: &Value) -> String {
    let id = passkey["id"].as_str().expect("an id");
    format!("/api/auth/passkeys/{id}")
}

/// Removes one's passkey.
pub async fn remove(api: &Client, passkey: &Value) -> Answer {
    let body = json!({"password": PASSWORD});
    api.post(&format!("{}/remove", path(passkey)), &body).await
}

#[tokio::test]
async fn a_passkey_signs_in_without_a_name_and_a_password() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    assert!(list(&api).await.is_empty());
    let (mut key, passkey) = add(&app, &alice, "  Telephone ").await;
    assert_eq!(passkey["name"], "Telephone");
    assert_eq!(passkey["last_used_at"], Value::Null);
    assert_eq!(list(&api).await, std::slice::from_ref(&passkey));

    for _ in 0..2 {
        let signed_in = sign_in(&app, &mut key).await.ok(200);
        let again = Person::from_login(&signed_in, PASSWORD);
        assert_eq!(again.id, alice.id);
        app.as_user(&again).me().await.ok(200);
        app.api().refresh(&again.refresh_token).await.ok(200);
    }
    assert!(list(&api).await[0]["last_used_at"].is_string());

    let name = json!({"name": "Old telephone"});
    let renamed = api.send(Method::PATCH, &path(&passkey), &name).await;
    assert_eq!(renamed.ok(200)["name"], "Old telephone");
    assert_eq!(list(&api).await[0]["name"], "Old telephone");
    for (name, code) in [("", "too_short"), ("a\nb", "control_character")] {
        let refused = api
            .send(Method::PATCH, &path(&passkey), &json!({"name": name}))
            .await;
        refused.refused_field("name", code);
    }
    remove(&api, &passkey).await.ok(204);
    assert!(list(&api).await.is_empty());
    remove(&api, &passkey).await.refused(404, "not_found");
    let refused = sign_in(&app, &mut key).await;
    refused.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_browser_gets_its_cookie_for_a_passkey() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let (mut key, _) = add(&app, &alice, "key").await;
    let started = challenge(&app).await;
    let credential = key.sign(&started["options"]);
    let body = json!({"ceremony": started["ceremony"], "credential": credential, "cookie": true});
    let answer = app
        .api()
        .post("/api/auth/passkeys/login/finish", &body)
        .await;
    let cookie = answer.header("set-cookie").unwrap_or_default().to_owned();
    assert!(cookie.starts_with("__Secure-parlor_refresh="), "{cookie}");
    assert!(answer.ok(200).get("refresh_token").is_none());
}

/// The authenticator has verified its owner: that is something one has and something one is.
#[tokio::test]
async fn a_passkey_is_both_factors() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let (mut key, _) = add(&app, &alice, "key").await;
    let enrolled = app.enroll(&alice).await;
    sign_in(&app, &mut key).await.ok(200)["token"]
        .as_str()
        .unwrap();
    app.ticket(&alice).await;
    // To add another one, a code is asked for beside the password.
    let api = app.as_user(&alice);
    let start = "/api/auth/passkeys/register/start";
    let begin = async |body: Value| api.post(start, &body).await;
    begin(json!({})).await.refused_field("password", "required");
    begin(json!({"password": "Wrong-Horse-7"}))
        .await
        .refused_field("password", "wrong_password");
    begin(json!({"password": PASSWORD}))
        .await
        .refused_field("code", "required");
    begin(json!({"password": PASSWORD, "code": enrolled.app.wrong_code()}))
        .await
        .refused(403, "wrong_code");
    begin(json!({"password": PASSWORD, "code": enrolled.app.code()}))
        .await
        .ok(200);
}

#[tokio::test]
async fn a_ceremony_counts_once() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let mut key = SecurityKey::new(&app.url);
    let started = start(&api).await;
    let credential = key.create(&started["options"]);
    finish(&api, &started, "one", &credential).await.ok(201);
    let again = finish(&api, &started, "two", &credential).await;
    again.refused_field("ceremony", "ceremony_ended");
    let mut other = SecurityKey::new(&app.url);
    let credential = other.create(&started["options"]);
    let again = finish(&api, &started, "two", &credential).await;
    again.refused_field("ceremony", "ceremony_ended");

    // A key without a counter: nothing but the ceremony tells a replay.
    let started = challenge(&app).await;
    let signed: Vec<Value> = (0..4)
        .map(|_| {
            key.counts = false;
            key.sign(&started["options"])
        })
        .collect();
    let tries = signed.iter().map(|signed| answer(&app, &started, signed));
    let statuses: Vec<u16> = join_all(tries).await.iter().map(Answer::status).collect();
    let won = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(won, 1, "{statuses:?}");
    let late = answer(&app, &started, &signed[0]).await;
    late.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_ceremony_is_of_one_kind_and_one_user() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let (alices, bobs) = (app.as_user(&alice), app.as_user(&bob));
    let mut key = SecurityKey::new(&app.url);
    let started = start(&alices).await;
    let credential = key.create(&started["options"]);
    let anothers = finish(&bobs, &started, "key", &credential).await;
    anothers.refused_field("ceremony", "ceremony_ended");
    let login = challenge(&app).await;
    let other_kind = finish(&alices, &login, "key", &credential).await;
    other_kind.refused_field("ceremony", "ceremony_ended");
    for made_up in ["", "x", "AAAA", alice.token.as_str()] {
        let made_up = json!({"ceremony": made_up});
        let refused = finish(&alices, &made_up, "key", &credential).await;
        refused.refused_field("ceremony", "ceremony_ended");
    }
    finish(&alices, &started, "key", &credential).await.ok(201);
    let signed = key.sign(&login["options"]);
    let registration = start(&alices).await;
    answer(&app, &registration, &signed)
        .await
        .refused(401, "unauthenticated");
    answer(&app, &login, &signed).await.ok(200);
}

#[tokio::test]
async fn what_is_not_signed_as_asked_signs_nobody_in() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let (mut key, _) = add(&app, &alice, "key").await;
    let refused = async |what: &str, key: &mut SecurityKey| {
        let answer = sign_in(&app, key).await;
        assert_eq!(answer.status(), 401, "{what}: {answer}");
    };
    sign_in(&app, &mut key).await.ok(200);
    let good = (
        key.origin.clone(),
        key.rp_id.clone(),
        key.user_handle.clone(),
    );

    key.origin = "https://evil.example".to_owned();
    refused("another site's page", &mut key).await;
    key.origin = format!("{}0", good.0);
    refused("another port", &mut key).await;
    key.origin = good.0.replace("https", "http");
    refused("without TLS", &mut key).await;
    key.origin = good.0;
    key.rp_id = "evil.example".to_owned();
    refused("another server", &mut key).await;
    key.rp_id = good.1;
    key.verifies = false;
    refused("an owner who was not verified", &mut key).await;
    key.verifies = true;
    key.user_handle = bob.id.0.as_bytes().to_vec();
    refused("somebody else's handle", &mut key).await;
    key.user_handle = vec![7];
    refused("no user's handle", &mut key).await;
    key.user_handle = good.2;

    // A copy of the key that is behind.
    key.counter = 0;
    refused("a counter that did not rise", &mut key).await;
    key.counter = 100;
    sign_in(&app, &mut key).await.ok(200);

    let mut thief = SecurityKey::new(&app.url);
    thief.id = key.id;
    thief.user_handle = key.user_handle.clone();
    thief.counter = 200;
    refused("another private key", &mut thief).await;
    thief.id = [7; 16];
    refused("an unknown credential", &mut thief).await;

    let (first, second) = (challenge(&app).await, challenge(&app).await);
    let signed = key.sign(&first["options"]);
    answer(&app, &second, &signed)
        .await
        .refused(401, "unauthenticated");
    for nonsense in [json!({}), json!([]), json!("x"), json!({"rawId": "%%"})] {
        answer(&app, &first, &nonsense)
            .await
            .refused(401, "unauthenticated");
    }
    answer(&app, &first, &signed).await.ok(200);
}

#[tokio::test]
async fn what_is_not_made_as_asked_is_no_passkey() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    let refused = async |change: &dyn Fn(&mut SecurityKey)| {
        let mut key = SecurityKey::new(&app.url);
        change(&mut key);
        let started = start(&api).await;
        let credential = key.create(&started["options"]);
        let answer = finish(&api, &started, "key", &credential).await;
        answer.refused_field("credential", "invalid_credential");
    };
    refused(&|key| key.origin = "https://evil.example".to_owned()).await;
    refused(&|key| key.rp_id = "evil.example".to_owned()).await;
    refused(&|key| key.verifies = false).await;
    let started = start(&api).await;
    for nonsense in [json!({}), json!({"id": 7}), json!("x")] {
        let answer = finish(&api, &started, "key", &nonsense).await;
        answer.refused_field("credential", "invalid_credential");
    }
    assert!(list(&api).await.is_empty());

    // One credential is one user's.
    let (key, _) = add(&app, &alice, "key").await;
    let started = start(&api).await;
    let excluded = &started["options"]["publicKey"]["excludeCredentials"];
    assert_eq!(excluded.as_array().map(Vec::len), Some(1), "{excluded}");
    let bobs = app.as_user(&bob);
    let mut copy = SecurityKey::new(&app.url);
    copy.id = key.id;
    let started = start(&bobs).await;
    let credential = copy.create(&started["options"]);
    let taken = finish(&bobs, &started, "key", &credential).await;
    taken.refused(409, "passkey_taken");
    assert!(list(&bobs).await.is_empty());
}

#[tokio::test]
async fn nobody_touches_anothers_passkey() {
    let app = TestApp::spawn().await;
    let (alice, bob, admin) = (
        app.client("alice").await,
        app.client("bob").await,
        app.admin().await,
    );
    let (mut key, passkey) = add(&app, &alice, "key").await;
    for other in [&bob, &admin] {
        let api = app.as_user(other);
        let name = json!({"name": "mine"});
        let renamed = api.send(Method::PATCH, &path(&passkey), &name).await;
        renamed.refused(404, "not_found");
        let body = json!({"password": other.password});
        let removed = api.post(&format!("{}/remove", path(&passkey)), &body).await;
        removed.refused(404, "not_found");
        assert!(list(&api).await.is_empty());
    }
    let nobody = app.api().get("/api/auth/passkeys").await;
    nobody.refused(401, "unauthenticated");
    let admins = app.as_user(&admin);
    admins.deactivate(alice.id).await.ok(200);
    sign_in(&app, &mut key)
        .await
        .refused(401, "unauthenticated");
    admins
        .update_user(alice.id, &json!({"active": true}))
        .await
        .ok(200);
    sign_in(&app, &mut key).await.ok(200);
    admins.delete_user(alice.id).await.ok(204);
    sign_in(&app, &mut key)
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_user_has_25_passkeys_at_most() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    for number in 0..25 {
        add(&app, &alice, &format!("key {number}")).await;
    }
    let api = app.as_user(&alice);
    let mut key = SecurityKey::new(&app.url);
    let started = start(&api).await;
    let credential = key.create(&started["options"]);
    let refused = finish(&api, &started, "one more", &credential).await;
    refused.refused(409, "too_many");
    assert_eq!(list(&api).await.len(), 25);
}

/// Authenticators tell servers apart by name.
#[tokio::test]
async fn a_server_without_a_name_has_no_passkeys() {
    let app = TestApp::with(|config| {
        config.server.public_url = Some("https://192.0.2.7".parse().unwrap());
    })
    .await;
    let alice = app.client("alice").await;
    let start = "/api/auth/passkeys/login/start";
    let refused = app.api().call(Method::POST, start).await;
    refused.refused(409, "passkeys_unavailable");
    let start = "/api/auth/passkeys/register/start";
    let body = json!({"password": PASSWORD});
    let refused = app.as_user(&alice).post(start, &body).await;
    refused.refused(409, "passkeys_unavailable");
}

#[tokio::test]
async fn a_new_passkey_is_told_by_mail() {
    let (app, office) = crate::mail::app_with_mail().await;
    let alice = app.client("alice").await;
    add(&app, &alice, "<b>key</b>").await;
    let mail = office.mail_to(&alice.email, "New passkey").await;
    let text = mail.part("text/plain");
    assert!(
        text.contains("a passkey was added to your account"),
        "{text}"
    );
    assert!(!mail.text.contains("key</b>"), "no text that a user chose");
}
