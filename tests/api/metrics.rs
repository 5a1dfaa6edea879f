//! The numbers that Prometheus reads: each is there, and true.

use reqwest::Method;

use crate::harness::{TestApp, until};

#[tokio::test]
async fn every_number_of_the_specification_is_there() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let mut socket = app.ws(&alice).joined("general").await;
    let id = socket.publish("general", "hello").await;
    socket.acked(&id).await;
    let answer = app.api().get("/metrics").await;
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/plain"), "{kind}");
    let metrics = answer.text();
    for (name, kind) in [
        ("api_http_requests_total", "counter"),
        ("api_http_request_duration_seconds", "histogram"),
        ("api_db_queries_total", "counter"),
        ("api_db_query_duration_seconds", "histogram"),
        ("api_active_connections", "gauge"),
        ("api_certificate_expiry_timestamp_seconds", "gauge"),
        ("api_memory_usage_bytes", "gauge"),
        ("chat_sessions", "gauge"),
        ("chat_rooms_live", "gauge"),
        ("chat_messages_total", "counter"),
        ("chat_deliveries_total", "counter"),
        ("chat_publish_seconds", "histogram"),
        ("chat_commit_batch_size", "histogram"),
        ("chat_outbox_bytes", "gauge"),
        ("chat_slow_consumers_total", "counter"),
        ("chat_resume_total", "counter"),
        ("api_audit_entries", "gauge"),
        ("api_audit_head_info", "gauge"),
    ] {
        let line = format!("# TYPE {name} {kind}");
        assert!(
            metrics.lines().any(|l| l == line),
            "{line} is missing in\n{metrics}"
        );
    }
    for user in ["alice", &alice.id.to_string()] {
        assert!(!metrics.contains(user), "no label names {user}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_the_routes_pattern() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    for id in [alice.id, bob.id, alice.id] {
        api.user(id).await.ok(200);
    }
    api.room("general").await.ok(200);
    app.api().me().await.refused(401, "unauthenticated");
    api.get("/nowhere/at/all").await.refused(404, "not_found");
    api.get("/api/also-not").await.refused(404, "not_found");
    api.call(Method::from_bytes(b"BREW").unwrap(), "/pot").await;
    for (labels, expected) in [
        (r#"method="GET",path="/api/users/{id}",status="200""#, 3.0),
        (
            r#"method="GET",path="/api/chat/rooms/{room_id}",status="200""#,
            1.0,
        ),
        (r#"method="GET",path="/api/users/me",status="401""#, 1.0),
        (r#"method="GET",path="unmatched",status="404""#, 2.0),
        (
            r#"method="POST",path="/api/auth/register",status="201""#,
            2.0,
        ),
    ] {
        let name = format!("api_http_requests_total{{{labels}}}");
        assert_eq!(api.metric(&name).await, expected, "{name}");
        let name = format!("api_http_request_duration_seconds_count{{{labels}}}");
        assert_eq!(api.metric(&name).await, expected, "{name}");
    }
    let metrics = api.metrics().await;
    assert!(
        !metrics.contains("BREW"),
        "methods are a closed set: {metrics}"
    );
    assert!(!metrics.contains("nowhere"), "paths are a closed set");
}

#[tokio::test]
async fn the_chats_numbers_are_true() {
    let app = TestApp::spawn().await;
    let (alice, bob) = (app.client("alice").await, app.client("bob").await);
    let api = app.as_user(&alice);
    assert_eq!(api.metric("chat_sessions").await, 0.0);
    assert_eq!(api.metric("chat_messages_total").await, 0.0);

    let mut one = app.ws(&alice).joined("general").await;
    let mut two = app.ws(&bob).joined("general").await;
    assert_eq!(api.metric("chat_sessions").await, 2.0);
    assert_eq!(api.metric("chat_rooms_live").await, 1.0);
    let before = api.metric("chat_deliveries_total").await;
    let id = one.publish("general", "hello").await;
    one.acked(&id).await;
    two.next_message().await;
    one.publish_as("general", "hello", &id).await;
    assert_eq!(one.acked(&id).await["duplicate"], true);
    api.say("help", "over REST").await;
    assert_eq!(
        api.metric("chat_messages_total").await,
        2.0,
        "a duplicate does not count"
    );
    assert!(api.metric("chat_deliveries_total").await >= before + 2.0);
    assert!(api.metric("chat_publish_seconds_count").await >= 2.0);
    assert_eq!(api.metric("chat_commit_batch_size_sum").await, 2.0);
    assert_eq!(api.metric("chat_outbox_bytes").await, 0.0);
    let fresh = api.metric(r#"chat_resume_total{outcome="fresh"}"#).await;
    assert_eq!(fresh, 2.0);
    one.resume("general", 1).await;
    assert_eq!(
        api.metric(r#"chat_resume_total{outcome="resumed"}"#).await,
        1.0
    );

    assert_eq!(two.close().await, 1000);
    one.wait_for("user_left").await;
    until(async || api.metric("chat_sessions").await == 1.0).await;
}

#[tokio::test]
async fn the_servers_numbers_are_true() {
    let app = TestApp::spawn().await;
    let alice = app.client("alice").await;
    let api = app.as_user(&alice);
    let _socket = app.ws(&alice).joined("general").await;
    let memory = api.metric("api_memory_usage_bytes").await;
    assert!((1e6..1e11).contains(&memory), "{memory}");
    let connections = api.metric("api_active_connections").await;
    assert_eq!(connections, 1.0, "this one; sockets are apart");
    let metrics = api.metrics().await;
    let queries = metrics
        .lines()
        .filter(|line| line.starts_with("api_db_queries_total{"));
    let (mut count, mut sum) = (0, 0.0);
    for line in queries {
        assert!(
            line.contains("operation=\"") && line.contains("table=\""),
            "{line}"
        );
        sum += line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap();
        count += 1;
    }
    assert!(
        count > 2 && sum > 4.0,
        "{count} kinds of queries, {sum} in all"
    );
}

/// The numbers tell much about a server, so strangers do not get them.
#[tokio::test]
async fn without_a_token_only_this_machine_may_ask() {
    let app = TestApp::spawn().await;
    app.api().metrics().await;
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.7"),
        ("forwarded", "for=203.0.113.7"),
        ("x-real-ip", "203.0.113.7"),
        ("x-forwarded-for", "127.0.0.1"),
    ] {
        let request = app
            .api()
            .request(Method::GET, "/metrics")
            .header(name, value);
        let answer = app.api().answer(request).await;
        assert!(
            matches!(answer.status(), 401 | 403 | 404),
            "{name}: {answer}"
        );
    }
}

#[tokio::test]
async fn with_a_token_everybody_who_has_it_may_ask() {
    let app = TestApp::with(|config| {
        config.server.metrics_token = Some("a token for the scraper".into());
    })
    .await;
    for api in [app.api(), app.with_token("another")] {
        api.get("/metrics").await.refused(401, "unauthenticated");
    }
    let api = app.with_token("a token for the scraper");
    let request = api
        .request(Method::GET, "/metrics")
        .header("x-forwarded-for", "203.0.113.7");
    let answer = api.answer(request).await;
    assert_eq!(answer.status(), 200, "{answer}");
    api.me().await.refused(401, "unauthenticated");
}
