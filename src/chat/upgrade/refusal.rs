//! The answer to an upgrade that is refused: the same JSON as any other error's.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::error::Problem;

/// How long a peer may take to read why it was refused.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes the error behind what was already to be written, and ends the connection.
pub async fn write<T: AsyncWrite + Unpin>(
    mut io: T,
    mut bytes: BytesMut,
    problem: &Problem,
    request_id: &str,
) {
    bytes.extend_from_slice(response(problem, request_id).as_bytes());
    let written = async {
        io.write_all(&bytes).await?;
        io.shutdown().await
    };
    if !matches!(tokio::time::timeout(PATIENCE, written).await, Ok(Ok(()))) {
        tracing::debug!(request_id, "a refused peer did not read why");
    }
}

fn response(problem: &Problem, request_id: &str) -> String {
    let body = problem.body(request_id);
    let mut more = String::new();
    match problem.status.as_u16() {
        401 => more.push_str("www-authenticate: Bearer\r\n"),
        405 => more.push_str("allow: GET\r\n"),
        400 => more.push_str("sec-websocket-version: 13\r\n"),
        _ => {}
    }
    if let Some(exhausted) = problem.exhausted {
        let (item, policy) = (exhausted.item(), exhausted.policy.item());
        more.push_str(&format!(
            "ratelimit: {item}\r\nratelimit-policy: {policy}\r\n"
        ));
    }
    if let Some(seconds) = problem.retry_after_seconds() {
        more.push_str(&format!("retry-after: {seconds}\r\n"));
    }
    format!(
        "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{more}\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         x-request-id: {request_id}\r\nconnection: close\r\n\r\n{body}",
        problem.status,
        body.len(),
    )
}
