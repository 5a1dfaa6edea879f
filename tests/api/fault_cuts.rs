//! Connections are cut at random, and everybody comes back.

use crate::harness::{Conversation, Plan, TestApp};

/// Between what a client missed and what is live there is neither a hole nor a double.
#[tokio::test]
async fn two_hundred_members_who_are_cut_off_at_random_all_hear_the_whole_log() {
    let app = TestApp::with(|config| config.server.https = false).await;
    let people = app.crowd(200).await;
    let plan = Plan {
        talkers: 20,
        quota: 15,
        retry: true,
        cut_one_in: 75,
    };
    let conversation = Conversation::start(&app, &people, plan).await;
    let progress = conversation.watch();
    let members = conversation.finish(&app.as_user(&people[0])).await;
    assert_eq!(members[0].heard.len(), 300);
    let cuts = progress.borrow().joins - people.len();
    assert!(cuts > 400, "only {cuts} connections were cut");
}
