//! A database that cannot be used now: nothing is stored, and the next try works.

use super::*;

/// Another process writes, such as a backup tool.
#[tokio::test]
async fn a_blocked_writer_fails_in_time_and_works_afterwards() {
    let place = Place::Sqlite(tempfile::tempdir().unwrap());
    let options = StoreOptions {
        busy_timeout: Duration::from_millis(100),
        acquire_timeout: Duration::from_millis(500),
        ..place.options()
    };
    let store = Store::open(&options, Metrics::new().unwrap())
        .await
        .unwrap();
    let ann = profile(&store, "ann").await;
    let mut other = sqlx::SqliteConnection::connect(&options.url).await.unwrap();
    let blocker = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let batch: Arc<[Draft]> = vec![named(&ann, "general", "a", "x")].into();
    for _ in 0..3 {
        let limit = Duration::from_secs(5);
        let blocked = tokio::time::timeout(limit, store.commit_batch(batch.clone()))
            .await
            .unwrap();
        assert!(is_unavailable(&blocked), "{blocked:?}");
    }
    assert!(
        store.find_user(ann.id).await.unwrap().is_some(),
        "reading goes on"
    );
    blocker.rollback().await.unwrap();
    let done = store.commit_batch(batch).await.unwrap();
    assert_eq!(
        (receipt(&done[0]).seq, receipt(&done[0]).duplicate),
        (1, false)
    );
}

/// PostgreSQL is restarted, or an operator ends the connections.
#[tokio::test]
async fn connections_that_break_under_load_lose_and_double_nothing() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let store = place.store().await;
    let ann = profile(&store, "ann").await;
    let mut watcher = PgConnection::connect(&place.options().url).await.unwrap();
    let (mut failed, mut unknown) = (0, 0);
    let mut batches = Vec::new();
    for n in 0..200_u32 {
        let batch: Arc<[Draft]> = (0..20)
            .map(|_| draft(&ann, "general", &n.to_string()))
            .collect();
        batches.push(batch.clone());
        let breaking = async {
            if n % 4 == 0 {
                // Later each time, so that every step of a transaction is met.
                let _ = tokio::time::timeout(
                    Duration::from_micros(u64::from(n) * 20),
                    std::future::pending::<()>(),
                )
                .await;
                sqlx::query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE application_name = 'parlor' AND datname = current_database()",
                )
                .execute(&mut watcher)
                .await
                .unwrap();
            }
        };
        let (done, ()) = tokio::join!(store.commit_batch(batch.clone()), breaking);
        let stored = match done {
            Ok(outcomes) => Some(outcomes.iter().map(|o| receipt(o).seq).collect::<Vec<_>>()),
            Err(CommitError::Failed(_)) => {
                failed += 1;
                None
            }
            Err(CommitError::Unknown(_)) => {
                unknown += 1;
                let found = loop {
                    if let Ok(found) = store.resolve_batch(batch.clone()).await {
                        break found;
                    }
                };
                let seqs: Vec<_> = found.iter().flatten().map(|r| r.seq).collect();
                assert!(seqs.is_empty() || seqs.len() == 20, "all or none");
                (!seqs.is_empty()).then_some(seqs)
            }
        };
        batches.pop();
        batches.extend(stored.map(|_| batch));
    }
    println!(
        "{} batches committed, {failed} failed, {unknown} unknown",
        batches.len()
    );
    assert!(failed > 0, "the connections broke");
    let expected: Vec<_> = batches
        .iter()
        .flat_map(|batch| batch.iter().map(|d| d.id))
        .collect();
    let mut ids = Vec::new();
    while let page @ [_, ..] = &store
        .messages_after(&room("general"), ids.len() as i64, 1000)
        .await
        .unwrap()[..]
    {
        ids.extend(page.iter().map(|m| m.id));
    }
    assert_eq!(
        ids, expected,
        "what was acknowledged, in that order, and nothing else"
    );
    place.remove().await;
}

/// A client that goes away drops its handler, wherever that is just then.
#[tokio::test]
async fn a_dropped_request_leaves_no_transaction_behind() {
    for place in Place::all().await {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        for n in 0..200_u32 {
            let batch: Arc<[Draft]> = vec![draft(&ann, "general", "x")].into();
            let (one, two) = (store.clone(), store.clone());
            // Each gives up a little later than the one before.
            let limit = Duration::from_micros(u64::from(n) * 10);
            let _ = tokio::time::timeout(limit, one.commit_batch(batch)).await;
            let _ = tokio::time::timeout(limit, two.list_rooms(3)).await;
        }
        for _ in 0..20 {
            let sent = commit(&store, vec![draft(&ann, "general", "seen")]).await;
            let seen = store.find_message(receipt(&sent[0]).id).await.unwrap();
            assert!(seen.is_some(), "committed for everybody");
        }
        place.remove().await;
    }
}
