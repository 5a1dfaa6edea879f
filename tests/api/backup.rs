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
