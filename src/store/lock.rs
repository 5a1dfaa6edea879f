//! One server a database.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    LockError, Store,
    backend::{Backend, limited},
};

/// The number of the lock in PostgreSQL; every database of a server has its own.
const KEY: i64 = 0x5041_524c;

/// How often the lock's connection is looked at, and tried again.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long an answer on the lock's connection may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// The right to serve this database, until it is dropped.
#[derive(Debug)]
pub struct ServeLock {
    lost: watch::Receiver<bool>,
    _hold: Hold,
}

/// What the lock ends with.
#[derive(Debug)]
enum Hold {
    /// The system unlocks a file when it is closed, also after a crash.
    File { _file: File },
    /// PostgreSQL unlocks when the connection ends.
    Connection(JoinHandle<()>),
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Self::Connection(keeper) = self {
            keeper.abort();
        }
    }
}

impl Store {
    /// Takes the right to serve this database.
    ///
    /// # Errors
    /// [`LockError::Held`] while another process has it.
    pub async fn lock_exclusively(&self) -> Result<ServeLock, LockError> {
        match &self.inner.backend {
            Backend::Sqlite { path, .. } => lock_file(path),
            Backend::Postgres { options, .. } => lock_postgres(options).await,
        }
    }
}

impl ServeLock {
    /// Waits until another process has the lock: stop serving then. For ever with SQLite.
    ///
    /// A database that was away and came back is locked again without a word.
    pub async fn lost(&self) {
        let mut lost = self.lost.clone();
        if lost.wait_for(|lost| *lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Locks the file beside an SQLite database. It is never removed: another process could hold the
/// removed one and a third make it anew.
pub(super) fn lock_file(database: &Path) -> Result<ServeLock, LockError> {
    let path = beside(database, ".lock");
    let failed = |source| LockError::File {
        path: path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(ServeLock {
            lost: watch::channel(false).1,
            _hold: Hold::File { _file: file },
        }),
        Err(TryLockError::WouldBlock) => Err(LockError::Held),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// The database's path with something after its name.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

async fn lock_postgres(options: &PgConnectOptions) -> Result<ServeLock, LockError> {
    // By this name the server finds its own lost connection again.
    let name = format!("parlor serve {}", uuid::Uuid::new_v4().simple());
    let options = options.clone().application_name(&name);
    let connection = limited(PATIENCE, take(&options, &name))
        .await
        .map_err(LockError::Database)?
        .ok_or(LockError::Held)?;
    let (told, lost) = watch::channel(false);
    let keeper = tokio::spawn(async move {
        keep(connection, &options, &name).await;
        told.send_replace(true);
        // Held until the lock is dropped, so that whoever asks later is told as well.
        told.closed().await;
    });
    Ok(ServeLock {
        lost,
        _hold: Hold::Connection(keeper),
    })
}

/// Connects and tries the lock; `None` while another process has it.
async fn take(options: &PgConnectOptions, name: &str) -> Result<Option<PgConnection>, sqlx::Error> {
    // After a broken network the server may take long to notice that the old connection is gone.
    const END_OLD: &str = "SELECT pg_terminate_backend(a.pid)
        FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.objid::int8 = $1 AND a.application_name = $2
            AND a.datname = current_database() AND a.pid <> pg_backend_pid()";
    let mut connection = PgConnection::connect_with(options).await?;
    let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(KEY)
        .fetch_one(&mut connection)
        .await?;
    if taken {
        return Ok(Some(connection));
    }
    let ended: Vec<bool> = sqlx::query_scalar(END_OLD)
        .bind(KEY)
        .bind(name)
        .fetch_all(&mut connection)
        .await?;
    if ended.is_empty() {
        Ok(None)
    } else {
        Err(sqlx::Error::Io(std::io::ErrorKind::WouldBlock.into()))
    }
}

/// Holds the lock through restarts of the server; returns when another process has it.
async fn keep(mut connection: PgConnection, options: &PgConnectOptions, name: &str) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        if limited::<_, sqlx::Error>(PATIENCE, connection.ping())
            .await
            .is_ok()
        {
            continue;
        }
        tracing::warn!("the connection that holds the database's lock is gone");
        match limited(PATIENCE, take(options, name)).await {
            Ok(Some(again)) => {
                tracing::info!("the database is locked again");
                connection = again;
            }
            Ok(None) => return,
            // Down, or still starting: the broken connection fails again next time.
            Err(error) => tracing::debug!(%error, "the database's lock cannot be taken yet"),
        }
    }
}
