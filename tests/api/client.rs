//! The browser client's files: where they are, how they travel, what a page may do.

use std::io::Read;

use reqwest::Method;

use crate::harness::{Answer, Client, TestApp};

async fn get(api: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers
        .iter()
        .fold(api.request(Method::GET, path), |request, (name, value)| {
            request.header(*name, *value)
        });
    api.answer(request).await
}

/// The address of a module, found by the one that the shell names.
async fn module(api: &Client) -> String {
    let shell = api.get("/").await;
    let (_, rest) = shell.text().split_once("src=\"").expect("a script");
    let (address, _) = rest.split_once('"').expect("its end");
    address.replace("/js/app.js", "/js/state/types.js")
}

/// Somebody opens a link to a room, or reloads: the same shell, whose scripts know the way.
#[tokio::test]
async fn every_page_is_the_shell() {
    let app = TestApp::spawn().await;
    let shell = app.api().get("/").await;
    assert_eq!(shell.status(), 200, "{shell}");
    assert_eq!(
        shell.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(shell.text().starts_with("<!doctype html>"), "{shell}");
    for page in [
        "/sign-in",
        "/sign-in/complete",
        "/forgot",
        "/reset",
        "/verify",
        "/register",
        "/setup",
        "/rooms",
        "/rooms/general",
        "/rooms/general/42",
        "/people",
        "/roles",
        "/service-tokens",
        "/audit",
        "/jobs",
        "/statistics",
        "/profile",
    ] {
        let answer = app.api().get(page).await;
        assert_eq!(answer.status(), 200, "{answer}");
        assert_eq!(answer.text(), shell.text(), "{page}");
    }
}

/// A mistyped link deserves words for people; a program that mistypes a route, its usual error.
#[tokio::test]
async fn an_unknown_address_is_refused_in_the_language_of_who_asks() {
    let app = TestApp::spawn().await;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let request = app
        .api()
        .request(Method::GET, "/nowhere")
        .header("accept", browser[0].1);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert!(answer.headers().contains_key("x-request-id"));
    assert!(answer.text().await.unwrap().starts_with("<!doctype html>"));

    app.api().get("/nowhere").await.refused(404, "not_found");
    for path in ["/api/nowhere", "/ws", "/assets/0123456789abcdef/js/app.js"] {
        get(&app.api(), path, &browser)
            .await
            .refused(404, "not_found");
    }
    let posted = app.api().request(Method::POST, "/nowhere");
    let posted = app.api().answer(posted.header("accept", "text/html")).await;
    posted.refused(404, "not_found");
}

/// One injected `<script>` must not be the end of everything.
#[tokio::test]
async fn a_page_runs_nothing_but_its_own_files() {
    let app = TestApp::spawn().await;
    let shell = app.api().get("/rooms/general").await;
    let policy = shell.header("content-security-policy").expect("a policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|known| known == rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let socket = format!("connect-src 'self' wss://localhost:{}", app.port);
    assert!(policy.contains(&socket), "{policy}");
    assert_eq!(shell.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(shell.header("referrer-policy"), Some("same-origin"));
    for inline in ["<script>", "<style", " style=", " onload=", "javascript:"] {
        assert!(!shell.text().contains(inline), "{inline}");
    }
}

/// The name changes with the content, so nobody needs to ask twice, and never gets an old one.
#[tokio::test]
async fn a_file_is_cached_for_ever_and_the_shell_asks_first() {
    let app = TestApp::spawn().await;
    let api = app.api();
    let file = api.get(&module(&api).await).await;
    assert_eq!(file.status(), 200, "{file}");
    assert_eq!(
        file.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(
        file.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    for path in ["/", "/sw.js", "/manifest.webmanifest"] {
        let page = api.get(path).await;
        assert_eq!(page.header("cache-control"), Some("no-cache"), "{page}");
        let tag = page.header("etag").expect("an ETag").to_owned();
        let again = get(&api, path, &[("if-none-match", &tag)]).await;
        assert_eq!(again.status(), 304, "{again}");
        assert_eq!(again.text(), "");
        let other = get(&api, path, &[("if-none-match", "\"0\"")]).await;
        assert_eq!(other.status(), 200, "{other}");
    }
}

#[tokio::test]
async fn a_browser_gets_the_smallest_form_that_it_reads() {
    let app = TestApp::spawn().await;
    let api = app.api();
    let path = module(&api).await;
    let plain = api.get(&path).await;
    assert_eq!(plain.header("content-encoding"), None);
    let vary = plain.header("vary").unwrap_or_default();
    assert!(vary.contains("accept-encoding"), "{vary}");
    for (accepted, coding) in [
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip, deflate", Some("gzip")),
        ("br;q=0, gzip", Some("gzip")),
        ("identity", None),
        ("zstd", None),
        ("*;q=0", None),
        ("nonsense", None),
    ] {
        let packed = get(&api, &path, &[("accept-encoding", accepted)]).await;
        assert_eq!(packed.status(), 200, "{packed}");
        assert_eq!(packed.header("content-encoding"), coding, "{accepted}");
        let mut text = String::new();
        match coding {
            Some("br") => brotli::Decompressor::new(packed.body(), 4096).read_to_string(&mut text),
            Some(_) => flate2::read::GzDecoder::new(packed.body()).read_to_string(&mut text),
            None => {
                text.push_str(packed.text());
                Ok(0)
            }
        }
        .expect("a whole stream");
        assert_eq!(text, plain.text(), "{accepted}");
        assert!(coding.is_none() || packed.body().len() < text.len());
    }
}

/// The service worker keeps what it lists; a wrong address there leaves nothing offline.
#[tokio::test]
async fn the_service_worker_knows_every_file_by_its_address() {
    let app = TestApp::spawn().await;
    let api = app.api();
    let worker = api.get("/sw.js").await;
    let (_, list) = worker.text().split_once("[\"").expect("a list");
    let (list, _) = list.split_once("\"]").expect("its end");
    let files: Vec<&str> = list.split("\",\"").collect();
    assert!(files.contains(&module(&api).await.as_str()), "{files:?}");
    for file in files {
        assert_eq!(api.get(file).await.status(), 200, "{file}");
    }
}

/// Strangers choose addresses; Prometheus keeps every label for ever.
#[tokio::test]
async fn files_and_pages_are_counted_by_their_pattern() {
    let app = TestApp::spawn().await;
    let api = app.api();
    let file = module(&api).await;
    api.get(&file).await;
    api.get("/rooms/help").await;
    api.get("/assets/0000/made/up").await;
    let metrics = api.metrics().await;
    assert!(metrics.contains(r#"path="/assets/{hash}/{path:.*}",status="200""#));
    assert!(metrics.contains(r#"path="/rooms/{room_id}""#));
    assert!(!metrics.contains(&file) && !metrics.contains("/rooms/help"));
}
