//! A copy of the database is made while people talk, and put back later.

use serde_json::json;

use crate::{
    fault_crash::people,
    harness::{Conversation, Home, Plan, Server, TestDatabase, history},
};

/// A copy made under load is whole, and who was ahead of it is told so.
#[tokio::test]
async fn a_backup_under_load_is_whole_and_a_resume_across_its_return_is_refused() {
    let home = Home::new().await;
    let TestDatabase::Sqlite(_) = home.database else {
        return;
    };
    let plain = [("ENABLE_HTTPS", "false")];
    let server = Server::with(&home, &plain).await;
    let people = people(&server, 10).await;
    let plan = Plan {
        talkers: 10,
        quota: usize::MAX,
        retry: true,
        cut_one_in: 0,
    };
    let mut conversation = Conversation::start(&server, &people, plan).await;
    conversation.hear_acks(100).await;
    let before = conversation.now().acked;
    let output = home.run(&["backup", "copy.db"]).await;
    assert!(output.status.success(), "{output:?}");
    conversation.hear_acks(100).await;
    conversation.hush(&server.as_user(&people[0])).await;
    let all = history(&server.as_user(&people[0]), "general").await;
    let mut socket = server.ws(&people[0]).ready().await;
    let connected = socket.join("general").await;
    drop(socket);
    server.signal("TERM").await;
    assert!(server.ended().await.0.success());

    let output = home.run(&["restore", "copy.db"]).await;
    assert!(output.status.success(), "{output:?}");
    let server = Server::with(&home, &plain).await;
    let alice = server.sign_in(&people[0].email, &people[0].password).await;
    let copied = history(&server.as_user(&alice), "general").await;
    assert!(
        (before..all.len()).contains(&copied.len()),
        "{}",
        copied.len()
    );
    assert_eq!(
        copied,
        all[..copied.len()],
        "the copy is a beginning of all"
    );

    let mut resume = json!({
        "type": "connect", "room_id": "general", "after": 10, "epoch": connected["epoch"],
    });
    let mut socket = server.ws(&alice).ready().await;
    let renewed = socket.connect(&resume).await;
    assert_eq!(renewed["resumed"], false, "{renewed}");
    assert_ne!(renewed["epoch"], connected["epoch"]);
    resume["epoch"] = renewed["epoch"].clone();
    let again = socket.connect(&resume).await;
    assert_eq!(again["resumed"], true, "{again}");
}
