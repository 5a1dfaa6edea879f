//! `/metrics`: the server's numbers, for Prometheus.

use std::{net::SocketAddr, time::Duration};

use actix_web::{FromRequest, HttpRequest, HttpResponse, http::header::HeaderMap, web};
use secrecy::ExposeSecret;
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::time::timeout;

use super::api::{Api, Operation, Tag, at};
use crate::{
    auth::{Administer, Require, bearer},
    config::Config,
    error::ApiError,
    metrics::Metrics,
    protocol::code::ErrorCode,
    store::Store,
};

/// What a proxy adds to a request that it passes on for somebody else.
const FORWARDING: [&str; 7] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
];

/// How long the numbers wait for the database.
const PATIENCE: Duration = Duration::from_secs(1);

pub fn configure(api: &mut Api) {
    api.add(at("/metrics").get(show_metrics, declare_show_metrics));
}

/// `GET /metrics`: every number in the Prometheus text format.
async fn show_metrics(
    request: HttpRequest,
    config: web::Data<Config>,
    metrics: web::Data<Metrics>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    let admitted = match &config.server.metrics_token {
        Some(token) => check_token(request.headers(), token.expose_secret()),
        None => check_local(request.peer_addr(), request.headers()),
    };
    match admitted {
        Err(_) if bearer(request.headers()).is_some() => {
            Require::<Administer>::extract(&request).await?;
        }
        admitted => admitted?,
    }
    // Where it stood is told while the database is away.
    if let Ok(Ok(head)) = timeout(PATIENCE, store.audit_head()).await {
        metrics.audit.set(head.seq, &head.hash.to_string());
    }
    let text = metrics
        .render()
        .map_err(|error| ApiError::Internal(error.into()))?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text))
}

fn declare_show_metrics() -> Operation {
    let example = "chat_rooms_live 3\n";
    Operation::new(
        Tag::Monitoring,
        "showMetrics",
        "Shows the server's numbers to Prometheus",
    )
    .about(
        "For who has `admin.access`; with the setting `METRICS_TOKEN` for who sends that as Bearer, \
         otherwise for this machine itself.",
    )
    .secured(json!([{}, { "metrics_token": [] }, { "token": [] }]))
    .answers_text(&["text/plain"], "The numbers, in the text format.", example)
    .refuses(&[
        ErrorCode::Unauthenticated,
        ErrorCode::Forbidden,
        ErrorCode::RateLimited,
    ])
}

/// Compares without telling by the time it takes how much of a guess was right.
fn check_token(headers: &HeaderMap, token: &str) -> Result<(), ApiError> {
    let given = bearer(headers).unwrap_or_default().as_bytes();
    if bool::from(given.ct_eq(token.as_bytes())) {
        Ok(())
    } else {
        Err(ApiError::Unauthenticated(
            "The metrics want their own token, or an admin's",
        ))
    }
}

/// Lets only this machine in. A proxy on it also connects from loopback, but says for whom.
fn check_local(peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<(), ApiError> {
    let is_loopback = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let is_forwarded = FORWARDING.iter().any(|name| headers.contains_key(*name));
    if is_loopback && !is_forwarded {
        Ok(())
    } else {
        Err(ApiError::Forbidden(
            "From elsewhere the metrics want METRICS_TOKEN, or an admin's token",
        ))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        headers
    }

    #[test]
    fn only_the_whole_token_opens() {
        let check = |value| check_token(&headers("authorization", value), "secret");
        assert!(check("Bearer secret").is_ok());
        assert!(check("bearer secret").is_ok());
        for wrong in [
            "Bearer secre",
            "Bearer secrets",
            "Bearer ",
            "Basic secret",
            "secret",
            "",
        ] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
        assert!(check_token(&HeaderMap::new(), "secret").is_err());
    }

    #[test]
    fn without_a_token_only_this_machine_itself_reads() {
        let none = HeaderMap::new();
        let peer = |text: &str| Some(text.parse().unwrap());
        assert!(check_local(peer("127.0.0.1:9"), &none).is_ok());
        assert!(check_local(peer("[::1]:9"), &none).is_ok());
        assert!(check_local(peer("[::ffff:127.0.0.1]:9"), &none).is_ok());
        assert!(check_local(peer("10.0.0.1:9"), &none).is_err());
        assert!(check_local(None, &none).is_err());
        for name in FORWARDING {
            assert!(
                check_local(peer("127.0.0.1:9"), &headers(name, "1.2.3.4")).is_err(),
                "{name}"
            );
        }
    }
}
