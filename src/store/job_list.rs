//! Jobs as an admin sees them, and what an admin does with the dead ones.

use chrono::{DateTime, Utc};

use serde_json::json;

use super::{
    Store, StoreError,
    audit::record,
    backend::{in_transaction, on_reader},
};
use crate::{
    clock,
    domain::{
        audit::{Act, By, Target},
        ids::{JobId, UserId},
        job::JobState,
    },
};

/// A job without its payload, which may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedJob {
    pub id: JobId,
    pub kind: String,
    pub user_id: Option<UserId>,
    pub state: JobState,
    pub attempts: i64,
    /// When it has its turn; of a running one, when its worker is thought dead.
    pub run_at: DateTime<Utc>,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    id: JobId,
    kind: String,
    user_id: Option<UserId>,
    state: String,
    attempts: i64,
    run_at: DateTime<Utc>,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
}

impl TryFrom<ListedRow> for ListedJob {
    type Error = StoreError;

    fn try_from(row: ListedRow) -> Result<Self, StoreError> {
        let state = row.state.parse::<JobState>();
        Ok(Self {
            id: row.id,
            kind: row.kind,
            user_id: row.user_id,
            state: state.map_err(|error| StoreError::Internal(error.into()))?,
            attempts: row.attempts,
            run_at: row.run_at,
            last_error: row.last_error,
            created_at: row.created_at,
        })
    }
}

impl Store {
    /// Up to `limit` jobs, dead ones or all others, oldest first, after `after`.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_jobs(
        &self,
        dead: bool,
        after: Option<JobId>,
        limit: i64,
    ) -> Result<Vec<ListedJob>, StoreError> {
        const SQL: &str =
            "SELECT id, kind, user_id, state, attempts, run_at, last_error, created_at
            FROM jobs WHERE (state = 'dead') = $1 AND id > $2 ORDER BY id LIMIT $3";
        let after = after.unwrap_or(JobId(uuid::Uuid::nil()));
        self.read("select", "jobs", async {
            let rows: Vec<ListedRow> = on_reader!(self, db => {
                sqlx::query_as(SQL).bind(dead).bind(after).bind(limit).fetch_all(db).await?
            });
            rows.into_iter().map(ListedJob::try_from).collect()
        })
        .await
    }

    /// Gives a job another turn at once, with all its tries: a dead one, or one that waits.
    ///
    /// # Errors
    /// `NotFound` if it is done, or runs at this moment.
    pub async fn retry_job(&self, id: JobId, by: &By) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE jobs SET state = 'waiting', attempts = 0, run_at = $2
            WHERE id = $1 AND state <> 'running' RETURNING kind";
        let (store, by) = (self.clone(), *by);
        self.write("update", "jobs", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                let kind: Option<String> =
                    sqlx::query_scalar(SQL).bind(id).bind(at).fetch_optional(&mut *tx).await?;
                let details = json!({ "kind": kind.ok_or(StoreError::NotFound)? });
                record!(tx, &by, Act::JobRetry, Target::of("job", id), details);
                Ok(())
            })?;
            store.ring();
            Ok(())
        })
        .await
    }

    /// Forgets a job without doing it.
    ///
    /// # Errors
    /// `NotFound` if it is done, or runs at this moment.
    pub async fn delete_job(&self, id: JobId, by: &By) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM jobs WHERE id = $1 AND state <> 'running' RETURNING kind";
        let (store, by) = (self.clone(), *by);
        self.write("delete", "jobs", async move {
            in_transaction!(store, tx => {
                let kind: Option<String> =
                    sqlx::query_scalar(SQL).bind(id).fetch_optional(&mut *tx).await?;
                let details = json!({ "kind": kind.ok_or(StoreError::NotFound)? });
                record!(tx, &by, Act::JobDelete, Target::of("job", id), details);
                Ok(())
            })?;
            Ok(())
        })
        .await
    }

    /// Forgets dead jobs that were made before a time, secrets of links that ran out, and
    /// limits of addresses that count no more; returns how many jobs.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn prune_jobs(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        const DEAD: &str = "DELETE FROM jobs WHERE state = 'dead' AND created_at < $1";
        const TOKENS: &str = "DELETE FROM mail_tokens WHERE expires_at < $1";
        const LIMITS: &str = "DELETE FROM mail_limits WHERE until < $1";
        let store = self.clone();
        self.write("delete", "jobs", async move {
            let at = clock::now();
            let count = in_transaction!(store, tx => {
                let gone = sqlx::query(DEAD).bind(before).execute(&mut *tx).await?;
                sqlx::query(TOKENS).bind(at).execute(&mut *tx).await?;
                sqlx::query(LIMITS).bind(at.timestamp_millis()).execute(&mut *tx).await?;
                Ok::<_, StoreError>(gone.rows_affected())
            })?;
            Ok(count)
        })
        .await
    }
}
