//! Whether the server lives, is ready, and how it is.

use serde_json::json;

use crate::harness::{Home, OwnPostgres, TestApp, TestDatabase, until};

#[tokio::test]
async fn health_tells_of_the_server_and_its_machine() {
    let app = TestApp::spawn().await;
    let health = app.api().get("/health").await.ok(200);
    assert_eq!(health["status"], "up");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    let uptime = health["uptime"].as_f64().unwrap();
    assert!((0.0..600.0).contains(&uptime), "{health}");
    let started = health["start_time"].as_i64().expect("whole seconds");
    assert!(
        (parlor::clock::now().timestamp() - started).abs() < 600,
        "{health}"
    );

    let system = &health["system_info"];
    for number in [
        "cpu_usage",
        "total_memory",
        "used_memory",
        "memory_usage_percent",
        "total_swap",
        "used_swap",
    ] {
        assert!(
            system[number].as_f64().is_some_and(|value| value >= 0.0),
            "{number}: {system}"
        );
    }
    for text in ["hostname", "os_name", "os_version", "kernel_version"] {
        assert!(system[text].is_string(), "{text}: {system}");
    }
    let total = system["total_memory"].as_f64().unwrap();
    let used = system["used_memory"].as_f64().unwrap();
    assert!(total > 0.0 && used > 0.0 && used <= total, "{system}");
    let percent = system["memory_usage_percent"].as_f64().unwrap();
    assert!((percent - used / total * 100.0).abs() < 0.5, "{system}");
}

#[tokio::test]
async fn probes_need_no_sign_in() {
    let app = TestApp::spawn().await;
    for path in ["/health", "/health/live", "/health/ready"] {
        let answer = app.api().get(path).await;
        assert_eq!(answer.status(), 200, "{answer}");
        answer.ok(200);
    }
    let head = app.api().call(reqwest::Method::HEAD, "/health/live").await;
    assert!(matches!(head.status(), 200 | 405), "{head}");
}

/// A load balancer must stop sending while the database is gone, and start again by itself.
#[tokio::test]
async fn a_server_without_its_database_lives_but_is_not_ready() {
    let app = TestApp::spawn().await;
    app.api().get("/health/ready").await.ok(200);
    app.store.close().await;
    let refused = app
        .api()
        .get("/health/ready")
        .await
        .refused(503, "unavailable");
    assert!(!refused["message"].as_str().unwrap().is_empty());
    app.api().get("/health/live").await.ok(200);
    app.api().get("/health").await.ok(200);
    let login = json!({"username": "alice", "password": "Wrong-Horse-1"});
    app.api().login(&login).await.refused(503, "unavailable");
}

/// The server outlives its database: it says so meanwhile, and goes on by itself.
#[tokio::test]
async fn readiness_follows_postgresql_down_and_up() {
    let home = Home::new().await;
    let TestDatabase::Postgres { .. } = home.database else {
        return;
    };
    let postgres = OwnPostgres::start().await;
    let app = TestApp::with(|config| config.store.url = postgres.url.clone().into()).await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    for mode in ["fast", "immediate"] {
        api.get("/health/ready").await.ok(200);
        let before = api.say("general", "before").await;
        postgres.stop(mode).await;
        let refused = api.get("/health/ready").await;
        refused.refused(503, "unavailable");
        let content = json!({"content": "meanwhile", "client_message_id": mode});
        let refused = api.post_message("general", &content).await;
        refused.refused(503, "unavailable");
        api.get("/health/live").await.ok(200);
        postgres.resume().await;
        until(async || api.get("/health/ready").await.status() == 200).await;
        let said = api.post_message("general", &content).await.ok(201);
        let next = before["seq"].as_i64().unwrap() + 1;
        assert_eq!(said["seq"], next, "what was refused has no place");
    }
}
