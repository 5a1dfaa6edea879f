//! Every door that refuses, and what the audit log says of it: kind, place, who and from where.

use std::time::Duration;

use parlor::protocol::code::{CloseCode, ErrorCode};
use reqwest::{
    Method,
    header::{AUTHORIZATION, COOKIE, ORIGIN},
};
use serde_json::{Value, json};

use crate::{
    api_tokens::token,
    harness::{
        Browser, Client, Kind, Opening, Person, PostOffice, Proof, Provider, TestApp, ends_with,
        registration, until,
    },
    mail::send_to,
};

/// How soon refusals are in the log.
const SOON: Duration = Duration::from_millis(20);

/// A reader of the log, who knows how far he has read.
struct Log {
    admin: Client,
    seen: i64,
}

impl Log {
    async fn of(app: &TestApp) -> Self {
        let admin = app.as_user(&app.admin().await);
        Self { admin, seen: 0 }
    }

    /// Waits for what was refused since the last time: it must all be of this kind, at this place, and
    /// of this person.
    async fn tells(&mut self, kind: &str, place: &str, who: Option<&Person>) {
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
            &nobody,
            &post,
            "/api/auth/email/verify",
            &json!({"token": "x"}),
            403,
            "bad_link",
            None,
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

#[tokio::test]
async fn a_refused_upgrade_is_told() {
    let app = TestApp::with(|config| {
        config.audit.sum_refusals = SOON;
        config.limits.sockets_per_minute = 2;
    })
    .await;
    let alice = app.client("alice").await;
    let expired = app.token_for(&alice, Duration::ZERO).await;
    let mut log = Log::of(&app).await;
    let place = "GET /api/chat/ws";
    let evil = app.ws(&alice).header(ORIGIN, "https://evil.example");
    let basic = app.anonymous_ws().header(AUTHORIZATION, "Basic x");
    let room = app.anonymous_ws().path("/ws/general").token("x.y.z");
    let doors: [(Opening, u16, &str, &str); 5] = [
        (app.anonymous_ws().token("x.y.z"), 401, "bad_token", place),
        (
            app.anonymous_ws().token(&expired),
            401,
            "expired_token",
            place,
        ),
        (evil, 403, "forbidden", place),
        (basic, 401, "bad_token", place),
        (room, 401, "bad_token", "GET /ws/{room_id}"),
    ];
    for (opening, status, kind, place) in doors {
        let answer = opening.answer().await;
        assert_eq!(answer.status(), status, "{kind}: {answer}");
        log.tells(kind, place, None).await;
    }
    let mut answer = app.anonymous_ws().answer().await;
    while answer.status() == 101 {
        answer = app.anonymous_ws().answer().await;
    }
    answer.refused(429, "rate_limited");
    log.tells("rate_limited", place, None).await;
}

#[tokio::test]
async fn what_a_socket_refuses_is_told_frame_by_frame() {
    let app = TestApp::with(|config| {
        config.audit.sum_refusals = SOON;
        config.limits.messages_per_second = 1;
        config.limits.max_connections_per_user = 3;
    })
    .await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let expired = app.token_for(&alice, Duration::ZERO).await;
    let api = app.as_user(&bob);
    let (reader, _) = token(&api, &["messages.read"]).await;
    let (writer, _) = token(&api, &["messages.send"]).await;
    let mut log = Log::of(&app).await;

    for (text, code, kind) in [
        ("x.y.z", CloseCode::BadToken, "bad_token"),
        (&*expired, CloseCode::TokenExpired, "expired_token"),
    ] {
        let shown = app.anonymous_ws().token(text).by(Proof::Frame);
        shown.open().await.closed_as(code).await;
        log.tells(kind, "socket authorization", None).await;
    }
    let mut stranger = app.anonymous_ws().open().await;
    let message = json!({"type": "message", "room_id": "general", "content": "x"});
    let typing = json!({"type": "typing", "room_id": "general"});
    let connect = json!({"type": "connect", "room_id": "general"});
    stranger.refused(&message, ErrorCode::Unauthenticated).await;
    log.tells("no_token", "socket", None).await;

    // Tokens of bob's that may only read, and only write.
    let mut reading = app.anonymous_ws().token(&reader).joined("general").await;
    let mut writing = app.anonymous_ws().token(&writer).ready().await;
    let mut own = app.ws(&bob).joined("general").await;
    reading.refused(&message, ErrorCode::Forbidden).await;
    log.tells("forbidden", "socket message", Some(&bob)).await;
    reading.refused(&typing, ErrorCode::Forbidden).await;
    log.tells("forbidden", "socket typing", Some(&bob)).await;
    writing.refused(&connect, ErrorCode::Forbidden).await;
    log.tells("forbidden", "socket connect", Some(&bob)).await;
    for kind in ["connect", "disconnect"] {
        let frame = json!({"type": kind, "room_id": "general", "user_id": alice.id});
        own.refused(&frame, ErrorCode::Forbidden).await;
        let place = format!("socket {kind}");
        log.tells("forbidden", &place, Some(&bob)).await;
    }
    app.ws(&bob)
        .open()
        .await
        .closed_as(CloseCode::TooManyConnections)
        .await;
    log.tells("too_many_sockets", "socket authorization", Some(&bob))
        .await;

    let refused = async || {
        own.send(&message).await;
        let answered = |frame: &Value| matches!(frame["type"].as_str(), Some("ack" | "error"));
        let answer = own.wait_until("an answer", answered).await;
        answer["code"] == "rate_limited"
    };
    until(refused).await;
    log.tells("rate_limited", "socket message", Some(&bob))
        .await;
    // More frames than anybody can mean.
    let mut flood = app.ws(&alice).ready().await;
    while flood.offer(&json!({"type": "ping"})).await {}
    log.tells("flooding", "socket", Some(&alice)).await;
}

/// What is dropped without a word is a refusal, too.
#[tokio::test]
async fn too_many_joins_and_too_much_typing_are_told() {
    let app = TestApp::with(|config| {
        config.audit.sum_refusals = SOON;
        config.limits.joins_per_minute = 2;
        config.limits.typing_per_second = 1;
        config.limits.typing = Duration::ZERO;
        config.chat.authorize = Duration::from_secs(1);
    })
    .await;
    let alice = app.client("alice").await;
    let mut log = Log::of(&app).await;
    let mut socket = app.ws(&alice).joined("general").await;
    socket.join("help").await;
    let third = json!({"type": "connect", "room_id": "random"});
    socket.refused(&third, ErrorCode::RateLimited).await;
    log.tells("rate_limited", "socket connect", Some(&alice))
        .await;
    for _ in 0..20 {
        let typing = json!({"type": "typing", "room_id": "general"});
        socket.send(&typing).await;
    }
    log.tells("rate_limited", "socket typing", Some(&alice))
        .await;
    socket.until_pong().await;
    drop(socket);

    let mut silent = app.anonymous_ws().open().await;
    silent.closed_as(CloseCode::AuthorizationTimeout).await;
    until(async || {
        let api = &log.admin;
        let found = api.get("/api/audit?act=refusal.no_token").await.ok(200);
        found["data"][0]["details"]["places"] == json!(["socket authorization"])
    })
    .await;
}
