//! Why the database did not do what it was asked.

use crate::{domain::user::Role, error::ApiError, protocol::code::ErrorCode};

/// Why a read or a write did not happen. Nothing was stored then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What should be changed is not there.
    #[error("there is no such row")]
    NotFound,
    /// Another row has this name already.
    #[error("{0:?} is taken")]
    Conflict(Unique),
    /// Nobody would be left who can manage users.
    #[error("the last active admin must stay")]
    LastAdmin,
    /// No role has this name.
    #[error("there is no such role")]
    UnknownRole,
    /// The role is always there, and so is what it is made of.
    #[error("the role is built in")]
    BuiltInRole,
    /// Somebody has the role.
    #[error("somebody has the role")]
    RoleInUse,
    /// Who asks may do less than the one he wants to change, or than what he wants to give.
    #[error("nobody changes or gives what he may not do himself")]
    OutOfReach,
    /// The login or the API token of who asks has ended since the request was let in.
    #[error("who asks is not signed in any more")]
    Ended,
    /// What was proved to sign in, or to change the password, is not so any more.
    #[error("what was proved is not so any more")]
    Outdated,
    /// A service has neither a password nor an address: it signs in nowhere.
    #[error("the account is a service's")]
    ServiceAccount,
    /// There are as many as there may be.
    #[error("there may be no more than {0}")]
    TooMany(i64),
    /// The first admin was made already.
    #[error("there is an admin")]
    AdminExists,
    /// Nothing else would let the user in.
    #[error("the last way into an account must stay")]
    LastWayIn,
    /// No connection, a busy or full database, an I/O error, a time-out: it may work later.
    #[error("the database cannot be used now")]
    Unavailable(#[source] anyhow::Error),
    /// A statement that this database refuses: a fault of the server.
    #[error("the database refused a statement")]
    Internal(#[source] anyhow::Error),
}

/// What exists only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unique {
    Email,
    Username,
    Room,
    Role,
    /// Who somebody is to a provider.
    Identity,
    Passkey,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither `sqlite://` with a file nor `postgres://`.
    #[error("the database's address is neither sqlite://FILE nor postgres://…")]
    Address,
    /// The SQLite file or its folder.
    #[error("cannot use the database's folder {path}")]
    Folder {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Wrong address, no server, no right, no file.
    #[error("cannot connect to the database")]
    Connect(#[source] sqlx::Error),
    /// The schema is newer than this program, or a migration failed.
    #[error("cannot bring the database's tables up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// PostgreSQL would lose acknowledged messages in a power cut.
    #[error(
        "this PostgreSQL server runs with fsync=off and would lose acknowledged messages; \
         ALLOW_UNSAFE_DATABASE=1 opens it all the same"
    )]
    Unsafe,
    /// The first rows could not be written or read.
    #[error("cannot prepare the database")]
    Prepare(#[source] StoreError),
}

/// Why this process may not serve the database.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process serves it.
    #[error("another server runs on this database")]
    Held,
    /// The lock file cannot be made or locked.
    #[error("cannot lock {path}")]
    File {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// PostgreSQL did not answer.
    #[error("cannot take the lock in the database")]
    Database(#[source] sqlx::Error),
}

/// Why a copy was not made or not taken over.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// PostgreSQL has its own tools.
    #[error("PostgreSQL is copied with pg_dump and restored with pg_restore")]
    NotSqlite,
    /// A backup never replaces a file.
    #[error("{0} exists already")]
    Exists(std::path::PathBuf),
    /// The file is no copy that `parlor backup` made, or it is damaged.
    #[error("{path} is no backup: {reason}")]
    Damaged {
        path: std::path::PathBuf,
        reason: String,
    },
    #[error("cannot write the copy")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match kind(&error) {
            Kind::Unavailable | Kind::Collision => Self::Unavailable(error.into()),
            Kind::Unique | Kind::Lasting | Kind::Internal => Self::Internal(error.into()),
        }
    }
}

/// What an error of the driver means for what was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A row with this key is there.
    Unique,
    /// Two transactions got into each other's way: trying again helps.
    Collision,
    /// This data will never be taken.
    Lasting,
    /// The connection or the server, not the statement.
    Unavailable,
    /// Anything else: a fault in this program.
    Internal,
}

/// Tells what an error means.
pub(super) fn kind(error: &sqlx::Error) -> Kind {
    use sqlx::Error;
    let database = match error {
        Error::Database(database) => database,
        Error::Encode(_) => return Kind::Lasting,
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed => return Kind::Unavailable,
        _ => return Kind::Internal,
    };
    if database.is_unique_violation() {
        return Kind::Unique;
    }
    let code = database.code().unwrap_or_default();
    if let Ok(number) = code.parse::<i32>()
        && database
            .try_downcast_ref::<sqlx::sqlite::SqliteError>()
            .is_some()
    {
        return sqlite_kind(number);
    }
    postgres_kind(&code)
}

/// Result codes of SQLite; the low byte is the primary one.
fn sqlite_kind(code: i32) -> Kind {
    match code & 0xff {
        // PERM, ABORT, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL
        3..=10 | 13..=15 => Kind::Unavailable,
        // TOOBIG, CONSTRAINT, MISMATCH
        18..=20 => Kind::Lasting,
        _ => Kind::Internal,
    }
}

/// SQLSTATE: the first two characters are the class.
fn postgres_kind(code: &str) -> Kind {
    match code {
        "40001" | "40P01" => Kind::Collision,
        // No lock in time; a replica, or a server that was switched over.
        "55P03" | "25006" => Kind::Unavailable,
        _ => match code.get(..2) {
            // Data, integrity, limits such as the size of a row.
            Some("22" | "23" | "54") => Kind::Lasting,
            // Connection, authorization, rolled back, resources, operator, system.
            Some("08" | "28" | "3D" | "40" | "53" | "57" | "58") => Kind::Unavailable,
            _ => Kind::Internal,
        },
    }
}

/// Whether an error leaves a connection that nobody should use again.
pub(super) trait Breaking {
    fn breaks(&self) -> bool;
}

impl Breaking for StoreError {
    fn breaks(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Breaking for sqlx::Error {
    fn breaks(&self) -> bool {
        kind(self) == Kind::Unavailable
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let conflict = |code, message| Self::Conflict { code, message };
        match error {
            StoreError::NotFound => Self::NotFound("Resource"),
            StoreError::Conflict(Unique::Email) => {
                conflict(ErrorCode::EmailTaken, "User with this email already exists")
            }
            StoreError::Conflict(Unique::Username) => conflict(
                ErrorCode::UsernameTaken,
                "User with this username already exists",
            ),
            StoreError::Conflict(Unique::Room) => {
                conflict(ErrorCode::RoomExists, "Room with this id already exists")
            }
            StoreError::Conflict(Unique::Role) => {
                conflict(ErrorCode::RoleExists, "Role with this name already exists")
            }
            StoreError::UnknownRole => Role::unknown().into(),
            StoreError::BuiltInRole => conflict(
                ErrorCode::BuiltInRole,
                "A built-in role is not deleted, and an admin keeps every permission",
            ),
            StoreError::RoleInUse => conflict(
                ErrorCode::RoleInUse,
                "Somebody has this role; give another one first",
            ),
            StoreError::OutOfReach => {
                Self::Forbidden("This asks for more than you may do yourself")
            }
            StoreError::Ended => Self::Unauthenticated("The token is not valid; sign in"),
            StoreError::Outdated => Self::Unauthenticated("Sign in anew: something changed"),
            StoreError::ServiceAccount => {
                Self::Forbidden("A service has neither a password nor an e-mail address")
            }
            StoreError::TooMany(_) => conflict(
                ErrorCode::TooMany,
                "There are as many of these as there may be; delete one first",
            ),
            StoreError::Conflict(Unique::Identity) => conflict(
                ErrorCode::IdentityTaken,
                "Another account is linked to this one of the provider",
            ),
            StoreError::Conflict(Unique::Passkey) => conflict(
                ErrorCode::PasskeyTaken,
                "This credential is a passkey already",
            ),
            StoreError::LastWayIn => conflict(
                ErrorCode::LastWayIn,
                "Nothing else lets you in; set a password or add another way first",
            ),
            StoreError::LastAdmin => conflict(
                ErrorCode::LastAdmin,
                "The last active admin can be neither deleted, deactivated nor demoted",
            ),
            StoreError::AdminExists => conflict(
                ErrorCode::AdminExists,
                "The first administrator was made already; sign in",
            ),
            StoreError::Unavailable(cause) => Self::Unavailable(cause),
            StoreError::Internal(cause) => Self::Internal(cause),
        }
    }
}
