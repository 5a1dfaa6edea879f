//! `/health`: how the server and its machine are, for probes and people.

mod readiness;
mod sampler;

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::api::{Api, Operation, Tag, at};
use crate::{
    error::{ApiError, Problem},
    protocol::code::ErrorCode,
    store::Store,
};

pub use readiness::Readiness;
pub use sampler::{HealthSampler, Sample};

pub fn configure(api: &mut Api) {
    api.add(at("/health").get(show_health, declare_show_health))
        .add(at("/health/live").get(show_liveness, declare_show_liveness))
        .add(at("/health/ready").get(show_readiness, declare_show_readiness));
}

/// How the server and its machine are.
#[derive(Serialize, ToSchema)]
struct Health {
    status: &'static str,
    version: &'static str,
    /// Seconds since the start.
    uptime: u64,
    /// When it started, in Unix seconds.
    start_time: i64,
    system_info: Sample,
}

/// One word.
#[derive(Serialize, ToSchema)]
#[schema(as = Status)]
struct State {
    status: &'static str,
}

/// `GET /health`: the last sample, so that a probe costs nothing.
async fn show_health(sampler: web::Data<HealthSampler>) -> web::Json<Health> {
    web::Json(Health {
        status: "up",
        version: env!("CARGO_PKG_VERSION"),
        uptime: sampler.uptime().as_secs(),
        start_time: sampler.started_at().timestamp(),
        system_info: sampler.last(),
    })
}

fn declare_show_health() -> Operation {
    let example = json!({
        "status": "up",
        "version": env!("CARGO_PKG_VERSION"),
        "uptime": 3600,
        "start_time": 1_795_000_000,
        "system_info": {
            "cpu_usage": 3.5,
            "total_memory": 16_777_216_000_u64,
            "used_memory": 4_194_304_000_u64,
            "memory_usage_percent": 25.0,
            "total_swap": 0,
            "used_swap": 0,
            "hostname": "chat",
            "os_name": "Debian GNU/Linux",
            "os_version": "13",
            "kernel_version": "6.12.0",
        },
    });
    Operation::new(
        Tag::Monitoring,
        "showHealth",
        "Shows how the server and its machine are",
    )
    .about("The machine is looked at in the background, so asking costs nothing.")
    .answers::<Health>(200, "The last look.", example)
}

/// `GET /health/live`: the process answers.
async fn show_liveness() -> web::Json<State> {
    web::Json(State { status: "live" })
}

fn declare_show_liveness() -> Operation {
    Operation::new(
        Tag::Monitoring,
        "showLiveness",
        "Says that the process answers",
    )
    .answers::<State>(200, "It does.", json!({ "status": "live" }))
}

/// `GET /health/ready`: whether a balancer should send requests here.
async fn show_readiness(
    readiness: web::Data<Readiness>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    if readiness.is_draining() {
        return Ok(not_ready("The server is shutting down"));
    }
    if let Err(error) = store.ping().await {
        tracing::warn!(
            cause = format!("{:#}", anyhow::Error::from(error)),
            "not ready"
        );
        return Ok(not_ready("The database cannot be reached"));
    }
    Ok(HttpResponse::Ok().json(State { status: "ready" }))
}

fn declare_show_readiness() -> Operation {
    Operation::new(
        Tag::Monitoring,
        "showReadiness",
        "Says whether to send requests here",
    )
    .about("Not while the database is away, or the server stops.")
    .answers::<State>(200, "Yes.", json!({ "status": "ready" }))
    .refuses(&[ErrorCode::Unavailable])
}

/// Says why: whoever reads a probe's answer looks for the reason.
fn not_ready(reason: &str) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE);
    response.extensions_mut().insert(Problem {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: ErrorCode::Unavailable,
        message: reason.to_owned(),
        fields: Vec::new(),
        retry_after: Some(std::time::Duration::from_secs(1)),
        exhausted: None,
    });
    response
}
