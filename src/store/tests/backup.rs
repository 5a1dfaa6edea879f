//! Copies of an SQLite database.

use super::*;
use crate::store::{BackupError, LockError, restore};

async fn put_back(place: &Place, file: &std::path::Path) -> Result<(), BackupError> {
    let metrics = Metrics::new().unwrap();
    restore(&place.options(), file, BY, metrics).await
}

#[tokio::test]
async fn a_copy_has_everything_but_the_epoch() {
    let place = Place::Sqlite(tempfile::tempdir().unwrap());
    let store = place.store().await;
    let ann = profile(&store, "ann").await;
    commit(&store, vec![draft(&ann, "general", "kept")]).await;
    let epoch = store.epoch().await.unwrap();
    let copy = place.file().with_file_name("copy.db");
    store.backup(&copy).await.unwrap();
    let again = store.backup(&copy).await;
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
    let mut raw = sqlx::SqliteConnection::connect(&format!("sqlite://{}", copy.display()))
        .await
        .unwrap();
    let epochs: i64 = sqlx::query_scalar("SELECT count(*) FROM store_state WHERE name = 'epoch'")
        .fetch_one(&mut raw)
        .await
        .unwrap();
    assert_eq!(epochs, 0);
    raw.close().await.unwrap();

    commit(&store, vec![draft(&ann, "general", "after the copy")]).await;
    let lock = store.lock_exclusively().await.unwrap();
    let served = put_back(&place, &copy).await;
    assert!(
        matches!(served, Err(BackupError::Lock(LockError::Held))),
        "{served:?}"
    );
    drop(lock);
    store.close().await;
    put_back(&place, &copy).await.unwrap();
    let store = place.store().await;
    let left = store.messages_after(&room("general"), 0, 10).await.unwrap();
    assert_eq!(
        left.iter().map(|m| m.content.as_str()).collect::<Vec<_>>(),
        ["kept"]
    );
    assert_ne!(store.epoch().await.unwrap(), epoch);
    let reader = crate::store::Reader {
        id: UserId::new(),
        since: crate::clock::now(),
    };
    assert_eq!(store.list_rooms(&reader, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_no_copy_changes_nothing() {
    let place = Place::Sqlite(tempfile::tempdir().unwrap());
    let store = place.store().await;
    let ann = profile(&store, "ann").await;
    store.close().await;
    let file = place.file().with_file_name("garbage");
    for garbage in [
        &b"this is no database, only some text that is long enough"[..],
        b"",
    ] {
        std::fs::write(&file, garbage).unwrap();
        let refused = put_back(&place, &file).await;
        assert!(
            matches!(refused, Err(BackupError::Damaged { .. })),
            "{refused:?}"
        );
    }
    let store = place.store().await;
    assert!(store.find_user(ann.id).await.unwrap().is_some());
}

#[tokio::test]
async fn postgres_is_copied_with_its_own_tools() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let store = place.store().await;
    let refused = store.backup(std::path::Path::new("never")).await;
    assert!(matches!(refused, Err(BackupError::NotSqlite)));
    place.remove().await;
}
