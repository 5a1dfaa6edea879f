//! Signing in and out, and what a token says.

use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::harness::{PASSWORD, Person, TestApp, registration};

const SECRET: &str = "a secret that only this test and its server know";

async fn with_known_secret() -> TestApp {
    TestApp::with(|config| config.auth.jwt_secret = Some(SECRET.into())).await
}

/// The header and the claims of a token, unchecked.
fn opened(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| BASE64.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

/// A token signed with the server's own secret.
fn forged(kid: Option<&str>, algorithm: Algorithm, claims: &Value) -> String {
    parlor::tls::install_crypto();
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(
        &header,
        claims,
        &EncodingKey::from_secret(SECRET.as_bytes()),
    )
    .unwrap()
}

#[tokio::test]
async fn registering_signs_in() {
    let app = TestApp::spawn().await;
    let answer = app.api().register(&registration("alice")).await.ok(201);
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 86_400);
    assert_eq!(answer["user"]["role"], "client");
    assert_eq!(
        answer["user"]["email"], "alice@parlor.example",
        "the own address is shown"
    );
    let alice = Person::from_login(&answer, PASSWORD);
    assert_eq!(app.as_user(&alice).me().await.ok(200), answer["user"]);
    app.api().refresh(&alice.refresh_token).await.ok(200);
}

#[tokio::test]
async fn signing_in_takes_the_name_or_the_address_in_any_case() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    for who in [
        json!({"email": "alice@parlor.example"}),
        json!({"email": "ALICE@Parlor.Example"}),
        json!({"username": "alice"}),
        json!({"username": "Alice"}),
    ] {
        let mut body = who.clone();
        body["password"] = PASSWORD.into();
        let answer = app.api().login(&body).await.ok(200);
        assert_eq!(answer["message"], "Login successful", "{who}");
        assert_eq!(answer["token_type"], "Bearer");
        assert_eq!(answer["user"]["id"], alice.id.to_string());
        let person = Person::from_login(&answer, PASSWORD);
        app.as_user(&person).me().await.ok(200);
    }
}

/// Otherwise the answer would tell which accounts there are.
#[tokio::test]
async fn all_failures_of_a_login_look_the_same() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let gone = app.client("gone").await;
    let admin = app.admin().await;
    app.as_user(&admin).deactivate(bob.id).await.ok(200);
    app.as_user(&admin).delete_user(gone.id).await;

    let mut bodies = Vec::new();
    for (who, password) in [
        (json!({"email": alice.email}), "Wrong-Horse-1"),
        (json!({"username": "alice"}), "Wrong-Horse-1"),
        (json!({"username": "alice"}), ""),
        (json!({"email": "nobody@parlor.example"}), PASSWORD),
        (json!({"username": "nobody"}), PASSWORD),
        (json!({"username": "not a name \0 at all"}), PASSWORD),
        (json!({"email": "not an address"}), PASSWORD),
        (json!({"email": bob.email}), PASSWORD),
        (json!({"username": "gone"}), PASSWORD),
        (json!({"username": "deleted"}), PASSWORD),
        (json!({"username": "alice"}), &"x".repeat(3000)),
    ] {
        let mut body = who.clone();
        body["password"] = password.into();
        let mut refused = app.api().login(&body).await.refused(401, "unauthenticated");
        refused["request_id"] = Value::Null;
        bodies.push(refused);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
    app.sign_in(&alice.email, PASSWORD).await;
}

/// An unknown name is checked against a hash of nobody's, so that time does not tell it.
#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
    let app = TestApp::with(|config| config.auth.bcrypt_cost = 8).await;
    app.client("alice").await;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..7 {
        for (name, times) in ["alice", "nobody"].iter().zip(&mut times) {
            let body = json!({"username": name, "password": "Wrong-Horse-1"});
            let start = Instant::now();
            app.api().login(&body).await.refused(401, "unauthenticated");
            times.push(start.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort();
        times[3].as_secs_f64()
    });
    let ratio = unknown / known;
    assert!(
        (0.4..2.5).contains(&ratio),
        "unknown {unknown} s, known {known} s"
    );
}

#[tokio::test]
async fn a_login_without_name_or_password_is_no_login() {
    let app = TestApp::spawn().await;
    for body in [
        json!({}),
        json!({"username": "alice"}),
        json!({"password": PASSWORD}),
        json!({"username": 7, "password": PASSWORD}),
    ] {
        let answer = app.api().login(&body).await;
        assert_eq!(answer.status(), 400, "{answer}");
    }
}

#[tokio::test]
async fn a_token_says_who_and_until_when() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let again = app.sign_in(&alice.email, PASSWORD).await;
    let (header, claims) = opened(&alice.token);
    assert_eq!(header["alg"], "HS256");
    assert!(header["kid"].is_string(), "{header}");
    assert_eq!(claims["sub"], alice.id.to_string());
    assert_eq!(claims["name"], alice.full_name);
    assert_eq!(claims["email"], alice.email);
    assert_eq!(claims["role"], "client");
    let (issued, expires) = (
        claims["iat"].as_i64().unwrap(),
        claims["exp"].as_i64().unwrap(),
    );
    assert_eq!(expires - issued, 86_400);
    assert!((parlor::clock::now().timestamp() - issued).abs() < 60);
    let (_, other) = opened(&again.token);
    assert_ne!(claims["jti"], other["jti"], "each token has its id");
    assert_ne!(claims["sid"], other["sid"], "each login has its id");
}

#[tokio::test]
async fn only_our_own_fresh_tokens_are_believed() {
    let app = with_known_secret().await;
    let alice = app.client("alice").await;
    let (header, claims) = opened(&alice.token);
    let kid = header["kid"].as_str();
    let now = claims["iat"].as_i64().unwrap();
    let changed = |field: &str, value: Value| {
        let mut claims = claims.clone();
        claims[field] = value;
        claims
    };
    let sign = |claims: &Value| forged(kid, Algorithm::HS256, claims);
    app.with_token(&sign(&claims)).me().await.ok(200);

    let parts: Vec<_> = alice.token.split('.').collect();
    let unsigned = BASE64.encode(json!({"alg": "none", "typ": "JWT", "kid": kid}).to_string());
    let admin = BASE64.encode(changed("role", "admin".into()).to_string());
    for (why, token) in [
        ("expired", sign(&changed("exp", (now - 31).into()))),
        ("no expiry", sign(&changed("exp", Value::Null))),
        ("another algorithm", forged(kid, Algorithm::HS384, &claims)),
        (
            "another key's name",
            forged(Some("other"), Algorithm::HS256, &claims),
        ),
        (
            "an unknown login",
            sign(&changed("sid", uuid::Uuid::now_v7().to_string().into())),
        ),
        (
            "another user",
            sign(&changed("sub", uuid::Uuid::now_v7().to_string().into())),
        ),
        ("no user id", sign(&changed("sub", "alice".into()))),
        ("unsigned", format!("{unsigned}.{}.", parts[1])),
        (
            "unsigned, with the old signature",
            format!("{unsigned}.{}.{}", parts[1], parts[2]),
        ),
        (
            "changed claims",
            format!("{}.{admin}.{}", parts[0], parts[2]),
        ),
        ("cut", alice.token[..alice.token.len() - 4].to_owned()),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("a refresh token", alice.refresh_token.clone()),
        ("no base64", "a.b.c".to_owned()),
    ] {
        let answer = app.with_token(&token).me().await;
        assert_eq!(answer.status(), 401, "{why}: {answer}");
        let answer = app.api().validate(&token).await;
        assert_eq!(answer.status(), 401, "{why}: {answer}");
    }
}

/// A token that says `admin` is no proof: the database is.
#[tokio::test]
async fn the_role_in_a_token_is_not_believed() {
    let app = with_known_secret().await;
    let alice = app.client("alice").await;
    let (header, mut claims) = opened(&alice.token);
    claims["role"] = "admin".into();
    let token = forged(header["kid"].as_str(), Algorithm::HS256, &claims);
    let api = app.with_token(&token);
    api.statistics().await.refused(403, "forbidden");
    assert_eq!(api.me().await.ok(200)["role"], "client");
    assert_eq!(app.api().validate(&token).await.ok(200)["role"], "client");
}

#[tokio::test]
async fn the_authorization_header_is_read_strictly() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.api();
    for value in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        alice.token.clone(),
        format!("Basic {}", alice.token),
        format!("Bearer {} trailing", alice.token),
    ] {
        let request = api.request(reqwest::Method::GET, "/api/users/me");
        let answer = api.answer(request.header("authorization", &value)).await;
        answer.refused(401, "unauthenticated");
    }
    let request = api.request(reqwest::Method::GET, "/api/users/me");
    let value = format!("bearer {}", alice.token);
    api.answer(request.header("authorization", value))
        .await
        .ok(200);
    let in_query = format!("/api/users/me?token={}", alice.token);
    api.get(&in_query).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn validate_tells_other_services_whose_token_it_is() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let valid = app.api().validate(&alice.token).await.ok(200);
    assert_eq!(valid["valid"], true);
    assert_eq!(valid["user_id"], alice.id.to_string());
    assert_eq!(valid["username"], "alice");
    assert_eq!(valid["role"], "client");
    let expires = chrono::DateTime::parse_from_rfc3339(valid["expires_at"].as_str().unwrap());
    let left = expires.unwrap().to_utc() - parlor::clock::now();
    assert!((86_300..=86_400).contains(&left.num_seconds()));
    app.api()
        .validate("nonsense")
        .await
        .refused(401, "unauthenticated");
    let answer = app.api().post("/api/auth/validate", &json!({})).await;
    assert_eq!(answer.status(), 400, "{answer}");
}

#[tokio::test]
async fn logout_ends_this_login_or_all() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let phone = app.sign_in(&alice.email, PASSWORD).await;
    let tablet = app.sign_in(&alice.email, PASSWORD).await;
    let bob = app.client("bob").await;

    assert_eq!(app.as_user(&phone).logout().await.status(), 204);
    app.as_user(&phone)
        .me()
        .await
        .refused(401, "unauthenticated");
    app.as_user(&phone)
        .logout()
        .await
        .refused(401, "unauthenticated");
    app.api()
        .refresh(&phone.refresh_token)
        .await
        .refused(401, "unauthenticated");
    app.api()
        .validate(&phone.token)
        .await
        .refused(401, "unauthenticated");
    app.as_user(&alice).me().await.ok(200);
    app.as_user(&tablet).me().await.ok(200);

    assert_eq!(app.as_user(&tablet).logout_everywhere().await.status(), 204);
    for ended in [&alice, &tablet] {
        app.as_user(ended)
            .me()
            .await
            .refused(401, "unauthenticated");
        app.api()
            .refresh(&ended.refresh_token)
            .await
            .refused(401, "unauthenticated");
    }
    app.as_user(&bob).me().await.ok(200);
    app.api().logout().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_lasts_as_long_as_it_was_set_to() {
    let app = TestApp::with(|config| {
        config.auth.token_lifetime = Duration::from_secs(120);
    })
    .await;
    let answer = app.api().register(&registration("alice")).await.ok(201);
    assert_eq!(answer["expires_in"], 120);
    let (_, claims) = opened(answer["token"].as_str().unwrap());
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(lifetime, 120);
}
