//! The server is killed in the middle of a conversation.

use crate::harness::{Conversation, Home, Person, Plan, Server, free_port};

/// People who have registered at a server.
pub async fn people(server: &Server, count: usize) -> Vec<Person> {
    let mut people = Vec::with_capacity(count);
    for number in 1..=count {
        people.push(server.client(&format!("member{number:04}")).await);
    }
    people
}

/// An ack is a promise that no crash may break, and a retry after one must not say it twice.
#[tokio::test]
async fn what_was_acked_survives_kill_9_and_is_there_once() {
    let home = Home::new().await;
    let port = free_port().to_string();
    let settings = [("PORT", port.as_str()), ("ENABLE_HTTPS", "false")];
    let mut server = Server::with(&home, &settings).await;
    let people = people(&server, 50).await;
    // No more than a resume replays, so that whoever is late still hears all.
    let plan = Plan {
        talkers: 50,
        quota: 20,
        retry: true,
        cut_one_in: 0,
    };
    let mut conversation = Conversation::start(&server, &people, plan).await;
    for _ in 0..4 {
        conversation.hear_acks(150).await;
        server.kill().await;
        server = Server::with(&home, &settings).await;
    }
    let members = conversation.finish(&server.as_user(&people[0])).await;
    assert_eq!(members[0].heard.len(), 1_000, "nobody's message is missing");
}

/// Two servers would both number the messages of a room; a crashed one is none.
#[tokio::test]
async fn a_second_server_is_refused_until_the_first_is_dead() {
    let home = Home::new().await;
    let plain = [("ENABLE_HTTPS", "false")];
    let first = Server::with(&home, &plain).await;
    let alice = people(&first, 1).await.remove(0);
    // Even while the first cannot say that it lives.
    for (signal, after) in [("STOP", "CONT"), ("CONT", "CONT")] {
        first.signal(signal).await;
        let second = home.run(&["serve"]).await;
        assert!(!second.status.success(), "{second:?}");
        first.signal(after).await;
    }
    first.as_user(&alice).say("general", "still here").await;
    first.kill().await;
    let next = Server::with(&home, &plain).await;
    next.as_user(&alice).say("general", "here again").await;
}
