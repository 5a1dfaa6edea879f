//! Every door of REST that refuses, and what the audit log says of it: kind, place, who and from where.

use std::time::Duration;

use reqwest::{
    Method,
    header::{AUTHORIZATION, COOKIE, ORIGIN},
};
use serde_json::{Value, json};

use crate::{
    api_tokens::token,
    harness::{
        Browser, Client, Kind, Person, PostOffice, Provider, TestApp, ends_with, registration,
        until,
    },
    mail::send_to,
};

/// How soon refusals are in the log.
pub const SOON: Duration = Duration::from_millis(20);

/// A reader of the log, who knows how far he has read.
pub struct Log {
    pub admin: Client,
    seen: i64,
}

impl Log {
    pub async fn of(app: &TestApp) -> Self {
        let admin = app.as_user(&app.admin().await);
        Self { admin, seen: 0 }
    }

    /// Waits for what was refused since the last time: it must all be of this kind, at this place, and
    /// of this person.
    pub async fn tells(&mut self, kind: &str, place: &str, who: Option<&Person>) {
        let mut new = Vec::new();
        until(async || {
            let page = self.admin.get("/api/audit?act=refusal&limit=50").await;
            let page = page.ok(200);
            let entries = page["data"].as_array().expect("a list").iter();
            let is_new = |entry: &&Value| entry["seq"].as_i64() > Some(self.seen);
            new = entries.filter(is_new).cloned().collect();
            !new.is_empty()
        })
        .await;
        self.seen = new[0]["seq"].as_i64().expect("a number");
        for entry in &new {
            let said = format!("{kind} at {place}: {entry:#}");
            assert_eq!(entry["act"], format!("refusal.{kind}"), "{said}");
            assert_eq!(entry["details"]["places"], json!([place]), "{said}");
            assert_eq!(entry["actor_id"], json!(who.map(|who| who.id)), "{said}");
            let address = (kind != "no_token").then_some("127.0.0.1");
            assert_eq!(entry["address"], json!(address), "{said}");
        }
    }
}

#[tokio::test]
async fn a_refused_request_is_told_by_its_kind() {
    // The links of mails are known only where mails are sent.
    let office = PostOffice::closed(0).await;
    let app = TestApp::with(|config| {
        send_to(config, &office);
        config.audit.sum_refusals = SOON;
        config.server.metrics_token = Some("a token for the scraper".into());
        config.limits.refreshes_per_minute = 1;
    })
    .await;
    let (alice, bob) = (app.trainer("alice").await, app.trainer("bob").await);
    let admin = app.admin().await;
    let api = app.as_user(&alice);
    let expired = app.token_for(&alice, Duration::ZERO).await;
    let (reader, _) = token(&api, &["messages.read"]).await;
    let unknown = format!("parlor_{}", "x".repeat(43));
    let enrolled = app.enroll(&bob).await;
    let required = json!({"requires_two_factor": true});
    app.as_user(&admin)
        .send(Method::PATCH, "/api/roles/trainer", &required)
        .await
        .ok(200);
    let ticket = app.ticket(&bob).await;
    let mut log = Log::of(&app).await;

    let person = format!("/api/users/{}", bob.id);
    let own = format!("/api/users/{}", alice.id);
    let wrong = json!({"username": "nobody", "password": "Wrong-Horse-1"});
    let change = json!({"password": "Another-Horse-2", "current_password": "Wrong-Horse-1"});
    let remove = json!({"password": bob.password, "code": enrolled.app.code()});
    let second = json!({"ticket": ticket, "code": "000000"});
    let no_ticket = json!({"ticket": "x", "code": "000000"});
    let (get, post, patch) = (Method::GET, Method::POST, Method::PATCH);
    let (me, login) = ("/api/users/me", "/api/auth/login");
    let none = Value::Null;
    let (nobody, alices, bobs) = (app.api(), Some(&alice), Some(&bob));
    let doors = [
        // Who asks, for what, with what; the answer; the kind, and of whom.
        (&nobody, &get, me, &none, 401, "no_token", None),
        (
            &app.with_token("x.y.z"),
            &get,
            me,
            &none,
            401,
            "bad_token",
            None,
        ),
        (
            &app.with_token(&unknown),
            &get,
            me,
            &none,
            401,
            "bad_token",
            None,
        ),
        (
            &app.with_token(&expired),
            &get,
            me,
            &none,
            401,
            "expired_token",
            None,
        ),
        (&api, &get, "/api/audit", &none, 403, "forbidden", alices),
        (
            &api,
            &patch,
            &person,
            &json!({"bio": "x"}),
            403,
            "forbidden",
            alices,
        ),
        (
            &app.with_token(&reader),
            &get,
            "/api/auth/tokens",
            &none,
            403,
            "forbidden",
            alices,
        ),
        (
            &app.with_token(&reader),
            &get,
            "/api/users",
            &none,
            403,
            "forbidden",
            alices,
        ),
        (
            &nobody,
            &get,
            "/metrics",
            &none,
            401,
            "unauthenticated",
            None,
        ),
        (
            &app.with_token("x"),
            &get,
            "/metrics",
            &none,
            401,
            "bad_token",
            None,
        ),
        (&api, &get, "/metrics", &none, 403, "forbidden", alices),
        (&nobody, &post, login, &wrong, 401, "wrong_password", None),
        (&api, &patch, &own, &change, 400, "wrong_password", alices),
        (
            &nobody,
            &post,
            "/api/auth/login/second",
            &no_ticket,
            401,
            "ticket_ended",
            None,
        ),
        (
            &nobody,
            &post,
            "/api/auth/login/second",
            &second,
            403,
            "wrong_code",
            None,
        ),
        (
            &app.as_user(&bob),
            &post,
            "/api/auth/two-factor/totp/remove",
            &remove,
            409,
            "forbidden",
            bobs,
        ),
        (
            &api,
            &post,
            "/api/auth/email/verify",
            &json!({"token": "x"}),
            403,
            "bad_link",
            alices,
        ),
        (
            &nobody,
            &post,
            "/api/auth/refresh",
            &none,
            401,
            "no_token",
            None,
        ),
        (
            &nobody,
            &post,
            "/api/auth/refresh",
            &json!({"refresh_token": "x"}),
            401,
            "bad_refresh_token",
            None,
        ),
        (
            &nobody,
            &post,
            "/api/auth/refresh",
            &json!({"refresh_token": "x"}),
            429,
            "rate_limited",
            None,
        ),
    ];
    for (who, method, path, body, status, kind, actor) in doors {
        let request = who.request(method.clone(), path);
        let request = if *body == none {
            request
        } else {
            request.json(body)
        };
        let answer = who.answer(request).await;
        assert_eq!(answer.status(), status, "{kind} at {path}: {answer}");
        let route = path
            .replace(&bob.id.to_string(), "{id}")
            .replace(&alice.id.to_string(), "{id}");
        log.tells(kind, &format!("{method} {route}"), actor).await;
    }

    // A page of somebody else's makes the browser send its cookie, and no header of ours.
    let request = nobody.request(post.clone(), "/api/auth/refresh");
    let request = request.header(COOKIE, "__Secure-parlor_refresh=x");
    let foreign = request.header(ORIGIN, "https://evil.example");
    nobody.answer(foreign).await.refused(403, "forbidden");
    log.tells("forbidden", "POST /api/auth/refresh", None).await;
    let request = nobody.request(get, me).header(AUTHORIZATION, "Basic x");
    nobody.answer(request).await.refused(401, "unauthenticated");
    log.tells("bad_token", "GET /api/users/me", None).await;
}

#[tokio::test]
async fn a_closed_door_and_too_many_requests_are_told() {
    let app = TestApp::with(|config| {
        config.audit.sum_refusals = SOON;
        config.auth.admin = None;
        config.auth.registration_open = false;
        config.limits.requests_per_second = 20;
    })
    .await;
    let address = app.setup_address.clone().expect("there is no admin");
    let (_, right) = address.split_once("#token=").expect("a fragment");
    let mut form = registration("boss");
    form["token"] = "wrong".into();
    app.api()
        .post("/api/setup", &form)
        .await
        .refused(403, "invalid_setup_token");
    form["token"] = right.into();
    let made = app.api().post("/api/setup", &form).await.ok(201);
    let boss = Person::from_login(&made, crate::harness::PASSWORD);
    let mut log = Log {
        admin: app.as_user(&boss),
        seen: 0,
    };
    log.tells("wrong_setup_token", "POST /api/setup", None)
        .await;
    let stranger = app.api();
    let eve = registration("eve");
    stranger
        .register(&eve)
        .await
        .refused(403, "registration_closed");
    log.tells("registration_closed", "POST /api/auth/register", None)
        .await;
    let mut limited = false;
    while !limited {
        let asked = (0..50).map(|_| stranger.get("/api/auth/methods"));
        let answers = futures_util::future::join_all(asked).await;
        limited = answers.iter().any(|answer| answer.status() == 429);
    }
    log.tells("rate_limited", "GET /api/auth/methods", None)
        .await;
}

#[tokio::test]
async fn a_sign_in_that_a_provider_ends_is_told() {
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| {
        config.audit.sum_refusals = SOON;
        github.believed_by(config);
    })
    .await;
    let mut log = Log::of(&app).await;
    let place = "GET /api/auth/oauth/callback";
    for (mut client, json) in [(Browser::new(&app), false), (Browser::program(&app), true)] {
        let sent_to = client.begin("github").await;
        let denied = client.come_back(&github.declines(&sent_to)).await;
        match json {
            true => drop(denied.refused(403, "oauth_denied")),
            false => ends_with(&denied, "denied"),
        }
        log.tells("provider", place, None).await;
        let lost = client.come_back(&[]).await;
        match json {
            true => drop(lost.refused(400, "oauth_expired")),
            false => ends_with(&lost, "expired"),
        }
        log.tells("provider", place, None).await;
    }
    let mut browser = Browser::new(&app);
    browser.exchange("x").await.refused(401, "unauthenticated");
    log.tells("unauthenticated", "POST /api/auth/oauth/exchange", None)
        .await;
}
