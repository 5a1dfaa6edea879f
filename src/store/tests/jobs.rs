use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::{clock, domain::job::Job};

const LEASE: Duration = Duration::from_secs(60);

async fn claim(store: &Store, limit: usize) -> Vec<Job> {
    store.claim_jobs(limit, LEASE, 3).await.unwrap()
}

async fn promise(store: &Store, count: usize) {
    for number in 0..count {
        let key = format!("user{number}@example.org");
        store.note_forgotten(key, &BY).await.unwrap();
    }
}

/// As if so much time had gone by since the claims.
async fn lease_ends(store: &Store) {
    let now = clock::now();
    let running = store.list_jobs(false, None, 100).await.unwrap();
    assert!(running.iter().all(|job| job.run_at > now), "{running:?}");
    store.outdate_claims().await;
}

impl Store {
    async fn outdate_claims(&self) {
        let store = self.clone();
        let past = clock::now() - TimeDelta::seconds(1);
        let done = crate::store::backend::in_transaction!(store, tx => {
            sqlx::query("UPDATE jobs SET run_at = $1").bind(past).execute(&mut *tx).await?;
            Ok::<_, crate::store::StoreError>(())
        });
        done.unwrap();
    }
}

on_both! {
    /// Several workers ask at the same moments.
    async fn a_job_is_claimed_by_one(place: &Place) {
        let stores = [place.store().await, place.store().await];
        promise(&stores[0], 40).await;
        let mut tasks = Vec::new();
        for number in 0..8 {
            let store = stores[number % 2].clone();
            tasks.push(tokio::spawn(async move {
                let mut ids = Vec::new();
                loop {
                    let jobs = claim(&store, 3).await;
                    if jobs.is_empty() && store.next_job_at().await.unwrap() > Some(clock::now()) {
                        return ids;
                    }
                    ids.extend(jobs.into_iter().map(|job| job.id));
                }
            }));
        }
        let mut ids = Vec::new();
        for task in tasks {
            ids.extend(task.await.unwrap());
        }
        assert_eq!(ids.len(), 40);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 40, "none twice");
    }

    async fn what_a_dead_worker_had_is_anothers_and_the_late_one_is_not_heard(place: &Place) {
        let store = place.store().await;
        promise(&store, 1).await;
        let late = claim(&store, 9).await.remove(0);
        assert!(claim(&store, 9).await.is_empty(), "its claim holds");
        lease_ends(&store).await;
        let other = claim(&store, 9).await.remove(0);
        assert_eq!((late.id, late.attempts), (other.id, 1));
        assert_eq!(other.attempts, 2);
        assert!(!store.finish_job(&late).await.unwrap());
        assert!(!store.put_job_off(&late, None, "late".into()).await.unwrap());
        assert_eq!(store.count_jobs().await.unwrap().waiting, 1);
        assert!(store.finish_job(&other).await.unwrap());
        assert_eq!(store.count_jobs().await.unwrap().waiting, 0);
    }

    /// One that kills its server each time must not do so for ever.
    async fn a_job_that_no_server_survives_is_given_up(place: &Place) {
        let store = place.store().await;
        promise(&store, 1).await;
        for attempt in 1..=3 {
            assert_eq!(claim(&store, 9).await[0].attempts, attempt);
            lease_ends(&store).await;
        }
        assert!(claim(&store, 9).await.is_empty());
        let dead = store.list_jobs(true, None, 10).await.unwrap();
        assert_eq!(dead.len(), 1);
        assert!(dead[0].last_error.as_ref().is_some_and(|error| error.contains("server")));
        store.retry_job(dead[0].id, &BY).await.unwrap();
        assert_eq!(claim(&store, 9).await[0].attempts, 1, "all its tries anew");
    }

    async fn old_dead_letters_are_forgotten(place: &Place) {
        let store = place.store().await;
        promise(&store, 2).await;
        let jobs = claim(&store, 1).await;
        store.put_job_off(&jobs[0], None, "no".into()).await.unwrap();
        let now = clock::now();
        assert_eq!(store.prune_jobs(now - TimeDelta::hours(1)).await.unwrap(), 0);
        assert_eq!(store.prune_jobs(now + TimeDelta::hours(1)).await.unwrap(), 1);
        assert_eq!(store.count_jobs().await.unwrap().waiting, 1, "what waits stays");
    }
}
