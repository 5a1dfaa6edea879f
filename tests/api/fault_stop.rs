//! The server is told to stop in the middle of a conversation.

use std::time::{Duration, Instant};

use crate::{
    fault_crash::people,
    harness::{Conversation, Home, Plan, Server, Site, free_port},
};

/// A new version is put in place while people talk, and nobody loses a word.
#[tokio::test]
async fn a_restart_under_load_loses_nothing() {
    let home = Home::new().await;
    let port = free_port().to_string();
    let settings = [
        ("PORT", port.as_str()),
        ("ENABLE_HTTPS", "false"),
        ("SHUTDOWN_SECONDS", "6"),
    ];
    let mut server = Server::with(&home, &settings).await;
    let people = people(&server, 30).await;
    let plan = Plan {
        talkers: 20,
        quota: usize::MAX,
        retry: true,
        cut_one_in: 0,
    };
    let mut conversation = Conversation::start(&server, &people, plan).await;
    for round in 1..=2 {
        conversation.hear_acks(100).await;
        let told = Instant::now();
        server.signal("TERM").await;
        conversation.until(|now| now.hints >= 30 * round).await;
        // On a connection of its own: those that idle are being closed.
        let ready = Site::new(server.port, None).api();
        let ready = ready.get("/health/ready").await;
        ready.refused(503, "unavailable");
        let (status, output) = server.ended().await;
        assert!(status.success(), "{output}");
        let took = told.elapsed();
        assert!(took < Duration::from_secs(9), "it took {took:?}");
        server = Server::with(&home, &settings).await;
        conversation
            .until(|now| now.joins >= 30 * (round + 1))
            .await;
    }
    conversation.hear_acks(100).await;
    let members = conversation.hush(&server.as_user(&people[0])).await;
    for member in members {
        assert_eq!(member.closes, [4000, 4000], "each is told, each time");
    }
}
