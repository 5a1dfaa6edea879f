//! `/health`: how the server and its machine are, for probes and people.

mod readiness;
mod sampler;

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Serialize;

use super::get;
use crate::{
    error::{ApiError, Problem},
    protocol::code::ErrorCode,
    store::Store,
};

pub use readiness::Readiness;
pub use sampler::{HealthSampler, Sample};

pub fn configure(app: &mut web::ServiceConfig) {
    app.service(web::resource("/health").route(get().to(show_health)))
        .service(web::resource("/health/live").route(get().to(show_liveness)))
        .service(web::resource("/health/ready").route(get().to(show_readiness)));
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    /// Seconds.
    uptime: u64,
    /// Unix seconds.
    start_time: i64,
    system_info: Sample,
}

#[derive(Serialize)]
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

/// `GET /health/live`: the process answers.
async fn show_liveness() -> web::Json<State> {
    web::Json(State { status: "live" })
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

/// Says why: whoever reads a probe's answer looks for the reason.
fn not_ready(reason: &str) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE);
    response.extensions_mut().insert(Problem {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: ErrorCode::Unavailable,
        message: reason.to_owned(),
        fields: Vec::new(),
        retry_after: Some(std::time::Duration::from_secs(1)),
    });
    response
}
