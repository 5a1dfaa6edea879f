//! Making users and looking at them.

use serde_json::{Value, json};

use crate::harness::{PASSWORD, TestApp, registration};

/// `user` with one field set to another value.
fn with(mut user: Value, field: &str, value: impl Into<Value>) -> Value {
    user[field] = value.into();
    user
}

#[tokio::test]
async fn a_stranger_makes_a_client_and_sees_it_whole() {
    let app = TestApp::spawn().await;
    let body = with(registration("Ann.Lee"), "phone_number", "+49 30 1234");
    let made = app.api().create_user(&body).await.ok(201);

    for (field, expected) in [
        ("username", "Ann.Lee"),
        ("email", "Ann.Lee@parlor.example"),
        ("full_name", "Ann.Lee Example"),
        ("phone_number", "+49 30 1234"),
        ("role", "client"),
    ] {
        assert_eq!(made[field], expected, "{field} of {made}");
    }
    assert_eq!(made["active"], true);
    let id: uuid::Uuid = made["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    for field in ["created_at", "updated_at"] {
        let at = chrono::DateTime::parse_from_rfc3339(made[field].as_str().unwrap()).unwrap();
        assert_eq!(at.offset().local_minus_utc(), 0, "times are UTC");
        assert!((parlor::clock::now() - at.to_utc()).num_seconds().abs() < 60);
    }
    assert!(!made.to_string().contains("$2"), "the hash stays inside");
    assert!(made.get("password").is_none() && made.get("password_hash").is_none());
}

/// Otherwise everybody would be an administrator.
#[tokio::test]
async fn only_an_admin_gives_roles() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let admin = app.admin().await;
    for role in ["trainer", "admin"] {
        let body = with(registration(&format!("new-{role}")), "role", role);
        let anonymous = app.api().create_user(&body).await;
        assert!(matches!(anonymous.status(), 401 | 403), "{anonymous}");
        app.as_user(&alice)
            .create_user(&body)
            .await
            .refused(403, "forbidden");
        let made = app.as_user(&admin).create_user(&body).await.ok(201);
        assert_eq!(made["role"], role);
    }
    let client = with(registration("plain"), "role", "client");
    assert_eq!(
        app.api().create_user(&client).await.ok(201)["role"],
        "client"
    );
}

/// A body that says `"role": "admin"` must not slip through registration either.
#[tokio::test]
async fn registration_makes_clients_only() {
    let app = TestApp::spawn().await;
    let body = with(registration("eve"), "role", "admin");
    let answer = app.api().register(&body).await;
    if answer.status() == 201 {
        assert_eq!(answer.json()["user"]["role"], "client");
    } else {
        answer.refused(403, "forbidden");
    }
}

#[tokio::test]
async fn closed_registration_leaves_making_users_to_admins() {
    let app = TestApp::with(|config| config.auth.registration_open = false).await;
    let body = registration("alice");
    app.api()
        .create_user(&body)
        .await
        .refused(403, "registration_closed");
    app.api()
        .register(&body)
        .await
        .refused(403, "registration_closed");
    let admin = app.admin().await;
    app.as_user(&admin).create_user(&body).await.ok(201);
    let alice = app.sign_in("alice@parlor.example", PASSWORD).await;
    let other = registration("bob");
    app.as_user(&alice)
        .create_user(&other)
        .await
        .refused(403, "registration_closed");
}

#[tokio::test]
async fn names_and_addresses_are_unique_without_regard_to_case() {
    let app = TestApp::spawn().await;
    app.client("alice").await;
    let same_name = with(registration("ALICE"), "email", "other@parlor.example");
    let same_address = with(registration("bob"), "email", "Alice@PARLOR.example");
    for _ in 0..2 {
        app.api()
            .create_user(&same_name)
            .await
            .refused(409, "username_taken");
        app.api()
            .create_user(&same_address)
            .await
            .refused(409, "email_taken");
        app.api()
            .register(&same_address)
            .await
            .refused(409, "email_taken");
    }
    let admin = app.admin().await;
    let all = app.as_user(&admin).list_users("").await.ok(200);
    assert_eq!(all["pagination"]["total"], 2, "nobody was half made");
}

/// Both ask whether the name is free before either has written.
#[tokio::test]
async fn one_of_two_who_want_a_name_at_once_gets_it() {
    let app = TestApp::spawn().await;
    for round in 0..5 {
        let body = registration(&format!("wanted-{round}"));
        let api = app.api();
        let (one, two) = tokio::join!(api.create_user(&body), api.create_user(&body));
        let mut statuses = [one.status(), two.status()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{one} {two}");
    }
}

#[tokio::test]
async fn what_a_user_may_not_be_is_refused_by_field() {
    let app = TestApp::spawn().await;
    let long = "x".repeat(101);
    for (field, value, code) in [
        ("username", "ab", "invalid_username"),
        ("username", "with space", "invalid_username"),
        ("username", "ünal", "invalid_username"),
        ("username", "nul\0name", "invalid_username"),
        ("email", "nobody", "invalid_email"),
        ("email", "a@b", "invalid_email"),
        ("email", "a\0@parlor.example", "invalid_email"),
        ("full_name", "  ", "too_short"),
        ("full_name", &long, "too_long"),
        ("full_name", "bell \u{7}", "control_character"),
        ("phone_number", "call me", "invalid_phone_number"),
        ("password", "Aa1xxxx", "password_too_short"),
        ("password", "alllower1", "password_too_weak"),
        ("password", "ALLUPPER1", "password_too_weak"),
        ("password", "NoDigitsHere", "password_too_weak"),
        ("password", "Aa1\tcontrol", "control_character"),
        ("password", "Aa1\0control", "control_character"),
    ] {
        let body = with(registration("alice"), field, value);
        app.api()
            .create_user(&body)
            .await
            .refused_field(field, code);
        app.api().register(&body).await.refused_field(field, code);
    }
    app.client("alice").await;
}

/// bcrypt reads 72 bytes with the closing zero: a longer password would be cut without a word.
#[tokio::test]
async fn a_password_is_never_cut() {
    let app = TestApp::spawn().await;
    let longest = format!("Correct-Horse-1{}", "ä".repeat(28));
    assert_eq!(longest.len(), 71);
    let body = with(registration("alice"), "password", longest.as_str());
    app.api().create_user(&body).await.ok(201);
    app.sign_in("alice@parlor.example", &longest).await;

    let longer = format!("{longest}x");
    let body = with(registration("bob"), "password", longer.as_str());
    app.api()
        .create_user(&body)
        .await
        .refused_field("password", "password_too_long");
    let login = json!({"username": "alice", "password": longer});
    app.api()
        .login(&login)
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let app = TestApp::spawn().await;
    let body = json!({"username": "x", "email": "y", "password": "z", "full_name": ""});
    let refused = app
        .api()
        .create_user(&body)
        .await
        .refused(400, "validation_failed");
    let mut named: Vec<_> = refused["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["field"].as_str().unwrap())
        .collect();
    named.sort_unstable();
    assert_eq!(named, ["email", "full_name", "password", "username"]);
    assert!(
        !refused.to_string().contains("\"z\""),
        "a password is never repeated"
    );
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let app = TestApp::spawn().await;
    let body = with(registration("alice"), "favourite_colour", "green");
    app.api().create_user(&body).await.ok(201);
}

/// Addresses and telephone numbers are nobody's business but the owner's and the admins'.
#[tokio::test]
async fn contacts_are_shown_to_their_owner_and_admins_alone() {
    let app = TestApp::spawn().await;
    let body = with(registration("alice"), "phone_number", "12345");
    app.api().register(&body).await.ok(201);
    let alice = app.sign_in("alice@parlor.example", PASSWORD).await;
    let bob = app.client("bob").await;
    let trainer = app.trainer("tina").await;
    let admin = app.admin().await;

    for who in [&alice, &admin] {
        let seen = app.as_user(who).user(alice.id).await.ok(200);
        assert_eq!(seen["email"], "alice@parlor.example");
        assert_eq!(seen["phone_number"], "12345");
    }
    for who in [&bob, &trainer] {
        let api = app.as_user(who);
        let seen = api.user(alice.id).await.ok(200);
        assert_eq!(seen["username"], "alice");
        assert_eq!(seen["email"], Value::Null, "{seen}");
        assert_eq!(seen["phone_number"], Value::Null, "{seen}");
        let list = api.list_users("").await.ok(200);
        for user in list["data"].as_array().unwrap() {
            let own = user["id"] == who.id.to_string();
            assert_eq!(user["email"].is_string(), own, "{user}");
        }
        let clients = api.users_with_role("client").await.ok(200);
        assert!(!clients.to_string().contains("alice@"), "{clients}");
    }
    let me = app.as_user(&alice).me().await.ok(200);
    let mut seen = app.as_user(&admin).user(alice.id).await.ok(200);
    for managed in ["inactive_reason", "inactive_until"] {
        assert!(seen.as_object_mut().unwrap().remove(managed).is_some());
    }
    assert_eq!(me, seen);
}

#[tokio::test]
async fn users_are_for_those_who_signed_in() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    for api in [app.api(), app.with_token("nonsense")] {
        api.me().await.refused(401, "unauthenticated");
        api.user(alice.id).await.refused(401, "unauthenticated");
        api.list_users("").await.refused(401, "unauthenticated");
        api.users_with_role("client")
            .await
            .refused(401, "unauthenticated");
        api.statistics().await.refused(401, "unauthenticated");
        api.delete_user(alice.id)
            .await
            .refused(401, "unauthenticated");
        api.update_user(alice.id, &json!({}))
            .await
            .refused(401, "unauthenticated");
    }
    let api = app.as_user(&alice);
    api.user(parlor::domain::ids::UserId::new())
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn statistics_count_what_is_there_for_trainers_and_admins() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let trainer = app.trainer("tina").await;
    let admin = app.admin().await;
    app.as_user(&alice).say("general", "one").await;
    app.as_user(&alice).say("help", "two").await;
    app.as_user(&alice)
        .create_room(&json!({"name": "Fourth"}))
        .await
        .ok(201);
    app.as_user(&admin).deactivate(bob.id).await.ok(200);
    let _socket = app.ws(&alice).joined("general").await;

    app.as_user(&alice)
        .statistics()
        .await
        .refused(403, "forbidden");
    for who in [&trainer, &admin] {
        let expected = json!({
            "total": 4, "active": 3, "inactive": 1,
            "by_role": {"client": 2, "trainer": 1, "admin": 1},
            "messages": 2, "rooms": 4, "sessions_online": 1,
        });
        assert_eq!(app.as_user(who).statistics().await.ok(200), expected);
    }
}
