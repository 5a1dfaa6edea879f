//! Attempts to break the store, on SQLite and, with `TEST_DATABASE_URL`, on PostgreSQL.

mod actors;
mod api_tokens;
mod backup;
mod commit;
mod duplicates;
mod failure;
mod jobs;
mod lists;
mod lock;
mod logins;
mod message_days;
mod messages;
mod read_marks;
mod refresh;
mod rights;
mod roles;
mod upgrade;
mod users;

use std::{path::PathBuf, sync::Arc, time::Duration};

use sqlx::{Connection as _, PgConnection};

use super::{AuthChange, Changed, CommitError, NewUser, Outcome, Store, StoreOptions};
use crate::{
    domain::{
        audit::By,
        ids::{ClientMessageId, LoginId, MessageId, RoomId, UserId},
        message::{Content, Draft, Receipt},
        user::{Email, FullName, Profile, Role, User, Username},
    },
    metrics::Metrics,
};

/// Makes a test of an async function that takes a [`Place`], for each database.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($place:ident: &Place) $body:block)+) => {
        $(
            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                for $place in $crate::store::tests::Place::all().await {
                    {
                        let $place = &$place;
                        $body
                    }
                    $place.remove().await;
                }
            }
        )+
    };
}
use on_both;

/// Nobody in particular.
const BY: By = By::command_line();

/// An empty database of one test.
pub(super) enum Place {
    Sqlite(tempfile::TempDir),
    Postgres { server: String, name: String },
}

impl Place {
    pub(super) async fn all() -> Vec<Self> {
        let mut places = vec![Self::Sqlite(tempfile::tempdir().unwrap())];
        places.extend(Self::postgres().await);
        places
    }

    /// A new database on the server that `TEST_DATABASE_URL` names, if it is set.
    #[expect(clippy::disallowed_methods, reason = "a test has no config")]
    pub(super) async fn postgres() -> Option<Self> {
        let server = std::env::var("TEST_DATABASE_URL").ok()?;
        let name = format!("parlor_test_{}", uuid::Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let sql = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        Some(Self::Postgres { server, name })
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("sqlite://{}", self.file().display()),
            Self::Postgres { server, name } => {
                let mut url = url::Url::parse(server).unwrap();
                url.set_path(name);
                url.to_string()
            }
        }
    }

    pub(super) fn options(&self) -> StoreOptions {
        StoreOptions {
            url: self.url().into(),
            max_connections: 8,
            allow_unsafe: true,
            acquire_timeout: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            mail: false,
        }
    }

    /// The database's file.
    pub(super) fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("made/for it/parlor.db"),
            Self::Postgres { .. } => panic!("PostgreSQL has no file"),
        }
    }

    pub(super) async fn store(&self) -> Store {
        Store::open(&self.options(), Metrics::new().unwrap())
            .await
            .unwrap()
    }

    pub(super) async fn remove(self) {
        if let Self::Postgres { server, name } = self {
            let mut connection = PgConnection::connect(&server).await.unwrap();
            let sql = sqlx::AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        }
    }
}

/// A user to be, with an address.
pub(super) fn new_user(name: &str, role: Role) -> NewUser {
    NewUser {
        id: UserId::new(),
        username: Username::parse(name).unwrap(),
        email: Some(Email::parse(&format!("{name}@example.org")).unwrap()),
        full_name: FullName::parse(&format!("{name} Smith")).unwrap(),
        phone_number: None,
        password_hash: Some("hash".to_owned()),
        role,
    }
}

pub(super) async fn user(store: &Store, name: &str) -> User {
    store
        .insert_user(new_user(name, Role::Client), &BY)
        .await
        .unwrap()
}

pub(super) async fn profile(store: &Store, name: &str) -> Arc<Profile> {
    user(store, name).await.profile
}

pub(super) fn room(id: &str) -> RoomId {
    RoomId::parse(id).unwrap()
}

/// A message to be, without a client's id.
pub(super) fn draft(sender: &Arc<Profile>, room_id: &str, text: &str) -> Draft {
    let content = Content::parse(text).unwrap();
    Draft {
        id: MessageId::new(),
        room_id: room(room_id),
        sender: sender.clone(),
        content_hash: content.hash(),
        content,
        client_message_id: None,
    }
}

/// A message to be, with a client's id.
pub(super) fn named(sender: &Arc<Profile>, room_id: &str, name: &str, text: &str) -> Draft {
    Draft {
        client_message_id: Some(ClientMessageId::parse(name).unwrap()),
        ..draft(sender, room_id, text)
    }
}

pub(super) async fn commit(store: &Store, drafts: Vec<Draft>) -> Vec<Outcome> {
    store.commit_batch(drafts.into()).await.unwrap()
}

pub(super) fn receipt(outcome: &Outcome) -> Receipt {
    match outcome {
        Outcome::Committed(receipt) => *receipt,
        other => panic!("not committed but {other:?}"),
    }
}

/// The login that a change is about; `None` for everything of a user.
pub(super) fn login_of(change: &AuthChange) -> Option<LoginId> {
    match &change.of {
        Changed::User { login, .. } => *login,
        Changed::Role(role) => panic!("a change of {role}"),
    }
}

/// Whether nothing was stored because the database could not be used.
pub(super) fn is_unavailable<T>(done: &Result<T, CommitError>) -> bool {
    matches!(
        done,
        Err(CommitError::Failed(super::StoreError::Unavailable(_)))
    )
}
