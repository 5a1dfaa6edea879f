//! Changing users, and what changes with them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{ADMIN_PASSWORD, PASSWORD, TestApp, registration};

#[tokio::test]
async fn put_and_patch_change_what_is_there_and_leave_the_rest() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let path = format!("/api/users/{}", alice.id);
    for method in [Method::PUT, Method::PATCH] {
        let full = json!({
            "username": "alicia", "email": "alicia@parlor.example", "full_name": "Alicia",
            "phone_number": "555 123", "bio": "two\nlines",
            "avatar_url": "https://parlor.example/a.png",
        });
        let mut proved = full.clone();
        proved["current_password"] = json!(PASSWORD);
        let changed = api.send(method.clone(), &path, &proved).await.ok(200);
        for (field, value) in full.as_object().unwrap() {
            assert_eq!(&changed[field], value, "{field}");
        }
        let cleared = json!({"phone_number": null, "bio": null, "avatar_url": null});
        let changed = api.send(method.clone(), &path, &cleared).await.ok(200);
        assert_eq!(changed["username"], "alicia", "absent stays");
        for field in ["phone_number", "bio", "avatar_url"] {
            assert_eq!(changed[field], Value::Null, "{field} is cleared");
        }
        let unchanged = api.send(method.clone(), &path, &json!({})).await.ok(200);
        assert_eq!(unchanged["username"], "alicia");
        let back = json!({
            "username": "alice", "email": "alice@parlor.example", "current_password": PASSWORD,
        });
        api.send(method, &path, &back).await.ok(200);
    }
    let me = api.me().await.ok(200);
    assert!(me["updated_at"].as_str() > me["created_at"].as_str());
}

#[tokio::test]
async fn what_must_be_there_cannot_be_cleared() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    for field in ["username", "email", "full_name", "password"] {
        let answer = api.update_user(alice.id, &json!({field: null})).await;
        assert_eq!(answer.status(), 400, "{answer}");
    }
    for (field, value, code) in [
        ("username", "no", "invalid_username"),
        ("email", "nobody", "invalid_email"),
        ("full_name", "", "too_short"),
        ("phone_number", "x", "invalid_phone_number"),
        (
            "avatar_url",
            "http://parlor.example/a.png",
            "invalid_avatar_url",
        ),
        ("avatar_url", "javascript:alert(1)", "invalid_avatar_url"),
        ("bio", "zero \0 byte", "control_character"),
    ] {
        let answer = api.update_user(alice.id, &json!({field: value})).await;
        answer.refused_field(field, code);
    }
    assert_eq!(api.me().await.ok(200)["username"], "alice");
}

#[tokio::test]
async fn a_taken_name_stays_taken() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    app.client("bob").await;
    let api = app.as_user(&alice);
    let name = json!({"username": "BOB"});
    api.update_user(alice.id, &name)
        .await
        .refused(409, "username_taken");
    let email = json!({"email": "Bob@Parlor.example", "current_password": PASSWORD});
    api.update_user(alice.id, &email)
        .await
        .refused(409, "email_taken");
    let own = json!({"username": "ALICE", "email": "ALICE@parlor.example"});
    let changed = api.update_user(alice.id, &own).await.ok(200);
    assert_eq!(
        changed["username"], "ALICE",
        "the own name may change its case"
    );
    app.api()
        .create_user(&registration("alice"))
        .await
        .refused(409, "email_taken");
}

#[tokio::test]
async fn others_are_changed_by_admins_alone() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let trainer = app.trainer("tina").await;
    for who in [&bob, &trainer] {
        let api = app.as_user(who);
        let change = json!({"full_name": "Not Alice"});
        api.update_user(alice.id, &change)
            .await
            .refused(403, "forbidden");
        api.delete_user(alice.id).await.refused(403, "forbidden");
    }
    for own in [
        json!({"role": "admin"}),
        json!({"active": false}),
        json!({"active": true}),
    ] {
        let answer = app.as_user(&alice).update_user(alice.id, &own).await;
        answer.refused(403, "forbidden");
    }
    let admin = app.admin().await;
    let change = json!({"full_name": "Alice II", "role": "trainer"});
    let changed = app
        .as_user(&admin)
        .update_user(alice.id, &change)
        .await
        .ok(200);
    assert_eq!(
        (&changed["full_name"], &changed["role"]),
        (&json!("Alice II"), &json!("trainer"))
    );
    let nobody = parlor::domain::ids::UserId::new();
    let api = app.as_user(&admin);
    api.update_user(nobody, &change)
        .await
        .refused(404, "not_found");
    api.delete_user(nobody).await.refused(404, "not_found");
}

/// Whoever finds an open browser must not be able to keep the account.
#[tokio::test]
async fn the_own_password_changes_with_the_current_one_alone() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let phone = app.sign_in(&alice.email, PASSWORD).await;
    let api = app.as_user(&alice);
    let new = "Another-Horse-2";

    for body in [
        json!({"password": new}),
        json!({"password": new, "current_password": "Wrong-Horse-1"}),
        json!({"password": "weak", "current_password": PASSWORD}),
    ] {
        let answer = api.update_user(alice.id, &body).await;
        assert!(matches!(answer.status(), 400 | 403), "{answer}");
        app.sign_in(&alice.email, PASSWORD).await;
    }

    let body = json!({"password": new, "current_password": PASSWORD});
    api.update_user(alice.id, &body).await.ok(200);
    let old = json!({"email": alice.email, "password": PASSWORD});
    app.api().login(&old).await.refused(401, "unauthenticated");
    app.sign_in(&alice.email, new).await;
    assert_eq!(
        api.me().await.status(),
        200,
        "the login that changed it goes on"
    );
    app.as_user(&phone)
        .me()
        .await
        .refused(401, "unauthenticated");
    app.api()
        .refresh(&phone.refresh_token)
        .await
        .refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_password_set_by_an_admin_ends_every_login() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let admin = app.admin().await;
    let body = json!({"password": "Another-Horse-2"});
    app.as_user(&admin)
        .update_user(alice.id, &body)
        .await
        .ok(200);
    app.as_user(&alice)
        .me()
        .await
        .refused(401, "unauthenticated");
    app.api()
        .refresh(&alice.refresh_token)
        .await
        .refused(401, "unauthenticated");
    app.sign_in(&alice.email, "Another-Horse-2").await;
    let own = json!({"password": "Another-Admin-2"});
    let answer = app.as_user(&admin).update_user(admin.id, &own).await;
    assert!(
        matches!(answer.status(), 400 | 403),
        "an admin's own needs the current one: {answer}"
    );
    app.sign_in(&admin.email, ADMIN_PASSWORD).await;
}

/// With no admin left nobody could make another.
#[tokio::test]
async fn the_last_active_admin_stays() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    let demote = json!({"role": "client"});
    api.update_user(admin.id, &demote)
        .await
        .refused(409, "last_admin");
    api.deactivate(admin.id).await.refused(409, "last_admin");
    api.delete_user(admin.id).await.refused(409, "last_admin");

    let mut second = registration("second");
    second["role"] = "admin".into();
    let made = api.create_user(&second).await.ok(201);
    let second_id = made["id"].as_str().unwrap().parse().unwrap();
    api.deactivate(second_id).await.ok(200);
    api.delete_user(admin.id).await.refused(409, "last_admin");
    api.update_user(second_id, &json!({"active": true}))
        .await
        .ok(200);
    api.update_user(admin.id, &demote).await.ok(200);
    let second = app.sign_in("second@parlor.example", PASSWORD).await;
    app.as_user(&second)
        .delete_user(second.id)
        .await
        .refused(409, "last_admin");
}

/// Each sees the other as the one who remains.
#[tokio::test]
async fn two_last_admins_cannot_demote_each_other_at_once() {
    let app = TestApp::spawn().await;
    for round in 0..3 {
        let first = app.admin().await;
        let mut body = registration(&format!("second-{round}"));
        body["role"] = "admin".into();
        app.as_user(&first).create_user(&body).await.ok(201);
        let second = app.sign_in(body["email"].as_str().unwrap(), PASSWORD).await;
        let demote = json!({"role": "client"});
        let (one, two) = (app.as_user(&first), app.as_user(&second));
        let (a, b) = tokio::join!(
            one.update_user(second.id, &demote),
            two.update_user(first.id, &demote),
        );
        let done = [a.status(), b.status()]
            .iter()
            .filter(|status| **status == 200)
            .count();
        assert_eq!(done, 1, "{a} {b}");
        if b.status() == 200 {
            let back = json!({"role": "admin"});
            app.as_user(&second)
                .update_user(first.id, &back)
                .await
                .ok(200);
            let first = app.admin().await;
            app.as_user(&first)
                .update_user(second.id, &demote)
                .await
                .ok(200);
        }
    }
}
