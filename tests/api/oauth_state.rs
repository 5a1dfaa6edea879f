//! What binds a sign-in together: one browser, ten minutes, once, and one provider.

use serde_json::json;
use url::Url;

use crate::harness::{
    Browser, CALLBACK, Kind, PASSWORD, Person, Provider, TestApp, ends_with, known, location,
    parameter, way_back,
};

fn octocat() -> serde_json::Value {
    json!({
        "user": { "id": 1, "login": "octocat", "name": null },
        "emails": [{ "email": "octo@cats.example", "primary": true, "verified": true }],
    })
}

async fn app() -> (TestApp, Provider) {
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| github.believed_by(config)).await;
    (app, github)
}

#[tokio::test]
async fn the_cookie_goes_to_no_script_and_no_other_route() {
    let (app, _github) = app().await;
    let answer = Browser::new(&app).get("/api/auth/oauth/github").await;
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    let (value, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(value.len(), "__Secure-parlor_oauth=".len() + 43);
    assert_eq!(
        attributes,
        "HttpOnly; SameSite=Lax; Secure; Path=/api/auth/oauth; Max-Age=600"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let sent_to = location(&answer);
    for (name, least) in [("state", 43), ("code_challenge", 43)] {
        assert!(parameter(&sent_to, name).unwrap().len() >= least, "{name}");
    }
    assert!(!sent_to.as_str().contains(&value[22..]), "{sent_to}");
}

#[tokio::test]
async fn what_comes_back_counts_where_it_began() {
    let (app, github) = app().await;
    let mut browser = Browser::new(&app);
    let sent_to = browser.begin("github").await;
    let back = github.agrees(&sent_to, &octocat());

    // Somebody else's browser, with a cookie and without: no account is lent to it.
    let mut other = Browser::new(&app);
    ends_with(&other.come_back(&back).await, "expired");
    other.begin("github").await;
    ends_with(&other.come_back(&back).await, "expired");
    // A state that was made up, or none, or an odd one.
    for wrong in [
        Some("x".repeat(43)),
        None,
        Some(String::new()),
        Some("\0".to_owned()),
    ] {
        let mut forged = back.clone();
        forged.retain(|(name, _)| name != "state");
        forged.extend(wrong.map(|state| ("state".to_owned(), state)));
        ends_with(&browser.come_back(&forged).await, "expired");
    }
    // Two of a kind cannot be read.
    let doubled: Vec<_> = back.iter().chain(&back).cloned().collect();
    ends_with(&browser.come_back(&doubled).await, "expired");
    assert!(
        github.asked("/").is_empty(),
        "nobody was asked for anything"
    );

    let came = browser.come_back(&back).await;
    let code = known(&came, "code").unwrap();
    ends_with(&browser.come_back(&back).await, "expired");
    assert_eq!(came.header("referrer-policy"), Some("no-referrer"));

    // The code is bound to the browser, too, and counts once.
    let mut thief = Browser::new(&app);
    thief.exchange(&code).await.refused(401, "unauthenticated");
    thief.begin("github").await;
    thief.exchange(&code).await.refused(401, "unauthenticated");
    let cookie = browser.cookie.clone();
    let answer = browser.exchange(&code).await.ok(200);
    let person = Person::from_login(&answer, PASSWORD);
    app.as_user(&person).me().await.ok(200);
    browser.cookie = cookie;
    browser
        .exchange(&code)
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn what_takes_too_long_begins_anew() {
    let (app, github) = app().await;
    let database = &app.home.database;
    let mut browser = Browser::new(&app);
    // Ten minutes to come back.
    let sent_to = browser.begin("github").await;
    database.age("oauth_states", "expires_at", 601).await;
    let back = github.agrees(&sent_to, &octocat());
    ends_with(&browser.come_back(&back).await, "expired");
    assert!(github.asked("/").is_empty());

    let sent_to = browser.begin("github").await;
    database.age("oauth_states", "expires_at", 590).await;
    let back = github.agrees(&sent_to, &octocat());
    let came = browser.come_back(&back).await;
    // And a minute to exchange what one came back with.
    let code = known(&came, "code").unwrap();
    database.age("oauth_codes", "expires_at", 61).await;
    browser
        .exchange(&code)
        .await
        .refused(401, "unauthenticated");
    let came = browser.go("github", &github, &octocat()).await;
    database.age("oauth_codes", "expires_at", 50).await;
    browser
        .exchange(&known(&came, "code").unwrap())
        .await
        .ok(200);
}

#[tokio::test]
async fn two_tabs_sign_in_side_by_side() {
    let (app, github) = app().await;
    let mut browser = Browser::new(&app);
    let first = browser.begin("github").await;
    let second = browser.begin("github").await;
    let of_second = browser.come_back(&github.agrees(&second, &octocat())).await;
    let of_first = browser.come_back(&github.agrees(&first, &octocat())).await;
    let cookie = browser.cookie.clone();
    for came in [of_first, of_second] {
        browser.cookie = cookie.clone();
        browser
            .exchange(&known(&came, "code").unwrap())
            .await
            .ok(200);
    }
}

#[tokio::test]
async fn whatever_word_a_provider_has_for_no_lets_nobody_in() {
    let (app, _github) = app().await;
    let mut browser = Browser::new(&app);
    for (error, word) in [
        ("temporarily_unavailable", "unavailable"),
        ("server_error", "unavailable"),
        ("invalid_scope", "failed"),
        ("<script>alert(1)</script>\r\nx: y", "failed"),
    ] {
        let state = parameter(&browser.begin("github").await, "state").unwrap();
        let back = [
            ("error".to_owned(), error.to_owned()),
            ("state".to_owned(), state),
        ];
        ends_with(&browser.come_back(&back).await, word);
    }
    // Neither a code nor an error.
    let state = parameter(&browser.begin("github").await, "state").unwrap();
    let back = [("state".to_owned(), state)];
    ends_with(&browser.come_back(&back).await, "failed");
}

fn ada() -> serde_json::Value {
    json!({ "sub": "ada-1", "email": "ada@home.example", "email_verified": true })
}

/// What came back, as if it belonged to the sign-in that went there.
fn of_another(mut back: Vec<(String, String)>, sent_to: &Url) -> Vec<(String, String)> {
    back.retain(|(name, _)| name != "state");
    back.push(("state".to_owned(), parameter(sent_to, "state").unwrap()));
    back
}

/// A hostile issuer sends its visitor on to GitHub, with the state that it was sent, and with what
/// belongs to a sign-in that an attacker began. It must never see the code that comes back.
#[tokio::test]
async fn one_providers_code_is_shown_to_no_other() {
    let github = Provider::start(Kind::Github).await;
    let issuer = Provider::start(Kind::Issuer).await;
    let app = TestApp::with(|config| {
        github.believed_by(config);
        issuer.believed_by(config);
    })
    .await;
    let wanted = Browser::new(&app).begin("github").await;
    let mut victim = Browser::new(&app);
    // GitHub sends browsers to the address that it knows, and below it.
    let own = way_back(&victim.begin("home").await);
    assert_eq!(way_back(&wanted), CALLBACK);
    assert!(!own.starts_with(CALLBACK), "{own}");
    let elsewhere = own.replace("home", "github");
    for path in [CALLBACK, &elsewhere, &own.replace("home", "nobody")] {
        let sent_to = victim.begin("home").await;
        let mut back = of_another(github.agrees(&wanted, &octocat()), &sent_to);
        back.push(("provider".to_owned(), "home".to_owned()));
        ends_with(&victim.come_back_to(path, &back).await, "failed");
        // And that was it.
        let back = issuer.agrees(&sent_to, &ada());
        ends_with(&victim.come_back(&back).await, "expired");
    }
    // The other way round.
    for path in [&own, &elsewhere] {
        let sent_to = victim.begin("github").await;
        let home = victim.begin("home").await;
        let back = of_another(issuer.agrees(&home, &ada()), &sent_to);
        ends_with(&victim.come_back_to(path, &back).await, "failed");
    }
    let mut program = Browser::program(&app);
    let sent_to = program.begin("home").await;
    let back = of_another(github.agrees(&wanted, &octocat()), &sent_to);
    let refused = program.come_back_to(CALLBACK, &back).await;
    refused.refused(403, "oauth_failed");
    assert!(issuer.asked("/token").is_empty());
    assert!(github.asked("/").is_empty());

    victim.sign_in("home", &issuer, &ada()).await;
    victim.sign_in("github", &github, &octocat()).await;
}

/// With a name in the setting those that share an address by default have one each, too.
#[tokio::test]
async fn each_provider_can_have_its_own_way_back() {
    let github = Provider::start(Kind::Github).await;
    let facebook = Provider::start(Kind::Facebook).await;
    let app = TestApp::with(|config| {
        github.believed_by(config);
        facebook.believed_by(config);
        let own = "https://front.example/api/auth/oauth/{provider}/callback";
        config.oauth.redirect_url = Some(own.to_owned());
    })
    .await;
    let mut browser = Browser::new(&app);
    let sent_to = browser.begin("github").await;
    let own = "/api/auth/oauth/github/callback";
    assert_eq!(way_back(&sent_to), own);
    let wanted = browser.begin("facebook").await;
    let back = facebook.agrees(&wanted, &json!({ "id": "7", "name": "Ada" }));
    let back = of_another(back, &sent_to);
    let came = browser.come_back_to(&way_back(&wanted), &back).await;
    ends_with(&came, "failed");
    let sent_to = browser.begin("github").await;
    let back = github.agrees(&sent_to, &octocat());
    ends_with(&browser.come_back_to(CALLBACK, &back).await, "failed");
    assert!(github.asked("/").is_empty() && facebook.asked("/").is_empty());
    browser.sign_in("github", &github, &octocat()).await;
}

#[tokio::test]
async fn one_comes_back_to_our_own_pages_alone() {
    let (app, github) = app().await;
    let mut browser = Browser::new(&app);
    let begun = browser
        .get("/api/auth/oauth/github?return_to=/rooms/general%3Fa%3D1%26b%3D2%23c")
        .await;
    let came = browser
        .come_back(&github.agrees(&location(&begun), &octocat()))
        .await;
    let place = known(&came, "return_to");
    assert_eq!(place.as_deref(), Some("/rooms/general?a=1&b=2#c"));
    let next = came.header("location").unwrap().to_owned();
    assert!(next.starts_with("/sign-in/complete#code="), "{next}");

    for evil in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "%5C%5Cevil.example",
        "/%09/evil.example",
        "/%0A/evil.example",
        "/.//evil.example",
        "javascript:alert(1)",
        "rooms",
        "/%00",
        "%20/rooms",
    ] {
        let path = format!("/api/auth/oauth/github?return_to={evil}");
        let answer = browser.get(&path).await;
        answer.refused_field("return_to", "invalid_path");
    }
    let begun = browser.get("/api/auth/oauth/github?return_to=").await;
    assert_eq!(begun.status(), 302, "{begun}");
}

#[tokio::test]
async fn there_is_no_provider_but_those_that_are_set() {
    let app = TestApp::spawn().await;
    let providers = app.api().get("/api/auth/oauth/providers").await.ok(200);
    assert_eq!(providers, json!({ "data": [] }));
    for path in ["github", "google", "x", "%00", "..%2f", "callback%20"] {
        let answer = app.api().get(&format!("/api/auth/oauth/{path}")).await;
        answer.refused(404, "not_found");
    }
    let alice = app.client("alice").await;
    let link = app
        .as_user(&alice)
        .post(
            "/api/auth/oauth/github/link",
            &json!({"password": PASSWORD}),
        )
        .await;
    link.refused(404, "not_found");
    let link = app
        .api()
        .post("/api/auth/oauth/github/link", &json!({}))
        .await;
    link.refused(401, "unauthenticated");
}

#[tokio::test]
async fn an_address_begins_only_so_many() {
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| {
        github.believed_by(config);
        config.limits.oauth_requests_per_minute = 12;
    })
    .await;
    let mut browser = Browser::new(&app);
    let mut begun = 0;
    let refused = loop {
        let answer = browser.get("/api/auth/oauth/github").await;
        if answer.status() != 302 {
            break answer;
        }
        begun += 1;
        assert!(begun < 100, "there is no limit");
    };
    refused.refused(429, "rate_limited");
    ends_with(&browser.come_back(&[]).await, "rate_limited");
    browser.exchange("x").await.refused(429, "rate_limited");
}
