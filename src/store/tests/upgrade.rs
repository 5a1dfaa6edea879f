//! A database that an earlier version made.

use std::{fs, path::Path};

use sqlx::{ConnectOptions as _, Connection as _, migrate::Migrator};

use super::*;
use crate::domain::permission::Permissions;

/// The migrations before roles were rows.
async fn before_roles(dialect: &str) -> (tempfile::TempDir, Migrator) {
    let folder = tempfile::tempdir().unwrap();
    let all = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(dialect);
    for entry in fs::read_dir(all).unwrap() {
        let file = entry.unwrap();
        if file.file_name().to_str().unwrap() < "0008" {
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
    }
    let migrator = Migrator::new(folder.path()).await.unwrap();
    (folder, migrator)
}

const USER: &str = "INSERT INTO users (id, username, username_key, full_name, full_name_key, role,
        active, created_at, updated_at)
     VALUES ($1, $2, $2, $2, $2, $2, TRUE, $3, $3)";
const CHANGE: &str = "INSERT INTO auth_changes (user_id, at) VALUES ($1, $2)";

/// Makes an old database with a user of each role, and a change that was announced.
macro_rules! fill {
    ($connection:ident, $migrator:ident, $ids:ident) => {
        $migrator.run(&mut $connection).await.unwrap();
        let at = crate::clock::now();
        for (id, role) in $ids.iter().zip(Role::BUILT_IN) {
            let insert = sqlx::query(USER).bind(id).bind(role.to_string()).bind(at);
            insert.execute(&mut $connection).await.unwrap();
        }
        let change = sqlx::query(CHANGE).bind($ids[0]).bind(at);
        change.execute(&mut $connection).await.unwrap();
        $connection.close().await.unwrap();
    };
}

on_both! {
    async fn users_of_an_earlier_version_keep_their_roles(place: &Place) {
        let ids = [(); 3].map(|()| UserId::new());
        match place {
            Place::Sqlite(_) => {
                let (_folder, migrator) = before_roles("sqlite").await;
                fs::create_dir_all(place.file().parent().unwrap()).unwrap();
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(place.file())
                    .create_if_missing(true);
                let mut connection = options.connect().await.unwrap();
                fill!(connection, migrator, ids);
            }
            Place::Postgres { .. } => {
                let (_folder, migrator) = before_roles("postgres").await;
                let mut connection = PgConnection::connect(&place.url()).await.unwrap();
                fill!(connection, migrator, ids);
            }
        }
        let store = place.store().await;
        for (id, role) in ids.into_iter().zip(Role::BUILT_IN) {
            let user = store.find_user(id).await.unwrap().unwrap();
            assert_eq!(user.permissions, Permissions::sample(&role));
            assert_eq!(user.role, role);
        }
        assert!(store.has_admin().await.unwrap());
        let told = store.auth_changes_since(chrono::DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(told.iter().map(|change| &change.of).collect::<Vec<_>>(), [&Changed::User {
            id: ids[0],
            login: None,
        }]);
        let custom = "analyst".parse().unwrap();
        let refused = store.insert_user(new_user("ann", custom), &BY).await;
        assert!(matches!(refused, Err(super::super::StoreError::UnknownRole)), "{refused:?}");
    }
}
