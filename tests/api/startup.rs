//! The first start makes what is missing; the next ones find it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use tokio::net::TcpListener;

use crate::harness::{
    ADMIN_EMAIL, Home, OwnPostgres, PASSWORD, Server, TestDatabase, finish, until,
};

fn mode(path: &Path) -> u32 {
    let file = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.permissions().mode() & 0o777
}

async fn stop(server: Server) -> String {
    server.signal("TERM").await;
    let (status, output) = server.ended().await;
    assert!(status.success(), "{status}: {output}");
    output
}

/// On a fresh machine there is nothing but the program.
#[tokio::test]
async fn one_command_makes_everything_and_says_what_to_do_next() {
    let home = Home::new().await;
    let mut command = home.command(&[] as &[&str]);
    command.env_clear().env("PORT", "0").env("BCRYPT_COST", "4");
    let server = Server::from(&home, command).await;
    let output = server.output();
    assert!(
        output
            .lines()
            .next()
            .is_some_and(|first| first.contains(&format!(":{}", server.port))),
        "the first line tells the address: {output}"
    );
    server.line(|line| line.contains("ADMIN_EMAIL")).await;
    server
        .line(|line| line.contains("parlor user create") && line.contains("admin"))
        .await;

    let alice = server.client("alice").await;
    let mut socket = server.ws(&alice).joined("general").await;
    let id = socket.publish("general", "hello").await;
    socket.acked(&id).await;
    for file in ["data/parlor.db", "certs/cert.pem", "certs/ca.pem"] {
        assert!(home.path().join(file).is_file(), "{file}");
    }
    assert_eq!(mode(&home.path().join("certs/key.pem")), 0o600);
    assert_eq!(
        mode(&home.path().join("data")),
        0o700,
        "what people said is not for everybody on the machine"
    );
    let keys = home.path().join("data/jwt-keys.json");
    assert_eq!(mode(&keys), 0o600, "the signing key is kept");
}

#[tokio::test]
async fn a_second_start_finds_everything_again() {
    let home = Home::new().await;
    let server = Server::start(&home).await;
    let alice = server.client("alice").await;
    server.as_user(&alice).say("general", "kept").await;
    let ca = fs::read(home.ca()).unwrap();
    stop(server).await;

    let server = Server::start(&home).await;
    assert_eq!(fs::read(home.ca()).unwrap(), ca, "clients trust it already");
    let api = server.as_user(&alice);
    let page = api.messages("general", "").await.ok(200);
    assert_eq!(
        page["data"][0]["content"], "kept",
        "the token and the message still count"
    );
    assert_eq!(
        api.rooms()
            .await
            .ok(200)
            .to_string()
            .matches("\"general\"")
            .count(),
        1
    );
    server.sign_in(&alice.email, PASSWORD).await;
}

/// Two would both number the messages of a room.
#[tokio::test]
async fn a_second_server_on_the_same_database_is_refused() {
    let home = Home::new().await;
    let server = Server::start(&home).await;
    let alice = server.client("alice").await;
    let second = home.run(&["serve"]).await;
    assert!(!second.status.success(), "{second:?}");
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        text.to_lowercase().contains("already") || text.contains("another"),
        "{text}"
    );
    server
        .as_user(&alice)
        .say("general", "the first goes on")
        .await;
    server.kill().await;
    let server = Server::start(&home).await;
    server.as_user(&alice).me().await.ok(200);
}

#[tokio::test]
async fn the_first_admin_is_made_once() {
    let home = Home::new().await;
    let server = Server::start(&home).await;
    let admin = server.admin().await;
    let me = server.as_user(&admin).me().await.ok(200);
    assert_eq!(
        (&me["role"], &me["email"]),
        (&"admin".into(), &ADMIN_EMAIL.into())
    );
    stop(server).await;

    let other = [
        ("ADMIN_EMAIL", "other@parlor.example"),
        ("ADMIN_PASSWORD", "Other-Secret-1"),
    ];
    let server = Server::with(&home, &other).await;
    let login = serde_json::json!({"email": other[0].1, "password": other[1].1});
    server
        .api()
        .login(&login)
        .await
        .refused(401, "unauthenticated");
    server.admin().await;
}

#[tokio::test]
async fn signals_end_the_server_in_good_order() {
    let home = Home::new().await;
    for signal in ["TERM", "INT"] {
        let server = Server::start(&home).await;
        let person = server
            .client(&format!("user-{}", signal.to_lowercase()))
            .await;
        let mut socket = server.ws(&person).joined("general").await;
        server.signal(signal).await;
        let hint = socket.wait_for("reconnect").await;
        assert!(hint["in_ms"].is_number(), "{hint}");
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4000, "{reason}");
        let reason: serde_json::Value = serde_json::from_str(&reason).unwrap();
        assert!(reason["retry_ms"][0].is_number(), "{reason}");
        drop(socket);
        let (status, output) = server.ended().await;
        assert!(status.success(), "{signal}: {output}");
    }
}

/// Nobody is connected, so there is nothing to wait for.
#[tokio::test]
async fn an_idle_server_stops_at_once() {
    let home = Home::new().await;
    let server = Server::with(&home, &[("SHUTDOWN_SECONDS", "600")]).await;
    stop(server).await;
}

/// Clients keep connections open for their next request, and nobody waits for that.
#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_stop() {
    let home = Home::new().await;
    let server = Server::with(&home, &[("SHUTDOWN_SECONDS", "600")]).await;
    let connected = server.client("alice").await;
    stop(server).await;
    drop(connected);
}

/// A load balancer must hear of the stop before the server is gone.
#[tokio::test]
async fn a_server_that_stops_is_not_ready_while_it_still_answers() {
    let home = Home::new().await;
    let server = Server::with(&home, &[("SHUTDOWN_SECONDS", "4")]).await;
    let alice = server.client("alice").await;
    let mut socket = server.ws(&alice).joined("general").await;
    server.api().get("/health/ready").await.ok(200);
    server.signal("TERM").await;
    socket.wait_for("reconnect").await;
    let draining = server.api().get("/health/ready").await;
    draining.refused(503, "unavailable");
    server.api().get("/health/live").await.ok(200);
    drop(socket);
    let (status, output) = server.ended().await;
    assert!(status.success(), "{output}");
}

#[tokio::test]
async fn a_taken_port_is_told() {
    let home = Home::new().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = home.command(&["serve"]);
    command.env("PORT", &port);
    let output = finish(command).await;
    assert!(!output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains(&port),
        "{output:?}"
    );
}

#[tokio::test]
async fn half_a_certificate_is_not_completed() {
    let home = Home::new().await;
    fs::create_dir_all(home.key().parent().unwrap()).unwrap();
    fs::write(home.certificate(), "somebody's own").unwrap();
    let output = home.run(&["serve"]).await;
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(
        fs::read_to_string(home.certificate()).unwrap(),
        "somebody's own"
    );
    assert!(!home.key().exists());
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_without_its_password() {
    let home = Home::new().await;
    let nowhere = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://parlor:hidden-password@{nowhere}/parlor");
    let mut command = home.command(&["serve"]);
    command.env("DATABASE_URL", url);
    let output = finish(command).await;
    assert!(!output.status.success());
    let text = format!("{output:?}");
    assert!(!text.contains("hidden-password"), "{text}");
}

#[tokio::test]
async fn without_tls_the_server_is_plain() {
    let home = Home::new().await;
    let server = Server::with(&home, &[("ENABLE_HTTPS", "false")]).await;
    assert!(server.url.starts_with("http://"));
    let alice = server.client("alice").await;
    server.ws(&alice).joined("general").await;
    assert!(!home.certificate().exists(), "no certificate is made");
}

#[tokio::test]
async fn migrating_alone_prepares_a_database() {
    let home = Home::new().await;
    for _ in 0..2 {
        let output = home.run(&["migrate"]).await;
        assert!(output.status.success(), "{output:?}");
    }
    if let TestDatabase::Sqlite(_) = home.database {
        assert!(home.path().join("parlor.db").is_file());
    }
    let server = Server::start(&home).await;
    server.client("alice").await;
}

/// With `fsync=off` PostgreSQL says that it stored what a power cut takes away again.
#[tokio::test]
async fn a_postgresql_that_may_forget_is_refused_unless_asked_for() {
    let home = Home::new().await;
    let TestDatabase::Postgres { .. } = home.database else {
        return;
    };
    let postgres = OwnPostgres::start().await;
    postgres.execute("ALTER SYSTEM SET fsync = off").await;
    postgres.execute("SELECT pg_reload_conf()").await;
    let url = postgres.url.as_str();
    until(async || postgres.shows("fsync").await == "off").await;
    let mut command = home.command(&["serve"]);
    command.env("DATABASE_URL", url);
    let output = finish(command).await;
    assert!(!output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("fsync"),
        "{output:?}"
    );
    let unsafe_too = [("DATABASE_URL", url), ("ALLOW_UNSAFE_DATABASE", "1")];
    let server = Server::with(&home, &unsafe_too).await;
    server.client("alice").await;
    stop(server).await;
}
