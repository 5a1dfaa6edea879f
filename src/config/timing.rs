use std::time::Duration;

/// How long a client may take for its part of a request. No settings; tests shorten them.
#[derive(Clone, Debug)]
pub struct HttpTiming {
    /// How long the head of a connection's first request may take to arrive.
    pub head: Duration,
    /// How long a body may take to arrive that a route reads.
    pub body: Duration,
    /// How long a client may take to send 16 KiB, or the end, of what it has begun to send.
    pub sending: Duration,
    /// How long a client may take nothing of what it is sent.
    pub taking: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
}

impl Default for HttpTiming {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(20),
            sending: Duration::from_secs(30),
            taking: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
        }
    }
}

/// When the audit log learns of refusals. No setting; tests shorten it.
#[derive(Clone, Debug)]
pub struct AuditTiming {
    /// For how long refusals are summed before they are written.
    pub sum_refusals: Duration,
}

impl Default for AuditTiming {
    fn default() -> Self {
        Self {
            sum_refusals: Duration::from_secs(60),
        }
    }
}
