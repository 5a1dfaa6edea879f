//! Guessing at passwords: it gets slower, and locks nobody out.

use std::time::{Duration, Instant};

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::harness::{Answer, PASSWORD, TestApp, registration};

pub const DEVICE: &str = "__Secure-parlor_device";

/// One proxy, so that requests come from wherever a test says.
async fn app(attempts: u32) -> TestApp {
    TestApp::with(|config| {
        config.limits.login_attempts_per_minute = attempts;
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

struct Caller<'a> {
    address: &'a str,
    device: Option<&'a str>,
}

const fn at(address: &str) -> Caller<'_> {
    Caller {
        address,
        device: None,
    }
}

async fn post(app: &TestApp, from: &Caller<'_>, path: &str, body: &Value) -> Answer {
    let api = app.api();
    let request = api.request(Method::POST, path).json(body);
    let mut request = request.header("x-forwarded-for", from.address);
    if let Some(device) = from.device {
        request = request.header(header::COOKIE, format!("{DEVICE}={device}"));
    }
    api.answer(request).await
}

async fn log_in(app: &TestApp, from: &Caller<'_>, name: &str, password: &str) -> Answer {
    let body = json!({"username": name, "password": password, "cookie": from.device.is_some()});
    post(app, from, "/api/auth/login", &body).await
}

async fn guess(app: &TestApp, from: &Caller<'_>, name: &str) -> u16 {
    log_in(app, from, name, "Wrong-Horse-1").await.status()
}

/// Registers somebody at an address; with `cookie` gives the secret of the device.
async fn register(app: &TestApp, from: &Caller<'_>, name: &str, cookie: bool) -> Option<String> {
    let mut body = registration(name);
    body["cookie"] = cookie.into();
    let answer = post(app, from, "/api/auth/register", &body).await;
    assert_eq!(answer.status(), 201, "{answer}");
    device(&answer)
}

/// The secret that a browser is given.
pub fn device(answer: &Answer) -> Option<String> {
    let cookie = answer
        .headers("set-cookie")
        .into_iter()
        .find_map(|cookie| {
            cookie
                .strip_prefix(&format!("{DEVICE}="))
                .map(str::to_owned)
        })?;
    let (value, attributes) = cookie.split_once(';').expect("attributes");
    for expected in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/api/auth"] {
        assert!(attributes.contains(expected), "{expected}: {cookie}");
    }
    Some(value.to_owned())
}

/// Strangers guess from a new address each time until none of them may any more.
async fn exhaust(app: &TestApp, name: &str) {
    let mut number = 0;
    loop {
        let address = format!("198.51.100.{number}");
        match guess(app, &at(&address), name).await {
            401 => number += 1,
            status => return assert_eq!(status, 429),
        }
        assert!(number < 100, "there is no limit");
    }
}

/// Else anybody shuts anybody out, with nothing but the name.
#[tokio::test]
async fn strangers_shut_nobody_out_of_where_he_was_before() {
    let app = app(3).await;
    let home = at("203.0.113.1");
    register(&app, &home, "alice", false).await;
    exhaust(&app, "alice").await;
    let elsewhere = log_in(&app, &at("203.0.113.77"), "alice", PASSWORD).await;
    elsewhere.refused(429, "rate_limited");
    for name in ["alice", "ALICE"] {
        log_in(&app, &home, name, PASSWORD).await.ok(200);
    }
    // The same subscriber, whichever of his addresses it is.
    let app = self::app(3).await;
    register(&app, &at("2001:db8:0:7::1"), "bob", false).await;
    exhaust(&app, "bob").await;
    let other = at("2001:db8:0:8::1");
    log_in(&app, &other, "bob", PASSWORD)
        .await
        .refused(429, "rate_limited");
    let same = at("2001:db8:0:7:ffff::9");
    log_in(&app, &same, "bob", PASSWORD).await.ok(200);
}

/// Else a visitor tries a name and an address, and hears that they are one's.
#[tokio::test]
async fn a_strangers_attempts_at_one_name_tell_nothing_of_the_other() {
    let app = app(3).await;
    let home = at("203.0.113.1");
    register(&app, &home, "alice", false).await;
    let (name, email) = ("alice", "alice@parlor.example");
    for (first, second) in [(name, email), (email, name)] {
        let visitor = at(if first == name {
            "198.51.100.201"
        } else {
            "198.51.100.202"
        });
        let mut told = Vec::new();
        for tried in [first, second, "nobody@parlor.example"] {
            let answer = log_in(&app, &visitor, tried, "Wrong-Horse-1").await;
            told.push(answer.header("ratelimit").expect("what is left").to_owned());
            answer.refused(401, "unauthenticated");
        }
        assert_eq!(told[1], told[2], "{first}: {told:?}");
    }
    exhaust(&app, name).await;
    assert_eq!(guess(&app, &at("198.51.100.203"), email).await, 401);
    // Where she was before, both are one: else a neighbour has twice as many.
    for tried in [name, email, name] {
        assert_eq!(guess(&app, &home, tried).await, 401);
    }
    assert_eq!(guess(&app, &home, email).await, 429);
}

/// A laptop travels, and at home there may be one who guesses.
#[tokio::test]
async fn a_known_device_has_attempts_of_its_own_wherever_it_is() {
    let app = app(3).await;
    let home = at("203.0.113.1");
    let laptop = register(&app, &home, "alice", true)
        .await
        .expect("a cookie");
    exhaust(&app, "alice").await;
    while guess(&app, &home, "alice").await == 401 {}
    log_in(&app, &home, "alice", PASSWORD)
        .await
        .refused(429, "rate_limited");
    for address in ["203.0.113.1", "192.0.2.200"] {
        let from = Caller {
            address,
            device: Some(&laptop),
        };
        let answer = log_in(&app, &from, "alice", PASSWORD).await;
        assert_eq!(device(&answer).as_ref(), Some(&laptop), "it stays the same");
        answer.ok(200);
    }
    // It is known to no other account, and one that is made up to none.
    register(&app, &home, "bob", false).await;
    exhaust(&app, "bob").await;
    let made_up = "A".repeat(43);
    for device in [&laptop, &made_up] {
        let from = Caller {
            address: "192.0.2.200",
            device: Some(device),
        };
        let answer = log_in(&app, &from, "bob", PASSWORD).await;
        answer.refused(429, "rate_limited");
    }
    // And it does not guess without end.
    let thief = Caller {
        address: "192.0.2.201",
        device: Some(&laptop),
    };
    for _ in 0..3 {
        guess(&app, &thief, "alice").await;
    }
    assert_eq!(guess(&app, &thief, "alice").await, 429);
}

/// Each wrong password makes the next one wait twice as long, where the quota alone would let one
/// through each second.
#[tokio::test]
async fn wrong_passwords_make_the_next_one_wait_longer_and_longer() {
    let app = app(60).await;
    let home = at("203.0.113.1");
    register(&app, &home, "alice", false).await;
    let (mut failures, mut last) = (0_u32, Instant::now());
    // What the failures so far cost; the first sixty cost nothing more than the quota.
    let penalty = |failures: u32| match failures.checked_sub(60) {
        Some(beyond) => Duration::from_secs(1 << beyond),
        None => Duration::ZERO,
    };
    let mut waits = Vec::new();
    while waits.len() < 3 {
        let began = Instant::now();
        let answer = log_in(&app, &home, "alice", "Wrong-Horse-1").await;
        let penalty = penalty(failures);
        if answer.status() == 401 {
            let waited = last.elapsed();
            assert!(waited >= penalty, "{failures} failures, {waited:?}");
            (failures, last) = (failures + 1, began);
            continue;
        }
        let told = answer.header("retry-after").expect("a time").parse();
        let told = Duration::from_secs(told.expect("seconds"));
        answer.refused(429, "rate_limited");
        assert!(
            told <= penalty && told + last.elapsed() >= penalty,
            "{failures} failures, {told:?}"
        );
        waits.push(penalty.as_secs());
        tokio::time::sleep(told).await;
    }
    assert!(waits.is_sorted_by(|one, next| one < next), "{waits:?}");
    log_in(&app, &home, "alice", PASSWORD).await.ok(200);
    assert_eq!(guess(&app, &home, "alice").await, 401, "it began anew");
}

/// A school behind one router: one of them guesses at many names, and the others still get in.
#[tokio::test]
async fn who_tries_many_names_shuts_no_neighbour_out() {
    let app = app(2).await;
    let school = at("203.0.113.1");
    register(&app, &school, "alice", false).await;
    for number in 0..12 {
        let status = guess(&app, &school, &format!("nobody-{number}")).await;
        assert_eq!(status, 401);
    }
    assert_eq!(guess(&app, &school, "nobody-12").await, 429);
    log_in(&app, &school, "alice", PASSWORD).await.ok(200);
}

/// Who signs in rightly all day is never refused for what he did wrong before.
#[tokio::test]
async fn a_right_password_ends_the_wait() {
    let app = app(4).await;
    let home = at("203.0.113.1");
    register(&app, &home, "alice", false).await;
    for _ in 0..2 {
        assert_eq!(guess(&app, &home, "alice").await, 401);
    }
    let answer = log_in(&app, &home, "alice", PASSWORD).await;
    let left = answer.header("ratelimit").expect("what is left").to_owned();
    answer.ok(200);
    assert!(left.starts_with("\"attempts\";r=1;t="), "{left}");
}

/// Whoever took a token over must not find the password out with it.
#[tokio::test]
async fn a_stolen_token_does_not_guess_the_password() {
    let app = app(3).await;
    let alice = app.client("alice").await;
    let elsewhere = app.sign_in(&alice.email, PASSWORD).await;
    let change = |current: &str| json!({"password": "Other-Zebra-77", "current_password": current});
    let thief = app.as_user(&alice);
    for _ in 0..3 {
        let answer = thief.update_user(alice.id, &change("Wrong-Horse-1")).await;
        answer.refused_field("current_password", "wrong_password");
    }
    let answer = thief.update_user(alice.id, &change(PASSWORD)).await;
    answer.refused(429, "rate_limited");
    // The owner, who is signed in elsewhere, changes it.
    let owner = app.as_user(&elsewhere);
    owner.update_user(alice.id, &change(PASSWORD)).await.ok(200);
}
