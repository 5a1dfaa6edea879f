use prometheus::IntGauge;

use crate::metrics::Metrics;

/// One open HTTP connection, counted from its accept until this is dropped.
///
/// It lives in the connection's data. A socket's upgrade drops the request, and with it this, so
/// that WebSockets are not counted here.
pub struct OpenConnection(IntGauge);

impl OpenConnection {
    /// Counts a connection that was just accepted.
    #[must_use]
    pub fn count(metrics: &Metrics) -> Self {
        metrics.http_connections.inc();
        Self(metrics.http_connections.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_connection_is_not_open() {
        let metrics = Metrics::new().unwrap();
        let open = [
            OpenConnection::count(&metrics),
            OpenConnection::count(&metrics),
        ];
        assert_eq!(metrics.http_connections.get(), 2);
        drop(open);
        assert_eq!(metrics.http_connections.get(), 0);
    }
}
