//! What clients are told of limits, and the limits of rooms, joins, refreshes and requests.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    api_tokens::token,
    harness::{Answer, Socket, TestApp, registration},
};

fn limit(answer: &Answer) -> (&str, &str) {
    let text = |name| answer.header(name).unwrap_or_default();
    (text("ratelimit"), text("ratelimit-policy"))
}

#[tokio::test]
async fn a_refusal_says_which_limit_and_how_long() {
    let app = TestApp::with(|config| config.limits.registrations_per_minute = 2).await;
    let first = app.api().register(&registration("alice")).await;
    let policy = "\"registrations\";q=2;w=60";
    assert_eq!(limit(&first), ("\"registrations\";r=1;t=30", policy));
    app.client("bob").await;
    let refused = app.api().register(&registration("carol")).await;
    let wait = refused.header("retry-after").expect("a time").to_owned();
    let left = format!("\"registrations\";r=0;t={wait}");
    assert_eq!(limit(&refused), (left.as_str(), policy));
    assert!((1..=30).contains(&wait.parse::<u64>().unwrap()), "{wait}");
    refused.refused(429, "rate_limited");
}

/// Without a limit there is nothing to tell.
#[tokio::test]
async fn an_answer_without_a_limit_says_nothing_of_one() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    for answer in [app.as_user(&alice).me().await, app.api().me().await] {
        assert_eq!(limit(&answer), ("", ""), "{answer}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_token() {
    let app = TestApp::with(|config| config.limits.requests_per_second = 1).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    let answer = api.me().await;
    let told = ("\"requests\";r=9;t=1", "\"requests\";q=10;w=10");
    assert_eq!(limit(&answer), told, "{answer}");
    let mut taken = 1;
    let refused = loop {
        let answer = api.me().await;
        if answer.status() != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 100, "there is no limit");
    };
    assert!(taken >= 10, "a burst: {taken}");
    assert_eq!(limit(&refused), ("\"requests\";r=0;t=1", told.1));
    refused.refused(429, "rate_limited");
    app.as_user(&bob).me().await.ok(200);
    // A new token of the same login is no way around it, and another login is another device.
    let fresh = app.api().refresh(&alice.refresh_token).await.ok(200);
    let fresh = app.with_token(fresh["token"].as_str().unwrap());
    let mut more = 0;
    while fresh.me().await.status() == 200 {
        more += 1;
        assert!(more < 5, "a fresh token begins anew");
    }
    let elsewhere = app.sign_in(&alice.email, &alice.password).await;
    app.as_user(&elsewhere).me().await.ok(200);
}

/// A program that runs wild stops neither its owner nor another program of his.
#[tokio::test]
async fn an_api_token_has_requests_of_its_own() {
    let app = TestApp::with(|config| config.limits.requests_per_second = 1).await;
    let owner = app.as_user(&app.client("alice").await);
    let (text, _) = token(&owner, &["users.read"]).await;
    let (other, _) = token(&owner, &["users.read"]).await;
    let program = app.with_token(&text);
    let mut taken = 0;
    let refused = loop {
        let answer = program.me().await;
        if answer.status() != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 100, "there is no limit");
    };
    assert!(taken >= 10, "a burst: {taken}");
    refused.refused(429, "rate_limited");
    owner.me().await.ok(200);
    app.with_token(&other).me().await.ok(200);
}

/// Who makes up a token for each request has no token, but an address.
#[tokio::test]
async fn requests_without_a_valid_token_are_counted_by_address() {
    let app = TestApp::with(|config| {
        config.limits.requests_per_second = 1;
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let ask = async |address: &str, token: Option<String>| {
        let api = match token {
            Some(token) => app.with_token(&token),
            None => app.api(),
        };
        let request = api.request(reqwest::Method::GET, "/api/setup");
        api.answer(request.header("x-forwarded-for", address)).await
    };
    let (mut visits, mut bearing) = (0, 0);
    while ask("192.0.2.1", None).await.status() == 200 {
        visits += 1;
        assert!(visits < 1_000, "there is no limit");
    }
    assert!(visits >= 40, "{visits}");
    while ask("192.0.2.2", Some(format!("made-up-{bearing}")))
        .await
        .status()
        == 200
    {
        bearing += 1;
        assert!(bearing < 5_000, "there is no limit");
    }
    assert!(bearing >= 200, "{bearing}");
    assert_eq!(ask("192.0.2.3", None).await.status(), 200);
    // What is no API is not counted: pages and probes.
    let api = app.api();
    let page = api.request(reqwest::Method::GET, "/health/live");
    let page = api
        .answer(page.header("x-forwarded-for", "192.0.2.1"))
        .await;
    assert_eq!(page.status(), 200);
}

#[tokio::test]
async fn a_login_refreshes_so_often_a_minute() {
    let app = TestApp::with(|config| config.limits.refreshes_per_minute = 3).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut token = alice.refresh_token;
    for _ in 0..3 {
        let answer = app.api().refresh(&token).await.ok(200);
        token = answer["refresh_token"].as_str().unwrap().to_owned();
    }
    app.api().refresh(&token).await.refused(429, "rate_limited");
    app.api().refresh(&bob.refresh_token).await.ok(200);
    // Unknown ones are counted by address, and harm none that is known.
    for _ in 0..3 {
        app.api()
            .refresh("unknown")
            .await
            .refused(401, "unauthenticated");
    }
    app.api()
        .refresh("unknown")
        .await
        .refused(429, "rate_limited");
    let carol = app.client("carol").await;
    app.api().refresh(&carol.refresh_token).await.ok(200);
}

async fn answer_to(socket: &mut Socket, frame: &Value) -> Value {
    socket.send(frame).await;
    let answers = ["ack", "error", "connected"];
    socket
        .wait_until("an answer", |f| {
            answers.iter().any(|kind| f["type"] == *kind)
        })
        .await
}

/// Many accounts together do not make a room unreadable.
#[tokio::test]
async fn a_room_takes_so_many_messages_a_second() {
    let app = TestApp::with(|config| config.limits.room_messages_per_second = 1).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut socket = app.ws(&alice).joined("general").await;
    let say = |room: &str| json!({"type": "message", "room_id": room, "content": "hello"});
    let mut taken = 0;
    let refused = loop {
        let answer = answer_to(&mut socket, &say("general")).await;
        if answer["type"] == "error" {
            break answer;
        }
        taken += 1;
        assert!(taken < 100, "there is no limit");
    };
    assert!(taken >= 5, "a burst: {taken}");
    assert_eq!(refused["code"], "rate_limited");
    assert!(
        refused["retry_after_ms"]
            .as_u64()
            .is_some_and(|ms| (1..=1_000).contains(&ms))
    );
    let body = json!({"content": "hello"});
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.push(
            app.as_user(&bob)
                .post_message("general", &body)
                .await
                .status(),
        );
    }
    assert!(answers.contains(&429), "it is the room's: {answers:?}");
    app.as_user(&bob).say("random", "hello").await;
}

/// A client that joins in a loop does so at no one's cost for long.
#[tokio::test]
async fn a_user_joins_so_often_a_minute() {
    let app = TestApp::with(|config| config.limits.joins_per_minute = 3).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let join = json!({"type": "connect", "room_id": "general", "ref": "j"});
    let mut socket = app.ws(&alice).ready().await;
    for _ in 0..3 {
        assert_eq!(answer_to(&mut socket, &join).await["type"], "connected");
    }
    let refused = answer_to(&mut socket, &join).await;
    assert_eq!(refused["code"], "rate_limited", "{refused}");
    assert_eq!(refused["ref"], "j");
    let wait = refused["retry_after_ms"].as_u64().expect("how long");
    assert!((1..=20_000).contains(&wait), "{wait}");
    // Over all of the user's sockets, and nobody else's.
    let mut second = app.ws(&alice).ready().await;
    assert_eq!(answer_to(&mut second, &join).await["code"], "rate_limited");
    app.ws(&bob).joined("general").await;
    // The socket lives on.
    socket.until_pong().await;
}

/// Many accounts together do not open a room in a loop.
#[tokio::test]
async fn a_room_is_joined_so_often_a_second() {
    let app = TestApp::with(|config| config.limits.room_joins_per_second = 1).await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let join = |room: &str| json!({"type": "connect", "room_id": room, "ref": "j"});
    // How many joins are taken until one is refused.
    let until_refused = async |socket: &mut Socket| {
        for taken in 0..100 {
            let answer = answer_to(socket, &join("general")).await;
            if answer["type"] == "error" {
                assert_eq!(answer["code"], "rate_limited", "{answer}");
                assert_eq!(answer["ref"], "j");
                let wait = answer["retry_after_ms"].as_u64().expect("how long");
                assert!((1..=1_000).contains(&wait), "{wait}");
                return taken;
            }
        }
        panic!("there is no limit");
    };
    let mut alices = app.ws(&alice).ready().await;
    let mut bobs = app.ws(&bob).ready().await;
    let taken = until_refused(&mut alices).await;
    assert!(taken >= 20, "all come back after a restart: {taken}");
    let taken = until_refused(&mut bobs).await;
    assert!(taken < 15, "it is the room's: {taken}");
    assert_eq!(
        answer_to(&mut bobs, &join("random")).await["type"],
        "connected"
    );
}

/// How often somebody is seen typing in each room until so many have said something.
async fn typing_seen(sees: &mut Socket, messages: usize) -> BTreeMap<String, u32> {
    let mut seen = BTreeMap::new();
    let mut said = 0;
    while said < messages {
        let frame = sees.wait_until("typing or a message", |f| {
            f["type"] == "typing" || f["type"] == "message"
        });
        let frame = frame.await;
        if frame["type"] == "message" {
            said += 1;
        } else {
            let room = frame["room_id"].as_str().expect("a room").to_owned();
            *seen.entry(room).or_default() += 1;
        }
    }
    seen
}

/// Types in a room, many times, and says something at last.
async fn types(socket: &mut Socket, room: &str, times: u32) {
    for _ in 0..times {
        socket
            .send(&json!({"type": "typing", "room_id": room}))
            .await;
    }
    socket.publish(room, "done").await;
}

/// Beyond its limit typing is dropped, as it is under pressure: it is no news to anybody.
#[tokio::test]
async fn a_user_types_so_often_a_second() {
    let app = TestApp::with(|config| {
        config.limits.typing_per_second = 1;
        config.limits.typing = std::time::Duration::ZERO;
    })
    .await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let mut alices = app.ws(&alice).joined("general").await;
    let mut sees = app.ws(&bob).joined("general").await;
    types(&mut alices, "general", 50).await;
    let seen = typing_seen(&mut sees, 1).await;
    assert!((1..=10).contains(&seen["general"]), "{seen:?}");
}

#[tokio::test]
async fn a_room_hears_typing_so_often_a_second() {
    let app = TestApp::with(|config| {
        config.limits.room_typing_per_second = 1;
        config.limits.typing = std::time::Duration::ZERO;
    })
    .await;
    let mut sees = app.ws(&app.client("carol").await).joined("general").await;
    sees.join("random").await;
    let mut typists = Vec::new();
    for name in ["alice", "bob"] {
        let mut socket = app.ws(&app.client(name).await).joined("general").await;
        socket.join("random").await;
        typists.push(socket);
    }
    for socket in &mut typists {
        types(socket, "general", 30).await;
    }
    types(&mut typists[0], "random", 1).await;
    let seen = typing_seen(&mut sees, 3).await;
    assert!((1..=10).contains(&seen["general"]), "{seen:?}");
    assert_eq!(seen["random"], 1, "another room's is its own: {seen:?}");
}
