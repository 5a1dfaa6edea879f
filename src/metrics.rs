//! The server's own numbers, as Prometheus reads them.

mod audit;

use std::{ops::Deref, sync::Arc};

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

pub use audit::AuditNumbers;

/// Upper bounds of the duration buckets, in seconds: from a cached read to a bcrypt hash under load.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// The server's own numbers, registered once and shared by whoever counts.
///
/// Labels come from closed sets: never a user, a room or a path with an id in it.
#[derive(Clone)]
pub struct Metrics(Arc<Numbers>);

impl Deref for Metrics {
    type Target = Numbers;

    fn deref(&self) -> &Numbers {
        &self.0
    }
}

/// What is counted.
pub struct Numbers {
    registry: Registry,
    /// `method`, `path` (the route's pattern), `status`.
    pub http_requests: IntCounterVec,
    /// `method`, `path`, `status`.
    pub http_request_seconds: HistogramVec,
    /// Open HTTP connections, sockets apart.
    pub http_connections: IntGauge,
    /// `operation`, `table`.
    pub db_queries: IntCounterVec,
    /// `operation`, `table`.
    pub db_query_seconds: HistogramVec,
    /// No labels; without TLS it has no value, and Prometheus does not hear of it.
    certificate_end: IntGaugeVec,
    /// The process's resident memory.
    pub memory_bytes: IntGauge,
    pub sessions: IntGauge,
    pub rooms_live: IntGauge,
    /// Messages committed, duplicates apart.
    pub messages: IntCounter,
    /// Frames of a broadcast handed to a socket or its outbox.
    pub deliveries: IntCounter,
    /// From a publish to its commit.
    pub publish_seconds: Histogram,
    pub commit_batch_size: Histogram,
    /// Bytes waiting in all outboxes.
    pub outbox_bytes: IntGauge,
    pub slow_consumers: IntCounter,
    /// `outcome`: `resumed`, `fresh`, `too_far`, `beyond`, `epoch`.
    pub resumes: IntCounterVec,
    /// Jobs that are not done yet.
    pub jobs_waiting: IntGauge,
    /// Jobs that were given up.
    pub jobs_dead: IntGauge,
    /// `part` (`mail`, `password`, `unknown`), `outcome`: `done`, `retried`, `dead`.
    pub jobs_ended: IntCounterVec,
    pub audit: AuditNumbers,
}

impl Metrics {
    /// Makes and registers every number.
    ///
    /// # Errors
    /// Two metrics with one name: a fault in this file.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let opts = |name: &str, help: &str| Opts::new(name, help);
        let seconds =
            |name: &str, help: &str| HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
        let http = &["method", "path", "status"];
        let query = &["operation", "table"];
        let numbers = Numbers {
            http_requests: IntCounterVec::new(
                opts("api_http_requests_total", "HTTP requests answered"),
                http,
            )?,
            http_request_seconds: HistogramVec::new(
                seconds(
                    "api_http_request_duration_seconds",
                    "Time to answer an HTTP request",
                ),
                http,
            )?,
            http_connections: IntGauge::with_opts(opts(
                "api_active_connections",
                "Open HTTP connections, WebSockets apart",
            ))?,
            db_queries: IntCounterVec::new(
                opts("api_db_queries_total", "Database operations"),
                query,
            )?,
            db_query_seconds: HistogramVec::new(
                seconds(
                    "api_db_query_duration_seconds",
                    "Time of a database operation",
                ),
                query,
            )?,
            certificate_end: IntGaugeVec::new(
                opts(
                    "api_certificate_expiry_timestamp_seconds",
                    "When the TLS certificate ends, or the first one of its chain",
                ),
                &[],
            )?,
            memory_bytes: IntGauge::with_opts(opts(
                "api_memory_usage_bytes",
                "Resident memory of the server",
            ))?,
            sessions: IntGauge::with_opts(opts("chat_sessions", "Open WebSockets"))?,
            rooms_live: IntGauge::with_opts(opts("chat_rooms_live", "Rooms with an actor"))?,
            messages: IntCounter::with_opts(opts("chat_messages_total", "Messages committed"))?,
            deliveries: IntCounter::with_opts(opts(
                "chat_deliveries_total",
                "Frames handed to the members of rooms",
            ))?,
            publish_seconds: Histogram::with_opts(seconds(
                "chat_publish_seconds",
                "Time from a publish to its commit",
            ))?,
            commit_batch_size: Histogram::with_opts(
                HistogramOpts::new("chat_commit_batch_size", "Messages a transaction")
                    .buckets(prometheus::exponential_buckets(1.0, 2.0, 10)?),
            )?,
            outbox_bytes: IntGauge::with_opts(opts(
                "chat_outbox_bytes",
                "Bytes that wait for sockets to take them",
            ))?,
            slow_consumers: IntCounter::with_opts(opts(
                "chat_slow_consumers_total",
                "Sockets closed because they did not read",
            ))?,
            resumes: IntCounterVec::new(
                opts(
                    "chat_resume_total",
                    "Joins, by whether the missed part was replayed",
                ),
                &["outcome"],
            )?,
            jobs_waiting: IntGauge::with_opts(opts("jobs_waiting", "Jobs that are not done yet"))?,
            jobs_dead: IntGauge::with_opts(opts("jobs_dead", "Jobs that were given up"))?,
            jobs_ended: IntCounterVec::new(
                opts("jobs_attempts_total", "Tries of jobs, by how they ended"),
                &["part", "outcome"],
            )?,
            audit: AuditNumbers::new()?,
            registry,
        };
        numbers.register()?;
        Ok(Self(Arc::new(numbers)))
    }
}

impl Numbers {
    fn register(&self) -> Result<(), prometheus::Error> {
        let collectors: [Box<dyn prometheus::core::Collector>; 19] = [
            Box::new(self.http_requests.clone()),
            Box::new(self.http_request_seconds.clone()),
            Box::new(self.http_connections.clone()),
            Box::new(self.db_queries.clone()),
            Box::new(self.db_query_seconds.clone()),
            Box::new(self.certificate_end.clone()),
            Box::new(self.memory_bytes.clone()),
            Box::new(self.sessions.clone()),
            Box::new(self.rooms_live.clone()),
            Box::new(self.messages.clone()),
            Box::new(self.deliveries.clone()),
            Box::new(self.publish_seconds.clone()),
            Box::new(self.commit_batch_size.clone()),
            Box::new(self.outbox_bytes.clone()),
            Box::new(self.slow_consumers.clone()),
            Box::new(self.resumes.clone()),
            Box::new(self.jobs_waiting.clone()),
            Box::new(self.jobs_dead.clone()),
            Box::new(self.jobs_ended.clone()),
        ];
        for collector in collectors {
            self.registry.register(collector)?;
        }
        self.audit.register(&self.registry)?;
        let process = prometheus::process_collector::ProcessCollector::for_self();
        self.registry.register(Box::new(process))
    }

    /// Says when the certificate that is served ends, in Unix seconds.
    pub fn certificate_ends(&self, end: i64) {
        let none: [&str; 0] = [];
        self.certificate_end.with_label_values(&none).set(end);
    }

    /// Every number in the Prometheus text format.
    ///
    /// # Errors
    /// A metric without a name: a fault in this file.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::with_capacity(16 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
