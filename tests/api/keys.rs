//! The keys that sign tokens: new ones, old ones, and those that are taken back.

use std::{fs, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parlor::protocol::code::CloseCode;
use serde_json::{Value, json};

use crate::harness::{Client, Home, PASSWORD, Person, Proof, Server, TestApp, until};
use crate::keys_elsewhere::jwks;

/// Runs `parlor keys …` and gives what it said.
pub async fn keys(home: &Home, args: &[&str]) -> String {
    let output = home.run(&[&["keys"], args].concat()).await;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{output:?}");
    said
}

/// What `parlor keys …` says when it refuses.
async fn keys_refused(home: &Home, args: &[&str]) -> String {
    let output = home.run(&[&["keys"], args].concat()).await;
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Rotates, and gives the new key's name.
pub async fn rotate(home: &Home, args: &[&str]) -> String {
    let said = keys(home, &[&["rotate"], args].concat()).await;
    let (kid, _) = said.split_once(' ').expect("a name");
    kid.to_owned()
}

pub fn header(token: &str) -> Value {
    let (header, _) = token.split_once('.').expect("a token");
    serde_json::from_slice(&BASE64.decode(header).expect("base64")).expect("JSON")
}

pub fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).expect("a token");
    serde_json::from_slice(&BASE64.decode(claims).expect("base64")).expect("JSON")
}

/// Signs in until the token comes from this key; a server may be a second late.
pub async fn signed_with(api: &Client, who: &Person, kid: &str) -> Person {
    let body = json!({"username": who.username, "password": PASSWORD});
    let mut person = None;
    until(async || {
        let answer = api.login(&body).await.ok(200);
        person = Some(Person::from_login(&answer, PASSWORD));
        let token = answer["token"].as_str().expect("a token");
        header(token)["kid"] == kid
    })
    .await;
    person.expect("somebody")
}

/// Writes the file of the keys as an older one would be.
fn age(home: &Home, ago: Duration) {
    let path = home.data().join("jwt-keys.json");
    let mut kept: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for key in kept["keys"].as_array_mut().unwrap() {
        if key["replaced_at"].is_string() {
            key["replaced_at"] = json!(parlor::clock::now() - ago);
        }
    }
    let draft = home.path().join("draft");
    fs::write(&draft, kept.to_string()).unwrap();
    fs::rename(draft, path).unwrap();
}

async fn is_refused(api: &Client) -> bool {
    let answer = api.me().await;
    if answer.status() == 401 {
        answer.refused(401, "unauthenticated");
        return true;
    }
    answer.ok(200);
    false
}

#[tokio::test]
async fn a_new_key_signs_at_once_and_the_old_tokens_still_count() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let bob = app.client("bob").await;
    let mut socket = app.ws(&alice).joined("general").await;
    let new = rotate(&app.home, &[]).await;
    assert_ne!(header(&alice.token)["kid"], new.as_str());

    let later = signed_with(&app.api(), &bob, &new).await;
    app.as_user(&later).me().await.ok(200);
    app.as_user(&alice).me().await.ok(200);
    socket.publish("general", "still here").await;
    assert_eq!(socket.next_message().await.content, "still here");
    app.ws(&alice).ready().await;

    let listed = keys(&app.home, &["list"]).await;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(lines[0].contains("\tHS256\tverifies until "), "{listed}");
    assert!(
        lines[1].starts_with(&format!("{new}\tHS256\tsigns\t")),
        "{listed}"
    );
}

#[tokio::test]
async fn an_old_key_goes_when_its_last_token_has_ended() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let new = rotate(&app.home, &["--algorithm", "ES256"]).await;
    let later = signed_with(&app.api(), &alice, &new).await;
    app.as_user(&alice).me().await.ok(200);
    // The token has not ended, but if it were an honest one it would have.
    age(&app.home, Duration::from_secs(86_400 + 61));
    let old = app.as_user(&alice);
    until(async || is_refused(&old).await).await;
    app.as_user(&later).me().await.ok(200);
    until(async || keys(&app.home, &["list"]).await.lines().count() == 1).await;
}

#[tokio::test]
async fn a_retired_key_takes_its_tokens_and_sockets_with_it() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let new = rotate(&app.home, &["--algorithm", "EdDSA"]).await;
    let bob = signed_with(&app.api(), &bob, &new).await;
    let mut old = app.ws(&alice).joined("general").await;
    let mut young = app.ws(&bob).joined("general").await;
    // Whoever has sent a fresh token on the same socket is not concerned.
    let fresh = signed_with(&app.api(), &alice, &new).await;
    let mut renewed = app.ws(&alice).ready().await;
    let token = json!({"type": "authorization", "token": fresh.token});
    renewed.send(&token).await;
    renewed.wait_for("authenticated").await;

    let kid = header(&alice.token)["kid"].as_str().unwrap().to_owned();
    assert_eq!(
        keys(&app.home, &["retire", &kid]).await,
        format!("{kid} is gone")
    );
    old.closed_within_a_second(CloseCode::TokenExpired, &app.api())
        .await;
    app.as_user(&alice)
        .me()
        .await
        .refused(401, "unauthenticated");
    app.as_user(&alice)
        .try_ws()
        .await
        .refused(401, "unauthenticated");
    // A program that shows it in a frame is told that it counts for nothing.
    let mut shown = app.ws(&alice).by(Proof::Frame).open().await;
    shown.closed_as(CloseCode::BadToken).await;
    young.publish("general", "still here").await;
    assert_eq!(young.next_message().await.content, "still here");
    renewed.until_pong().await;
    // The login stands: only the token has to be a new one.
    app.api().refresh(&alice.refresh_token).await.ok(200);
    let admin = app.admin().await;
    let audit = app.as_user(&admin).get("/api/audit?act=key.retire").await;
    let entry = audit.ok(200)["data"][0].clone();
    let target = [&entry["target_kind"], &entry["target_id"], &entry["via"]];
    assert_eq!(target, ["key", kid.as_str(), "command_line"], "{entry}");
    let again = keys_refused(&app.home, &["retire", &kid]).await;
    assert!(again.contains("there is no key"), "{again}");
    let signing = keys_refused(&app.home, &["retire", &new]).await;
    assert!(signing.contains("rotate --now"), "{signing}");
    keys_refused(&app.home, &["retire", "nonsense"]).await;
}

/// For the day on which a key got into strange hands.
#[tokio::test]
async fn a_rotation_now_refuses_every_token_of_before() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    rotate(&app.home, &[]).await;
    let mut socket = app.ws(&alice).joined("general").await;
    let new = rotate(&app.home, &["--now"]).await;
    socket
        .closed_within_a_second(CloseCode::TokenExpired, &app.api())
        .await;
    app.as_user(&alice)
        .me()
        .await
        .refused(401, "unauthenticated");
    let refreshed = app.api().refresh(&alice.refresh_token).await.ok(200);
    let token = refreshed["token"].as_str().unwrap();
    assert_eq!(header(token)["kid"], new.as_str());
    app.with_token(token).me().await.ok(200);
}

/// Another process made the key a moment ago, and its token comes before this one has looked.
#[tokio::test]
async fn a_token_of_a_key_that_is_not_known_yet_is_looked_up() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    for _ in 0..5 {
        rotate(&app.home, &[]).await;
        // Signed by this process, from the files as they are now.
        let token = app.token_for(&alice, Duration::from_secs(60)).await;
        app.with_token(&token).me().await.ok(200);
    }
}

fn forged(algorithm: Algorithm, kid: &Value, claims: &Value, key: &EncodingKey) -> String {
    parlor::tls::install_crypto();
    let mut header = Header::new(algorithm);
    header.kid = kid.as_str().map(str::to_owned);
    jsonwebtoken::encode(&header, claims, key).expect("a forger can sign")
}

/// A token's word on its algorithm is not taken.
#[tokio::test]
async fn a_token_counts_only_with_the_algorithm_of_its_key() {
    let app = TestApp::with(|config| {
        config.auth.jwt_algorithm = parlor::config::JwtAlgorithm::EdDsa;
    })
    .await;
    let alice = app.client("alice").await;
    let (head, said) = (header(&alice.token), claims(&alice.token));
    assert_eq!(head["alg"], "EdDSA");
    let public = jwks(&app.api()).await.json();
    let x = public["keys"][0]["x"].as_str().unwrap();
    let new = rotate(&app.home, &["--algorithm", "HS256"]).await;
    signed_with(&app.api(), &alice, &new).await;

    let raw = BASE64.decode(x).unwrap();
    let whole = public.to_string();
    let mut tries = Vec::new();
    for secret in [&raw[..], x.as_bytes(), whole.as_bytes(), b""] {
        let key = EncodingKey::from_secret(secret);
        for kid in [&head["kid"], &json!(new)] {
            for algorithm in [Algorithm::HS256, Algorithm::HS512] {
                tries.push(forged(algorithm, kid, &said, &key));
            }
        }
    }
    let (_, signature) = alice.token.rsplit_once('.').unwrap();
    for head in [
        json!({"alg": "none", "typ": "JWT", "kid": head["kid"]}),
        json!({"alg": "None", "kid": head["kid"]}),
        json!({"alg": "HS256", "kid": head["kid"]}),
        json!({"alg": "EdDSA", "kid": new}),
        json!({"alg": "EdDSA"}),
        json!({"alg": "EdDSA", "kid": "AAAAAAAAAAA"}),
        json!({"alg": "EdDSA", "kid": head["kid"], "jwk": public["keys"][0]}),
    ] {
        let part = |value: &Value| BASE64.encode(value.to_string());
        let message = format!("{}.{}", part(&head), part(&said));
        tries.push(format!("{message}."));
        tries.push(format!("{message}.{signature}"));
    }
    for token in tries {
        let answer = app.with_token(&token).me().await;
        assert_eq!(answer.status(), 401, "{} {token}", header(&token));
    }
    app.as_user(&alice).me().await.ok(200);
}

#[tokio::test]
async fn a_damaged_file_ends_the_start_with_a_word_and_does_not_disturb_a_server() {
    let home = Home::new().await;
    let server = Server::start(&home).await;
    let alice = server.client("alice").await;
    let path = home.data().join("jwt-keys.json");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, &good[..good.len() / 2]).unwrap();
    server
        .line(|line| line.contains("the keys stay as they were"))
        .await;
    server.as_user(&alice).me().await.ok(200);
    server.sign_in(&alice.email, PASSWORD).await;
    for args in [&["list"][..], &["rotate"], &["retire", "AAAAAAAAAAA"]] {
        let said = keys_refused(&home, args).await;
        assert!(said.contains("jwt-keys.json"), "{said}");
    }
    server.kill().await;

    let output = home.run(&["serve"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains("jwt-keys.json") && said.contains("restore"),
        "{said}"
    );
    let private = serde_json::from_str::<Value>(&good).unwrap()["keys"][0]["private"].clone();
    assert!(!said.contains(private.as_str().unwrap()));

    fs::write(&path, good).unwrap();
    let server = Server::start(&home).await;
    server.as_user(&alice).me().await.ok(200);
}

#[tokio::test]
async fn several_may_rotate_at_once() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let rotating = [(); 4].map(|()| rotate(&app.home, &[]));
    let made = futures_util::future::join_all(rotating).await;
    let listed = keys(&app.home, &["list"]).await;
    assert_eq!(listed.lines().count(), 5, "{listed}");
    assert_eq!(listed.matches("\tsigns\t").count(), 1, "{listed}");
    let last = listed.lines().last().unwrap();
    let signing = made.iter().find(|kid| last.starts_with(kid.as_str()));
    signed_with(&app.api(), &alice, signing.expect("one of them")).await;
    app.as_user(&alice).me().await.ok(200);
}

#[tokio::test]
async fn keys_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new().await;
    assert!(keys(&home, &["list"]).await.contains("no key yet"));
    let kid = rotate(&home, &["--algorithm", "EdDSA"]).await;
    let listed = keys(&home, &["list"]).await;
    assert!(
        listed.starts_with(&format!("{kid}\tEdDSA\tsigns\t")),
        "{listed}"
    );
    rotate(&home, &[]).await;
    let listed = keys(&home, &["list"]).await;
    assert_eq!(listed.matches("\tEdDSA\t").count(), 2, "it stays as it was");
    let found = fs::metadata(home.data().join("jwt-keys.json")).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
}

/// With a set secret the keys change by settings.
#[tokio::test]
async fn a_set_secret_is_rotated_by_settings() {
    let home = Home::new().await;
    let (one, two) = ("one".repeat(12), "two".repeat(12));
    let server = Server::with(&home, &[("JWT_SECRET", &one)]).await;
    let alice = server.client("alice").await;
    server.kill().await;
    let environment = [("JWT_SECRET", two.as_str()), ("JWT_SECRET_PREVIOUS", &one)];
    let server = Server::with(&home, &environment).await;
    server.as_user(&alice).me().await.ok(200);
    let later = server.sign_in(&alice.email, PASSWORD).await;
    assert_ne!(header(&later.token)["kid"], header(&alice.token)["kid"]);
    server.kill().await;
    let server = Server::with(&home, &[("JWT_SECRET", &two)]).await;
    server.as_user(&later).me().await.ok(200);
    server
        .as_user(&alice)
        .me()
        .await
        .refused(401, "unauthenticated");

    let mut command = home.command(&["keys", "rotate"]);
    command.env("JWT_SECRET", &two);
    let output = crate::harness::finish(command).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("JWT_SECRET_PREVIOUS"));
    assert!(!home.data().join("jwt-keys.json").exists());
}
