//! The database: SQLite inside by default, PostgreSQL by setting. The only place with SQL.

mod actor;
mod api_tokens;
mod audit;
mod audit_list;
mod audit_verify;
mod auth_changes;
mod backend;
mod backup;
mod commit;
mod error;
mod expired;
mod identities;
mod job_list;
mod jobs;
mod known_places;
mod letters;
mod lock;
mod login_list;
mod logins;
mod mail_tokens;
mod mark_queue;
mod message_days;
mod messages;
mod oauth;
mod open;
mod passkeys;
mod read_marks;
mod refresh;
mod reinstate;
mod role_changes;
mod roles;
mod rooms;
mod rows;
mod second_factor;
mod state;
mod tickets;
mod totp;
mod user_acts;
mod user_changes;
mod user_list;
mod users;
mod ways_in;

use std::sync::Arc;

use self::{backend::Backend, mark_queue::MarkQueue, message_days::Running};
use crate::metrics::Metrics;

pub use self::{
    api_tokens::{FoundApiToken, NewApiToken},
    audit::RefusalSum,
    audit_list::{AuditHead, AuditQuery, SealedEntry},
    audit_verify::Verdict,
    auth_changes::{AuthChange, Changed},
    backup::restore,
    commit::{CommitError, Outcome},
    error::{BackupError, LockError, OpenError, StoreError, Unique},
    identities::{Entry, LinkedIdentity},
    job_list::ListedJob,
    known_places::KnownPlace,
    lock::ServeLock,
    login_list::OpenLogin,
    logins::{NewLogin, Proof},
    mail_tokens::{Verification, Verified},
    message_days::MessageDay,
    oauth::{OauthCode, OauthState},
    open::StoreOptions,
    passkeys::{KeptPasskey, NewPasskey, PasskeyRow, UsedCeremony},
    read_marks::{RaisedMark, Reader},
    refresh::{Refreshed, Rotation},
    role_changes::RoleChanges,
    second_factor::{SecondStep, TwoFactor},
    tickets::{NewTicket, Ticket},
    totp::{Guess, NewTotp},
    user_changes::UserChanges,
    user_list::{Statistics, Totals, UserQuery, UserSort},
    users::{Credentials, Identifier, NewUser},
};

/// The database. Cloning shares the connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Backend,
    metrics: Metrics,
    marks: MarkQueue,
    running: Running,
    /// Whether mails are made.
    mail: bool,
    /// Rings when a job was promised.
    bell: tokio::sync::Notify,
}

#[cfg(test)]
mod tests;
