//! The second step of a sign-in: codes of an app and recovery codes, each of which counts once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::{Answer, Enrolled, PASSWORD, Person, TestApp, authenticator::App};

#[tokio::test]
async fn who_set_up_an_app_signs_in_in_two_steps() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let none = json!({
        "password": true, "totp": false, "recovery_codes_left": 0, "required": false,
    });
    assert_eq!(app.two_factor(&alice).await, none);

    let begun = api
        .post("/api/auth/two-factor/totp", &json!({"password": PASSWORD}))
        .await
        .ok(200);
    let secret = begun["secret"].as_str().unwrap();
    let uri = begun["uri"].as_str().unwrap();
    assert!(
        uri.starts_with("otpauth://totp/Parlor%20localhost:alice?"),
        "{uri}"
    );
    assert!(uri.contains(&format!("secret={secret}")), "{uri}");
    shows(begun["qr_svg"].as_str().unwrap(), uri);
    assert_eq!(app.two_factor(&alice).await, none, "it is not confirmed");
    app.first_step(&alice).await.ok(200)["token"]
        .as_str()
        .unwrap();

    let phone = App::new(secret);
    let confirm = async |code: &str| {
        let body = json!({"code": code});
        api.post("/api/auth/two-factor/totp/confirm", &body).await
    };
    confirm(&phone.wrong_code())
        .await
        .refused(403, "wrong_code");
    confirm("abcd-efgh-ijkl-mnop")
        .await
        .refused(403, "wrong_code");
    confirm("12345").await.refused_field("code", "invalid_code");
    let code = phone.code();
    let confirmed = confirm(&code).await.ok(200);
    let enrolled = Enrolled::new(phone.clone(), &confirmed);
    confirm(&code).await.refused(409, "not_enrolled");
    let all = json!({"password": true, "totp": true, "recovery_codes_left": 10, "required": false});
    assert_eq!(app.two_factor(&alice).await, all);

    let step = app.first_step(&alice).await.ok(200);
    assert_eq!(step["message"], "Second factor required");
    assert_eq!(step["second_factor"]["expires_in"], 300);
    assert_eq!(
        step["second_factor"]["methods"],
        json!(["totp", "recovery_code"])
    );
    assert!(
        step.get("token").is_none() && step.get("user").is_none(),
        "{step}"
    );
    let ticket = step["second_factor"]["ticket"].as_str().unwrap();
    // The code that confirmed the app has counted.
    app.second_step(ticket, &code)
        .await
        .refused(403, "wrong_code");
    app.second_step(ticket, &phone.wrong_code())
        .await
        .refused(403, "wrong_code");
    let answer = app.second_step(ticket, &phone.code_in(1)).await.ok(200);
    assert_eq!(answer["message"], "Login successful");
    assert!(answer.get("recovery_codes").is_none(), "{answer}");
    let again = Person::from_login(&answer, PASSWORD);
    assert_eq!(again.id, alice.id);
    app.as_user(&again).me().await.ok(200);
    app.api().refresh(&again.refresh_token).await.ok(200);
    app.second_step(ticket, &enrolled.recovery_codes[0])
        .await
        .refused(401, "ticket_ended");
    assert_eq!(app.two_factor(&alice).await, all, "that one was not used");
    api.me().await.ok(200);
}

/// Checks that a picture is the QR code of a text, with the white border that readers need.
#[track_caller]
fn shows(picture: &str, text: &str) {
    const BORDER: usize = 4;

    let (_, path) = picture.rsplit_once(" d=\"").expect("the dark squares");
    let (path, _) = path.split_once('"').expect("an end");
    // Each as `M8 8h8v8H8V8`: a corner, and the length of its sides.
    let squares = path.split('M').skip(1).map(|square| {
        let numbers = square.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<usize> = numbers.map(|number| number.parse().unwrap()).collect();
        let [left, top, width, height, ..] = numbers[..] else {
            panic!("{square} is no square")
        };
        assert_eq!(
            (width, left % width, top % width),
            (height, 0, 0),
            "{square}"
        );
        (left / width, top / width)
    });
    let dark: BTreeSet<_> = squares.collect();
    let code = qrcode::QrCode::new(text).unwrap();
    let modules = code.to_colors().into_iter().enumerate();
    let expected = modules
        .filter(|(_, color)| *color == qrcode::Color::Dark)
        .map(|(at, _)| (at % code.width() + BORDER, at / code.width() + BORDER));
    assert_eq!(dark, expected.collect());
}

#[tokio::test]
async fn a_browser_gets_its_cookie_at_the_second_step() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let enrolled = app.enroll(&alice).await;
    let body = json!({"email": alice.email, "password": PASSWORD, "cookie": true});
    let step = app.api().login(&body).await;
    assert_eq!(step.header("set-cookie"), None);
    let ticket = step.ok(200)["second_factor"]["ticket"].clone();
    let body = json!({"ticket": ticket, "code": enrolled.app.code(), "cookie": true});
    let answer = app.api().post("/api/auth/login/second", &body).await;
    let cookie = answer.header("set-cookie").unwrap_or_default().to_owned();
    assert!(cookie.starts_with("__Secure-parlor_refresh="), "{cookie}");
    assert!(answer.ok(200).get("refresh_token").is_none());
}

/// RFC 6238, section 5.2: the verifier must not accept a code twice.
#[tokio::test]
async fn a_code_counts_once_even_at_the_same_moment() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let Enrolled { app: phone, .. } = app.enroll(&alice).await;
    let mut tickets = Vec::new();
    for _ in 0..5 {
        tickets.push(app.ticket(&alice).await);
    }
    let code = phone.code();
    let tries = tickets.iter().map(|ticket| app.second_step(ticket, &code));
    let statuses: Vec<u16> = join_all(tries).await.iter().map(Answer::status).collect();
    let won = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(won, 1, "{statuses:?}");
    assert!(
        statuses.iter().all(|status| matches!(status, 200 | 403)),
        "{statuses:?}"
    );
    // Nor does the code of an earlier step count after a later one.
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &phone.code_in(-1))
        .await
        .refused(403, "wrong_code");
}

/// One ticket, one login: however many right codes come with it.
#[tokio::test]
async fn a_ticket_is_good_for_one_login() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let enrolled = app.enroll(&alice).await;
    let ticket = app.ticket(&alice).await;
    let codes = &enrolled.recovery_codes[..4];
    let tries = codes.iter().map(|code| app.second_step(&ticket, code));
    let statuses: Vec<u16> = join_all(tries).await.iter().map(Answer::status).collect();
    let won = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(won, 1, "{statuses:?}");
}

#[tokio::test]
async fn a_clock_may_be_a_step_off_and_no_more() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let phone = app.enroll(&alice).await.app;
    // Tried within one step: one that began meanwhile would move them all.
    let try_code = async |steps: i64| {
        loop {
            app.forget_steps().await;
            let ticket = app.ticket(&alice).await;
            let code = phone.code();
            let answer = app.second_step(&ticket, &phone.code_in(steps)).await;
            if code == phone.code() {
                return answer;
            }
        }
    };
    for steps in [-40, -2, 2, 40] {
        try_code(steps).await.refused(403, "wrong_code");
        let near = steps.signum();
        try_code(near).await.ok(200);
    }
    try_code(0).await.ok(200);
}

#[tokio::test]
async fn a_ticket_ends_after_five_minutes() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let phone = app.enroll(&alice).await.app;
    let ticket = app.ticket(&alice).await;
    let database = &app.home.database;
    database
        .execute("UPDATE sign_in_tickets SET expires_at = '2020-01-01T00:00:00+00:00'")
        .await;
    let late = app.second_step(&ticket, &phone.code()).await;
    late.refused(401, "ticket_ended");
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &phone.code()).await.ok(200);
    for unknown in ["", "x", &ticket[1..]] {
        let refused = app.second_step(unknown, &phone.code()).await;
        refused.refused(401, "ticket_ended");
    }
}

#[tokio::test]
async fn five_wrong_codes_end_a_ticket() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let Enrolled {
        app: phone,
        recovery_codes,
    } = app.enroll(&alice).await;
    let ticket = app.ticket(&alice).await;
    let wrong = phone.wrong_code();
    // All at once: what is counted first cannot be outrun.
    let tries = (0..12).map(|_| app.second_step(&ticket, &wrong));
    let statuses: Vec<u16> = join_all(tries).await.iter().map(Answer::status).collect();
    let looked_at = statuses.iter().filter(|status| **status != 401).count();
    assert_eq!(looked_at, 5, "{statuses:?}");
    let right = app.second_step(&ticket, &recovery_codes[0]).await;
    right.refused(401, "ticket_ended");
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &recovery_codes[0]).await.ok(200);
}

/// Tickets are had for the password, so each new one must not give five more guesses.
#[tokio::test]
async fn who_guesses_waits_and_the_owner_still_has_recovery_codes() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let enrolled = app.enroll(&alice).await;
    let database = &app.home.database;
    database.execute("UPDATE totp SET tries = 20").await;
    let ticket = app.ticket(&alice).await;
    let wrong = enrolled.app.wrong_code();
    app.second_step(&ticket, &wrong)
        .await
        .refused(403, "wrong_code");
    let waiting = app.second_step(&ticket, &enrolled.app.code()).await;
    let wait: u64 = waiting.header("retry-after").unwrap().parse().unwrap();
    assert!((60..=900).contains(&wait), "{waiting}");
    waiting.refused(429, "rate_limited");
    let body = json!({"password": PASSWORD, "code": enrolled.app.code()});
    let signed_in = app.as_user(&alice);
    let path = "/api/auth/two-factor/recovery-codes";
    signed_in
        .post(path, &body)
        .await
        .refused(429, "rate_limited");
    let code = &enrolled.recovery_codes[0];
    app.second_step(&ticket, code).await.ok(200);
    database
        .execute("UPDATE totp SET next_try_at = '2020-01-01T00:00:00+00:00'")
        .await;
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &enrolled.app.code()).await.ok(200);
    // A right code takes the count back.
    let ticket = app.ticket(&alice).await;
    for _ in 0..4 {
        app.second_step(&ticket, &wrong)
            .await
            .refused(403, "wrong_code");
    }
}

#[tokio::test]
async fn a_recovery_code_counts_once() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let enrolled = app.enroll(&alice).await;
    let bobs = app.enroll(&bob).await;
    let code = &enrolled.recovery_codes[3];
    let mut tickets = Vec::new();
    for _ in 0..4 {
        tickets.push(app.ticket(&alice).await);
    }
    let tries = tickets.iter().map(|ticket| app.second_step(ticket, code));
    let statuses: Vec<u16> = join_all(tries).await.iter().map(Answer::status).collect();
    let won = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(won, 1, "{statuses:?}");
    assert_eq!(app.two_factor(&alice).await["recovery_codes_left"], 9);
    let ticket = app.ticket(&alice).await;
    let anothers = app.second_step(&ticket, &bobs.recovery_codes[0]).await;
    anothers.refused(403, "wrong_code");
    assert_eq!(app.two_factor(&bob).await["recovery_codes_left"], 10);
    let typed = enrolled.recovery_codes[4].replace('-', " ").to_uppercase();
    app.second_step(&ticket, &typed).await.ok(200);
}

#[tokio::test]
async fn new_recovery_codes_put_the_old_ones_out() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let enrolled = app.enroll(&alice).await;
    let renew = async |person: &Person, code: &str| {
        let path = "/api/auth/two-factor/recovery-codes";
        let body = json!({"password": PASSWORD, "code": code});
        app.as_user(person).post(path, &body).await
    };
    renew(&bob, "123456").await.refused(409, "not_enrolled");
    renew(&alice, &enrolled.app.wrong_code())
        .await
        .refused(403, "wrong_code");
    let code = enrolled.app.code();
    let renewed = renew(&alice, &code).await.ok(200);
    let renewed = Enrolled::new(enrolled.app.clone(), &renewed);
    renew(&alice, &code).await.refused(403, "wrong_code");
    let ticket = app.ticket(&alice).await;
    let old = app.second_step(&ticket, &enrolled.recovery_codes[0]).await;
    old.refused(403, "wrong_code");
    let new = app.second_step(&ticket, &renewed.recovery_codes[0]).await;
    new.ok(200);
    renew(&alice, &renewed.recovery_codes[1]).await.ok(200);
}

#[tokio::test]
async fn removing_an_app_takes_the_password_and_a_code() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let remove =
        async |body: serde_json::Value| api.post("/api/auth/two-factor/totp/remove", &body).await;
    let begin = "/api/auth/two-factor/totp";
    api.post(begin, &json!({}))
        .await
        .refused_field("password", "required");
    api.post(begin, &json!({"password": "Wrong-Horse-7"}))
        .await
        .refused_field("password", "wrong_password");
    remove(json!({"password": PASSWORD, "code": "123456"}))
        .await
        .refused(409, "not_enrolled");
    let enrolled = app.enroll(&alice).await;
    let code = enrolled.app.code();
    remove(json!({"code": code}))
        .await
        .refused_field("password", "required");
    remove(json!({"password": "Wrong-Horse-7", "code": code}))
        .await
        .refused_field("password", "wrong_password");
    remove(json!({"password": PASSWORD}))
        .await
        .refused_field("code", "required");
    remove(json!({"password": PASSWORD, "code": enrolled.app.wrong_code()}))
        .await
        .refused(403, "wrong_code");
    assert_eq!(app.two_factor(&alice).await["totp"], true);
    let ticket = app.ticket(&alice).await;
    remove(json!({"password": PASSWORD, "code": code}))
        .await
        .ok(204);
    let none =
        json!({"password": true, "totp": false, "recovery_codes_left": 0, "required": false});
    assert_eq!(app.two_factor(&alice).await, none);
    app.first_step(&alice).await.ok(200)["token"]
        .as_str()
        .unwrap();
    let code = &enrolled.recovery_codes[0];
    app.second_step(&ticket, code)
        .await
        .refused(401, "ticket_ended");
    // A recovery code does it, too: the telephone may be gone.
    let enrolled = app.enroll(&alice).await;
    let code = &enrolled.recovery_codes[0];
    remove(json!({"password": PASSWORD, "code": code}))
        .await
        .ok(204);
}

#[tokio::test]
async fn another_app_takes_the_place_of_the_first_when_it_is_confirmed() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let old = app.enroll(&alice).await;
    let begin = async |body: serde_json::Value| api.post("/api/auth/two-factor/totp", &body).await;
    begin(json!({"password": PASSWORD}))
        .await
        .refused_field("code", "required");
    begin(json!({"password": PASSWORD, "code": old.app.wrong_code()}))
        .await
        .refused(403, "wrong_code");
    let begun = begin(json!({"password": PASSWORD, "code": old.app.code()})).await;
    let phone = App::new(begun.ok(200)["secret"].as_str().unwrap());
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &phone.code())
        .await
        .refused(403, "wrong_code");
    let first = app.second_step(&ticket, &old.app.code_in(1)).await;
    first.ok(200);
    let body = json!({"code": phone.code()});
    let confirmed = api.post("/api/auth/two-factor/totp/confirm", &body).await;
    let new = Enrolled::new(phone, &confirmed.ok(200));
    app.forget_steps().await;
    let ticket = app.ticket(&alice).await;
    app.second_step(&ticket, &old.app.code())
        .await
        .refused(403, "wrong_code");
    app.second_step(&ticket, &old.recovery_codes[5])
        .await
        .refused(403, "wrong_code");
    app.second_step(&ticket, &new.app.code()).await.ok(200);
}
