//! The worker threads: each with an application for requests and a gate for sockets.

use std::{convert::Infallible, net::TcpListener, rc::Rc, time::Duration};

use actix_codec::Framed;
use actix_http::{HttpService, KeepAlive, Request, h1};
use actix_server::Server;
use actix_service::{
    IntoServiceFactory as _, ServiceFactory, ServiceFactoryExt as _, fn_factory, fn_service,
    map_config,
};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{dev::AppConfig, rt::net::TcpStream};
use rustls::ServerConfig;

use crate::{
    chat::{transport::Transport, upgrade::Gate},
    routes::{self, OpenConnection, State},
};

/// How long a request's head may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to hang up after the last answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Requests that are answered at once, a worker; sockets do not count.
const MAX_CONNECTIONS: usize = 10_000;

/// The HTTP service over one kind of transport. A macro, since the service's type has no name.
macro_rules! http {
    ($state:ident, $stopping:ident, $transport:ty) => {{
        let metrics = $state.metrics.clone();
        let stopping = $stopping.clone();
        HttpService::build()
            // As `HttpServer` does: else idle connections hold up the end until its deadline.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .on_connect_ext(move |_: &$transport, data| {
                data.insert(OpenConnection::count(&metrics));
            })
            .upgrade(gate::<$transport>(&$state))
            .finish(map_config(
                routes::app($state.clone())
                    .into_factory()
                    .map_err(|fault: actix_web::Error| fault.error_response()),
                |()| AppConfig::default(),
            ))
    }};
}
/// Starts the worker threads on a bound listener.
pub fn listen(
    state: &State,
    listener: TcpListener,
    tls: Option<ServerConfig>,
) -> std::io::Result<Server> {
    let timeout = state.config.server.shutdown.as_secs().max(1);
    let builder = Server::build()
        .workers(state.config.server.workers)
        .max_concurrent_connections(MAX_CONNECTIONS)
        .shutdown_timeout(timeout)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let state = state.clone();
    let builder = match tls {
        Some(tls) => builder.listen("parlor", listener, move || {
            http!(state, stopping, TlsStream<TcpStream>).rustls_0_23(tls.clone())
        })?,
        None => builder.listen("parlor", listener, move || {
            http!(state, stopping, TcpStream).tcp()
        })?,
    };
    Ok(builder.run())
}

/// The gate of one worker thread, opened on that thread.
fn gate<T: Transport>(
    state: &State,
) -> impl ServiceFactory<
    (Request, Framed<T, h1::Codec>),
    Config = (),
    Response = (),
    Error = Infallible,
    InitError = (),
> + use<T> {
    let chat = state.chat.clone();
    let origins = state.origins.all();
    fn_factory(move || {
        let gate = Rc::new(Gate::open(chat.clone(), origins.clone()));
        async move {
            Ok(fn_service(move |(request, framed)| {
                let gate = gate.clone();
                async move {
                    gate.upgrade(request, framed).await;
                    Ok(())
                }
            }))
        }
    })
}
