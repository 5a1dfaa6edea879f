//! The job queue when several workers share it, or none knows a job. `jobs_crash.rs` has those that die.

use std::time::Duration;

use parlor::{
    config::JobTiming,
    jobs::Worker,
    mail,
    metrics::Metrics,
    store::{Store, StoreOptions},
};
use tokio::sync::oneshot;

use crate::{
    harness::{PostOffice, TestApp, until},
    jobs::{jobs, with_admin},
    mail::send_to,
};

/// As nodes of a cluster will: each has its own connections and knows nothing of the other.
#[tokio::test]
async fn two_workers_on_one_database_do_each_job_once() {
    const USERS: usize = 60;

    let office = PostOffice::open().await;
    // It promises mails, and its own worker can send none of them.
    let app = TestApp::with(|config| {
        send_to(config, &office);
        config.jobs.at_once = 0;
    })
    .await;
    for number in 0..USERS {
        app.client(&format!("user{number}")).await;
    }
    assert!(office.mails().is_empty());
    let mut config = parlor::config::Config::default();
    config.mail.smtp = Some(office.config());
    let mut ready = Vec::new();
    for _ in 0..2 {
        let options = StoreOptions {
            url: app.home.database.url().into(),
            max_connections: 4,
            allow_unsafe: true,
            acquire_timeout: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            mail: true,
        };
        let metrics = Metrics::new().expect("metrics");
        let store = Store::open(&options, metrics.clone()).await;
        let store = store.expect("the same database");
        let handlers = mail::handlers(&config, &app.url, store.clone()).expect("handlers");
        let timing = JobTiming {
            poll: Duration::from_millis(50),
            at_once: 1,
            ..JobTiming::default()
        };
        let worker = Worker::new(store.clone(), handlers, timing, metrics.clone());
        ready.push((worker, store, metrics));
    }
    // Both begin when both are there, one mail at a time.
    let mut workers = Vec::new();
    for (worker, store, metrics) in ready {
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(worker.run(async { stopped.await.unwrap_or_default() }));
        workers.push((stop, running, store, metrics));
    }
    let admin = app.as_user(&app.admin().await);
    until(async || jobs(&admin, "waiting").await.is_empty()).await;
    // The admin's address is one more, and so is the admin's new device.
    let mails = office.received(USERS + 1).await;
    let ids: std::collections::BTreeSet<_> =
        mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), mails.len(), "none was sent twice");
    let mut done = Vec::new();
    for (stop, running, store, metrics) in workers {
        drop(stop);
        running.await.expect("the worker ends");
        done.push(
            metrics
                .jobs_ended
                .with_label_values(&["mail", "done"])
                .get(),
        );
        store.close().await;
    }
    assert_eq!(done.iter().sum::<u64>(), mails.len() as u64);
    assert!(done.iter().all(|count| *count > 0), "both worked: {done:?}");
}

/// A job of a kind that this version does not know waits for one that does.
#[tokio::test]
async fn a_job_that_nobody_can_do_is_a_dead_letter() {
    let (app, _office, admin) = with_admin().await;
    app.home
        .database
        .execute(
            "INSERT INTO jobs (id, kind, payload, state, attempts, run_at, created_at)
             SELECT id, 'future.thing', '{}', 'waiting', 0, created_at, created_at FROM users
             WHERE username = 'admin'",
        )
        .await;
    until(async || jobs(&admin, "dead").await.len() == 1).await;
    let dead = jobs(&admin, "dead").await.remove(0);
    assert_eq!(dead["last_error"], "this server does not know how");
}
