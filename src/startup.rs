//! From settings to a running server, and back: opens the store, starts the actors, binds, serves,
//! and stops all of it in order.

mod serving;
mod stopping;
mod watched;

use std::{
    net::TcpListener as StdListener,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_server::{Server, ServerHandle};
use anyhow::Context;
use tokio::{
    net::{TcpSocket, lookup_host},
    time::timeout,
};

use crate::{
    auth::{
        Authenticator, Hasher, Keys, Passkeys, Refusals, Revocations, SecondFactors, Setup, Vault,
        oauth::Providers, reinstate,
    },
    chat::{Chat, ChatSettings},
    config::{AuthConfig, Config, Descriptors, ServerConfig},
    domain::{
        audit::By,
        ids::UserId,
        user::{FullName, Role, Username},
    },
    error::ApiError,
    jobs::Worker,
    limits::Limits,
    mail,
    metrics::Metrics,
    routes::{HealthSampler, Origins, Places, Readiness, State},
    store::{NewUser, ServeLock, Store, StoreOptions},
    tls,
};

/// Connections that may wait to be accepted. Fewer, and a storm of clients that come back waits
/// seconds in the kernel's retries.
const BACKLOG: u32 = 4_096;

/// How long an operation waits for a database connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long SQLite waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the last work with the database may take beyond the time to stop.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// A server that listens, and answers once it is run.
pub struct Application {
    state: State,
    /// Does what was promised; nobody if nothing is.
    worker: Option<Worker>,
    lock: ServeLock,
    /// What TLS serves, if it is on.
    certificate: Option<tls::Served>,
    server: Server,
    handle: ServerHandle,
    port: u16,
    origin: String,
}

impl Application {
    /// Opens, starts and binds everything that the settings name.
    ///
    /// # Errors
    /// The database cannot be opened or is served already, a secret or a certificate cannot be
    /// read, or the address cannot be bound.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        tls::install_crypto();
        let metrics = Metrics::new()?;
        let store = Store::open(&store_options(&config), metrics.clone()).await?;
        let lock = store.lock_exclusively().await?;
        let hasher = Hasher::new(config.auth.bcrypt_cost)?;
        make_first_admin(&store, &hasher, &config.auth).await?;
        // A scrape that finds the database away must not tell of an empty log.
        let head = store.audit_head().await?;
        metrics.audit.set(head.seq, &head.hash.to_string());

        let listener = bind(&config.server).await?;
        let port = listener.local_addr()?.port();
        let origin = origin(&config.server, port);
        let tls = config
            .server
            .https
            .then(|| tls::server_config(&config.server))
            .transpose()?;

        let handlers = mail::handlers(&config, &origin, store.clone())?;
        let timing = config.jobs.clone();
        let worker = (!handlers.is_empty())
            .then(|| Worker::new(store.clone(), handlers, timing, metrics.clone()));
        let state = start(config, store, hasher, metrics, &origin).await?;
        let (tls, certificate) = tls.unzip();
        let server = serving::listen(&state, listener, tls)?;
        Ok(Self {
            handle: server.handle(),
            state,
            worker,
            lock,
            certificate,
            server,
            port,
            origin,
        })
    }

    /// The port that was bound.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where browsers find the server, such as `https://localhost:8080`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Where the first admin is made, such as `https://localhost:8080/setup#token=…`; `None` if there
    /// was one at the start.
    ///
    /// For the terminal alone. The token stands behind the `#`: browsers keep that part to
    /// themselves, so it gets into no log on the way.
    #[must_use]
    pub fn setup_address(&self) -> Option<String> {
        let token = self.state.setup.token()?;
        Some(format!("{}/setup#token={token}", self.origin))
    }

    /// The way into the chat.
    #[must_use]
    pub fn chat(&self) -> Chat {
        self.state.chat.clone()
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> Store {
        self.state.store.clone()
    }

    /// Serves until `stop`, or until another process has the database; then stops in order.
    ///
    /// # Errors
    /// The server ended by itself, or another process took the database.
    pub async fn run_until_stopped(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self {
            state,
            worker,
            lock,
            certificate,
            mut server,
            handle,
            ..
        } = self;
        let health = actix_web::rt::spawn(state.health.clone().run());
        let keys = actix_web::rt::spawn(state.authenticator.keys().clone().watch());
        let certificate = certificate.map(|certificate| {
            let (server, metrics) = (state.config.server.clone(), state.metrics.clone());
            actix_web::rt::spawn(certificate.watch(server, metrics))
        });
        let (end_refusals, refusals_ended) = tokio::sync::oneshot::channel::<()>();
        let refusals = actix_web::rt::spawn(state.refusals.clone().write(
            state.store.clone(),
            state.config.audit.sum_refusals,
            async { refusals_ended.await.unwrap_or_default() },
        ));
        let (end_reinstating, reinstating_ended) = tokio::sync::oneshot::channel::<()>();
        let reinstating = actix_web::rt::spawn(reinstate(state.store.clone(), async {
            reinstating_ended.await.unwrap_or_default();
        }));
        let (end_poll, poll_ended) = tokio::sync::oneshot::channel::<()>();
        let revocations = actix_web::rt::spawn(state.revocations.clone().poll(async {
            // A sender that is gone says the same.
            poll_ended.await.unwrap_or_default();
        }));
        let (end_jobs, jobs_ended) = tokio::sync::oneshot::channel::<()>();
        let jobs = actix_web::rt::spawn(async move {
            if let Some(worker) = worker {
                worker
                    .run(async { jobs_ended.await.unwrap_or_default() })
                    .await;
            }
        });
        let result = tokio::select! {
            () = stop => Ok(()),
            () = lock.lost() => Err(anyhow::anyhow!("another server has taken this database")),
            ended = &mut server => ended.context("the server ended by itself"),
        };
        let deadline = Instant::now() + state.config.server.shutdown;
        stopping::close_sockets(&state, deadline).await;
        // Before the worker threads end: a connection to the database that was opened on one of
        // them answers no more afterwards.
        drop((end_poll, end_refusals, end_reinstating));
        for (what, task) in [
            ("the poll for changes", revocations),
            ("the sum of refusals", refusals),
            ("switching users on again", reinstating),
        ] {
            match timeout(CLOSE_PATIENCE, task).await {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => tracing::error!(%fault, what, "ended early"),
                Err(_) => tracing::warn!(what, "did not end in time"),
            }
        }
        drop(end_jobs);
        match timeout(CLOSE_PATIENCE, jobs).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::error!(%fault, "the worker of jobs ended early"),
            Err(_) => tracing::warn!("the worker of jobs did not end in time"),
        }
        health.abort();
        keys.abort();
        if let Some(certificate) = certificate {
            certificate.abort();
        }
        stopping::end_workers(&handle, server, deadline).await;
        // Such a connection cannot be closed in good order either; it ends with the process.
        if timeout(CLOSE_PATIENCE, state.store.close()).await.is_err() {
            tracing::warn!("connections to the database were still in use");
        }
        drop(lock);
        result
    }
}

/// How a server opens the store: it answers 503 rather than wait for long.
fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        url: config.store.url.clone(),
        max_connections: config.store.max_connections,
        allow_unsafe: config.store.allow_unsafe,
        acquire_timeout: ACQUIRE_TIMEOUT,
        busy_timeout: BUSY_TIMEOUT,
        mail: config.mail.is_on(),
    }
}

/// Starts the actors and wires what goes against the layers: a change of rights reaches the chat.
async fn start(
    config: Config,
    store: Store,
    hasher: Hasher,
    metrics: Metrics,
    origin: &str,
) -> anyhow::Result<State> {
    let keys = Keys::open(&config.auth, &config.server.data_dir)?;
    let vault = Vault::open(config.auth.encryption_key.as_ref(), &config.server.data_dir)?;
    let authenticator = Authenticator::new(keys, store.clone(), config.auth.token_lifetime);
    let limits = Limits::new(&config.limits);
    let descriptors = Descriptors::of_process();
    let refusals = Refusals::default();
    let chat = Chat::start(ChatSettings {
        store: store.clone(),
        epoch: store.epoch().await?,
        authenticator: authenticator.clone(),
        limits: limits.clone(),
        limits_config: &config.limits,
        most_sockets: descriptors.for_sockets(config.store.max_connections),
        timing: config.chat.clone(),
        metrics: metrics.clone(),
        refusals: refusals.clone(),
        trusted_proxies: config.server.trusted_proxies.clone(),
    });
    let revocations = Revocations::new(authenticator.clone(), store.clone());
    let told = chat.clone();
    revocations.subscribe(Box::new(move |change| told.revoke(change)));
    let told = chat.clone();
    let keys = authenticator.keys();
    keys.on_gone(Box::new(move || told.check_keys()));
    let setup = if store.has_admin().await? {
        Setup::closed()
    } else {
        Setup::open()
    };
    let passkeys = Passkeys::new(origin, vault.clone());
    let second_factors = SecondFactors::new(vault, store.clone());
    let connections = descriptors.for_connections(config.store.max_connections);
    Ok(State {
        providers: Providers::new(&config.oauth, origin)?,
        places: Places::new(connections, chat.clone()),
        origins: origins(origin, &config.server),
        config: Arc::new(config),
        store,
        chat,
        authenticator,
        hasher,
        setup,
        revocations,
        refusals,
        limits,
        second_factors,
        passkeys,
        health: HealthSampler::new(metrics.clone()),
        metrics,
        readiness: Readiness::default(),
    })
}

/// The own origin and others; answers bind browsers to HTTPS where it is certain that it works: with
/// a certificate that somebody got, here or at a proxy in front.
fn origins(own: &str, server: &ServerConfig) -> Origins {
    let origins = Origins::new(own.to_owned(), &server.cors_origins);
    if server.https && tls::is_made_here(server) {
        return origins;
    }
    origins.by_https_alone()
}

/// Makes the admin that the settings name, if the database has none.
async fn make_first_admin(store: &Store, hasher: &Hasher, auth: &AuthConfig) -> anyhow::Result<()> {
    let Some((email, password)) = &auth.admin else {
        return Ok(());
    };
    if store.has_admin().await? {
        return Ok(());
    }
    let password = password.clone().of(["admin", email.as_str()]);
    let password_hash = hasher.hash(password).await.map_err(|error| match error {
        ApiError::Invalid(wrong) => anyhow::anyhow!(
            "ADMIN_PASSWORD {}",
            wrong
                .first()
                .map_or("cannot be used", |wrong| &wrong.message)
        ),
        error => error.into(),
    })?;
    let admin = NewUser {
        id: UserId::new(),
        username: Username::parse("admin")?,
        email: Some(email.clone()),
        full_name: FullName::parse("Administrator")?,
        phone_number: None,
        password_hash: Some(password_hash),
        role: Role::Admin,
    };
    let user = store
        .insert_first_admin(admin, &By::server())
        .await
        .context("cannot make the first admin")?;
    tracing::info!(user.id = %user.id, "the first admin was made");
    Ok(())
}

async fn bind(server: &ServerConfig) -> anyhow::Result<StdListener> {
    let (host, port) = (server.host.as_str(), server.port);
    let context = || format!("cannot listen on {host}:{port}");
    let address = lookup_host((host, port))
        .await
        .with_context(context)?
        .next();
    let address = address.with_context(context)?;
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()
    } else {
        TcpSocket::new_v4()
    }?;
    // A server that was stopped a moment ago must not be in its successor's way.
    socket.set_reuseaddr(true)?;
    socket.bind(address).with_context(context)?;
    Ok(socket.listen(BACKLOG)?.into_std()?)
}

/// The own origin: as set, or from host, port and TLS.
fn origin(server: &ServerConfig, port: u16) -> String {
    if let Some(url) = &server.public_url {
        return url.origin().ascii_serialization();
    }
    let scheme = if server.https { "https" } else { "http" };
    let host = match server.host.as_str() {
        // Nobody can connect to "every address".
        "0.0.0.0" | "::" | "127.0.0.1" | "::1" => "localhost",
        host => host,
    };
    format!("{scheme}://{host}:{port}")
}
