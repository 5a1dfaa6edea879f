//! Roles that admins make, and what each may do over REST.

use parlor::domain::permission::Permission;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD, Person, TestApp, registration};

/// Makes a role, and somebody who has it.
pub async fn person_with(app: &TestApp, name: &str, permissions: &[&str]) -> Person {
    let admin = app.as_user(&app.admin().await);
    let role = json!({"name": format!("{name}-role"), "permissions": permissions});
    admin.post("/api/roles", &role).await.ok(201);
    let person = app.client(name).await;
    let change = json!({"role": role["name"]});
    admin.update_user(person.id, &change).await.ok(200);
    person
}

async fn grant(api: &Client, role: &str, permissions: &Value) -> Value {
    let body = json!({"permissions": permissions});
    let path = format!("/api/roles/{role}");
    let answer = api.send(Method::PATCH, &path, &body);
    answer.await.ok(200)
}

fn names(list: &Value) -> Vec<&str> {
    let names = list["data"].as_array().unwrap().iter();
    names.map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn everybody_sees_which_roles_there_are_and_what_they_grant() {
    let app = TestApp::spawn().await;
    let alice = app.as_user(&app.client("alice").await);
    let permissions = alice.get("/api/permissions").await.ok(200);
    let all: Vec<_> = Permission::ALL.iter().map(|p| p.as_str()).collect();
    assert_eq!(names(&permissions), all);
    let roles = alice.get("/api/roles").await.ok(200);
    assert_eq!(names(&roles), ["client", "trainer", "admin"]);
    let admin = alice.get("/api/roles/admin").await.ok(200);
    assert_eq!(admin["permissions"], json!(all));
    assert_eq!(admin["built_in"], true);
    let trainer = alice.get("/api/roles/trainer").await.ok(200);
    assert!(
        trainer["permissions"]
            .as_array()
            .unwrap()
            .contains(&json!("statistics.read"))
    );
    for unknown in ["boss", "Boss", "%00", "client%2f.."] {
        let answer = alice.get(&format!("/api/roles/{unknown}")).await;
        answer.refused(404, "not_found");
    }
    for path in ["/api/permissions", "/api/roles", "/api/roles/client"] {
        app.api().get(path).await.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_custom_role_is_made_given_listed_and_deleted() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let body = json!({
        "name": "analyst", "about": " Counts. ", "permissions": ["users.read", "statistics.read"],
        "requires_two_factor": false,
    });
    let made = admin.post("/api/roles", &body).await.ok(201);
    assert_eq!(
        (&made["about"], &made["built_in"]),
        (&json!("Counts."), &json!(false))
    );
    admin
        .post("/api/roles", &body)
        .await
        .refused(409, "role_exists");

    let mut account = registration("ana");
    account["role"] = "analyst".into();
    assert_eq!(admin.create_user(&account).await.ok(201)["role"], "analyst");
    let ana = app.sign_in("ana@parlor.example", PASSWORD).await;
    let api = app.as_user(&ana);
    let counted = api.statistics().await.ok(200);
    assert_eq!(
        counted["by_role"],
        json!({"client": 0, "trainer": 0, "admin": 1, "analyst": 1})
    );
    api.get("/api/chat/rooms").await.refused(403, "forbidden");
    api.get("/api/chat/rooms/general")
        .await
        .refused(403, "forbidden");
    api.get("/api/chat/rooms/general/messages")
        .await
        .refused(403, "forbidden");
    api.post_message("general", &json!({"content": "hello"}))
        .await
        .refused(403, "forbidden");
    api.create_room(&json!({"name": "Mine"}))
        .await
        .refused(403, "forbidden");
    assert_eq!(
        app.api().validate(&ana.token).await.ok(200)["role"],
        "analyst"
    );

    for list in [
        api.users_with_role("analyst").await.ok(200),
        api.list_users("role=analyst").await.ok(200),
    ] {
        assert_eq!(list["pagination"]["total"], 1, "{list}");
        assert_eq!(list["data"][0]["username"], "ana");
    }
    api.users_with_role("boss")
        .await
        .refused_field("role", "invalid_role");
    api.list_users("role=boss")
        .await
        .refused_field("role", "invalid_role");

    let path = "/api/roles/analyst";
    admin
        .call(Method::DELETE, path)
        .await
        .refused(409, "role_in_use");
    admin
        .update_user(ana.id, &json!({"role": "client"}))
        .await
        .ok(200);
    admin.call(Method::DELETE, path).await.ok(204);
    admin
        .call(Method::DELETE, path)
        .await
        .refused(404, "not_found");
    let gone = json!({"role": "analyst"});
    admin
        .update_user(ana.id, &gone)
        .await
        .refused_field("role", "invalid_role");
    account["username"] = "ben".into();
    admin
        .create_user(&account)
        .await
        .refused_field("role", "invalid_role");
    api.users_with_role("analyst")
        .await
        .refused_field("role", "invalid_role");
}

#[tokio::test]
async fn built_in_roles_stay_and_an_admin_keeps_everything() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    for role in ["client", "trainer", "admin"] {
        let path = format!("/api/roles/{role}");
        admin
            .call(Method::DELETE, &path)
            .await
            .refused(409, "built_in_role");
        let body = json!({"name": role});
        admin
            .post("/api/roles", &body)
            .await
            .refused(409, "role_exists");
    }
    let body = json!({"permissions": ["users.read"]});
    let path = "/api/roles/admin";
    admin
        .send(Method::PATCH, path, &body)
        .await
        .refused(409, "built_in_role");
    let body = json!({"about": "Everything."});
    assert_eq!(
        admin.send(Method::PATCH, path, &body).await.ok(200)["about"],
        "Everything."
    );
}

#[tokio::test]
async fn what_is_no_role_is_refused_field_by_field() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    for (body, field, code) in [
        (json!({}), "name", "required"),
        (json!({"name": "Big Boss"}), "name", "invalid_role"),
        (json!({"name": "x".repeat(33)}), "name", "invalid_role"),
        (
            json!({"name": "a", "about": "x".repeat(201)}),
            "about",
            "too_long",
        ),
        (
            json!({"name": "a", "permissions": ["everything"]}),
            "permissions",
            "invalid_permission",
        ),
        (
            json!({"name": "a", "permissions": "users.read"}),
            "permissions",
            "wrong_type",
        ),
        (
            json!({"name": "a", "requires_two_factor": "no"}),
            "requires_two_factor",
            "wrong_type",
        ),
    ] {
        admin
            .post("/api/roles", &body)
            .await
            .refused_field(field, code);
    }
    let path = "/api/roles/client";
    for (body, field) in [
        (json!({"permissions": null}), "permissions"),
        (json!({"requires_two_factor": null}), "requires_two_factor"),
    ] {
        let answer = admin.send(Method::PATCH, path, &body).await;
        answer.refused_field(field, "required");
    }
}

#[tokio::test]
async fn what_a_role_loses_its_users_lose_at_the_next_request() {
    let app = TestApp::spawn().await;
    let admin = app.as_user(&app.admin().await);
    let alice = app.as_user(&app.client("alice").await);
    alice.create_room(&json!({"name": "One"})).await.ok(201);
    alice.say("general", "before").await;
    alice.get("/api/users").await.ok(200);

    grant(&admin, "client", &json!(["messages.read"])).await;
    alice
        .create_room(&json!({"name": "Two"}))
        .await
        .refused(403, "forbidden");
    alice
        .post_message("general", &json!({"content": "after"}))
        .await
        .refused(403, "forbidden");
    alice.get("/api/users").await.refused(403, "forbidden");
    alice.get("/api/chat/rooms/general/messages").await.ok(200);
    let me = alice.me().await.ok(200);
    let own = format!("/api/users/{}", me["id"].as_str().unwrap());
    alice.get(&own).await.ok(200);

    grant(
        &admin,
        "client",
        &json!(["messages.read", "messages.send", "statistics.read"]),
    )
    .await;
    alice.say("general", "again").await;
    alice.statistics().await.ok(200);
}

/// Who may change users, or roles, could else make himself an admin or take an admin's account.
#[tokio::test]
async fn nobody_gives_or_takes_what_he_does_not_have() {
    let app = TestApp::spawn().await;
    let all = [
        "users.read",
        "users.write",
        "users.delete",
        "roles.manage",
        "rooms.create",
        "messages.read",
        "messages.send",
    ];
    let eve = person_with(&app, "eve", &all).await;
    let (admin, bob) = (app.admin().await, app.client("bob").await);
    let tina = app.trainer("tina").await;
    let api = app.as_user(&eve);

    // Other accounts.
    for above in [&admin, &tina] {
        for change in [
            json!({"password": "Taken-Over-1"}),
            json!({"email": "eve2@parlor.example"}),
            json!({"full_name": "x"}),
            json!({"active": false}),
            json!({"role": "client"}),
        ] {
            api.update_user(above.id, &change)
                .await
                .refused(403, "forbidden");
        }
        api.delete_user(above.id).await.refused(403, "forbidden");
    }
    for target in [&eve, &bob] {
        for role in ["admin", "trainer"] {
            let change = json!({"role": role});
            api.update_user(target.id, &change)
                .await
                .refused(403, "forbidden");
        }
    }
    for role in ["admin", "trainer"] {
        let mut account = registration("new");
        account["role"] = role.into();
        api.create_user(&account).await.refused(403, "forbidden");
    }
    api.update_user(bob.id, &json!({"full_name": "Bobby"}))
        .await
        .ok(200);
    let mut account = registration("carol");
    account["role"] = "eve-role".into();
    api.create_user(&account).await.ok(201);

    // Roles.
    for permission in [
        "audit.read",
        "admin.access",
        "statistics.read",
        "users.contact",
    ] {
        let role = json!({"name": "up", "permissions": ["users.read", permission]});
        api.post("/api/roles", &role)
            .await
            .refused(403, "forbidden");
        let more = json!({"permissions": [permission]});
        for role in ["eve-role", "client"] {
            let path = format!("/api/roles/{role}");
            api.send(Method::PATCH, &path, &more)
                .await
                .refused(403, "forbidden");
        }
    }
    for above in ["trainer", "admin"] {
        let path = format!("/api/roles/{above}");
        for change in [
            json!({"permissions": []}),
            json!({"requires_two_factor": true}),
        ] {
            api.send(Method::PATCH, &path, &change)
                .await
                .refused(403, "forbidden");
        }
    }
    let helper = json!({"name": "helper", "permissions": ["users.read"]});
    api.post("/api/roles", &helper).await.ok(201);
    grant(&api, "helper", &json!(["users.read", "messages.read"])).await;
    api.call(Method::DELETE, "/api/roles/helper").await.ok(204);

    // Nobody else changes roles at all.
    for person in [&bob, &tina] {
        let api = app.as_user(person);
        api.post("/api/roles", &helper)
            .await
            .refused(403, "forbidden");
        let path = "/api/roles/client";
        api.send(Method::PATCH, path, &json!({"permissions": []}))
            .await
            .refused(403, "forbidden");
        api.call(Method::DELETE, "/api/roles/eve-role")
            .await
            .refused(403, "forbidden");
    }
}

#[tokio::test]
async fn the_command_line_knows_custom_roles() {
    let app = TestApp::spawn().await;
    let eve = person_with(&app, "eve", &["users.read"]).await;
    let run = async |args: &[&str]| app.home.run(args).await;
    let listed = run(&["user", "list", "--role", "eve-role"]).await;
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(
        listed.contains("eve") && listed.lines().count() == 1,
        "{listed}"
    );
    assert!(
        run(&["user", "role", "eve", "client"])
            .await
            .status
            .success()
    );
    assert!(
        run(&["user", "role", "eve", "eve-role"])
            .await
            .status
            .success()
    );
    assert!(
        !run(&["user", "role", "eve", "nonsense"])
            .await
            .status
            .success()
    );
    assert!(
        !run(&["user", "list", "--role", "nonsense"])
            .await
            .status
            .success()
    );
    let seen = app.as_user(&eve).me().await.ok(200);
    assert_eq!(seen["role"], "eve-role");
}
