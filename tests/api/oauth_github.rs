//! Signing in with GitHub, played by a stand: who comes in, as whom, and who does not.

use serde_json::{Value, json};

use crate::harness::{Browser, Home, Kind, Mood, PASSWORD, Person, Provider, TestApp, ends_with};

/// Somebody at GitHub with one proved address.
fn octocat(id: u64, login: &str, email: &str) -> Value {
    json!({
        "user": { "id": id, "login": login, "name": format!("{login} Cat"), "email": null },
        "emails": [
            { "email": format!("other.{email}"), "primary": false, "verified": true,
              "visibility": null },
            { "email": email, "primary": true, "verified": true, "visibility": "private" },
        ],
    })
}

async fn app() -> (TestApp, Provider) {
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| github.believed_by(config)).await;
    (app, github)
}

#[tokio::test]
async fn who_comes_for_the_first_time_gets_an_account_and_keeps_it() {
    let (app, github) = app().await;
    let providers = app.api().get("/api/auth/oauth/providers").await.ok(200);
    let expected = json!({ "data": [
        { "name": "github", "label": "GitHub", "url": "/api/auth/oauth/github" },
    ] });
    assert_eq!(providers, expected);
    let methods = app.api().get("/api/auth/methods").await.ok(200);
    assert_eq!(methods["providers"], expected["data"]);

    let octo = octocat(583_231, "octocat", "octo@cats.example");
    let mut browser = Browser::new(&app);
    let first = browser.sign_in("github", &github, &octo).await;
    assert_eq!(browser.cookie, None, "it has done its part");
    assert_eq!(first.username, "octocat");
    assert_eq!(first.full_name, "octocat Cat");
    assert_eq!(first.email, "octo@cats.example");
    let me = app.as_user(&first).me().await.ok(200);
    assert_eq!(me["role"], "client");

    // Renamed, with another address: the id is what counts.
    let renamed = octocat(583_231, "tomcat", "tom@cats.example");
    let again = Browser::new(&app)
        .sign_in("github", &github, &renamed)
        .await;
    assert_eq!(again.id, first.id);
    assert_eq!(again.username, "octocat", "the account's names are its own");
    // Another one with the first one's login: somebody else.
    let other = octocat(2, "octocat", "new@cats.example");
    let other = Browser::new(&app).sign_in("github", &github, &other).await;
    assert_ne!(other.id, first.id);
    assert_eq!(other.username, "octocat-2");

    // There is no password, and so none that is right.
    let login = json!({ "username": "octocat", "password": PASSWORD });
    let refused = app.api().login(&login).await;
    refused.refused(401, "unauthenticated");
}

/// A program follows the same way and gets at its end what a login gives.
#[tokio::test]
async fn a_program_is_answered_as_by_a_login() {
    let (app, github) = app().await;
    let octo = octocat(1, "octocat", "octo@cats.example");
    let mut program = Browser::program(&app);
    let answer = program.go("github", &github, &octo).await;
    let person = Person::from_login(&answer.ok(200), PASSWORD);
    app.as_user(&person).me().await.ok(200);
    app.api().refresh(&person.refresh_token).await.ok(200);

    let sent_to = program.begin("github").await;
    let denied = program.come_back(&github.declines(&sent_to)).await;
    denied.refused(403, "oauth_denied");
    let lost = program.come_back(&[]).await;
    lost.refused(400, "oauth_expired");
}

#[tokio::test]
async fn what_is_no_address_and_no_name_is_not_kept() {
    let (app, github) = app().await;
    let emails = json!([{ "email": "no address", "primary": true, "verified": true }]);
    let nobody = json!({ "user": { "id": 3, "login": "x", "name": null }, "emails": emails });
    let person = Browser::new(&app).sign_in("github", &github, &nobody).await;
    let me = app.as_user(&person).me().await.ok(200);
    assert_eq!(me["email"], Value::Null);
    assert!(person.username.starts_with("user"), "{person:?}");
}

#[tokio::test]
async fn a_closed_house_lets_in_whom_it_knows() {
    let (app, github) = app().await;
    let octo = octocat(1, "octocat", "octo@cats.example");
    let known = Browser::new(&app).sign_in("github", &github, &octo).await;
    drop(app);

    let app = TestApp::with(|config| {
        github.believed_by(config);
        config.auth.registration_open = false;
    })
    .await;
    let stranger = octocat(2, "stranger", "stranger@cats.example");
    let mut browser = Browser::new(&app);
    browser
        .is_refused("github", &github, &stranger, "registration_closed")
        .await;
    let answer = Browser::program(&app)
        .go("github", &github, &stranger)
        .await;
    answer.refused(403, "registration_closed");

    // Whom an admin made an account with a proved address is no stranger.
    let admin = app.admin().await;
    let mut made = crate::harness::registration("octocat");
    made["email"] = json!("octo@cats.example");
    app.as_user(&admin).create_user(&made).await.ok(201);
    let prove = "UPDATE users SET email_verified_at = created_at WHERE username = 'octocat'";
    app.home.database.execute(prove).await;
    let person = Browser::new(&app).sign_in("github", &github, &octo).await;
    assert_eq!(person.username, "octocat");
    assert_ne!(person.id, known.id, "it is another database");
}

#[tokio::test]
async fn a_provider_that_cannot_be_asked_is_told_of_and_waited_for() {
    let (app, github) = app().await;
    let octo = octocat(1, "octocat", "octo@cats.example");
    for (mood, word, status, code) in [
        (Mood::Silent, "unavailable", 503, "unavailable"),
        (Mood::Endless, "unavailable", 503, "unavailable"),
        (Mood::Elsewhere, "failed", 403, "oauth_failed"),
        (Mood::Garbled, "failed", 403, "oauth_failed"),
    ] {
        github.feels(mood);
        let mut browser = Browser::new(&app);
        browser.is_refused("github", &github, &octo, word).await;
        let answer = Browser::program(&app).go("github", &github, &octo).await;
        answer.refused(status, code);
    }
    github.feels(Mood::Well);
    Browser::new(&app).sign_in("github", &github, &octo).await;
    let elsewhere = github.asked("/elsewhere");
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

/// A port where nobody listens.
#[tokio::test]
async fn a_provider_that_is_gone_stops_nothing_else() {
    let (app, github) = app().await;
    let mut browser = Browser::new(&app);
    let sent_to = browser.begin("github").await;
    let back = github.agrees(&sent_to, &octocat(1, "octocat", "o@cats.example"));
    drop(github);
    ends_with(&browser.come_back(&back).await, "unavailable");
    app.client("alice").await;
}

#[tokio::test]
async fn everybody_gets_a_name_though_many_come_at_once() {
    let (app, github) = app().await;
    app.client("octocat").await;
    let coming = (1..=6).map(|id| {
        let (app, github) = (&app, &github);
        async move {
            let person = octocat(id, "octocat", &format!("octo{id}@cats.example"));
            Browser::new(app).sign_in("github", github, &person).await
        }
    });
    let mut names: Vec<_> = futures_util::future::join_all(coming)
        .await
        .into_iter()
        .map(|person| person.username)
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(
        names.iter().all(|name| name.starts_with("octocat-")),
        "{names:?}"
    );
}

/// Two tabs, or an impatient finger.
#[tokio::test]
async fn one_person_who_comes_twice_at_once_is_one() {
    let (app, github) = app().await;
    let octo = octocat(1, "octocat", "octo@cats.example");
    let coming = (0..4).map(|_| {
        let (app, github, octo) = (&app, &github, &octo);
        async move { Browser::new(app).sign_in("github", github, octo).await.id }
    });
    let mut ids = futures_util::future::join_all(coming).await;
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

/// What GitHub is sent: what it documents, and no secret where it could be seen.
#[tokio::test]
async fn github_is_asked_as_it_wants_to_be() {
    let (app, github) = app().await;
    let octo = octocat(1, "octocat", "octo@cats.example");
    let mut browser = Browser::new(&app);
    let sent_to = browser.begin("github").await;
    let parameter = |name| crate::harness::parameter(&sent_to, name).unwrap_or_default();
    assert_eq!(sent_to.path(), "/login/oauth/authorize");
    assert_eq!(parameter("scope"), "read:user user:email");
    let callback = format!("{}/api/auth/oauth/callback", app.url);
    assert_eq!(parameter("redirect_uri"), callback);
    browser.come_back(&github.agrees(&sent_to, &octo)).await;
    let asked = github.asked("/");
    assert_eq!(asked.len(), 3, "{asked:?}");
    for asked in &asked {
        assert!(asked.query.is_empty(), "{asked:?}");
        assert!(asked.header("user-agent").unwrap().starts_with("parlor/"));
        assert_eq!(asked.header("cookie"), None);
        assert_eq!(asked.header("referer"), None);
    }
}

#[tokio::test]
async fn wrong_settings_of_providers_are_all_told() {
    let home = Home::new().await;
    let wrong = [
        ("GITHUB_CLIENT_ID", "without a secret"),
        ("FACEBOOK_CLIENT_SECRET", "without-an-id"),
        ("GOOGLE_ISSUER", "http://accounts.example"),
        ("OAUTH_REDIRECT_URL", "nowhere"),
        ("OIDC_HOME_ISUER", "https://misspelt.example"),
        ("OIDC_GITHUB_ISSUER", "https://taken.example"),
        ("OIDC_HALF_CLIENT_ID", "parlor"),
    ];
    let mut command = home.command(&["config", "check"]);
    command.envs(wrong);
    let output = crate::harness::finish(command).await;
    assert!(!output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    for name in [
        "GITHUB_CLIENT_ID",
        "FACEBOOK_CLIENT_ID",
        "GOOGLE_ISSUER",
        "OAUTH_REDIRECT_URL",
        "OIDC_HOME_ISUER",
        "OIDC_GITHUB_ISSUER",
        "OIDC_HALF_ISSUER",
    ] {
        assert!(told.contains(name), "{name} is missing in {told}");
    }
    assert!(!told.contains("without-an-id"), "{told}");
}
