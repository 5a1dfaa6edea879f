//! The two databases behind one store, and how a piece of work runs on either.

use std::{ops::DerefMut, path::PathBuf, time::Duration};

use sqlx::{Database, PgPool, SqlitePool, pool::PoolConnection, postgres::PgConnectOptions};
use tokio::time::Instant;
use tracing::Instrument;

use super::{Store, StoreError};

/// The longest that a read, or a transaction up to its COMMIT, may take. PostgreSQL gives up a
/// statement earlier; this is for a server that no longer answers at all.
pub(super) const LIMIT: Duration = Duration::from_secs(8);

/// Where the rows are.
pub(super) enum Backend {
    /// One connection writes: SQLite lets no two write at once, and waiting for a connection is
    /// fairer than SQLite's own busy loop.
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
        path: PathBuf,
    },
    Postgres {
        pool: PgPool,
        /// For connections that must not come from the pool.
        options: Box<PgConnectOptions>,
        /// The most bytes of rows in one INSERT.
        statement_bytes: usize,
    },
}

/// Runs one read on whichever database is open.
///
/// The body is compiled once per database, so it may use any type both drivers know, and only SQL
/// that both understand.
macro_rules! on_reader {
    ($store:expr, $db:ident => $body:expr) => {
        match &$store.inner.backend {
            $crate::store::backend::Backend::Sqlite { readers: $db, .. } => $body,
            $crate::store::backend::Backend::Postgres { pool: $db, .. } => $body,
        }
    };
}

/// Runs a body in a transaction on whichever database is open; an error of the body undoes it.
///
/// The body sees `&mut` connection and must end in `Result<T, E>`, with an `E` made from
/// [`sqlx::Error`]. The outcome is `Result<T, Stopped<E>>`.
macro_rules! in_transaction {
    (sqlite $pool:expr, $tx:ident => $body:expr) => {
        $crate::store::backend::transaction!($pool, "BEGIN IMMEDIATE", $tx => $body)
    };
    (postgres $pool:expr, $tx:ident => $body:expr) => {
        $crate::store::backend::transaction!($pool, "BEGIN", $tx => $body)
    };
    ($store:expr, $tx:ident => $body:expr) => {
        match &$store.inner.backend {
            $crate::store::backend::Backend::Sqlite { writer, .. } => {
                $crate::store::backend::in_transaction!(sqlite writer, $tx => $body)
            }
            $crate::store::backend::Backend::Postgres { pool, .. } => {
                $crate::store::backend::in_transaction!(postgres pool, $tx => $body)
            }
        }
    };
}

/// The arms of [`in_transaction`].
macro_rules! transaction {
    ($pool:expr, $begin:literal, $tx:ident => $body:expr) => {
        async {
            use sqlx::Connection as _;
            use $crate::store::backend::{Held, LIMIT, Stopped, limited};

            let mut held = Held::new($pool.acquire().await.map_err(Stopped::begin)?);
            let mut opened = limited(LIMIT, held.begin_with($begin))
                .await
                .map_err(Stopped::begin)?;
            let done = {
                let $tx = &mut *opened;
                limited(LIMIT, async { $body }).await
            };
            match done {
                Ok(value) => {
                    limited(LIMIT, opened.commit())
                        .await
                        .map_err(|error: sqlx::Error| Stopped::AtCommit(error.into()))?;
                    held.put_back();
                    Ok(value)
                }
                Err(error) => {
                    let undone = limited(LIMIT, opened.rollback()).await;
                    if undone.is_ok() && !$crate::store::error::Breaking::breaks(&error) {
                        held.put_back();
                    }
                    Err(Stopped::Before(error))
                }
            }
        }
        .await
    };
}

pub(super) use {in_transaction, on_reader, transaction};

/// Where a transaction stopped.
#[derive(Debug)]
pub(super) enum Stopped<E> {
    /// Nothing of it is stored.
    Before(E),
    /// COMMIT was sent, and no answer says what became of it.
    AtCommit(anyhow::Error),
}

impl<E: From<sqlx::Error>> Stopped<E> {
    /// It did not begin.
    pub(super) fn begin(error: sqlx::Error) -> Self {
        Self::Before(error.into())
    }
}

impl From<Stopped<Self>> for StoreError {
    fn from(stopped: Stopped<Self>) -> Self {
        match stopped {
            Stopped::Before(error) => error,
            Stopped::AtCommit(cause) => Self::Unavailable(cause),
        }
    }
}

/// A connection that goes back to its pool only when it is put back.
///
/// Dropped in any other way — an error, a time-out, a stopped runtime — it is closed at once: what
/// it was doing is unknown, and the next user would find himself inside somebody's transaction.
pub(super) struct Held<DB: Database>(Option<PoolConnection<DB>>);

impl<DB: Database> Held<DB> {
    pub(super) fn new(connection: PoolConnection<DB>) -> Self {
        Self(Some(connection))
    }

    /// Returns the connection to its pool.
    pub(super) fn put_back(mut self) {
        drop(self.0.take());
    }
}

impl<DB: Database> Drop for Held<DB> {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

/// Gives up after a time, with the error of a connection that does not answer.
pub(super) async fn limited<T, E: From<sqlx::Error>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()),
    }
}

impl Store {
    /// Counts and times a read, and gives it up after [`LIMIT`].
    pub(super) async fn read<T>(
        &self,
        operation: &'static str,
        table: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let start = Instant::now();
        let done = limited(LIMIT, work).await;
        self.count(operation, table, start);
        done
    }

    /// Counts and times a write, and runs it in a task of its own.
    ///
    /// A handler is dropped when its client goes away. In a task the work ends in an orderly way all
    /// the same: a dropped BEGIN would leave an open transaction on the connection.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        table: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.task(operation, table, work)
            .await
            .unwrap_or_else(|stopped| Err(StoreError::Unavailable(stopped.into())))
    }

    /// As [`Self::write`], for work whose end is uncertain when its task was stopped.
    pub(super) async fn task<T: Send + 'static>(
        &self,
        operation: &'static str,
        table: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        let start = Instant::now();
        // What it logs belongs to the request that asked for it.
        let done = tokio::spawn(work.in_current_span()).await;
        self.count(operation, table, start);
        done
    }

    fn count(&self, operation: &str, table: &str, start: Instant) {
        let metrics = &self.inner.metrics;
        let labels = &[operation, table];
        metrics.db_queries.with_label_values(labels).inc();
        metrics
            .db_query_seconds
            .with_label_values(labels)
            .observe(start.elapsed().as_secs_f64());
    }

    /// Picks the text for the few statements that both databases cannot share.
    pub(super) fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match &self.inner.backend {
            Backend::Sqlite { .. } => sqlite,
            Backend::Postgres { .. } => postgres,
        }
    }
}

impl<DB: Database> std::ops::Deref for Held<DB> {
    type Target = PoolConnection<DB>;

    #[expect(
        clippy::expect_used,
        reason = "only put_back and drop take it, and both end the value"
    )]
    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("held until it is put back")
    }
}

impl<DB: Database> DerefMut for Held<DB> {
    #[expect(
        clippy::expect_used,
        reason = "only put_back and drop take it, and both end the value"
    )]
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_mut().expect("held until it is put back")
    }
}
