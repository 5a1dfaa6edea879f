//! Jobs: promised in a transaction, done after it by whichever worker comes first.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    Store, StoreError,
    backend::{in_transaction, on_reader},
};
use crate::{
    clock,
    domain::{
        ids::{JobId, UserId},
        job::{Job, JobCounts},
    },
};

/// A job to be, due at once.
pub(super) struct NewJob {
    pub(super) id: JobId,
    pub(super) kind: &'static str,
    pub(super) user_id: Option<UserId>,
    pub(super) payload: String,
}

pub(super) const ENQUEUE: &str =
    "INSERT INTO jobs (id, kind, user_id, payload, state, attempts, run_at, created_at)
     VALUES ($1, $2, $3, $4, 'waiting', 0, $5, $5)";

/// Promises a job within a transaction of either database. Ring with [`Store::ring`] after the
/// commit, so that nobody waits for the next look at the queue.
macro_rules! enqueue {
    ($tx:ident, $job:expr, $at:expr) => {{
        let job: $crate::store::jobs::NewJob = $job;
        sqlx::query($crate::store::jobs::ENQUEUE)
            .bind(job.id)
            .bind(job.kind)
            .bind(job.user_id)
            .bind(job.payload)
            .bind($at)
            .execute(&mut *$tx)
            .await?
    }};
}
pub(super) use enqueue;

#[derive(sqlx::FromRow)]
struct JobRow {
    id: JobId,
    kind: String,
    user_id: Option<UserId>,
    payload: String,
    attempts: i64,
    created_at: DateTime<Utc>,
}

/// What there is to do, oldest turn first: what waits, and what a worker never ended.
const DUE: &str = "SELECT id FROM jobs WHERE state <> 'dead' AND run_at <= $1
     ORDER BY run_at, id LIMIT $2";
/// Rows that another worker holds are that worker's.
const DUE_LOCKED: &str = "SELECT id FROM jobs WHERE state <> 'dead' AND run_at <= $1
     ORDER BY run_at, id LIMIT $2 FOR UPDATE SKIP LOCKED";

impl Store {
    /// Promises a job outside of any other act.
    pub(super) async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
        let store = self.clone();
        self.write("insert", "jobs", async move {
            let at = clock::now();
            in_transaction!(store, tx => {
                enqueue!(tx, job, at);
                Ok::<_, StoreError>(())
            })?;
            store.ring();
            Ok(())
        })
        .await
    }

    /// Wakes this process's worker.
    pub(super) fn ring(&self) {
        self.inner.bell.notify_one();
    }

    /// Ends when a job was promised by this process. A ring that nobody waits for is kept.
    pub async fn job_promised(&self) {
        self.inner.bell.notified().await;
    }

    /// Takes up to `limit` jobs that are due, for `lease`: a job that is neither finished nor put
    /// off by then can be taken again, because whoever had it is thought dead.
    ///
    /// One that ended the process `max_attempts` times is a dead letter and not given out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn claim_jobs(
        &self,
        limit: usize,
        lease: Duration,
        max_attempts: u32,
    ) -> Result<Vec<Job>, StoreError> {
        const CLAIM: &str = "UPDATE jobs
            SET state = 'running', attempts = attempts + 1, run_at = $2, claim = $3
            WHERE id = $1
            RETURNING id, kind, user_id, payload, attempts, created_at";
        const GIVE_UP: &str = "UPDATE jobs
            SET state = 'dead', claim = NULL, last_error = 'every try ended with its server'
            WHERE id = $1 AND state = 'running' AND attempts >= $2";
        let store = self.clone();
        self.write("claim", "jobs", async move {
            let due = store.dialect(DUE, DUE_LOCKED);
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let lease = TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
            let at = clock::now();
            let jobs = in_transaction!(store, tx => {
                let ids: Vec<JobId> = sqlx::query_scalar(due).bind(at).bind(limit)
                    .fetch_all(&mut *tx).await?;
                let mut jobs = Vec::with_capacity(ids.len());
                for id in ids {
                    let given_up = sqlx::query(GIVE_UP).bind(id).bind(i64::from(max_attempts))
                        .execute(&mut *tx).await?;
                    if given_up.rows_affected() > 0 {
                        continue;
                    }
                    let claim = Uuid::new_v4();
                    let row: JobRow = sqlx::query_as(CLAIM).bind(id).bind(at + lease).bind(claim)
                        .fetch_one(&mut *tx).await?;
                    jobs.push(Job {
                        id: row.id,
                        kind: row.kind,
                        user_id: row.user_id,
                        payload: row.payload,
                        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
                        created_at: row.created_at,
                        claim,
                    });
                }
                Ok::<_, StoreError>(jobs)
            })?;
            Ok(jobs)
        })
        .await
    }

    /// Whether anything is due: asked of a reader first, so that an idle queue takes no turn of the
    /// one that writes.
    ///
    /// Returns when the next job has its turn, if there is one.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn next_job_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        const SQL: &str = "SELECT min(run_at) FROM jobs WHERE state <> 'dead'";
        self.read("select", "jobs", async {
            Ok(on_reader!(self, db => sqlx::query_scalar(SQL).fetch_one(db).await?))
        })
        .await
    }

    /// Forgets a job that is done; false if another worker has taken it over.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn finish_job(&self, job: &Job) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM jobs WHERE id = $1 AND claim = $2";
        let (store, id, claim) = (self.clone(), job.id, job.claim);
        self.write("delete", "jobs", async move {
            let gone = in_transaction!(store, tx => {
                let gone = sqlx::query(SQL).bind(id).bind(claim).execute(&mut *tx).await?;
                Ok::<_, StoreError>(gone.rows_affected() > 0)
            })?;
            Ok(gone)
        })
        .await
    }

    /// Ends a try that failed: the next is at `run_at`, or never; false if another worker has taken
    /// it over.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn put_job_off(
        &self,
        job: &Job,
        run_at: Option<DateTime<Utc>>,
        error: String,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE jobs
            SET state = $3, run_at = COALESCE($4, run_at), last_error = $5, claim = NULL
            WHERE id = $1 AND claim = $2";
        let (store, id, claim) = (self.clone(), job.id, job.claim);
        self.write("update", "jobs", async move {
            let state = if run_at.is_some() { "waiting" } else { "dead" };
            let kept = in_transaction!(store, tx => {
                let kept = sqlx::query(SQL)
                    .bind(id)
                    .bind(claim)
                    .bind(state)
                    .bind(run_at)
                    .bind(&error)
                    .execute(&mut *tx)
                    .await?;
                Ok::<_, StoreError>(kept.rows_affected() > 0)
            })?;
            Ok(kept)
        })
        .await
    }

    /// How many jobs there are.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn count_jobs(&self) -> Result<JobCounts, StoreError> {
        const SQL: &str = "SELECT
            (SELECT count(*) FROM jobs WHERE state <> 'dead'),
            (SELECT count(*) FROM jobs WHERE state = 'dead')";
        self.read("select", "jobs", async {
            let (waiting, dead): (i64, i64) =
                on_reader!(self, db => sqlx::query_as(SQL).fetch_one(db).await?);
            Ok(JobCounts { waiting, dead })
        })
        .await
    }
}
