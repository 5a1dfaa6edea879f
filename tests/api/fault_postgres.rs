//! PostgreSQL goes away in the middle of a conversation, and comes back.

use crate::{
    fault_crash::people,
    harness::{Conversation, Home, OwnPostgres, Plan, Server, TestDatabase, until},
};

const ENDLESS: Plan = Plan {
    talkers: 20,
    quota: usize::MAX,
    retry: false,
    cut_one_in: 0,
};

/// Stops at any moment of a transaction, COMMIT too: told is told, and refused is never heard.
#[tokio::test]
async fn messages_are_committed_or_refused_while_postgresql_crashes_under_load() {
    let home = Home::new().await;
    let TestDatabase::Postgres { .. } = home.database else {
        return;
    };
    let postgres = OwnPostgres::start().await;
    let settings = [
        ("DATABASE_URL", postgres.url.as_str()),
        ("ENABLE_HTTPS", "false"),
    ];
    let server = Server::with(&home, &settings).await;
    let people = people(&server, 25).await;
    let api = server.as_user(&people[0]);
    let mut conversation = Conversation::start(&server, &people, ENDLESS).await;
    for round in 0..5 {
        conversation.hear_acks(60 + 7 * round).await;
        postgres.stop("immediate").await;
        conversation.hear_refusals(1).await;
        api.get("/health/ready").await.refused(503, "unavailable");
        api.get("/health/live").await.ok(200);
        postgres.resume().await;
        until(async || api.get("/health/ready").await.status() == 200).await;
    }
    conversation.hear_acks(60).await;
    let members = conversation.hush(&api).await;
    assert!(members.iter().all(|member| member.closes.is_empty()));
    assert!(members.iter().any(|member| !member.refused.is_empty()));
    server.signal("TERM").await;
    assert!(server.ended().await.0.success());
}
