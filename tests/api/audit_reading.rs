//! The audit log as it is searched, paged and exported.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{audit::audit, harness::TestApp};

#[tokio::test]
async fn pages_meet_without_gap_or_overlap() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    for number in 0..4 {
        app.client(&format!("user-{number}")).await;
    }
    let api = app.as_user(&admin);
    let (mut seqs, mut before) = (Vec::new(), i64::MAX);
    loop {
        let page = api
            .get(&format!("/api/audit?limit=3&before={before}"))
            .await
            .ok(200);
        let data = page["data"].as_array().expect("a list");
        seqs.extend(data.iter().filter_map(|entry| entry["seq"].as_i64()));
        let head = page["head"]["seq"].as_i64();
        assert_eq!(head, seqs.first().copied());
        if page["has_more"] == false {
            break;
        }
        before = *seqs.last().expect("a page with more is not empty");
    }
    let all: Vec<i64> = (1..=10).rev().collect();
    assert_eq!(seqs, all, "first admin and login, four accounts and logins");
    let middle = audit(&app, &admin, "before=6").await[0]["at"].clone();
    let at = middle.as_str().expect("a time");
    let from = audit(&app, &admin, &format!("from={at}")).await;
    let to = audit(&app, &admin, &format!("to={at}")).await;
    assert_eq!(
        (from.len(), to.len()),
        (6, 4),
        "from is included, to is not"
    );
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    let api = app.as_user(&admin);
    for (query, field) in [
        ("actor=alice", "actor"),
        ("act=user.", "act"),
        ("act=%00", "act"),
        ("target=%00", "target"),
        ("from=yesterday", "from"),
        ("to=2026-11-21", "to"),
        ("before=0", "before"),
        ("limit=201", "limit"),
    ] {
        let answer = api.get(&format!("/api/audit?{query}")).await;
        let body = answer.refused(400, "validation_failed");
        assert_eq!(body["fields"][0]["field"], field, "{body}");
    }
}

/// The recipe of docs/security.md, by other means than the server's.
fn seal(entry: &Value) -> String {
    let mut text = String::from("14:parlor audit 1,");
    for name in [
        "prev_hash",
        "seq",
        "at",
        "via",
        "actor_id",
        "login_id",
        "token_id",
        "act",
        "target_kind",
        "target_id",
        "address",
        "request_id",
        "details",
    ] {
        let column = match &entry[name] {
            Value::Null => {
                text.push_str("-,");
                continue;
            }
            // Always six digits, while JSON has as many as there are.
            Value::String(time) if name == "at" => {
                let time: chrono::DateTime<chrono::Utc> = time.parse().expect("a time");
                time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
            }
            Value::String(column) => column.clone(),
            column => column.to_string(),
        };
        text.push_str(&format!("{}:{column},", column.len()));
    }
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn whoever_has_an_export_can_compute_its_hashes() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    for number in 0..120 {
        let body =
            json!({"id": format!("room-{number}"), "name": format!("Zimmer \"Ä\" {number}\\")});
        let name = body["name"].as_str().expect("a name").to_owned();
        let id = parlor::domain::ids::RoomId::parse(&format!("room-{number}")).expect("an id");
        let name = parlor::domain::room::RoomName::parse(&name).expect("a name");
        let by = parlor::domain::audit::By::server();
        app.store
            .insert_room(&id, &name, None, admin.id, &by)
            .await
            .expect("a room");
        app.store
            .record(by, parlor::domain::audit::Act::AuditExport, None, body)
            .await
            .expect("an entry");
    }
    let answer = app.as_user(&admin).get("/api/audit/export").await;
    assert_eq!(answer.status(), 200, "{answer}");
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let mut before = "0".repeat(64);
    let mut count = 0;
    for line in answer.text().lines() {
        let entry: Value = serde_json::from_str(line).expect("a line of JSON");
        count += 1;
        assert_eq!(entry["seq"], count);
        assert_eq!(entry["prev_hash"], before, "{entry}");
        before = seal(&entry);
        assert_eq!(entry["hash"], before, "{entry}");
    }
    assert_eq!(count, 243, "more than one page");
    let last: Value = serde_json::from_str(answer.text().lines().last().expect("a line")).unwrap();
    assert_eq!(
        (&last["act"], &last["actor_id"]),
        (&json!("audit.export"), &json!(admin.id))
    );
    let head = app.as_user(&admin).get("/api/audit").await.ok(200)["head"].clone();
    assert_eq!((&head["seq"], &head["hash"]), (&last["seq"], &last["hash"]));
    let metrics = app.api().metrics().await;
    let series: Vec<_> = metrics
        .lines()
        .filter(|line| line.starts_with("api_audit_head_info{"))
        .collect();
    assert_eq!(
        series,
        [format!("api_audit_head_info{{hash=\"{before}\"}} 1")]
    );
    assert_eq!(app.api().metric("api_audit_entries").await, 243.0);
}

/// Whoever notes it in another place must not see the log begin anew.
#[tokio::test]
async fn the_head_in_the_metrics_outlives_a_restart() {
    let app = TestApp::spawn().await;
    app.client("alice").await;
    let head = async |app: &TestApp| {
        let metrics = app.api().metrics().await;
        let of_head = |line: &&str| line.starts_with("api_audit_head_info{");
        let series: Vec<String> = metrics.lines().filter(of_head).map(str::to_owned).collect();
        assert_eq!(series.len(), 1, "{series:?}");
        (app.api().metric("api_audit_entries").await, series)
    };
    let before = head(&app).await;
    let app = app.restart().await;
    // Also while the database, and with it the log, is away.
    app.store.close().await;
    assert_eq!(head(&app).await, before);
}

/// A form sends what was not filled in as empty.
#[tokio::test]
async fn an_empty_condition_is_none() {
    let app = TestApp::spawn().await;
    let admin = app.admin().await;
    let all = audit(&app, &admin, "").await;
    let query = "actor=&act=&target=&from=&to=&before=";
    assert_eq!(audit(&app, &admin, query).await, all);
    let api = app.as_user(&admin);
    let exported = api.get("/api/audit/export?from=&to=").await;
    assert_eq!(exported.status(), 200, "{exported}");
    assert_eq!(exported.text().lines().count(), all.len() + 1);
}
