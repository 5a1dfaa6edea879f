//! OpenID Connect: an ID token counts only if all of it is right.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Browser, Kind, Lie, Mood, Provider, TestApp, ends_with, free_port};

fn ada() -> Value {
    json!({
        "sub": "248289761001",
        "preferred_username": "ada",
        "name": "Ada Lovelace",
        "email": "ada@example.org",
        "email_verified": true,
    })
}

async fn app() -> (TestApp, Provider) {
    let issuer = Provider::start(Kind::Issuer).await;
    let app = TestApp::with(|config| issuer.believed_by(config)).await;
    (app, issuer)
}

#[tokio::test]
async fn who_is_vouched_for_gets_an_account_and_keeps_it() {
    let (app, issuer) = app().await;
    let mut browser = Browser::new(&app);
    let sent_to = browser.begin("home").await;
    let scope = crate::harness::parameter(&sent_to, "scope").unwrap();
    assert_eq!(scope, "openid email profile");
    let person = browser.sign_in("home", &issuer, &ada()).await;
    assert_eq!(
        (person.username.as_str(), person.email.as_str()),
        ("ada", "ada@example.org")
    );
    let again = Browser::new(&app).sign_in("home", &issuer, &ada()).await;
    assert_eq!(again.id, person.id);
    let looks = issuer.asked("/.well-known").len() + issuer.asked("/jwks").len();
    assert_eq!(looks, 2, "what is known need not be asked again");
}

/// Each of these would let somebody in as somebody else.
#[tokio::test]
async fn a_token_that_is_wrong_in_any_way_lets_nobody_in() {
    let (app, issuer) = app().await;
    for lie in [
        Lie::Signature,
        Lie::Payload,
        Lie::Issuer,
        Lie::Audience,
        Lie::SecondAudience,
        Lie::Nonce,
        Lie::NoNonce,
        Lie::Expired,
        Lie::FromTheFuture,
        Lie::AlgorithmNone,
        Lie::PublicKeyAsSecret,
        Lie::ClientSecret,
        Lie::UnknownKey,
        Lie::OtherParty,
        Lie::OtherAccessToken,
        Lie::NoIdToken,
        Lie::Rubbish,
        Lie::NoSubject,
        Lie::OtherUserInfo,
    ] {
        issuer.lies(lie);
        let back = Browser::new(&app).go("home", &issuer, &ada()).await;
        assert_eq!(
            crate::harness::known(&back, "error").as_deref(),
            Some("failed"),
            "{lie:?}: {back}"
        );
        let answer = Browser::program(&app).go("home", &issuer, &ada()).await;
        answer.refused(403, "oauth_failed");
    }
    let admin = app.admin().await;
    let all = app.as_user(&admin).list_users("").await.ok(200);
    assert_eq!(all["pagination"]["total"], 1, "nobody got an account");
    issuer.lies(Lie::None);
    Browser::new(&app).sign_in("home", &issuer, &ada()).await;
}

#[tokio::test]
async fn some_tell_the_address_elsewhere() {
    let (app, issuer) = app().await;
    issuer.lies(Lie::UserInfo);
    let person = Browser::new(&app).sign_in("home", &issuer, &ada()).await;
    assert_eq!(person.email, "ada@example.org");
    for (sub, claims) in [
        (
            "2",
            json!({ "email": "bob@example.org", "email_verified": false }),
        ),
        ("3", json!({ "email": "cleo@example.org" })),
        ("4", json!({})),
        (
            "5",
            json!({ "email": "no address", "email_verified": true }),
        ),
    ] {
        let mut claims = claims;
        claims["sub"] = json!(sub);
        let person = Browser::new(&app).sign_in("home", &issuer, &claims).await;
        let me = app.as_user(&person).me().await.ok(200);
        assert_eq!(me["email"], Value::Null, "{claims}");
    }
}

/// An issuer changes its keys; who makes keys up does not make us ask for ever.
#[tokio::test]
async fn new_keys_are_found_and_looked_for_once() {
    let (app, issuer) = app().await;
    Browser::new(&app).sign_in("home", &issuer, &ada()).await;
    assert_eq!(issuer.asked("/jwks").len(), 1);
    issuer.rotates("second");
    Browser::new(&app).sign_in("home", &issuer, &ada()).await;
    assert_eq!(issuer.asked("/jwks").len(), 2);
    issuer.lies(Lie::UnknownKey);
    for _ in 0..3 {
        let mut browser = Browser::new(&app);
        browser.is_refused("home", &issuer, &ada(), "failed").await;
    }
    assert_eq!(issuer.asked("/jwks").len(), 2, "a moment ago it was looked");
    issuer.lies(Lie::None);
    Browser::new(&app).sign_in("home", &issuer, &ada()).await;
}

#[tokio::test]
async fn an_issuer_that_is_down_is_asked_again_later() {
    let port = free_port();
    let issuer = Provider::on(Kind::Issuer, port).await;
    let app = TestApp::with(|config| {
        issuer.believed_by(config);
        config.oauth.timing.leave_alone = Duration::ZERO;
    })
    .await;
    drop(issuer);
    let away = Browser::new(&app).get("/api/auth/oauth/home").await;
    ends_with(&away, "unavailable");
    let away = Browser::program(&app).get("/api/auth/oauth/home").await;
    away.refused(503, "unavailable");

    let issuer = Provider::on(Kind::Issuer, port).await;
    for mood in [Mood::Down, Mood::Endless, Mood::Elsewhere, Mood::Garbled] {
        issuer.feels(mood);
        let away = Browser::new(&app).get("/api/auth/oauth/home").await;
        ends_with(&away, "unavailable");
    }
    issuer.feels(Mood::Well);
    issuer.lies(Lie::Description);
    let other = Browser::new(&app).get("/api/auth/oauth/home").await;
    ends_with(&other, "unavailable");
    issuer.lies(Lie::None);
    Browser::new(&app).sign_in("home", &issuer, &ada()).await;
}

#[tokio::test]
async fn an_issuer_that_fails_is_left_alone_for_a_while() {
    let issuer = Provider::start(Kind::Issuer).await;
    let app = TestApp::with(|config| {
        issuer.believed_by(config);
        config.oauth.timing.leave_alone = Duration::from_secs(3600);
    })
    .await;
    issuer.feels(Mood::Down);
    for _ in 0..5 {
        let away = Browser::new(&app).get("/api/auth/oauth/home").await;
        ends_with(&away, "unavailable");
    }
    assert_eq!(issuer.asked("/.well-known").len(), 1);
}

/// RFC 9207: a code that one provider gave must not be shown to another.
#[tokio::test]
async fn iss_must_name_who_was_asked() {
    let issuer = Provider::start(Kind::Issuer).await;
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| {
        issuer.believed_by(config);
        github.believed_by(config);
    })
    .await;
    for (provider, name) in [(&issuer, "home"), (&github, "github")] {
        let mut browser = Browser::new(&app);
        let sent_to = browser.begin(name).await;
        let mut back = provider.agrees(&sent_to, &ada());
        back.push(("iss".to_owned(), "https://evil.example".to_owned()));
        ends_with(&browser.come_back(&back).await, "failed");
        assert!(
            provider.asked("/token").is_empty(),
            "the code is shown to nobody"
        );
        assert!(provider.asked("/login/oauth/access_token").is_empty());
    }
    Browser::new(&app).sign_in("home", &issuer, &ada()).await;
}

#[tokio::test]
async fn an_iss_that_was_promised_must_come() {
    let (app, issuer) = app().await;
    issuer.promises_iss();
    Browser::new(&app).sign_in("home", &issuer, &ada()).await;
    let mut browser = Browser::new(&app);
    let sent_to = browser.begin("home").await;
    let mut back = issuer.agrees(&sent_to, &ada());
    back.retain(|(name, _)| name != "iss");
    ends_with(&browser.come_back(&back).await, "failed");
}

/// An issuer with an authority of its own is asked only if the operator names that.
#[tokio::test]
async fn an_own_authority_is_believed_once_it_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let ca = folder.path().join("ca.pem");
    let issuer = Provider::secret(Kind::Issuer, &ca).await;
    let app = TestApp::with(|config| issuer.believed_by(config)).await;
    let away = Browser::new(&app).get("/api/auth/oauth/home").await;
    ends_with(&away, "unavailable");
    assert!(issuer.asked("/").is_empty(), "it was told nothing");
    drop(app);

    let app = TestApp::with(|config| {
        issuer.believed_by(config);
        config.oauth.ca_path = Some(ca.clone());
    })
    .await;
    Browser::new(&app).sign_in("home", &issuer, &ada()).await;
}
