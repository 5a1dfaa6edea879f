//! Work that is done after the transaction that asked for it, and at least once.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Invalid,
    ids::{JobId, UserId},
};

/// Where a job stands. One that is done is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(description = "Where a job stands; one that is done is no more.")]
pub enum JobState {
    /// For its time, or for another try.
    Waiting,
    /// A worker has it.
    Running,
    /// It was given up, and waits for an admin.
    Dead,
}

impl JobState {
    const ALL: [Self; 3] = [Self::Waiting, Self::Running, Self::Dead];

    /// The word for it, on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Dead => "dead",
        }
    }
}

impl FromStr for JobState {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Invalid::new("state", "invalid_state", "must be waiting or dead"))
    }
}

/// A job as the worker that claimed it has it.
#[derive(Clone)]
pub struct Job {
    pub id: JobId,
    /// What is to be done: the name of the part that does it, a dot, and its word for it.
    pub kind: String,
    pub user_id: Option<UserId>,
    /// What it needs, as JSON. A mail's has the secret of its link.
    pub payload: String,
    /// This try and those before.
    pub attempts: u32,
    pub created_at: DateTime<Utc>,
    /// Names this claim: what another worker took over is no business of this one any more.
    pub claim: uuid::Uuid,
}

/// Without the payload, which may hold a secret.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done and can be forgotten.
    Done,
    /// It may work later; why it did not now, for the admin.
    Retry(String),
    /// It will never work; why, for the admin.
    Dead(String),
}

/// How many jobs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Not done yet, those that run included.
    pub waiting: i64,
    pub dead: i64,
}
