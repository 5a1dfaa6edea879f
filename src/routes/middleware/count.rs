use std::{rc::Rc, time::Instant};

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web,
};

use crate::metrics::Metrics;

/// How a request is named in logs and numbers, in words from closed sets.
#[derive(Clone, Debug)]
pub struct RequestLabels {
    pub method: &'static str,
    /// The route's pattern, such as `/api/users/{id}`; `unmatched` if no route has the path.
    pub path: Rc<str>,
}

impl RequestLabels {
    /// Names a request by the route that will answer it.
    pub fn of(request: &ServiceRequest) -> Self {
        Self {
            method: method_label(request.method()),
            path: request
                .match_pattern()
                .map_or_else(|| "unmatched".into(), Rc::from),
        }
    }

    /// Whether it is asked so often, by a machine or for one page, that a log line for each is
    /// noise.
    fn is_noise(&self) -> bool {
        ["/health", "/metrics", "/assets/"]
            .iter()
            .any(|start| self.path.starts_with(start))
    }
}

/// Counts every request and its time, and writes its one log line.
pub async fn count_request(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let metrics = request.app_data::<web::Data<Metrics>>().cloned();
    let known = request.extensions().get::<RequestLabels>().cloned();
    let labels = known.unwrap_or_else(|| RequestLabels::of(&request));

    let response = next.call(request).await?;

    let elapsed = started.elapsed();
    let status = response.status();
    if let Some(metrics) = metrics {
        let values = [labels.method, &*labels.path, status.as_str()];
        metrics.http_requests.with_label_values(&values).inc();
        metrics
            .http_request_seconds
            .with_label_values(&values)
            .observe(elapsed.as_secs_f64());
    }
    let (status, milliseconds) = (status.as_u16(), elapsed.as_secs_f64() * 1000.0);
    if labels.is_noise() {
        tracing::debug!(status, milliseconds, "request answered");
    } else {
        tracing::info!(status, milliseconds, "request answered");
    }
    Ok(response)
}

/// A method's label. A client may invent methods, so all unknown ones share one.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "other",
    }
}
