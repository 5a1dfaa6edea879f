//! Providers of sign-in as an operator sets them: in the environment.

use serde_json::{Value, json};

use crate::harness::{Browser, Home, Kind, Provider, Server, ends_with, finish};

const ID: &str = "parlor-test";
const SECRET: &str = "the-secret-of-the-client";

/// The same server under its other name, to tell by which setting it was found.
fn by_name(provider: &Provider) -> String {
    provider.url.replace("127.0.0.1", "localhost")
}

/// Checks that these paths were asked for under this name.
#[track_caller]
fn found_by_name(provider: &Provider, path: &str) {
    let asked = provider.asked(path);
    assert!(!asked.is_empty(), "{path}");
    for asked in asked {
        let host = asked.header("host").unwrap_or_default();
        assert!(host.starts_with("localhost:"), "{asked:?}");
    }
}

#[tokio::test]
async fn providers_are_set_in_the_environment() {
    let home = Home::new().await;
    let google = Provider::start(Kind::Issuer).await;
    let github = Provider::start(Kind::Github).await;
    let facebook = Provider::start(Kind::Facebook).await;
    let other = Provider::start(Kind::Issuer).await;
    let (github_api, graph) = (format!("{}/api/v3", by_name(&github)), by_name(&facebook));
    let environment = [
        ("GOOGLE_ISSUER", google.url.as_str()),
        ("GOOGLE_CLIENT_ID", ID),
        ("GOOGLE_CLIENT_SECRET", SECRET),
        ("GITHUB_URL", &github.url),
        ("GITHUB_API_URL", &github_api),
        ("GITHUB_CLIENT_ID", ID),
        ("GITHUB_CLIENT_SECRET", SECRET),
        ("FACEBOOK_URL", &facebook.url),
        ("FACEBOOK_GRAPH_URL", &graph),
        ("FACEBOOK_CLIENT_ID", ID),
        ("FACEBOOK_CLIENT_SECRET", SECRET),
        ("OIDC_OTHER_ISSUER", &other.url),
        ("OIDC_OTHER_CLIENT_ID", ID),
        ("OIDC_OTHER_CLIENT_SECRET", SECRET),
        ("OIDC_MY_HOME_ISSUER", "https://issuer.invalid/a"),
        ("OIDC_MY_HOME_CLIENT_ID", "parlor"),
        ("OIDC_MY_HOME_CLIENT_SECRET", "another-secret"),
        ("OIDC_MY_HOME_LABEL", "My <home>"),
    ];
    let mut listing = home.command(&["config", "check"]);
    listing.envs(environment);
    let told = format!("{:?}", finish(listing).await);
    for (name, value) in environment {
        let line = format!("{name}={value}");
        assert_eq!(
            told.contains(&line),
            !name.ends_with("SECRET"),
            "{line}: {told}"
        );
    }
    for secret in [SECRET, "another-secret"] {
        assert!(!told.contains(secret), "{told}");
    }

    // A provider that cannot be found at the start stops nothing.
    let server = Server::with(&home, &environment).await;
    let providers = server.api().get("/api/auth/oauth/providers").await.ok(200);
    let providers = providers["data"].as_array().expect("a list");
    let mut listed: Vec<_> = providers
        .iter()
        .map(|provider| [&provider["name"], &provider["label"]].map(Value::as_str))
        .map(|texts| texts.map(Option::unwrap_or_default))
        .collect();
    listed.sort_unstable();
    assert_eq!(
        listed,
        [
            ["facebook", "Facebook"],
            ["github", "GitHub"],
            ["google", "Google"],
            ["my-home", "My <home>"],
            ["other", "OTHER"],
        ]
    );
    let claims = json!({"sub": "1", "preferred_username": "ada"});
    let octocat = json!({"user": {"id": 1, "login": "octocat", "name": null}, "emails": []});
    let grace = json!({"id": "10", "name": "Grace"});
    for (name, provider, person, username) in [
        ("google", &google, &claims, "ada"),
        ("github", &github, &octocat, "octocat"),
        ("facebook", &facebook, &grace, "Grace"),
        ("other", &other, &claims, "ada-2"),
    ] {
        let mut browser = Browser::new(&server);
        let signed_in = browser.sign_in(name, provider, person).await;
        assert_eq!(signed_in.username, username, "{name}");
    }
    found_by_name(&github, "/api/v3/user");
    found_by_name(&facebook, "/v24.0/me");

    let away = Browser::new(&server).get("/api/auth/oauth/my-home").await;
    ends_with(&away, "unavailable");
    let output = server.output();
    for secret in [SECRET, "another-secret", "code-", "token-"] {
        assert!(!output.contains(secret), "{secret} is in {output}");
    }
}
