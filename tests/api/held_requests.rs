//! Requests whose head came while something was allowed, and whose last byte came after it was not.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    api_tokens::token,
    harness::{Answer, LIMIT, PASSWORD, Person, SecurityKey, TestApp, registration},
    raw,
};

const NEW: &str = "Another-Horse-2";

/// A request that lacks its last byte; whose it is has been looked at.
struct Held {
    what: String,
    stream: TcpStream,
    last: u8,
}

impl Held {
    async fn new(app: &TestApp, token: &str, method: &str, path: &str, body: &Value) -> Self {
        let what = format!("{method} {path} {body}");
        // The token is known to the server, and so its bearer is settled at the first look.
        app.with_token(token).get("/api/roles").await.ok(200);
        let body = body.to_string();
        let (last, first) = body.as_bytes().split_last().unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", app.port)).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut heard = [0; 25];
        let waiting = timeout(LIMIT, stream.read_exact(&mut heard)).await;
        waiting
            .unwrap_or_else(|_| panic!("{what}: not let in"))
            .unwrap();
        assert_eq!(&heard, b"HTTP/1.1 100 Continue\r\n\r\n", "{what}");
        stream.write_all(first).await.unwrap();
        let last = *last;
        Self { what, stream, last }
    }

    async fn end(mut self) -> Answer {
        self.stream.write_all(&[self.last]).await.unwrap();
        raw::answer(self.what, &mut self.stream).await
    }
}

async fn plain() -> TestApp {
    TestApp::with(|config| config.server.https = false).await
}

#[tokio::test]
async fn who_is_demoted_meanwhile_manages_nobody() {
    let app = plain().await;
    let boss = app.as_user(&app.admin().await);
    let (eve, bob) = (app.client("eve").await, app.client("bob").await);
    boss.update_user(eve.id, &json!({"role": "admin"}))
        .await
        .ok(200);
    let role = json!({"name": "helper", "permissions": ["users.read"]});
    boss.post("/api/roles", &role).await.ok(201);
    let (eves, bobs) = (
        format!("/api/users/{}", eve.id),
        format!("/api/users/{}", bob.id),
    );
    let mut made = registration("mallory");
    made["role"] = json!("admin");
    let service = json!({"name": "x", "username": "service", "scopes": ["users.write"]});
    let mut held = Vec::new();
    for (method, path, body) in [
        (
            "PATCH",
            eves.as_str(),
            json!({"role": "admin", "active": true}),
        ),
        ("PATCH", &bobs, json!({"full_name": "Eve was here"})),
        ("PATCH", &bobs, json!({"active": false})),
        ("POST", "/api/users", made),
        (
            "POST",
            "/api/roles",
            json!({"name": "mine", "permissions": ["users.write"]}),
        ),
        (
            "PATCH",
            "/api/roles/client",
            json!({"permissions": ["users.write"]}),
        ),
        (
            "PATCH",
            "/api/roles/helper",
            json!({"requires_two_factor": true}),
        ),
        ("POST", "/api/admin/service-tokens", service),
        (
            "POST",
            "/api/auth/tokens",
            json!({"name": "x", "scopes": ["users.write"], "password": eve.password}),
        ),
    ] {
        held.push(Held::new(&app, &eve.token, method, path, &body).await);
    }
    boss.update_user(eve.id, &json!({"role": "client"}))
        .await
        .ok(200);
    for held in held {
        held.end().await.refused(403, "forbidden");
    }
    assert_eq!(app.as_user(&eve).me().await.ok(200)["role"], "client");
    assert_eq!(
        app.as_user(&bob).me().await.ok(200)["full_name"],
        "bob Example"
    );
    let roles = boss.get("/api/roles").await.ok(200);
    assert_eq!(roles["data"].as_array().unwrap().len(), 4, "{roles}");
}

/// A stranger who made the account waits with everything that would let him in again.
#[tokio::test]
async fn nothing_is_left_of_a_login_that_ended_meanwhile() {
    let app = plain().await;
    let alice = app.client("alice").await;
    let stranger = app.sign_in(&alice.email, PASSWORD).await;
    let totp = app.begin_totp(&stranger).await;
    let mut key = SecurityKey::new(&app.url);
    let api = app.as_user(&stranger);
    let start = "/api/auth/passkeys/register/start";
    let started = api
        .post(start, &json!({"password": PASSWORD}))
        .await
        .ok(200);
    let passkey = json!({
        "ceremony": started["ceremony"],
        "name": "mine",
        "credential": key.create(&started["options"]),
    });
    let own = format!("/api/users/{}", alice.id);
    let mut held = Vec::new();
    for (method, path, body) in [
        (
            "POST",
            "/api/auth/tokens",
            json!({"name": "x", "scopes": [], "password": PASSWORD}),
        ),
        ("POST", "/api/auth/passkeys/register/finish", passkey),
        (
            "POST",
            "/api/auth/two-factor/totp/confirm",
            json!({"code": totp.code()}),
        ),
        (
            "PATCH",
            &own,
            json!({"email": "eve@parlor.example", "current_password": PASSWORD}),
        ),
        ("PATCH", &own, json!({"full_name": "Eve"})),
    ] {
        held.push(Held::new(&app, &stranger.token, method, path, &body).await);
    }
    let owner = app.as_user(&alice);
    owner.call(Method::DELETE, "/api/auth/logins").await.ok(204);
    for held in held {
        held.end().await.refused(401, "unauthenticated");
    }
    for path in ["/api/auth/tokens", "/api/auth/passkeys"] {
        let kept = owner.get(path).await.ok(200);
        assert_eq!(kept["data"], json!([]), "{path}");
    }
    assert_eq!(app.two_factor(&alice).await["totp"], false);
    let me = owner.me().await.ok(200);
    assert_eq!(me["email"], alice.email.as_str());
    assert_eq!(me["full_name"], "alice Example");
}

#[tokio::test]
async fn a_token_that_is_revoked_meanwhile_changes_nobody() {
    let app = plain().await;
    let (admin, bob) = (app.as_user(&app.admin().await), app.client("bob").await);
    let scopes = [
        "users.read",
        "users.write",
        "messages.read",
        "messages.send",
        "rooms.create",
    ];
    let (text, id) = token(&admin, &scopes).await;
    let bobs = format!("/api/users/{}", bob.id);
    let change = json!({"full_name": "Bobby"});
    app.with_token(&text)
        .update_user(bob.id, &change)
        .await
        .ok(200);
    let held = Held::new(&app, &text, "PATCH", &bobs, &json!({"full_name": "x"})).await;
    let revoke = format!("/api/auth/tokens/{id}");
    admin.call(Method::DELETE, &revoke).await.ok(204);
    held.end().await.refused(401, "unauthenticated");
    assert_eq!(app.as_user(&bob).me().await.ok(200)["full_name"], "Bobby");
}

/// Comparing takes its time, in which the password may become another one.
#[tokio::test]
async fn a_sign_in_with_the_old_password_does_not_outlive_it() {
    // Slow enough that the change comes between looking a password up and keeping the login.
    let app = TestApp::with(|config| config.auth.bcrypt_cost = 6).await;
    let (alice, admin) = (app.client("alice").await, app.as_user(&app.admin().await));
    let api = app.api();
    let body = json!({"email": alice.email, "password": PASSWORD});
    let change = json!({"password": NEW});
    let (changed, answers) = tokio::join!(
        admin.update_user(alice.id, &change),
        join_all((0..8).map(|_| api.login(&body))),
    );
    changed.ok(200);
    for answer in answers {
        if answer.status() == 200 {
            let old = Person::from_login(&answer.ok(200), PASSWORD);
            app.as_user(&old).me().await.refused(401, "unauthenticated");
        } else {
            // 503 of a server that is too busy to compare lets nobody in either.
            assert!(matches!(answer.status(), 401 | 503), "{answer}");
        }
    }
    app.sign_in(&alice.email, NEW).await;
}

/// Of two who know the password, the second proves one that counts no more.
#[tokio::test]
async fn a_password_is_changed_by_who_knows_the_present_one() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let passwords: Vec<_> = (0..4).map(|n| format!("Another-Horse-{n}")).collect();
    let answers = join_all(passwords.iter().map(async |new| {
        let change = json!({"password": new, "current_password": PASSWORD});
        api.update_user(alice.id, &change).await
    }));
    let mut changed = 0;
    for (new, answer) in passwords.iter().zip(answers.await) {
        if answer.status() == 200 {
            changed += 1;
            app.sign_in(&alice.email, new).await;
        } else {
            answer.refused_field("current_password", "wrong_password");
        }
    }
    assert_eq!(changed, 1);
}
