//! `/api/admin/jobs`: what is still to be done, and what was given up.

use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, dev::Payload, web};
use chrono::{DateTime, Utc};
use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    api::{Api, Operation, Tag, at, examples},
    by,
    input::{Form, number},
};
use crate::{
    auth::{ManageJobs, Require},
    config::Config,
    domain::{
        Invalid,
        audit::By,
        ids::{JobId, UserId},
        job::JobState,
    },
    error::ApiError,
    protocol::code::ErrorCode,
    store::{ListedJob, Store, StoreError},
};

/// The most jobs that a page has.
const MAX_LIMIT: u32 = 200;

pub fn configure(api: &mut Api) {
    api.add(at("/api/admin/jobs").get(list_jobs, declare_list_jobs))
        .add(at("/api/admin/jobs/{id}").delete(delete_job, declare_delete_job))
        .add(at("/api/admin/jobs/{id}/retry").post(retry_job, declare_retry_job));
}

/// Work that is to be done, such as a mail. What it says is not shown: it may have a secret link.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
struct JobView {
    id: JobId,
    /// Such as `mail.reset_password`.
    kind: String,
    /// Whom it concerns.
    #[schema(required = true)]
    user_id: Option<UserId>,
    state: JobState,
    /// How often it was tried.
    #[schema(minimum = 0)]
    attempts: i64,
    /// When it is tried next; of a running one, when another try may begin.
    run_at: DateTime<Utc>,
    /// Why the last try failed.
    #[schema(required = true)]
    last_error: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<ListedJob> for JobView {
    fn from(job: ListedJob) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            user_id: job.user_id,
            state: job.state,
            attempts: job.attempts,
            run_at: job.run_at,
            last_error: job.last_error,
            created_at: job.created_at,
        }
    }
}

/// Some of the jobs.
#[derive(Serialize, ToSchema)]
pub struct JobList {
    data: Vec<JobView>,
}

/// Which jobs.
#[derive(Default, Deserialize)]
pub struct JobQuery {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    limit: Option<String>,
}

/// `GET /api/admin/jobs`: what is still to be done, or was given up.
#[tracing::instrument(skip_all, fields(user.id = %admin.id))]
async fn list_jobs(
    admin: Require<ManageJobs>,
    query: web::Query<JobQuery>,
    store: web::Data<Store>,
) -> Result<web::Json<JobList>, ApiError> {
    let (dead, after, limit) = query.into_inner().check()?;
    let jobs = store.list_jobs(dead, after, limit.into()).await?;
    Ok(web::Json(JobList {
        data: jobs.into_iter().map(JobView::from).collect(),
    }))
}

fn declare_list_jobs() -> Operation {
    let job = json!({
        "id": examples::LOGIN_ID,
        "kind": "mail.reset_password",
        "user_id": examples::USER_ID,
        "state": "dead",
        "attempts": 1,
        "run_at": examples::TIME,
        "last_error": "the mail server did not take it: permanent error (550): no such user",
        "created_at": examples::TIME,
    });
    Operation::new(
        Tag::Monitoring,
        "listJobs",
        "Lists what is still to be done, or was given up",
    )
    .about(
        "Oldest first. For who has `jobs.manage`. Done jobs are no more; dead ones wait 30 days for somebody to \
         retry or delete them.",
    )
    .query(
        "state",
        json!({ "type": "string", "enum": ["waiting", "dead"], "default": "dead" }),
        "`waiting` has those that run, too.",
    )
    .query(
        "after",
        json!({ "type": "string", "format": "uuid" }),
        "The id of the last job of the page before.",
    )
    .query(
        "limit",
        json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50 }),
        "How many, at most.",
    )
    .signed_in()
    .answers::<JobList>(200, "The jobs.", json!({ "data": [job] }))
    .refuses(&[ErrorCode::Forbidden, ErrorCode::ValidationFailed])
}

impl JobQuery {
    fn check(self) -> Result<(bool, Option<JobId>, u32), ApiError> {
        let mut form = Form::default();
        let dead = match self.state.as_deref() {
            None | Some("dead") => true,
            Some("waiting") => false,
            Some(_) => {
                let message = "must be waiting or dead";
                form.refuse(Invalid::new("state", "invalid_state", message));
                false
            }
        };
        let after = self.after.and_then(|text| {
            let id = text.parse::<JobId>();
            if id.is_err() {
                form.refuse(Invalid::new("after", "invalid_id", "must be a job's id"));
            }
            id.ok()
        });
        let limit = number(&mut form, "limit", self.limit.as_deref(), 1..=MAX_LIMIT, 50);
        form.check()?;
        Ok((dead, after, limit))
    }
}

/// The job that an address names, asked for by somebody who may manage jobs.
struct OneJob {
    id: JobId,
    by: By,
}

impl FromRequest for OneJob {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let admin = Require::<ManageJobs>::extract(&request).await?;
            let id = web::Path::<JobId>::extract(&request).await?.into_inner();
            let config = web::Data::<Config>::extract(&request).await?;
            let by = by(&request, &config, Some(&admin.user.0));
            Ok(Self { id, by })
        })
    }
}

/// `POST /api/admin/jobs/{id}/retry`: another turn, at once.
#[tracing::instrument(skip_all, fields(user.id = ?one.by.user, job.id = %one.id))]
async fn retry_job(one: OneJob, store: web::Data<Store>) -> Result<HttpResponse, ApiError> {
    store.retry_job(one.id, &one.by).await.map_err(not_there)?;
    Ok(HttpResponse::NoContent().finish())
}

fn declare_retry_job() -> Operation {
    one_job(
        "retryJob",
        "Tries a job again",
        "A dead one, or one that waits, gets its turn at once and all its tries anew. For who has \
         `jobs.manage`.",
        "It has its turn.",
    )
}

/// `DELETE /api/admin/jobs/{id}`: not to be done any more.
#[tracing::instrument(skip_all, fields(user.id = ?one.by.user, job.id = %one.id))]
async fn delete_job(one: OneJob, store: web::Data<Store>) -> Result<HttpResponse, ApiError> {
    store.delete_job(one.id, &one.by).await.map_err(not_there)?;
    Ok(HttpResponse::NoContent().finish())
}

fn declare_delete_job() -> Operation {
    one_job(
        "deleteJob",
        "Deletes a job that is not done",
        "Nobody does it any more. One that runs at this moment cannot be deleted. For who has \
         `jobs.manage`.",
        "The job is gone.",
    )
}

fn one_job(id: &'static str, summary: &'static str, about: &str, done: &str) -> Operation {
    Operation::new(Tag::Monitoring, id, summary)
        .about(about)
        .path::<JobId>("id", "The job's id.", examples::LOGIN_ID)
        .signed_in()
        .answers_empty(204, done)
        .refuses(&[
            ErrorCode::BadRequest,
            ErrorCode::Forbidden,
            ErrorCode::NotFound,
        ])
}

fn not_there(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::NotFound("Job that does not run"),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_right_or_every_mistake_is_told() {
        let query = |state: &str, after: &str, limit: &str| JobQuery {
            state: Some(state.to_owned()),
            after: Some(after.to_owned()),
            limit: Some(limit.to_owned()),
        };
        let none = JobQuery::default().check();
        assert!(matches!(none, Ok((true, None, 50))));
        let id = JobId::new();
        let read = query("waiting", &id.to_string(), "7").check().unwrap();
        assert_eq!(read, (false, Some(id), 7));
        let Err(ApiError::Invalid(wrong)) = query("done", "x", "0").check() else {
            panic!("all three are wrong")
        };
        let fields: Vec<&str> = wrong.iter().map(|wrong| wrong.field).collect();
        assert_eq!(fields, ["state", "after", "limit"]);
    }
}
