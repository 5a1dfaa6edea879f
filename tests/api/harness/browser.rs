//! A browser on its way to a provider and back: it keeps one cookie and follows no link by itself.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::{Answer, Client, PASSWORD, Person, Provider, Site, parameter};

const COOKIE: &str = "__Secure-parlor_oauth";

/// Where providers that have no address of their own send browsers back to.
pub const CALLBACK: &str = "/api/auth/oauth/callback";

/// One browser.
pub struct Browser {
    api: Client,
    pub cookie: Option<String>,
    /// Where each sign-in that began is to come back to, by its state.
    ways_back: HashMap<String, String>,
    /// What it says that it can read.
    accept: &'static str,
}

impl Browser {
    /// One that has never been here.
    pub fn new(site: &Site) -> Self {
        Self {
            api: site.api(),
            cookie: None,
            ways_back: HashMap::new(),
            accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
        }
    }

    /// A program that keeps cookies and wants JSON.
    pub fn program(site: &Site) -> Self {
        Self {
            accept: "application/json",
            ..Self::new(site)
        }
    }

    /// Asks, with its cookie, and keeps the one that comes.
    pub async fn ask(&mut self, api: &Client, request: reqwest::RequestBuilder) -> Answer {
        let mut request = request.header("accept", self.accept);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("{COOKIE}={cookie}"));
        }
        let answer = api.answer(request).await;
        let set = answer.header("set-cookie").and_then(|cookie| {
            let (value, _) = cookie
                .strip_prefix(COOKIE)?
                .strip_prefix('=')?
                .split_once(';')?;
            Some(value.to_owned())
        });
        if let Some(value) = set {
            self.cookie = Some(value).filter(|value| !value.is_empty());
        }
        answer
    }

    /// `GET` a path.
    pub async fn get(&mut self, path: &str) -> Answer {
        let api = self.api.clone();
        let request = api.request(Method::GET, path);
        self.ask(&api, request).await
    }

    /// Begins to sign in: the provider's address.
    pub async fn begin(&mut self, provider: &str) -> Url {
        let answer = self.get(&format!("/api/auth/oauth/{provider}")).await;
        assert_eq!(answer.status(), 302, "{answer}");
        self.sent_to(location(&answer))
    }

    /// Begins to link: the provider's address.
    pub async fn begin_link(&mut self, site: &Site, person: &Person, provider: &str) -> Url {
        let api = site.as_user(person);
        let path = format!("/api/auth/oauth/{provider}/link");
        let proof = json!({"password": person.password});
        let request = api.request(Method::POST, &path).json(&proof);
        let answer = self.ask(&api, request).await.ok(200);
        let url = answer["url"].as_str().expect("an address");
        self.sent_to(url.parse().expect("a URL"))
    }

    fn sent_to(&mut self, url: Url) -> Url {
        let state = parameter(&url, "state").expect("a state");
        self.ways_back.insert(state, way_back(&url));
        url
    }

    /// Comes back with what the provider's page gave, to where it was told to.
    pub async fn come_back(&mut self, with: &[(String, String)]) -> Answer {
        let mut names = with.iter();
        let state = names.find(|(name, _)| name == "state");
        let path = state.and_then(|(_, state)| self.ways_back.get(state));
        let path = path.map_or(CALLBACK, String::as_str).to_owned();
        self.come_back_to(&path, with).await
    }

    /// Comes back to a path of somebody's choice.
    pub async fn come_back_to(&mut self, path: &str, with: &[(String, String)]) -> Answer {
        let api = self.api.clone();
        let request = api.request(Method::GET, path).query(with);
        self.ask(&api, request).await
    }

    /// `POST /api/auth/oauth/exchange`
    pub async fn exchange(&mut self, code: &str) -> Answer {
        let api = self.api.clone();
        let request = api
            .request(Method::POST, "/api/auth/oauth/exchange")
            .json(&json!({ "code": code }));
        self.ask(&api, request).await
    }

    /// Goes to a provider, where this person says yes, and comes back.
    pub async fn go(&mut self, name: &str, provider: &Provider, person: &Value) -> Answer {
        let sent_to = self.begin(name).await;
        self.come_back(&provider.agrees(&sent_to, person)).await
    }

    /// The whole way in, as a browser goes it.
    pub async fn sign_in(&mut self, name: &str, provider: &Provider, person: &Value) -> Person {
        let back = self.go(name, provider, person).await;
        let code = known(&back, "code").unwrap_or_else(|| panic!("no code: {back}"));
        Person::from_login(&self.exchange(&code).await.ok(200), PASSWORD)
    }

    /// The whole way in, where it must end with this word.
    pub async fn is_refused(
        &mut self,
        name: &str,
        provider: &Provider,
        person: &Value,
        word: &str,
    ) {
        let back = self.go(name, provider, person).await;
        ends_with(&back, word);
    }

    /// The whole way to a link.
    pub async fn link(
        &mut self,
        site: &Site,
        owner: &Person,
        name: &str,
        provider: &Provider,
        person: &Value,
    ) -> Answer {
        let sent_to = self.begin_link(site, owner, name).await;
        self.come_back(&provider.agrees(&sent_to, person)).await
    }
}

/// Checks that the browser is sent to a page of ours that is told this word.
#[track_caller]
pub fn ends_with(answer: &Answer, word: &str) {
    assert_eq!(answer.status(), 303, "{answer}");
    assert_eq!(known(answer, "error").as_deref(), Some(word), "{answer}");
}

/// The path that a provider is to send the browser back to.
#[track_caller]
pub fn way_back(sent_to: &Url) -> String {
    let url = parameter(sent_to, "redirect_uri").expect("a way back");
    url.parse::<Url>().expect("a URL").path().to_owned()
}

/// Where an answer leads to.
#[track_caller]
pub fn location(answer: &Answer) -> Url {
    let location = answer.header("location").expect("a location");
    let base: Url = "https://parlor.invalid".parse().expect("a URL");
    base.join(location).expect("an address")
}

/// What the page that comes next is told behind the `#`.
#[track_caller]
pub fn known(answer: &Answer, name: &str) -> Option<String> {
    let location = location(answer);
    let fragment = location.fragment().unwrap_or_default().to_owned();
    let mut pairs = url::form_urlencoded::parse(fragment.as_bytes());
    let (_, value) = pairs.find(|(key, _)| key == name)?;
    Some(value.into_owned())
}
