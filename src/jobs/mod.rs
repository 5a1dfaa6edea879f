//! The worker: does what transactions promised, once each, again and again until it is done.
//!
//! A job is claimed for a time. A worker that dies in between loses its claim with that time, and
//! another does the job; so each is done at least once, and whoever does it must bear a repetition.

use std::{collections::HashMap, pin::pin, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    clock,
    config::JobTiming,
    domain::job::{Job, Outcome},
    metrics::Metrics,
    store::{Store, StoreError},
};

/// How long dead letters are kept for an admin to look at.
const KEEP_DEAD: TimeDelta = TimeDelta::days(30);

const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

/// How long to leave a database alone that does not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// How long a try that is under way may go on when the server stops.
const LAST_TRIES: Duration = Duration::from_millis(500);

/// Does the jobs of some kinds.
pub trait Handler: Send + Sync + 'static {
    /// Does it, or says why not. It may be dropped at any moment, and asked again.
    fn attempt(&self, job: Job) -> BoxFuture<'static, Outcome>;
}

/// Who does which jobs: by the part of a kind before its dot.
pub type Handlers = HashMap<&'static str, Arc<dyn Handler>>;

/// Takes jobs out of the store and has them done.
pub struct Worker {
    store: Store,
    handlers: Handlers,
    timing: JobTiming,
    metrics: Metrics,
}

impl Worker {
    /// One that does nothing until it is run.
    #[must_use]
    pub fn new(store: Store, handlers: Handlers, timing: JobTiming, metrics: Metrics) -> Self {
        Self {
            store,
            handlers,
            timing,
            metrics,
        }
    }

    /// Does jobs until `stop`. What is under way then has a moment to end; what does not is done
    /// again when its claim has run out.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let this = Arc::new(self);
        let mut stop = pin!(stop);
        let mut tries = JoinSet::new();
        let mut pruned: Option<Instant> = None;
        let mut failing = false;
        loop {
            let wait = match this.round(&mut tries).await {
                Ok(wait) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!("jobs are done again");
                    }
                    if pruned.is_none_or(|pruned| pruned.elapsed() >= PRUNE_EVERY) {
                        pruned = Some(Instant::now());
                        this.prune().await;
                    }
                    wait
                }
                Err(error) => {
                    // The first of a row of them.
                    if !std::mem::replace(&mut failing, true) {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "jobs have to wait");
                    }
                    AFTER_FAILURE
                }
            };
            tokio::select! {
                () = &mut stop => break,
                () = this.store.job_promised() => {}
                () = sleep(wait) => {}
                Some(_) = tries.join_next() => {}
            }
        }
        let ended = timeout(LAST_TRIES, async {
            while tries.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            tracing::info!(count = tries.len(), "jobs are left for the next start");
        }
    }

    /// Begins as many jobs as are due and have a place; returns how long to wait for the next.
    async fn round(self: &Arc<Self>, tries: &mut JoinSet<()>) -> Result<Duration, StoreError> {
        // A reader tells whether there is anything, so that an idle queue costs no writes.
        let next = self.store.next_job_at().await?;
        let places = self.timing.at_once.saturating_sub(tries.len());
        let is_due = next.is_some_and(|at| at <= clock::now());
        if places > 0 && is_due {
            let (lease, attempts) = (self.timing.lease, self.timing.attempts);
            let jobs = self.store.claim_jobs(places, lease, attempts).await?;
            let took_any = !jobs.is_empty();
            for job in jobs {
                let this = self.clone();
                tries.spawn(async move { this.attempt(job).await });
            }
            self.count().await?;
            if took_any {
                // There may be more.
                return Ok(Duration::ZERO);
            }
        } else {
            self.count().await?;
        }
        if places == 0 || is_due {
            // The end of a try wakes it; and what is due but held is another worker's.
            return Ok(self.timing.poll);
        }
        let until = next.map(|next| (next - clock::now()).to_std().unwrap_or_default());
        Ok(until.map_or(self.timing.poll, |until| until.min(self.timing.poll)))
    }

    async fn count(&self) -> Result<(), StoreError> {
        let counts = self.store.count_jobs().await?;
        self.metrics.jobs_waiting.set(counts.waiting);
        self.metrics.jobs_dead.set(counts.dead);
        Ok(())
    }

    async fn attempt(&self, job: Job) {
        let part = job.kind.split('.').next().unwrap_or_default();
        let known = self.handlers.get_key_value(part);
        let part = known.map_or("unknown", |(part, _)| *part);
        let outcome = match known {
            Some((_, handler)) => timeout(self.timing.attempt, handler.attempt(job.clone()))
                .await
                .unwrap_or_else(|_| Outcome::Retry("it took too long".to_owned())),
            None => Outcome::Dead("this server does not know how".to_owned()),
        };
        let (id, kind, attempts) = (job.id, job.kind.as_str(), job.attempts);
        let (word, ended) = match outcome {
            Outcome::Done => ("done", self.store.finish_job(&job).await),
            Outcome::Retry(reason) if attempts < self.timing.attempts => {
                tracing::warn!(job.id = %id, kind, attempts, %reason, "a job failed, and is tried again");
                let at = self.next_try(attempts);
                let put_off = self.store.put_job_off(&job, Some(at), reason).await;
                ("retried", put_off)
            }
            Outcome::Retry(reason) | Outcome::Dead(reason) => {
                tracing::error!(job.id = %id, kind, attempts, %reason, "a job was given up");
                ("dead", self.store.put_job_off(&job, None, reason).await)
            }
        };
        let counter = self.metrics.jobs_ended.with_label_values(&[part, word]);
        counter.inc();
        if let Err(error) = ended {
            // Its claim runs out, and it is done again.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(job.id = %id, kind, error, "the end of a job could not be noted");
        }
    }

    /// When a job that failed for the `attempts`th time is tried again.
    fn next_try(&self, attempts: u32) -> DateTime<Utc> {
        let doublings = attempts.saturating_sub(1).min(30);
        let wait = self.timing.backoff.saturating_mul(1 << doublings);
        // Not all at once that failed at once.
        let jitter = rand::random_range(0.75..=1.25);
        clock::now() + wait.min(self.timing.backoff_max).mul_f64(jitter)
    }

    async fn prune(&self) {
        match self.store.prune_jobs(clock::now() - KEEP_DEAD).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "old dead letters were deleted"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "old dead letters stay for now");
            }
        }
    }
}
