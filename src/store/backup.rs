//! Copies of an SQLite database.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use serde_json::json;
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use super::{
    BackupError, Store, StoreError, StoreOptions,
    backend::Backend,
    lock::{beside, lock_file},
    open::{Address, make_folder},
};
use crate::{
    clock,
    domain::audit::{Act, By},
    metrics::Metrics,
};

/// What a database's file is called with, beside its name; the file itself comes last.
const PARTS: [&str; 3] = ["-wal", "-shm", ""];

impl Store {
    /// Writes a copy of the database to `file` while it is in use. SQLite only.
    ///
    /// The copy has no epoch: whoever starts a server on it makes a new one.
    ///
    /// # Errors
    /// `file` exists, cannot be written, or the database is PostgreSQL.
    pub async fn backup(&self, file: &Path) -> Result<(), BackupError> {
        let Backend::Sqlite { path, .. } = &self.inner.backend else {
            return Err(BackupError::NotSqlite);
        };
        if file.exists() {
            return Err(BackupError::Exists(file.to_path_buf()));
        }
        // Under another name until it is whole: half a copy must not look like one.
        let partial = beside(file, ".partial");
        remove(&partial)?;
        make_private(&partial)?;
        let target = partial.to_str().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "the file's name is not UTF-8")
        })?;
        let mut source = open(path, true).await.map_err(StoreError::from)?;
        sqlx::query("VACUUM INTO $1")
            .bind(target)
            .execute(&mut source)
            .await
            .map_err(StoreError::from)?;
        source.close().await.map_err(StoreError::from)?;
        forget_epoch(&partial).await.map_err(StoreError::from)?;
        put_in_place(partial, file.to_path_buf()).await
    }
}

/// Replaces an SQLite database by a copy that [`Store::backup`] made, under a new epoch.
///
/// The present database, if any, is kept beside it under a name with `.replaced` and the time. It
/// must not be served meanwhile: the lock is held. The copy's audit log says that it was put back,
/// by `by`.
///
/// # Errors
/// A server runs on it, or `file` is no sound copy of this version or an earlier one; nothing was
/// changed then.
pub async fn restore(
    options: &StoreOptions,
    file: &Path,
    by: By,
    metrics: Metrics,
) -> Result<(), BackupError> {
    let Address::Sqlite(address) = options.address()? else {
        return Err(BackupError::NotSqlite);
    };
    let database = address.get_filename().to_path_buf();
    make_folder(&database)?;
    let _lock = lock_file(&database)?;
    let new = beside(&database, ".restoring");
    // What an earlier one left that was killed must not get into this.
    for part in PARTS {
        remove(&beside(&new, part))?;
    }
    let (source, target) = (file.to_path_buf(), new.clone());
    blocking(move || fs::copy(source, target).map(|_| ())).await?;
    if let Err(reason) = check(&new).await {
        remove(&new)?;
        return Err(BackupError::Damaged {
            path: file.to_path_buf(),
            reason,
        });
    }
    let told = tell(options, address.filename(&new), file, by, metrics).await;
    if let Err(error) = told {
        for part in PARTS {
            remove(&beside(&new, part))?;
        }
        return Err(error);
    }
    // The log and the file belong together; what is in the log of the present one goes with it.
    let old = format!(".replaced-{}", clock::now().format("%Y%m%dT%H%M%S%6f"));
    for part in PARTS {
        let present = beside(&database, part);
        if present.exists() {
            fs::rename(&present, beside(&database, &format!("{old}{part}")))?;
        }
    }
    put_in_place(new, database).await
}

/// Has the copy's own audit log say that it was put back, before it is.
async fn tell(
    options: &StoreOptions,
    copy: SqliteConnectOptions,
    file: &Path,
    by: By,
    metrics: Metrics,
) -> Result<(), BackupError> {
    let store = Store::open_at(options, Address::Sqlite(Box::new(copy)), metrics).await?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let told = store
        .record(by, Act::DatabaseRestore, None, json!({ "file": name }))
        .await;
    store.close().await;
    Ok(told?)
}

/// Why a file cannot be served; a sound one loses its epoch.
async fn check(file: &Path) -> Result<(), String> {
    let tell = |error: sqlx::Error| error.to_string();
    let mut copy = open(file, false).await.map_err(tell)?;
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut copy)
        .await
        .map_err(tell)?;
    if verdict != "ok" {
        return Err(verdict);
    }
    sqlx::query("SELECT 1 FROM _sqlx_migrations, users, chat_messages LIMIT 0")
        .execute(&mut copy)
        .await
        .map_err(tell)?;
    copy.close().await.map_err(tell)?;
    forget_epoch(file).await.map_err(tell)
}

async fn forget_epoch(file: &Path) -> Result<(), sqlx::Error> {
    let mut copy = open(file, false).await?;
    sqlx::query("DELETE FROM store_state WHERE name = 'epoch'")
        .execute(&mut copy)
        .await?;
    copy.close().await
}

async fn open(file: &Path, read_only: bool) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(read_only);
    // A copy is one file: no log beside it that somebody forgets to take along.
    let options = if read_only {
        options
    } else {
        options.journal_mode(SqliteJournalMode::Delete)
    };
    SqliteConnection::connect_with(&options).await
}

/// Gives a finished file its name, on disk for good.
async fn put_in_place(
    finished: std::path::PathBuf,
    name: std::path::PathBuf,
) -> Result<(), BackupError> {
    blocking(move || {
        File::open(&finished)?.sync_all()?;
        fs::rename(&finished, &name)?;
        match name.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    })
    .await
}

async fn blocking(
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(io::Error::other)??)
}

/// Makes an empty file for its owner alone: a copy holds password hashes. SQLite fills it.
fn make_private(file: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600);
    options.open(file).map(drop)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
