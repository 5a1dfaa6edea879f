//! HTTP: one module a resource, each with `configure` and its handlers.

mod api;
mod asyncapi;
mod audit;
mod auth;
mod by;
mod client;
mod connections;
mod docs;
mod health;
mod input;
mod jobs;
mod keys;
mod messages;
mod metrics;
mod middleware;
mod origins;
mod places;
mod read_marks;
mod roles;
mod rooms;
mod service_tokens;
mod sockets;
mod statistics;
#[cfg(test)]
mod tests;
mod users;

use std::{net::IpAddr, sync::Arc};

use actix_web::{
    App, Error, HttpRequest, Route,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    guard,
    middleware::from_fn,
    web,
};
use tracing_actix_web::TracingLogger;

use crate::{
    auth::{
        Authenticator, Hasher, Passkeys, Refusals, Revocations, SecondFactors, Setup,
        oauth::Providers,
    },
    chat::Chat,
    config::Config,
    limits::{self, Limits},
    metrics::Metrics,
    store::Store,
};

use api::Api;
use by::by;
pub use connections::OpenConnection;
pub use health::{HealthSampler, Readiness};
pub use origins::Origins;
pub use places::{Place, Places};

/// Everything that handlers use. Cloning shares it all.
#[derive(Clone)]
pub struct State {
    pub config: Arc<Config>,
    pub store: Store,
    pub chat: Chat,
    pub authenticator: Authenticator,
    pub hasher: Hasher,
    pub providers: Providers,
    pub setup: Setup,
    pub second_factors: SecondFactors,
    pub passkeys: Passkeys,
    pub revocations: Revocations,
    pub refusals: Refusals,
    pub limits: Limits,
    pub metrics: Metrics,
    pub health: HealthSampler,
    pub readiness: Readiness,
    pub origins: Origins,
    pub places: Places,
}

/// The application of one worker thread: every route, and what happens around them.
///
/// The span comes outermost, so that every line that a request logs bears its id.
pub fn app(
    state: State,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let cross_origin = middleware::cross_origin(&state.config.server.cors_origins);
    App::new()
        .configure(|app| provide(app, state))
        .configure(configure)
        .wrap(from_fn(middleware::limit_request))
        .wrap(cross_origin)
        .wrap(from_fn(middleware::finish_answer))
        .wrap(from_fn(middleware::count_request))
        .wrap(from_fn(middleware::read_rest))
        .wrap(TracingLogger::<middleware::RequestSpan>::new())
}

/// Every route for programs.
fn api() -> Api {
    let mut api = Api::default();
    users::configure(&mut api);
    auth::configure(&mut api);
    roles::configure(&mut api);
    keys::configure(&mut api);
    service_tokens::configure(&mut api);
    rooms::configure(&mut api);
    read_marks::configure(&mut api);
    messages::configure(&mut api);
    statistics::configure(&mut api);
    audit::configure(&mut api);
    sockets::configure(&mut api);
    asyncapi::configure(&mut api);
    jobs::configure(&mut api);
    health::configure(&mut api);
    metrics::configure(&mut api);
    docs::configure(&mut api);
    api
}

/// Every route of the server.
pub fn configure(app: &mut web::ServiceConfig) {
    input::configure(app);
    asyncapi::provide(app);
    api().register(app);
    client::configure(app);
    app.default_service(web::to(client::refuse_unknown));
}

fn provide(app: &mut web::ServiceConfig, state: State) {
    app.app_data(web::Data::from(state.config))
        .app_data(web::Data::new(state.store))
        .app_data(web::Data::new(state.chat))
        .app_data(web::Data::new(state.authenticator))
        .app_data(web::Data::new(state.hasher))
        .app_data(web::Data::new(state.providers))
        .app_data(web::Data::new(state.setup))
        .app_data(web::Data::new(state.second_factors))
        .app_data(web::Data::new(state.passkeys))
        .app_data(web::Data::new(state.revocations))
        .app_data(web::Data::new(state.refusals))
        .app_data(web::Data::new(state.limits))
        .app_data(web::Data::new(state.metrics))
        .app_data(web::Data::new(state.health))
        .app_data(web::Data::new(state.readiness))
        .app_data(web::Data::new(state.origins))
        .app_data(web::Data::new(state.places));
}

/// A route for `GET`, and for `HEAD`, which asks for the same without the body.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Who is at the other end of a request, behind the proxies that the operator trusts.
fn client_address(request: &HttpRequest, config: &Config) -> IpAddr {
    // Every connection is TCP and has a peer; one without would share a stranger's limits.
    let peer = request
        .peer_addr()
        .map_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), |peer| {
            peer.ip()
        });
    limits::client_address(peer, request.headers(), &config.server.trusted_proxies)
}
