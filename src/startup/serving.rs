//! The worker threads: each with an application for requests and a gate for sockets.

use std::{convert::Infallible, io, net::TcpListener, rc::Rc, time::Duration};

use actix_codec::Framed;
use actix_http::{HttpService, KeepAlive, Protocol, Request, error::DispatchError, h1};
use actix_server::Server;
use actix_service::{
    IntoServiceFactory as _, ServiceFactory, ServiceFactoryExt as _, fn_factory, fn_service,
    map_config,
};
use actix_tls::accept::{
    TlsError,
    rustls_0_23::{Acceptor, TlsStream},
};
use actix_web::{dev::AppConfig, rt::net::TcpStream};
use bytes::BytesMut;
use rustls::ServerConfig;
use uuid::Uuid;

use super::watched::Watched;
use crate::{
    chat::{
        transport::Transport,
        upgrade::{Gate, refusal},
    },
    error::ApiError,
    routes::{self, OpenConnection, State},
};

/// How long a client may take to hang up after the last answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Requests that are answered at once, a worker; sockets do not count.
const MAX_CONNECTIONS: usize = 10_000;
/// Connections beyond the last place that a worker has in hand to send away.
const SENT_AWAY: usize = 16;
/// When to try again at a server whose connections are all taken.
const COME_BACK: Duration = Duration::from_secs(5);

/// The HTTP service over one kind of transport. A macro, since the service's type has no name.
macro_rules! http {
    ($state:ident, $stopping:ident, $transport:ty) => {{
        let metrics = $state.metrics.clone();
        let timing = &$state.config.http;
        let stopping = $stopping.clone();
        HttpService::build()
            // As `HttpServer` does: else idle connections hold up the end until its deadline.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(timing.keep_alive))
            .client_request_timeout(timing.head)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
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
) -> io::Result<Server> {
    let timeout = state.config.server.shutdown.as_secs().max(1);
    let workers = state.config.server.workers;
    // They are accepted by a thread that knows nothing of places: it must not run ahead with all
    // descriptors while the workers send connections away.
    let share = state.places.max() / workers.max(1) + SENT_AWAY;
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(share.min(MAX_CONNECTIONS))
        .shutdown_timeout(timeout)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let state = state.clone();
    let tls = tls.map(offering_http2);
    let builder = match tls {
        Some(tls) => builder.listen("parlor", listener, move || {
            let admission = state.clone();
            fn_service(move |io| admit(admission.clone(), io, false))
                .map_err(TlsError::Service)
                .and_then(
                    Acceptor::new(tls.clone())
                        .map_err(TlsError::into_service_error)
                        .map_init_err(|_| ()),
                )
                .and_then(|io: TlsStream<Watched>| async {
                    let (stream, session) = io.get_ref();
                    let protocol = match session.alpn_protocol() {
                        Some(b"h2") => Protocol::Http2,
                        _ => Protocol::Http1,
                    };
                    let peer = stream.tcp().peer_addr().ok();
                    Ok((io, protocol, peer))
                })
                .and_then(http!(state, stopping, TlsStream<Watched>).map_err(TlsError::Service))
        })?,
        None => builder.listen("parlor", listener, move || {
            let admission = state.clone();
            fn_service(move |io| admit(admission.clone(), io, true))
                .and_then(|io: Watched| async {
                    let peer = io.tcp().peer_addr().ok();
                    Ok((io, Protocol::Http1, peer))
                })
                .and_then(http!(state, stopping, Watched))
        })?,
    };
    Ok(builder.run())
}

fn offering_http2(mut tls: ServerConfig) -> ServerConfig {
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tls
}

/// Takes a connection in, or sends it away while it can still be told so.
///
/// A client that speaks TLS is told nothing: a handshake costs more than it is worth.
async fn admit(state: State, io: TcpStream, plain: bool) -> Result<Watched, DispatchError> {
    // Fails only on a connection that is already gone.
    let _gone = io.set_nodelay(true);
    if let Some(place) = state.places.take() {
        return Ok(Watched::new(io, &state.config.http, place));
    }
    if plain {
        let full = ApiError::Overloaded {
            retry_after: COME_BACK,
        };
        let id = Uuid::now_v7().to_string();
        refusal::write(io, BytesMut::new(), &full.problem(), &id).await;
    }
    Err(DispatchError::Io(io::ErrorKind::ConnectionRefused.into()))
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
