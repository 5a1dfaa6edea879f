//! Finding users: search, order, pages.

use serde_json::{Value, json};

use crate::harness::{Client, TestApp, registration};

/// The user names in an answer, in its order.
fn names(list: &Value) -> Vec<&str> {
    let users = list["data"].as_array().unwrap();
    users
        .iter()
        .map(|user| user["username"].as_str().unwrap())
        .collect()
}

async fn found(api: &Client, query: &[(&str, &str)]) -> Vec<String> {
    let list = api.find_users(query).await.ok(200);
    let mut names: Vec<_> = names(&list).into_iter().map(str::to_owned).collect();
    names.sort();
    names
}

async fn make(app: &TestApp, username: &str, full_name: &str) {
    let mut body = registration(username);
    body["full_name"] = full_name.into();
    body["phone_number"] = "+1 555 0100".into();
    app.api().create_user(&body).await.ok(201);
}

/// `%` and `_` mean themselves: a search box is no pattern language.
#[tokio::test]
async fn a_search_is_taken_literally() {
    let app = TestApp::spawn().await;
    make(&app, "per.cent", "100% sure").await;
    make(&app, "under_score", "plain name").await;
    make(&app, "back.slash", r"C:\temp").await;
    make(&app, "quote", "O'Neill \"the\" *; --").await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    for (q, expected) in [
        ("%", vec!["per.cent"]),
        ("0%", vec!["per.cent"]),
        ("_", vec!["under_score"]),
        (r"\", vec!["back.slash"]),
        (r":\t", vec!["back.slash"]),
        (r"\%", vec![]),
        ("'", vec!["quote"]),
        ("--", vec!["quote"]),
        ("*", vec!["quote"]),
        ("r_s", vec!["under_score"]),
        ("r.s", vec![]),
    ] {
        assert_eq!(found(&api, &[("q", q)]).await, expected, "searching {q:?}");
    }
}

/// SQLite's own `lower` knows ASCII only.
#[tokio::test]
async fn a_search_disregards_case_in_every_script() {
    let app = TestApp::spawn().await;
    make(&app, "elodie", "Élodie Ångström").await;
    make(&app, "dmitri", "Дмитрий").await;
    make(&app, "upper.CASE", "ASCII Name").await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    for (q, expected) in [
        ("éLODIE", "elodie"),
        ("ÅNGSTR", "elodie"),
        ("дмитрий", "dmitri"),
        ("ДМИТ", "dmitri"),
        ("Upper.case", "upper.CASE"),
        ("ascii NAME", "upper.CASE"),
    ] {
        assert_eq!(
            found(&api, &[("q", q)]).await,
            [expected],
            "searching {q:?}"
        );
    }
}

#[tokio::test]
async fn only_admins_search_and_sort_by_address_or_telephone() {
    let app = TestApp::spawn().await;
    make(&app, "alice", "Alice").await;
    let bob = app.client("bob").await;
    let trainer = app.trainer("tina").await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    assert_eq!(found(&api, &[("q", "ALICE@parlor")]).await, ["alice"]);
    assert_eq!(found(&api, &[("q", "555 0100")]).await, ["alice"]);
    api.list_users("sort=email").await.ok(200);
    for who in [&bob, &trainer] {
        let api = app.as_user(who);
        api.list_users("q=alice@parlor")
            .await
            .refused(403, "forbidden");
        assert!(found(&api, &[("q", "555")]).await.is_empty());
        assert_eq!(found(&api, &[("q", "alice")]).await, ["alice"]);
        api.list_users("sort=email").await.refused(403, "forbidden");
    }
}

/// The databases' own orders differ; ours is one.
#[tokio::test]
async fn lists_are_sorted_as_asked_on_every_database() {
    let app = TestApp::spawn().await;
    for (username, full_name) in [
        ("delta", "b"),
        ("Bravo", "D"),
        ("alpha_2", "a"),
        ("alpha-1", "C"),
    ] {
        make(&app, username, full_name).await;
    }
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    let clients = ["delta", "Bravo", "alpha_2", "alpha-1"];
    for (query, expected) in [
        ("sort=created_at", clients.to_vec()),
        ("sort=created_at&order=asc", clients.to_vec()),
        (
            "sort=created_at&order=desc",
            clients.iter().rev().copied().collect(),
        ),
        (
            "sort=username",
            vec!["alpha-1", "alpha_2", "Bravo", "delta"],
        ),
        (
            "sort=username&order=desc",
            vec!["delta", "Bravo", "alpha_2", "alpha-1"],
        ),
        (
            "sort=full_name",
            vec!["alpha_2", "delta", "alpha-1", "Bravo"],
        ),
        (
            "sort=email&order=desc",
            vec!["delta", "Bravo", "alpha_2", "alpha-1"],
        ),
    ] {
        let list = api
            .list_users(&format!("role=client&{query}"))
            .await
            .ok(200);
        assert_eq!(names(&list), expected, "{query}");
    }
}

#[tokio::test]
async fn pages_hold_everybody_once() {
    let app = TestApp::spawn().await;
    for number in 0..7 {
        make(&app, &format!("user-{number}"), "Same Name").await;
    }
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    for sort in ["created_at", "username", "full_name"] {
        let mut seen = Vec::new();
        for page in 1..=4 {
            let query = format!("page={page}&limit=3&sort={sort}");
            let list = api.list_users(&query).await.ok(200);
            let expected = json!({"page": page, "limit": 3, "total": 9, "pages": 3});
            assert_eq!(list["pagination"], expected);
            assert_eq!(names(&list).len(), if page == 4 { 0 } else { 3 });
            seen.extend(names(&list).into_iter().map(str::to_owned));
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 9, "by {sort}");
    }
    let list = api.list_users("").await.ok(200);
    let expected = json!({"page": 1, "limit": 20, "total": 9, "pages": 1});
    assert_eq!(list["pagination"], expected, "the defaults");
}

#[tokio::test]
async fn lists_are_filtered_by_role_and_state() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let bob = app.client("bob").await;
    app.trainer("tina").await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    api.deactivate(bob.id).await.ok(200);
    for (query, expected) in [
        ([("active", "false"), ("role", "client")], vec!["bob"]),
        ([("active", "true"), ("role", "client")], vec!["alice"]),
        ([("active", "true"), ("role", "trainer")], vec!["tina"]),
        ([("q", "zzz"), ("role", "client")], vec![]),
        ([("q", "ALI"), ("active", "true")], vec!["alice"]),
    ] {
        assert_eq!(found(&api, &query).await, expected, "{query:?}");
    }
    for (role, total) in [("client", 2), ("trainer", 1), ("admin", 1)] {
        let list = app.as_user(&alice).users_with_role(role).await.ok(200);
        assert_eq!(list["pagination"]["total"], total, "{role}");
        assert!(
            list["data"]
                .as_array()
                .unwrap()
                .iter()
                .all(|user| user["role"] == role)
        );
    }
    let page = api
        .get("/api/users/role/client?limit=1&page=2&sort=username")
        .await
        .ok(200);
    assert_eq!(names(&page), ["bob"]);
}

/// None of these may reach the database as an overflow or a broken query.
#[tokio::test]
async fn bounds_are_kept() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    for bad in [
        "page=0",
        "page=-1",
        "page=99999999999999999999",
        "page=one",
        "limit=0",
        "limit=101",
        "limit=-5",
        "sort=password_hash",
        "sort=created_at;drop",
        "order=up",
        "role=boss",
        "active=maybe",
    ] {
        let answer = api.list_users(bad).await;
        assert_eq!(answer.status(), 400, "{answer}");
    }
    for good in [
        "page=4294967295&limit=100",
        "limit=100",
        "q=",
        "q=%20",
        "unknown=1",
    ] {
        let answer = api.list_users(good).await;
        assert_eq!(answer.status(), 200, "{answer}");
    }
    let unknown = api.users_with_role("boss").await;
    assert!(matches!(unknown.status(), 400 | 404), "{unknown}");
    // PostgreSQL cannot keep a zero byte, so it must not be asked for one.
    let zero = api.list_users("q=a%00b").await;
    assert!(matches!(zero.status(), 200 | 400), "{zero}");
    let long = api.list_users(&format!("q={}", "x".repeat(5000))).await;
    assert!(matches!(long.status(), 200 | 400), "{long}");
}
