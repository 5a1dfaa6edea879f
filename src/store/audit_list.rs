//! The audit log, read: searched, exported and checked.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;

use super::{Store, StoreError, audit::hash, backend::on_reader};
use crate::domain::{
    audit::{Entry, Hash},
    ids::UserId,
};

/// Which entries. Each condition that is there must hold.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub actor: Option<UserId>,
    /// A whole word such as `user.create`, or what stands before its dot.
    pub act: Option<String>,
    /// The id of whom or what it was done to.
    pub target: Option<String>,
    pub from: Option<DateTime<Utc>>,
    /// Not included.
    pub to: Option<DateTime<Utc>>,
}

/// An entry with what seals it.
#[derive(Clone, Debug)]
pub struct SealedEntry {
    pub entry: Entry,
    /// Of the entry before.
    pub prev_hash: Hash,
    pub hash: Hash,
}

/// The last entry's number and hash; 0 and zeros while there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    pub seq: i64,
    pub hash: Hash,
}

#[derive(sqlx::FromRow)]
struct SealedRow {
    #[sqlx(flatten)]
    entry: Entry,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl TryFrom<SealedRow> for SealedEntry {
    type Error = StoreError;

    fn try_from(row: SealedRow) -> Result<Self, StoreError> {
        Ok(Self {
            entry: row.entry,
            prev_hash: hash(&row.prev_hash)?,
            hash: hash(&row.hash)?,
        })
    }
}

/// The columns of [`SealedRow`].
const SELECT: &str = "SELECT seq, at, via, actor_id, login_id, token_id, act, target_kind, \
     target_id, address, request_id, details, prev_hash, hash FROM audit_entries WHERE ";

/// Adds the conditions of a query behind another; a macro because each database has its own builder.
macro_rules! push_filter {
    ($sql:ident, $query:expr) => {
        if let Some(actor) = $query.actor {
            $sql.push(" AND actor_id = ").push_bind(actor);
        }
        if let Some(act) = &$query.act {
            if act.contains('.') {
                $sql.push(" AND act = ").push_bind(act.clone());
            } else {
                // `/` comes right behind the dot.
                $sql.push(" AND act >= ").push_bind(format!("{act}."));
                $sql.push(" AND act < ").push_bind(format!("{act}/"));
            }
        }
        if let Some(target) = &$query.target {
            $sql.push(" AND target_id = ").push_bind(target.clone());
        }
        if let Some(from) = $query.from {
            $sql.push(" AND at >= ").push_bind(from);
        }
        if let Some(to) = $query.to {
            $sql.push(" AND at < ").push_bind(to);
        }
    };
}

impl Store {
    /// Up to `limit` entries before a number, the newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn audit_before(
        &self,
        query: &AuditQuery,
        before: i64,
        limit: i64,
    ) -> Result<Vec<SealedEntry>, StoreError> {
        self.read("select", "audit_entries", async {
            let rows: Vec<SealedRow> = on_reader!(self, db => {
                let mut sql = QueryBuilder::new(SELECT);
                sql.push("seq < ").push_bind(before);
                push_filter!(sql, query);
                sql.push(" ORDER BY seq DESC LIMIT ").push_bind(limit);
                sql.build_query_as().fetch_all(db).await?
            });
            super::rows::all(rows)
        })
        .await
    }

    /// Up to `limit` entries after a number, in their order.
    ///
    /// # Errors
    /// `Unavailable`; `Internal` if somebody wrote into the log what cannot be read.
    pub async fn audit_after(
        &self,
        query: &AuditQuery,
        after: i64,
        limit: i64,
    ) -> Result<Vec<SealedEntry>, StoreError> {
        self.read("select", "audit_entries", async {
            let rows: Vec<SealedRow> = on_reader!(self, db => {
                let mut sql = QueryBuilder::new(SELECT);
                sql.push("seq > ").push_bind(after);
                push_filter!(sql, query);
                sql.push(" ORDER BY seq LIMIT ").push_bind(limit);
                sql.build_query_as().fetch_all(db).await?
            });
            super::rows::all(rows)
        })
        .await
    }

    /// Where the log stands.
    ///
    /// # Errors
    /// `Unavailable`; `NotFound` if somebody took the head away.
    pub async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        const SQL: &str = "SELECT seq, hash FROM audit_head";
        self.read("select", "audit_head", async {
            let row: Option<(i64, Vec<u8>)> =
                on_reader!(self, db => sqlx::query_as(SQL).fetch_optional(db).await?);
            let (seq, bytes) = row.ok_or(StoreError::NotFound)?;
            let hash = hash(&bytes)?;
            Ok(AuditHead { seq, hash })
        })
        .await
    }
}
