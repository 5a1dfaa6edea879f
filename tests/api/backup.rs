//! Copies of the database, and what clients are told after one was put back.

use std::fs;

use crate::harness::{Home, PASSWORD, Person, Server, TestDatabase};

async fn epoch(server: &Server, person: &Person) -> String {
    let mut socket = server.ws(person).ready().await;
    let connected = socket.join("general").await;
    connected["epoch"].as_str().unwrap().to_owned()
}

async fn stop(server: Server) {
    server.signal("TERM").await;
    let (status, output) = server.ended().await;
    assert!(status.success(), "{output}");
}

async fn run(home: &Home, args: &[&str]) {
    let output = home.run(args).await;
    assert!(output.status.success(), "{args:?}: {output:?}");
}

async fn refused(home: &Home, args: &[&str]) -> String {
    let output = home.run(args).await;
    assert!(!output.status.success(), "{args:?} must be refused");
    String::from_utf8(output.stderr).unwrap()
}

/// Clients that were ahead of the copy must not take its new messages for old ones.
#[tokio::test]
async fn a_restored_database_has_a_new_epoch() {
    let home = Home::new().await;
    if let TestDatabase::Postgres { .. } = home.database {
        return;
    }
    let server = Server::start(&home).await;
    let alice = server.client("alice").await;
    server.as_user(&alice).say("general", "in the copy").await;
    let before = epoch(&server, &alice).await;
    run(&home, &["backup", "copy.db"]).await;
    refused(&home, &["backup", "copy.db"]).await;
    server.as_user(&alice).say("general", "lost").await;
    refused(&home, &["restore", "copy.db"]).await;
    assert_eq!(
        epoch(&server, &alice).await,
        before,
        "a backup changes nothing"
    );
    stop(server).await;

    refused(&home, &["restore", "missing.db"]).await;
    fs::write(home.path().join("nonsense.db"), "no database").unwrap();
    refused(&home, &["restore", "nonsense.db"]).await;
    let server = Server::start(&home).await;
    let api = server.as_user(&alice);
    assert_eq!(
        api.room("general").await.ok(200)["head"],
        2,
        "a refusal changes nothing"
    );
    assert_eq!(
        epoch(&server, &alice).await,
        before,
        "a start changes nothing"
    );
    stop(server).await;

    run(&home, &["restore", "copy.db"]).await;
    let server = Server::start(&home).await;
    let alice = server.sign_in(&alice.email, PASSWORD).await;
    let page = server.as_user(&alice).messages("general", "").await.ok(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
    assert_eq!(page["data"][0]["content"], "in the copy");
    assert_ne!(epoch(&server, &alice).await, before);
}

/// What `parlor audit verify` says: how many entries, and the hash of the last.
async fn verified(home: &Home, more: &[&str]) -> (u32, String) {
    let output = home.run(&[&["audit", "verify"], more].concat()).await;
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let (count, head) = said.trim().split_once(" entries, head ").unwrap();
    (count.parse().unwrap(), head.to_owned())
}

/// The last entry of the log says that this is a copy, and who put it back.
async fn tells_of_a_restore(home: &Home, details: serde_json::Value) {
    let server = Server::start(home).await;
    let admin = server.admin().await;
    let found = server.as_user(&admin).get("/api/audit?act=database").await;
    let found = found.ok(200);
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    let told = &found["data"][0];
    assert_eq!(told["act"], "database.restore");
    assert_eq!(told["via"], "command_line");
    assert_eq!(told["actor_id"], serde_json::Value::Null);
    assert_eq!(told["details"], details);
    stop(server).await;
}

/// The chain goes on where the copy was made, and says that it was put back.
#[tokio::test]
async fn a_restored_audit_log_is_whole_and_tells_of_the_restore() {
    let home = Home::new().await;
    let is_sqlite = matches!(home.database, TestDatabase::Sqlite(_));
    let server = Server::start(&home).await;
    server.client("alice").await;
    let noted = verified(&home, &[]).await;
    if !is_sqlite {
        stop(server).await;
        run(&home, &["restore", "--renew-epoch"]).await;
        assert_eq!(verified(&home, &["--head", &noted.1]).await.0, noted.0 + 1);
        return tells_of_a_restore(&home, serde_json::json!({})).await;
    }
    run(&home, &["backup", "copy.db"]).await;
    server.client("bob").await;
    let later = verified(&home, &[]).await;
    assert!(later.0 > noted.0);
    stop(server).await;
    run(&home, &["restore", "copy.db"]).await;
    assert_eq!(verified(&home, &["--head", &noted.1]).await.0, noted.0 + 1);
    let lost = refused(&home, &["audit", "verify", "--head", &later.1]).await;
    assert!(
        lost.contains("the noted head is not in the chain"),
        "{lost}"
    );
    tells_of_a_restore(&home, serde_json::json!({"file": "copy.db"})).await;
    verified(&home, &["--head", &noted.1]).await;
    let left = fs::read_dir(home.path()).unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<_> = names.filter(|name| name.contains("restoring")).collect();
    assert!(names.is_empty(), "{names:?}");
}

/// Who starts a server on a copy by hand gets a new epoch as well.
#[tokio::test]
async fn a_copy_has_no_epoch_of_its_own() {
    let home = Home::new().await;
    if let TestDatabase::Postgres { .. } = home.database {
        return;
    }
    let server = Server::start(&home).await;
    let alice = server.client("alice").await;
    let before = epoch(&server, &alice).await;
    run(&home, &["backup", "copy.db"]).await;
    stop(server).await;
    let url = format!("sqlite://{}/copy.db", home.path().display());
    let server = Server::with(&home, &[("DATABASE_URL", &url)]).await;
    let alice = server.sign_in(&alice.email, PASSWORD).await;
    assert_ne!(epoch(&server, &alice).await, before);
}

#[tokio::test]
async fn postgresql_is_restored_with_its_own_tools() {
    let home = Home::new().await;
    let TestDatabase::Postgres { .. } = home.database else {
        return;
    };
    let server = Server::start(&home).await;
    let alice = server.client("alice").await;
    let before = epoch(&server, &alice).await;
    for args in [["backup", "copy.db"], ["restore", "copy.db"]] {
        let told = refused(&home, &args).await;
        assert!(told.contains("pg_"), "it says what to use: {told}");
    }
    refused(&home, &["restore", "--renew-epoch"]).await;
    stop(server).await;
    run(&home, &["restore", "--renew-epoch"]).await;
    let server = Server::start(&home).await;
    assert_ne!(epoch(&server, &alice).await, before);
}
