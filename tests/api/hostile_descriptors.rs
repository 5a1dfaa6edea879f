//! A process has only so many descriptors, and whoever can connect can take one.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::timeout,
};

use crate::harness::{Home, LIMIT, Server, until, wire::upgrade};

/// What the system allows the server, at most and at first.
const HARD: usize = 400;
const SOFT: usize = 100;

/// A server that may open few descriptors, and is told that there is no limit of sockets.
async fn poor(home: &Home, plain: bool) -> Server {
    let full = home.command(&["serve"]);
    let full = full.as_std();
    let mut command = Command::new("bash");
    let script = format!("ulimit -S -n {SOFT}; ulimit -H -n {HARD}; exec \"$0\" serve");
    command
        .arg("-c")
        .arg(script)
        .arg(full.get_program())
        .env_clear()
        .envs(
            full.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .envs([
            ("MAX_CONNECTIONS", "0"),
            ("ENABLE_HTTPS", if plain { "false" } else { "true" }),
        ])
        .current_dir(home.path())
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    Server::from(home, command).await
}

/// Asks for a socket and gives the connection with the status of the answer; 0 if there is none.
async fn ask(port: u16) -> (TcpStream, u16) {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("a connection");
    let mut head = [0; 12];
    let answer = async {
        stream
            .write_all(upgrade("/api/chat/ws", "").as_bytes())
            .await?;
        stream.read_exact(&mut head).await
    };
    let answered = timeout(LIMIT, answer).await.expect("an answer, or an end");
    let status = answered.map_or(0, |_| {
        let text = std::str::from_utf8(&head[9..]).unwrap_or_default();
        text.parse().unwrap_or_default()
    });
    (stream, status)
}

#[tokio::test]
async fn sockets_do_not_take_the_last_descriptor() {
    let home = Home::new().await;
    let server = poor(&home, true).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    assert_eq!(
        files.matches(&HARD.to_string()).count(),
        2,
        "raised to {files}"
    );

    let alice = server.client("alice").await;
    let api = server.as_user(&alice);
    let idle = server.descriptors();
    let mut sockets = Vec::new();
    let refused = loop {
        let (stream, status) = ask(server.port).await;
        if status != 101 {
            break status;
        }
        sockets.push(stream);
        assert!(sockets.len() < HARD, "there must be an end");
    };
    assert_eq!(refused, 503, "after {} sockets", sockets.len());
    assert!(sockets.len() > HARD / 3, "only {} sockets", sockets.len());
    server.ws(&alice).answer().await.refused(503, "overloaded");
    // Who is there already, and who only asks, is served.
    for _ in 0..20 {
        server.api().get("/health/ready").await.ok(200);
        api.say("general", "still here").await;
    }
    assert!(server.descriptors() < HARD, "some are left");

    drop(sockets);
    until(async || server.api().metric("chat_sessions").await == 0.0).await;
    assert_eq!(ask(server.port).await.1, 101);
    until(async || server.descriptors() <= idle + 4).await;
    let output = server.output();
    assert!(
        !output.contains("accepting") && !output.contains("panicked"),
        "{output}"
    );
}

/// Connections that say nothing take descriptors too.
#[tokio::test]
async fn silent_connections_do_not_take_the_last_descriptor() {
    for plain in [true, false] {
        let home = Home::new().await;
        let server = poor(&home, plain).await;
        let alice = server.client("alice").await;
        let mut socket = server.ws(&alice).joined("general").await;
        let mut silent = Vec::new();
        for _ in 0..HARD + 100 {
            silent.push(
                TcpStream::connect(("127.0.0.1", server.port))
                    .await
                    .unwrap(),
            );
        }
        if plain {
            // The last one is told.
            let mut last = silent.pop().unwrap();
            let mut said = String::new();
            let reading = last.read_to_string(&mut said);
            timeout(LIMIT, reading)
                .await
                .expect("an end")
                .expect("a clean one");
            assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
            assert!(
                said.contains("retry-after: 5\r\n") && said.contains("overloaded"),
                "{said}"
            );
        }
        assert!(server.descriptors() < HARD, "some are left");
        // The database can be reached, and an open socket works on.
        socket.publish("general", "still here").await;
        socket.wait_for("ack").await;
        drop(silent);
        until(async || {
            let answer = TcpStream::connect(("127.0.0.1", server.port)).await;
            answer.is_ok() && server.descriptors() < HARD / 4
        })
        .await;
        server.api().get("/health/ready").await.ok(200);
        let output = server.output();
        assert!(
            !output.contains("accepting") && !output.contains("panicked"),
            "{output}"
        );
    }
}
