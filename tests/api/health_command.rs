//! `parlor health`: what a container or a service asks to know whether its server is ready.

use std::{
    fs,
    process::{Output, Stdio},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::harness::{Home, Server, TestApp, finish, free_port, until};

fn ready(output: &Output) -> &str {
    assert!(output.status.success(), "{output:?}");
    std::str::from_utf8(&output.stdout).unwrap()
}

fn not_ready(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    std::str::from_utf8(&output.stderr).unwrap()
}

/// Asks the server that the settings of this home describe, listening on this port.
async fn ask_own(home: &Home, environment: &[(&str, &str)]) -> Output {
    let mut command = home.command(&["health"]);
    command.envs(environment.iter().copied());
    finish(command).await
}

/// A server that says this to everybody, and then no more.
async fn saying(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut asked = [0; 1024];
            let _ = socket.read(&mut asked).await;
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn a_ready_server_is_believed_by_its_local_authority() {
    let home = Home::new().await;
    let server = Server::start(&home).await;
    let url = format!("https://localhost:{}", server.port);
    let told = home.run(&["health", &url]).await;
    assert_eq!(ready(&told).trim(), format!("{url} is ready"));

    let stranger = Home::new().await;
    let told = stranger.run(&["health", &url]).await;
    assert!(not_ready(&told).contains("certificate"), "{told:?}");
}

/// In a container nobody knows more than the settings.
#[tokio::test]
async fn without_an_address_the_settings_tell_it() {
    let home = Home::new().await;
    let port = free_port().to_string();
    let public = format!("https://chat.example.org:{port}");
    for more in [
        ("HOST", "0.0.0.0"),
        ("PUBLIC_URL", &public),
        ("ENABLE_HTTPS", "false"),
    ] {
        let environment = [("PORT", port.as_str()), more];
        not_ready(&ask_own(&home, &environment).await);
        let server = Server::with(&home, &environment).await;
        ready(&ask_own(&home, &environment).await);
        server.kill().await;
    }
    let told = home.run(&["health"]).await;
    assert!(not_ready(&told).contains("PORT is 0"), "{told:?}");
}

/// A certificate of the operator's own is seldom for `localhost`, and its authority may be private.
#[tokio::test]
async fn the_servers_own_certificate_is_believed_under_any_name() {
    let home = Home::new().await;
    fs::create_dir(home.path().join("certs")).unwrap();
    let made = rcgen::generate_simple_self_signed(["chat.example.org".to_owned()]).unwrap();
    fs::write(home.certificate(), made.cert.pem()).unwrap();
    fs::write(home.key(), made.signing_key.serialize_pem()).unwrap();
    let port = free_port().to_string();
    let environment = [("PORT", port.as_str())];
    let _server = {
        let mut command = home.command(&["serve"]);
        command.envs(environment).stdout(Stdio::null());
        command.spawn().unwrap()
    };
    until(async || ask_own(&home, &environment).await.status.success()).await;

    let other = rcgen::generate_simple_self_signed(["chat.example.org".to_owned()]).unwrap();
    fs::write(home.certificate(), other.cert.pem()).unwrap();
    let told = ask_own(&home, &environment).await;
    assert!(not_ready(&told).contains("certificate"), "{told:?}");
}

#[tokio::test]
async fn a_server_that_is_not_ready_says_why() {
    let app = TestApp::spawn().await;
    let told = app.home.run(&["health", &app.url]).await;
    ready(&told);
    app.store.close().await;
    let told = app.home.run(&["health", &app.url]).await;
    assert!(not_ready(&told).contains("database"), "{told:?}");
}

#[tokio::test]
async fn who_is_no_parlor_is_not_ready() {
    let home = Home::new().await;
    for (answer, why) in [
        ("", "HTTP"),
        ("220 mail.example.org ESMTP\r\n", "HTTP"),
        ("HTTP/1.1 200 OK\r\n\r\nhello", "not as Parlor"),
        ("HTTP/1.1 301 Moved\r\nlocation: /\r\n\r\n", "301"),
    ] {
        let url = saying(answer).await;
        let told = home.run(&["health", &url]).await;
        assert!(not_ready(&told).contains(why), "{answer:?}: {told:?}");
    }
}

/// A probe that hangs would hold up whoever runs it.
#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let home = Home::new().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://{}", silent.local_addr().unwrap());
        let told = home.run(&["health", &url, "--timeout", "1"]).await;
        assert!(not_ready(&told).contains("in 1 s"), "{told:?}");
    }
}
