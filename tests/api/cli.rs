//! Managing users from the command line, beside a server that runs or not.

use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt;

use crate::harness::{Home, PASSWORD, Server, finish, until};

fn text(output: &Output) -> &str {
    assert!(output.status.success(), "{output:?}");
    std::str::from_utf8(&output.stdout).unwrap()
}

fn refused(output: &Output) -> &str {
    assert!(!output.status.success(), "{output:?}");
    std::str::from_utf8(&output.stderr).unwrap()
}

async fn with_password(home: &Home, args: &[&str], password: &str) -> Output {
    let mut command = home.command(args);
    command.env("PARLOR_PASSWORD", password);
    finish(command).await
}

#[tokio::test]
async fn an_operator_makes_the_first_admin() {
    let home = Home::new().await;
    let args = [
        "user",
        "create",
        "root.admin",
        "--role",
        "admin",
        "--email",
        "root@parlor.example",
        "--full-name",
        "Root Admin",
    ];
    let made = with_password(&home, &args, PASSWORD).await;
    assert!(text(&made).contains("root.admin"), "{made:?}");
    let server = Server::start(&home).await;
    let admin = server.sign_in("root@parlor.example", PASSWORD).await;
    let me = server.as_user(&admin).me().await.ok(200);
    assert_eq!(me["role"], "admin");
    assert_eq!(me["full_name"], "Root Admin");
    server
        .as_user(&admin)
        .list_users("sort=email")
        .await
        .ok(200);
}

#[tokio::test]
async fn users_are_made_beside_a_running_server() {
    let home = Home::new().await;
    let server = Server::start(&home).await;
    let args = ["user", "create", "alice", "--email", "alice@parlor.example"];
    with_password(&home, &args, PASSWORD).await;
    server.sign_in("alice@parlor.example", PASSWORD).await;

    let taken = with_password(&home, &["user", "create", "ALICE"], PASSWORD).await;
    assert!(
        refused(&taken).to_lowercase().contains("username"),
        "{taken:?}"
    );
    let list = home.run(&["user", "list"]).await;
    let lines: Vec<_> = text(&list).lines().collect();
    assert_eq!(lines.len(), 2, "alice and the admin: {lines:?}");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("alice@parlor.example"))
    );
    let admins = home.run(&["user", "list", "--role", "admin"]).await;
    assert_eq!(text(&admins).lines().count(), 1, "{admins:?}");
}

#[tokio::test]
async fn what_a_user_may_not_be_the_command_line_does_not_make() {
    let home = Home::new().await;
    for (args, password) in [
        (&["user", "create", "alice"][..], "weak"),
        (&["user", "create", "alice"], ""),
        (&["user", "create", "a b"], PASSWORD),
        (&["user", "create", "alice", "--email", "nobody"], PASSWORD),
        (&["user", "create", "alice", "--role", "boss"], PASSWORD),
        (&["user", "role", "nobody", "admin"], PASSWORD),
        (&["user", "password", "nobody"], PASSWORD),
    ] {
        let output = with_password(&home, args, password).await;
        refused(&output);
    }
    let list = home.run(&["user", "list"]).await;
    assert_eq!(text(&list).trim(), "");
}

#[tokio::test]
async fn the_command_line_keeps_the_last_admin_too() {
    let home = Home::new().await;
    let server = Server::start(&home).await;
    let admin = server.admin().await;
    for args in [
        ["user", "role", &admin.username, "client"],
        ["user", "role", &admin.email, "trainer"],
    ] {
        refused(&home.run(&args).await);
    }
    let id = admin.id.to_string();
    refused(&home.run(&["user", "deactivate", &id]).await);
    server
        .as_user(&admin)
        .list_users("sort=email")
        .await
        .ok(200);
}

/// Arguments can be read by everybody on the machine.
#[tokio::test]
async fn a_password_comes_by_standard_input() {
    let home = Home::new().await;
    let mut command = home.command(&["user", "create", "alice", "--password-stdin"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(format!("{PASSWORD}\n").as_bytes())
        .await
        .unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    assert!(text(&output).contains("alice"), "{output:?}");
    assert!(!format!("{output:?}").contains(PASSWORD));
    let server = Server::start(&home).await;
    let login = serde_json::json!({"username": "alice", "password": PASSWORD});
    server.api().login(&login).await.ok(200);
}

#[tokio::test]
async fn an_operator_switches_a_user_off_and_on() {
    let home = Home::new().await;
    let server = Server::start(&home).await;
    let alice = server.client("alice").await;
    let mut socket = server.ws(&alice).joined("general").await;
    text(&home.run(&["user", "deactivate", "alice"]).await);
    assert_eq!(socket.closed().await.0, 4503);
    let api = server.as_user(&alice);
    until(async || api.me().await.status() == 401).await;
    text(
        &home
            .run(&["user", "activate", "alice@parlor.example"])
            .await,
    );
    server.sign_in(&alice.email, PASSWORD).await;
}
