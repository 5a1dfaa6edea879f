//! SQLite cannot write for a while, in the middle of a conversation.

use std::process::Command;

use sqlx::{Connection, Executor, SqliteConnection};

use crate::{
    fault_crash::people,
    harness::{Conversation, Home, Plan, Server, TestDatabase, until},
};

const ENDLESS: Plan = Plan {
    talkers: 10,
    quota: usize::MAX,
    retry: false,
    cut_one_in: 0,
};

/// Somebody's shell, or a backup tool, keeps the database to itself.
#[tokio::test]
async fn messages_are_committed_or_refused_while_another_holds_the_write_lock() {
    let home = Home::new().await;
    let TestDatabase::Sqlite(url) = &home.database else {
        return;
    };
    let server = Server::with(&home, &[("ENABLE_HTTPS", "false")]).await;
    let people = people(&server, 20).await;
    let api = server.as_user(&people[0]);
    let mut conversation = Conversation::start(&server, &people, ENDLESS).await;
    let mut other = SqliteConnection::connect(url).await.unwrap();
    for _ in 0..2 {
        conversation.hear_acks(100).await;
        other.execute("PRAGMA busy_timeout = 5000").await.unwrap();
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        conversation.hear_refusals(10).await;
        api.messages("general", "").await.ok(200);
        other.execute("ROLLBACK").await.unwrap();
    }
    conversation.hear_acks(100).await;
    let members = conversation.hush(&api).await;
    assert!(members.iter().all(|member| member.closes.is_empty()));
    assert!(members.iter().any(|member| !member.refused.is_empty()));
}

/// The disk is full, as far as SQLite can tell, and then it is not.
#[tokio::test]
async fn messages_are_committed_or_refused_while_the_disk_takes_no_more() {
    let home = Home::new().await;
    let TestDatabase::Sqlite(_) = &home.database else {
        return;
    };
    // A write beyond the limit must fail, not end the process.
    let mut command = home.command(&["serve"]);
    command.env("ENABLE_HTTPS", "false");
    let mut shell = tokio::process::Command::new("sh");
    let program = command.as_std().get_program().to_owned();
    shell
        .args(["-c", "trap '' XFSZ; exec \"$0\" serve"])
        .arg(program)
        .env_clear()
        .current_dir(home.path())
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    for (name, value) in command.as_std().get_envs() {
        shell.env(name, value.expect("nothing is unset"));
    }
    let server = Server::from(&home, shell).await;
    let people = people(&server, 20).await;
    let api = server.as_user(&people[0]);
    let mut conversation = Conversation::start(&server, &people, ENDLESS).await;
    // The first limits stop a write within a page, the last one any write at all.
    for bytes in ["150000", "50001", "4096", "0"] {
        conversation.hear_acks(100).await;
        // A commit that failed half-way has no answer before it can be looked up.
        let (refused, unknown) = (conversation.now().refused, unknown_outcomes(&server));
        limit_files(server.id(), bytes);
        until(async || conversation.now().refused > refused || unknown_outcomes(&server) > unknown)
            .await;
        api.messages("general", "").await.ok(200);
        limit_files(server.id(), "unlimited");
    }
    conversation.hear_acks(100).await;
    let members = conversation.hush(&api).await;
    assert!(members.iter().all(|member| member.closes.is_empty()));
    server.signal("TERM").await;
    let (status, output) = server.ended().await;
    assert!(status.success(), "{output}");
}

/// How many commits failed after they were sent.
fn unknown_outcomes(server: &Server) -> usize {
    let output = server.output();
    output.matches("outcome of a commit is unknown").count()
}

/// Sets how long the files of a running process may become.
fn limit_files(process: u32, bytes: &str) {
    let limits = format!("--fsize={bytes}:unlimited");
    let status = Command::new("prlimit")
        .args(["--pid", &process.to_string(), &limits])
        .status();
    assert!(status.expect("prlimit of util-linux").success());
}
