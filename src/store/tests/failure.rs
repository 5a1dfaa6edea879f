//! A database that cannot be used now: nothing is stored, and the next try works.

use super::*;

/// Another process writes, such as a backup tool.
#[tokio::test]
async fn a_blocked_writer_fails_in_time_and_works_afterwards() {
    let place = Place::Sqlite(tempfile::tempdir().unwrap());
    let options = StoreOptions {
        busy_timeout: Duration::from_millis(100),
        mail: false,
        acquire_timeout: Duration::from_millis(500),
        ..place.options()
    };
    let store = Store::open(&options, Metrics::new().unwrap())
        .await
        .unwrap();
    let ann = profile(&store, "ann").await;
    let mut other = sqlx::SqliteConnection::connect(&place.url()).await.unwrap();
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

/// Waits until a connection of the store waits for a lock.
async fn someone_waits(watcher: &mut PgConnection) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'parlor' AND datname = current_database()
          AND wait_event_type = 'Lock'";
    let seen = tokio::time::timeout(Duration::from_secs(4), async {
        while sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(&mut *watcher)
            .await
            .unwrap()
            == 0
        {
            tokio::task::yield_now().await;
        }
    });
    seen.await.expect("the store waits for a lock");
}

/// As when PostgreSQL is stopped in a hurry.
async fn end_connections(watcher: &mut PgConnection) {
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'parlor' AND datname = current_database()",
    )
    .execute(watcher)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_connection_that_breaks_before_commit_stores_nothing() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let store = place.store().await;
    let ann = profile(&store, "ann").await;
    let mut watcher = PgConnection::connect(&place.url()).await.unwrap();
    let mut blocker = PgConnection::connect(&place.url()).await.unwrap();
    for round in 0..3 {
        let batch: Arc<[Draft]> = vec![named(&ann, "general", "a", "x")].into();
        let mut tx = blocker.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM chat_rooms FOR UPDATE")
            .execute(&mut *tx)
            .await
            .unwrap();
        let breaking = async {
            someone_waits(&mut watcher).await;
            end_connections(&mut watcher).await;
        };
        let (broken, ()) = tokio::join!(store.commit_batch(batch), breaking);
        assert!(is_unavailable(&broken), "{broken:?}");
        tx.rollback().await.unwrap();
        let next = commit(&store, vec![draft(&ann, "general", "next")]).await;
        assert_eq!(
            receipt(&next[0]).seq,
            round + 1,
            "the pool came back, no number is burnt"
        );
    }
    place.remove().await;
}

#[tokio::test]
async fn a_connection_that_breaks_in_commit_leaves_an_unknown_batch() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let store = place.store().await;
    let ann = profile(&store, "ann").await;
    let mut watcher = PgConnection::connect(&place.url()).await.unwrap();
    // COMMIT itself waits for a lock that the test holds.
    sqlx::raw_sql(
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON chat_messages
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold();
         SELECT pg_advisory_lock(1)",
    )
    .execute(&mut watcher)
    .await
    .unwrap();
    let batch: Arc<[Draft]> = vec![named(&ann, "general", "a", "x")].into();
    let breaking = async {
        someone_waits(&mut watcher).await;
        end_connections(&mut watcher).await;
    };
    let (broken, ()) = tokio::join!(store.commit_batch(batch.clone()), breaking);
    assert!(matches!(broken, Err(CommitError::Unknown(_))), "{broken:?}");
    assert_eq!(store.resolve_batch(batch.clone()).await.unwrap(), [None]);
    sqlx::query("SELECT pg_advisory_unlock(1)")
        .execute(&mut watcher)
        .await
        .unwrap();
    let again = store.commit_batch(batch).await.unwrap();
    assert_eq!(
        (receipt(&again[0]).seq, receipt(&again[0]).duplicate),
        (1, false)
    );
    place.remove().await;
}

/// The answer was lost, but the server still works on the transaction: to look too early would
/// call a message lost that everybody sees a moment later.
#[tokio::test]
async fn resolving_waits_until_the_lost_transaction_has_ended() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let store = place.store().await;
    let ann = profile(&store, "ann").await;
    let mut watcher = PgConnection::connect(&place.url()).await.unwrap();
    let mut lost = PgConnection::connect(&place.url()).await.unwrap();
    for commits in [false, true] {
        let draft = named(&ann, "general", "a", "x");
        let mut tx = lost.begin().await.unwrap();
        let drafts = [&draft];
        let write = crate::store::commit::write_in_postgres(&mut tx, &drafts);
        let written = receipt(&write.await.unwrap()[0]);
        let batch: Arc<[Draft]> = vec![draft].into();
        let ending = async {
            someone_waits(&mut watcher).await;
            if commits {
                tx.commit().await.unwrap();
            } else {
                tx.rollback().await.unwrap();
            }
        };
        let (found, ()) = tokio::join!(store.resolve_batch(batch), ending);
        assert_eq!(found.unwrap(), [commits.then_some(written)]);
    }
    place.remove().await;
}

/// A connection takes long to make: a pool that closes what it gets back has no use.
#[tokio::test]
async fn a_clean_connection_is_used_again() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let store = place.store().await;
    let ann = profile(&store, "ann").await;
    let mut watcher = PgConnection::connect(&place.url()).await.unwrap();
    // Two, because one may still be on its way back when the next is taken.
    let mut backends = std::collections::HashSet::new();
    for _ in 0..20 {
        commit(&store, vec![draft(&ann, "general", "x")]).await;
        let ids: Vec<i32> = sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity
             WHERE application_name = 'parlor' AND datname = current_database()",
        )
        .fetch_all(&mut watcher)
        .await
        .unwrap();
        backends.extend(ids);
    }
    assert!(
        backends.len() <= 4,
        "{} connections for one after another",
        backends.len()
    );
    place.remove().await;
}

/// A client that goes away drops its handler, wherever that is just then.
#[tokio::test]
async fn a_dropped_request_leaves_no_transaction_behind() {
    for place in Place::all().await {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        let reader = crate::store::Reader {
            id: ann.id,
            since: crate::clock::now(),
        };
        for n in 0..200_u32 {
            let batch: Arc<[Draft]> = vec![draft(&ann, "general", "x")].into();
            let (one, two) = (store.clone(), store.clone());
            // Each gives up a little later than the one before.
            let limit = Duration::from_micros(u64::from(n) * 10);
            let _ = tokio::time::timeout(limit, one.commit_batch(batch)).await;
            let _ = tokio::time::timeout(limit, two.list_rooms(&reader, 3)).await;
        }
        for _ in 0..20 {
            let sent = commit(&store, vec![draft(&ann, "general", "seen")]).await;
            let seen = store.find_message(receipt(&sent[0]).id).await.unwrap();
            assert!(seen.is_some(), "committed for everybody");
        }
        place.remove().await;
    }
}
