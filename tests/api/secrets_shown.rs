//! What is shown to one client once, and stands nowhere else: neither in the database nor in the log.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    harness::{
        ADMIN_PASSWORD, Answer, Browser, Enrolled, Home, Kind, PASSWORD, Person, PostOffice,
        Provider, Server, authenticator::App, known, parameter, registration, until,
    },
    jobs::jobs,
};

/// A secret, what it is, and whether the database has its hash.
struct Shown {
    what: &'static str,
    text: String,
    hashed: bool,
}

/// A server, a mail server and a provider, and everything secret that clients were shown so far.
struct Scene {
    home: Home,
    office: PostOffice,
    github: Provider,
    server: Server,
    shown: Vec<Shown>,
}

impl Scene {
    async fn new() -> Self {
        let home = Home::new().await;
        let office = PostOffice::open().await;
        let github = Provider::start(Kind::Github).await;
        let port = office.port().to_string();
        let environment = [
            // Everything of every library.
            ("RUST_LOG", "trace"),
            ("SMTP_HOST", "127.0.0.1"),
            ("SMTP_PORT", port.as_str()),
            ("SMTP_TLS", "none"),
            ("GITHUB_URL", &github.url),
            ("GITHUB_CLIENT_ID", "parlor-test"),
            ("GITHUB_CLIENT_SECRET", "the-secret-of-the-client"),
        ];
        let server = Server::with(&home, &environment).await;
        Self {
            home,
            office,
            github,
            server,
            shown: Vec::new(),
        }
    }

    fn kept_as_hash(&mut self, what: &'static str, text: &str) {
        self.note(what, text, true);
    }

    fn kept_nowhere(&mut self, what: &'static str, text: &str) {
        self.note(what, text, false);
    }

    fn note(&mut self, what: &'static str, text: &str, hashed: bool) {
        assert!(text.len() >= 8, "{what} can be found: {text}");
        let text = text.to_owned();
        self.shown.push(Shown { what, text, hashed });
    }

    /// The secret of a cookie that an answer sets.
    fn cookie(&mut self, answer: &Answer, what: &'static str, name: &str) {
        let cookies = answer.headers("set-cookie");
        let found = cookies.iter().find_map(|cookie| {
            let (found, rest) = cookie.split_once('=')?;
            let (value, _) = rest.split_once(';')?;
            (found == name).then(|| value.to_owned())
        });
        self.kept_as_hash(
            what,
            &found.unwrap_or_else(|| panic!("no {name}: {answer}")),
        );
    }

    /// Registers somebody in a browser, and gives him in a program.
    async fn registers(&mut self) -> Person {
        let mut body = registration("alice");
        body["cookie"] = true.into();
        let answer = self.server.api().register(&body).await;
        self.cookie(&answer, "a refresh cookie", "__Secure-parlor_refresh");
        self.cookie(&answer, "a device", "__Secure-parlor_device");
        let in_browser = answer.ok(201)["token"].clone();
        self.kept_nowhere("a token", in_browser.as_str().unwrap());
        let alice = self.server.sign_in("alice@parlor.example", PASSWORD).await;
        self.kept_nowhere("a token", &alice.token);
        self.kept_as_hash("a refresh token", &alice.refresh_token);
        let renewed = self
            .server
            .api()
            .refresh(&alice.refresh_token)
            .await
            .ok(200);
        let renewed = Person::from_login(&renewed, PASSWORD);
        self.kept_as_hash("a second refresh token", &renewed.refresh_token);
        renewed
    }

    /// Makes tokens for programs, and uses them.
    async fn makes_tokens(&mut self, alice: &Person) {
        let admin = self.server.as_user(&self.server.admin().await);
        let own = json!({
            "name": "own", "scopes": ["users.read", "messages.read"], "password": PASSWORD,
        });
        let service = json!({
            "name": "import", "username": "importer", "scopes": ["users.read", "messages.read"],
        });
        let alices = self.server.as_user(alice);
        let own = alices.post("/api/auth/tokens", &own).await.ok(201);
        let service = admin.post("/api/admin/service-tokens", &service).await;
        for made in [own, service.ok(201)] {
            let text = made["token"].as_str().unwrap();
            self.server.with_token(text).me().await.ok(200);
            let socket = self.server.anonymous_ws().token(text);
            socket
                .by(crate::harness::Proof::Query)
                .joined("general")
                .await;
            self.kept_as_hash("an API token", text);
        }
    }

    /// Follows the links of mails: one that was used, one that was not.
    async fn reads_mails(&mut self, alice: &Person) {
        let api = self.server.api();
        let mail = self.office.mail_to(&alice.email, "Verify").await;
        let used = mail.token("verify");
        let body = json!({"token": used});
        let own = self.server.as_user(alice);
        own.post("/api/auth/email/verify", &body).await.ok(204);
        self.kept_nowhere("a link that was used", &used);
        let body = json!({"email": alice.email});
        api.post("/api/auth/password/forgot", &body).await.ok(202);
        let mail = self.office.mail_to(&alice.email, "Reset").await;
        let open = mail.token("reset");
        let weak = json!({"token": open, "password": "weak"});
        let refused = api.post("/api/auth/password/reset", &weak).await;
        refused.refused_field("password", "password_too_short");
        self.kept_as_hash("a link", &open);
        // A job has the secret until its mail was taken.
        let admin = self.server.as_user(&self.server.admin().await);
        until(async || jobs(&admin, "waiting").await.is_empty()).await;
    }

    /// Sets up an app, and signs in with a recovery code.
    async fn sets_up_an_app(&mut self, alice: &Person) {
        let api = self.server.as_user(alice);
        let password = json!({"password": PASSWORD});
        let path = "/api/auth/two-factor/totp";
        let begun = api.post(path, &password).await.ok(200);
        let secret = begun["secret"].as_str().unwrap();
        self.kept_nowhere("an app's secret", secret);
        let phone = App::new(secret);
        let code = json!({"code": phone.code()});
        let path = "/api/auth/two-factor/totp/confirm";
        let enrolled = Enrolled::new(phone, &api.post(path, &code).await.ok(200));
        let login = json!({"email": alice.email, "password": PASSWORD});
        for (number, code) in enrolled.recovery_codes.iter().enumerate() {
            let step = self.server.api().login(&login).await.ok(200);
            let ticket = step["second_factor"]["ticket"].as_str().unwrap();
            if number == 0 {
                self.kept_nowhere("a recovery code that was used", code);
                self.kept_nowhere("a ticket that was used", ticket);
                let body = json!({"ticket": ticket, "code": code});
                let path = "/api/auth/login/second";
                self.server.api().post(path, &body).await.ok(200);
            } else {
                self.kept_as_hash("a recovery code", code);
                self.kept_as_hash("a ticket", ticket);
            }
        }
    }

    /// Signs in with a provider; once more, as far as its page, and once as far as the exchange.
    async fn goes_to_a_provider(&mut self) {
        let octocat = json!({"user": {"id": 1, "login": "octo", "name": null}, "emails": []});
        for steps in 0..3 {
            let mut browser = Browser::new(&self.server);
            let sent_to = browser.begin("github").await;
            let state = parameter(&sent_to, "state").unwrap();
            let cookie = browser.cookie.clone().unwrap();
            if steps == 0 {
                self.kept_as_hash("a state", &state);
                self.kept_as_hash("a provider's cookie", &cookie);
                continue;
            }
            self.kept_nowhere("a state that was used", &state);
            let back = self.github.agrees(&sent_to, &octocat);
            self.kept_nowhere("a provider's code", &back[0].1);
            let code = known(&browser.come_back(&back).await, "code").unwrap();
            if steps == 1 {
                self.kept_as_hash("a code to exchange", &code);
                continue;
            }
            browser.exchange(&code).await.ok(200);
            self.kept_nowhere("a code that was exchanged", &code);
        }
        for asked in self.github.asked("/login/oauth/access_token") {
            self.kept_nowhere("a verifier", &asked.form["code_verifier"]);
        }
        for asked in self.github.asked("/api/v3/user") {
            let bearer = asked.header("authorization").unwrap();
            self.kept_nowhere("a provider's token", &bearer["Bearer ".len()..]);
        }
    }

    async fn plays(&mut self) {
        let alice = self.registers().await;
        self.makes_tokens(&alice).await;
        self.reads_mails(&alice).await;
        self.sets_up_an_app(&alice).await;
        self.goes_to_a_provider().await;
        let wrong = json!({"email": alice.email, "password": "Wrong-Horse-7"});
        let refused = self.server.api().login(&wrong).await;
        refused.refused(401, "unauthenticated");
        for (what, password) in [
            ("a password", PASSWORD),
            ("a wrong password", "Wrong-Horse-7"),
            ("the admin's password", ADMIN_PASSWORD),
            ("the secret for a provider", "the-secret-of-the-client"),
        ] {
            self.kept_nowhere(what, password);
        }
    }
}

/// A secret as it may be written: as it was shown, without what is for the eye, and as bytes.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let plain = text.replace('-', "");
    let mut forms = vec![text.as_bytes().to_vec(), plain.clone().into_bytes()];
    let random = text.strip_prefix("parlor_").unwrap_or(text);
    forms.push(random.as_bytes().to_vec());
    forms.extend(BASE64_URL_SAFE_NO_PAD.decode(random));
    let base32 = plain.to_uppercase();
    let is_base32 = |c: char| matches!(c, 'A'..='Z' | '2'..='7');
    if base32.chars().all(is_base32) {
        forms.push(App::new(&base32).secret().to_vec());
    }
    forms
}

fn holds(kept: &[u8], form: &[u8]) -> bool {
    kept.windows(form.len()).any(|window| window == form)
}

#[tokio::test]
async fn what_is_shown_once_is_kept_as_a_hash_and_logged_nowhere() {
    let mut scene = Scene::new().await;
    scene.plays().await;
    let kept = scene.home.database.values().await;
    let found = |(table, kept): &(String, Vec<u8>)| table == "users" && holds(kept, b"alice@");
    assert!(kept.iter().any(found), "what is kept can be found");
    for Shown { what, text, hashed } in &scene.shown {
        for form in forms(text) {
            let found = kept.iter().find(|(_, kept)| holds(kept, &form));
            assert!(
                found.is_none(),
                "{what} is in {:?}",
                found.map(|(table, _)| table)
            );
        }
        let hashes: Vec<_> = forms(text).iter().map(Sha256::digest).collect();
        let found = kept
            .iter()
            .any(|(_, kept)| hashes.iter().any(|hash| kept[..] == hash[..]));
        assert_eq!(found, *hashed, "the hash of {what}");
    }
    assert!(scene.shown.len() > 30, "{} secrets", scene.shown.len());

    scene.server.signal("TERM").await;
    let (status, output) = scene.server.ended().await;
    assert!(status.success());
    assert!(output.contains("TRACE"), "every level is there");
    for Shown { what, text, .. } in &scene.shown {
        let line = output.lines().find(|line| line.contains(text.as_str()));
        assert!(line.is_none(), "{what} is logged: {line:?}");
    }
}
