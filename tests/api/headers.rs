//! What browsers are told to do, and not to do, with every answer.

use reqwest::{Method, header};

use crate::harness::{Answer, TestApp};

/// Routes of every kind, errors among them: path, and whether it is a page.
const ROUTES: [(&str, bool); 13] = [
    ("/", true),
    ("/sign-in", true),
    ("/api/docs", true),
    ("/api/docs/start.js", true),
    ("/sw.js", true),
    ("/api/users/me", false),
    ("/api/users", false),
    ("/api/no/such/route", false),
    ("/api/openapi.json", true),
    ("/api/chat/ws", false),
    ("/health", false),
    ("/health/live", false),
    ("/metrics", false),
];

fn has(answer: &Answer, name: &str, expected: &str) {
    let values = answer.headers(name);
    assert_eq!(values, [expected], "{name}: {answer}");
}

async fn page(app: &TestApp, path: &str) -> Answer {
    let api = app.api();
    let request = api.request(Method::GET, path);
    api.answer(request.header(header::ACCEPT, "text/html"))
        .await
}

fn check_all(answer: &Answer) {
    has(answer, "x-content-type-options", "nosniff");
    assert!(answer.header("cache-control").is_some(), "{answer}");
    has(answer, "cross-origin-opener-policy", "same-origin");
}

#[tokio::test]
async fn every_answer_says_what_browsers_may_do_with_it() {
    let app = TestApp::spawn().await;
    for (path, is_page) in ROUTES {
        let answer = if is_page {
            page(&app, path).await
        } else {
            app.api().get(path).await
        };
        check_all(&answer);
        let policy = answer.header("content-security-policy").unwrap_or_default();
        for rule in ["default-src 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{rule}: {answer}");
        }
        if is_page {
            // By the origin that comes with it the cookie is guarded.
            has(&answer, "referrer-policy", "same-origin");
            let may = answer.header("permissions-policy").unwrap_or_default();
            for rule in [
                "camera=()",
                "publickey-credentials-get=(self)",
                "publickey-credentials-create=(self)",
            ] {
                assert!(may.contains(rule), "{rule}: {answer}");
            }
        } else {
            has(&answer, "referrer-policy", "no-referrer");
        }
        assert_eq!(answer.header("strict-transport-security"), None, "{answer}");
    }
}

/// What one may see, another who has the same computer must not find in its cache.
#[tokio::test]
async fn what_is_personal_is_kept_by_nobody() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let wrong = serde_json::json!({"username": "alice", "password": "x"});
    for answer in [
        api.me().await,
        api.list_users("").await,
        api.get("/api/auth/logins").await,
        api.rooms().await,
        api.messages("general", "").await,
        api.login(&wrong).await,
        app.api().refresh(&alice.refresh_token).await,
    ] {
        has(&answer, "cache-control", "no-store");
        check_all(&answer);
    }
    let refused = app.with_token("wrong").try_ws().await;
    assert_eq!(refused.status(), 401, "{refused}");
    has(&refused, "cache-control", "no-store");
    has(&refused, "x-content-type-options", "nosniff");
}

/// The files of the client never change under their name.
#[tokio::test]
async fn files_of_the_client_are_kept_and_not_guessed_at() {
    let app = TestApp::spawn().await;
    let shell = page(&app, "/").await;
    let at = shell.text().find("/assets/").expect("a file");
    let path: String = shell.text()[at..]
        .chars()
        .take_while(|c| !"\"' >".contains(*c))
        .collect();
    let file = app.api().get(&path).await;
    assert_eq!(file.status(), 200, "{file}");
    check_all(&file);
    let caching = file.header("cache-control").unwrap_or_default();
    assert!(caching.contains("immutable"), "{file}");
}

/// A certificate that only this machine believes must bind no browser: it would lock its owner out
/// for a year once the authority is gone.
#[tokio::test]
async fn only_a_certificate_that_somebody_got_binds_browsers_to_https() {
    let own = |config: &mut parlor::config::Config| {
        config.server.public_url = Some("https://chat.parlor.example".parse().unwrap());
    };
    let app = TestApp::with(own).await;
    let answer = app.api().get("/health").await;
    assert_eq!(answer.header("strict-transport-security"), None);

    // Without the line that says where it was made, it is as good as any other.
    let certificate = app.home.certificate();
    let text = std::fs::read_to_string(&certificate).unwrap();
    let (_, pem) = text.split_once('\n').unwrap();
    std::fs::write(&certificate, pem).unwrap();
    let app = app.restart().await;
    for path in ["/", "/health", "/api/users/me"] {
        let answer = page(&app, path).await;
        has(&answer, "strict-transport-security", "max-age=31536000");
    }

    // A proxy in front may have the certificate; without any, nobody is bound.
    let app = TestApp::with(|config| {
        config.server.https = false;
        own(config);
    })
    .await;
    let answer = app.api().get("/health").await;
    has(&answer, "strict-transport-security", "max-age=31536000");
    let app = TestApp::with(|config| config.server.https = false).await;
    let answer = app.api().get("/health").await;
    assert_eq!(answer.header("strict-transport-security"), None);
}
