//! Opening a database: connections, tables and first rows.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, path::Path, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection as _, PgConnection, PgPool, Row as _, SqlitePool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    Inner, OpenError, Store, backend::Backend, mark_queue::MarkQueue, message_days::Running,
};
use crate::metrics::Metrics;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How far SQLite lets its write-ahead log stand between checkpoints, in bytes.
const JOURNAL_BYTES: &str = "67108864";

/// Which database, and how patiently.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `sqlite://` with a path, or `postgres://…`, where a password may stand.
    pub url: SecretString,
    /// The most connections of PostgreSQL, or readers of SQLite beside its one writer.
    pub max_connections: u32,
    /// Opens a PostgreSQL server that runs with `fsync=off`.
    pub allow_unsafe: bool,
    /// How long an operation waits for a connection.
    pub acquire_timeout: Duration,
    /// How long SQLite waits for another process that writes.
    pub busy_timeout: Duration,
    /// Whether what users should be told is written to them.
    pub mail: bool,
}

/// The address of a database, read.
pub(super) enum Address {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
}

impl StoreOptions {
    /// Reads the address.
    pub(super) fn address(&self) -> Result<Address, OpenError> {
        let url = self.url.expose_secret();
        if url.starts_with("sqlite:") {
            let options: SqliteConnectOptions = url.parse().map_err(OpenError::Connect)?;
            let path = options.get_filename().to_string_lossy();
            // A database in memory would be another one on each connection.
            if path.is_empty() || path.starts_with("file:") || url.contains("mode=memory") {
                return Err(OpenError::Address);
            }
            Ok(Address::Sqlite(Box::new(self.sqlite(options))))
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options: PgConnectOptions = url.parse().map_err(OpenError::Connect)?;
            Ok(Address::Postgres(Box::new(options)))
        } else {
            Err(OpenError::Address)
        }
    }

    fn sqlite(&self, options: SqliteConnectOptions) -> SqliteConnectOptions {
        options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // NORMAL would lose the last commits in a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(self.busy_timeout)
            .pragma("journal_size_limit", JOURNAL_BYTES)
            .pragma("cache_size", "-16384")
            .pragma("temp_store", "memory")
    }
}

impl Store {
    /// Opens a database and brings it up to date: folder and file (SQLite), tables, the epoch and
    /// the first rooms.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(options: &StoreOptions, metrics: Metrics) -> Result<Self, OpenError> {
        Self::open_at(options, options.address()?, metrics).await
    }

    /// Opens the database at `address`, whichever the options name.
    pub(super) async fn open_at(
        options: &StoreOptions,
        address: Address,
        metrics: Metrics,
    ) -> Result<Self, OpenError> {
        let backend = match address {
            Address::Sqlite(address) => open_sqlite(options, *address).await?,
            Address::Postgres(address) => open_postgres(options, *address).await?,
        };
        let store = Self {
            inner: Arc::new(Inner {
                backend,
                metrics,
                marks: MarkQueue::default(),
                running: Running::default(),
                mail: options.mail,
                bell: tokio::sync::Notify::new(),
            }),
        };
        store.make_first_rows().await.map_err(OpenError::Prepare)?;
        Ok(store)
    }

    /// Brings the tables up to date and closes the database again.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn migrate_only(options: &StoreOptions) -> Result<(), OpenError> {
        let backend = match options.address()? {
            Address::Sqlite(address) => open_sqlite(options, *address).await?,
            Address::Postgres(address) => open_postgres(options, *address).await?,
        };
        backend.close().await;
        Ok(())
    }

    /// Closes every connection, after what runs on it.
    pub async fn close(&self) {
        self.inner.backend.close().await;
    }
}

impl Backend {
    async fn close(&self) {
        match self {
            // The writer last: it writes the log back into the file when nobody reads it.
            Self::Sqlite {
                readers, writer, ..
            } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres { pool, .. } => pool.close().await,
        }
    }
}

async fn open_sqlite(
    options: &StoreOptions,
    address: SqliteConnectOptions,
) -> Result<Backend, OpenError> {
    let path = address.get_filename().to_path_buf();
    make_folder(&path)?;
    let writer: SqlitePool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(address.clone())
        .await
        .map_err(OpenError::Connect)?;
    SQLITE.run(&writer).await.map_err(OpenError::Migrate)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(options.max_connections.max(1))
        .acquire_timeout(options.acquire_timeout)
        .connect_with(address.create_if_missing(false).read_only(true))
        .await
        .map_err(OpenError::Connect)?;
    Ok(Backend::Sqlite {
        readers,
        writer,
        path,
    })
}

/// Makes the folder of a database's file, for its owner alone: everybody's messages and the hashes
/// of their passwords are in there.
pub(super) fn make_folder(file: &Path) -> Result<(), OpenError> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|source| OpenError::Folder {
                path: folder.to_path_buf(),
                source,
            })
        }
        _ => Ok(()),
    }
}

async fn open_postgres(
    options: &StoreOptions,
    address: PgConnectOptions,
) -> Result<Backend, OpenError> {
    let address = address.application_name("parlor");
    migrate_postgres(options, &address).await?;
    let pool: PgPool = PgPoolOptions::new()
        // One connection commits, one at least must read meanwhile.
        .max_connections(options.max_connections.max(2))
        .acquire_timeout(options.acquire_timeout)
        .after_connect(|connection, _| Box::pin(set_up(connection)))
        .after_release(|connection, _| Box::pin(is_clean(connection)))
        .connect_with(address.clone())
        .await
        .map_err(OpenError::Connect)?;
    Ok(Backend::Postgres {
        pool,
        statement_bytes: statement_bytes(&address),
        options: Box::new(address),
    })
}

/// The most bytes of rows that one INSERT should have on this connection.
///
/// TLS cuts what is sent into records of 16 KiB, each written on its own, and sqlx leaves Nagle's
/// algorithm on: the last record would wait 40 ms for the server's delayed acknowledgement. So a
/// statement must fit into one record.
fn statement_bytes(address: &PgConnectOptions) -> usize {
    let plain = matches!(address.get_ssl_mode(), PgSslMode::Disable);
    if plain || address.get_socket().is_some() || address.get_host().starts_with('/') {
        usize::MAX
    } else {
        14 * 1024
    }
}

/// Migrates on a connection of its own, which has no time limit; several processes may start at
/// once, for sqlx takes an advisory lock.
async fn migrate_postgres(
    options: &StoreOptions,
    address: &PgConnectOptions,
) -> Result<(), OpenError> {
    let mut connection = PgConnection::connect_with(address)
        .await
        .map_err(OpenError::Connect)?;
    let fsync: String = sqlx::query_scalar("SELECT current_setting('fsync')")
        .fetch_one(&mut connection)
        .await
        .map_err(OpenError::Connect)?;
    if fsync != "on" && !options.allow_unsafe {
        return Err(OpenError::Unsafe);
    }
    POSTGRES
        .run(&mut connection)
        .await
        .map_err(OpenError::Migrate)?;
    connection.close().await.map_err(OpenError::Connect)
}

/// What every connection to PostgreSQL needs, whatever the server's or the role's defaults say.
///
/// Acknowledged means on disk, so a weaker `synchronous_commit` is raised; a stronger one, which
/// waits for replicas, stays.
pub(super) async fn set_up(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT set_config('statement_timeout', '5s', false),
            set_config('idle_in_transaction_session_timeout', '15s', false),
            set_config('synchronous_commit',
                CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'on'
                ELSE current_setting('synchronous_commit') END, false)",
    )
    .execute(connection)
    .await
    .map(|_| ())
}

/// Whether a returned connection stands outside every transaction: a future that was dropped during
/// BEGIN can leave one open. Inside a transaction `now()` is its start.
///
/// In one simple query: a prepared statement is bound and executed at two times, so that it would
/// seem to stand in a transaction, and every connection would be used once.
async fn is_clean(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::raw_sql("SELECT now() = statement_timestamp()")
        .fetch_one(connection)
        .await?
        .try_get(0)
}
