//! Signing in with a provider that somebody else wrote: `oidc-provider`, which is certified.
//!
//! It needs Node and what `script/install node` brings; `script/test` runs it, an ordinary run of
//! the tests leaves it out.

use std::{collections::BTreeMap, process::Stdio};

use parlor::config::{ClientCredentials, IssuerConfig};
use reqwest::{StatusCode, header};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};
use url::Url;

use crate::harness::{Browser, LIMIT, PASSWORD, Person, TestApp, ends_with, free_port, known};

const CALLBACK: &str = "/api/auth/oauth/certified/callback";
const CLIENT_ID: &str = "parlor";
const CLIENT_SECRET: &str = "a-secret-with-%-and-:-and-+";

/// The provider's process; it ends with this value.
struct Certified {
    _child: Child,
    /// It still writes now and then, and must be able to.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Certified {
    async fn start(port: u16, redirect: &str) -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let mut child = Command::new("node")
            .arg(format!("{root}/tests/oidc/server.mjs"))
            .args([&port.to_string(), redirect, CLIENT_ID, CLIENT_SECRET])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node");
        let output = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(output).lines();
        let listening = timeout(LIMIT, async {
            while let Some(line) = lines.next_line().await.expect("text") {
                if line.starts_with("http://") {
                    return;
                }
            }
            panic!("the provider ended");
        });
        listening.await.expect("the provider listens");
        Self {
            _child: child,
            _output: lines,
        }
    }
}

async fn app() -> (TestApp, Certified) {
    let port = free_port();
    let app = TestApp::with(|config| {
        config.oauth.issuers.push(IssuerConfig {
            name: "certified".to_owned(),
            label: "Certified".to_owned(),
            issuer: format!("http://localhost:{port}"),
            client: ClientCredentials {
                id: CLIENT_ID.to_owned(),
                secret: CLIENT_SECRET.into(),
            },
        });
    })
    .await;
    let redirect = format!("{}{CALLBACK}", app.url);
    let provider = Certified::start(port, &redirect).await;
    (app, provider)
}

/// Somebody at the provider's pages, with a browser that keeps its cookies.
#[derive(Default)]
struct Visitor {
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// Follows links and fills in forms until the provider sends the browser back to Parlor; what
    /// it is sent back with.
    async fn visit(&mut self, sent_to: Url, fields: &[(&str, &str)]) -> Vec<(String, String)> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let (mut url, mut post) = (sent_to, false);
        for _ in 0..20 {
            if url.path() == CALLBACK {
                return url.query_pairs().into_owned().collect();
            }
            let request = if post {
                http.post(url.clone()).form(fields)
            } else {
                http.get(url.clone())
            };
            let cookies = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let cookies: Vec<_> = cookies.collect();
            let request = request.header(header::COOKIE, cookies.join("; "));
            let response = request.send().await.expect("the provider answers");
            for cookie in response.headers().get_all(header::SET_COOKIE) {
                let cookie = cookie.to_str().expect("text");
                let pair = cookie.split(';').next().expect("a pair");
                let (name, value) = pair.split_once('=').expect("a pair");
                if value.is_empty() {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            let location = response.headers().get(header::LOCATION);
            match location.map(|location| location.to_str().expect("text").to_owned()) {
                Some(location) => {
                    url = url.join(&location).expect("an address");
                    post = false;
                }
                None => {
                    let status = response.status();
                    let page = response.text().await.expect("a page");
                    assert_eq!(status, StatusCode::OK, "{url}: {page}");
                    assert!(page.contains("<form"), "{url}: {page}");
                    post = true;
                }
            }
        }
        panic!("the provider sends the browser in circles at {url}");
    }
}

#[tokio::test]
#[ignore = "needs node: script/test runs it"]
async fn people_sign_in_with_a_certified_provider() {
    let (app, _provider) = app().await;
    let mut browser = Browser::new(&app);
    let mut visitor = Visitor::default();
    let sent_to = browser.begin("certified").await;
    let back = visitor
        .visit(sent_to, &[("login", "ada"), ("agree", "yes")])
        .await;
    assert!(back.iter().any(|(name, _)| name == "iss"), "{back:?}");
    let came = browser.come_back(&back).await;
    let code = known(&came, "code").unwrap_or_else(|| panic!("no code: {came}"));
    let answer = browser.exchange(&code).await.ok(200);
    let ada = Person::from_login(&answer, PASSWORD);
    assert_eq!(ada.username, "ada");
    assert_eq!(ada.full_name, "ada Certified");
    assert_eq!(ada.email, "ada@certified.example");

    // Signed in there already: no form, and the same account, in a program, too.
    let mut program = Browser::program(&app);
    let sent_to = program.begin("certified").await;
    let back = visitor.visit(sent_to, &[]).await;
    let again = Person::from_login(&program.come_back(&back).await.ok(200), PASSWORD);
    assert_eq!(again.id, ada.id);

    // The provider's code counts once there, whatever we would do.
    let mut other = Browser::new(&app);
    let sent_to = other.begin("certified").await;
    let state = crate::harness::parameter(&sent_to, "state").expect("a state");
    let mut replayed = back.clone();
    replayed.retain(|(name, _)| name != "state");
    replayed.push(("state".to_owned(), state));
    ends_with(&other.come_back(&replayed).await, "failed");
}

#[tokio::test]
#[ignore = "needs node: script/test runs it"]
async fn a_certified_provider_is_told_no_and_proves_nothing_about_some() {
    let (app, _provider) = app().await;
    let mut browser = Browser::new(&app);
    let sent_to = browser.begin("certified").await;
    let back = Visitor::default().visit(sent_to, &[("deny", "yes")]).await;
    ends_with(&browser.come_back(&back).await, "denied");

    let sent_to = browser.begin("certified").await;
    let fields = [("login", "unproved-bob"), ("agree", "yes")];
    let back = Visitor::default().visit(sent_to, &fields).await;
    let came = browser.come_back(&back).await;
    let code = known(&came, "code").unwrap_or_else(|| panic!("no code: {came}"));
    let bob = Person::from_login(&browser.exchange(&code).await.ok(200), PASSWORD);
    assert_eq!(
        (bob.username.as_str(), bob.email.as_str()),
        ("unproved-bob", "")
    );

    // An account that has the address is linked when its owner asks.
    let alice = app.client("alice").await;
    let mut browser = Browser::new(&app);
    let sent_to = browser.begin_link(&app, &alice, "certified").await;
    let fields = [("login", "alice-there"), ("agree", "yes")];
    let mut visitor = Visitor::default();
    let back = visitor.visit(sent_to, &fields).await;
    let linked = browser.come_back(&back).await;
    assert_eq!(
        known(&linked, "linked").as_deref(),
        Some("certified"),
        "{linked}"
    );
    let sent_to = browser.begin("certified").await;
    let back = visitor.visit(sent_to, &[]).await;
    let code = known(&browser.come_back(&back).await, "code").expect("a code");
    let came = Person::from_login(&browser.exchange(&code).await.ok(200), PASSWORD);
    assert_eq!(came.id, alice.id);
}
