//! One server a database.

use super::*;
use crate::store::LockError;

on_both! {
    async fn a_second_server_is_refused_until_the_first_is_gone(place: &Place) {
        let (one, two) = (place.store().await, place.store().await);
        let lock = one.lock_exclusively().await.unwrap();
        let refused = two.lock_exclusively().await;
        assert!(matches!(refused, Err(LockError::Held)), "{refused:?}");
        drop(lock);
        let taken = tokio::time::timeout(Duration::from_secs(10), async {
            // PostgreSQL unlocks when it notices that the connection ended.
            loop {
                match two.lock_exclusively().await {
                    Err(LockError::Held) => tokio::task::yield_now().await,
                    taken => break taken,
                }
            }
        });
        taken.await.expect("the lock is free").unwrap();
    }

    async fn the_epoch_stays_until_it_is_renewed(place: &Place) {
        let store = place.store().await;
        let epoch = store.epoch().await.unwrap();
        store.close().await;
        let store = place.store().await;
        assert_eq!(store.epoch().await.unwrap(), epoch);
        let renewed = store.renew_epoch(By::server()).await.unwrap();
        assert_ne!(renewed, epoch);
        assert_eq!(store.epoch().await.unwrap(), renewed);
        store.ping().await.unwrap();
        store.close().await;
        store.ping().await.unwrap_err();
        Store::migrate_only(&place.options()).await.unwrap();
    }
}

/// Ends the server's connections, as a restart of PostgreSQL would.
async fn end_connections(place: &Place, like: &str) {
    let mut connection = PgConnection::connect(&place.url()).await.unwrap();
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name LIKE $1 AND pid <> pg_backend_pid()
           AND datname = current_database()",
    )
    .bind(like)
    .execute(&mut connection)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_lock_is_taken_again_after_its_connection_broke_and_lost_to_another() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let store = place.store().await;
    let lock = store.lock_exclusively().await.unwrap();
    end_connections(&place, "parlor serve%").await;
    let held = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND a.application_name LIKE 'parlor serve%'
          AND a.datname = current_database()";
    let mut watcher = PgConnection::connect(&place.url()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), async {
        while sqlx::query_scalar::<_, i64>(held)
            .fetch_one(&mut watcher)
            .await
            .unwrap()
            == 0
        {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the lock is taken again");
    // Somebody else is quicker this time.
    end_connections(&place, "parlor serve%").await;
    tokio::time::timeout(Duration::from_secs(5), async {
        let free = "SELECT pg_try_advisory_lock(1346458188)";
        while !sqlx::query_scalar::<_, bool>(free)
            .fetch_one(&mut watcher)
            .await
            .unwrap()
        {}
    })
    .await
    .expect("the lock is free for a moment");
    tokio::time::timeout(Duration::from_secs(20), lock.lost())
        .await
        .expect("the loss is told");
    drop(watcher);
    place.remove().await;
}
