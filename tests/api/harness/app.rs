//! A server inside the test's process, so that a test can set what is no setting.

use std::{ops::Deref, sync::mpsc, thread, time::Duration};

use parlor::{
    chat::Chat,
    config::{ChatTiming, Config, LimitsConfig},
    startup::Application,
    store::Store,
};
use tokio::sync::oneshot;

use super::{ADMIN_EMAIL, ADMIN_PASSWORD, Home, LIMIT, Site};

/// A server on a port of its own; it stops with this value.
pub struct TestApp {
    pub chat: Chat,
    pub store: Store,
    /// Where the first admin is made, if none was there at the start.
    pub setup_address: Option<String>,
    site: Site,
    running: Running,
    config: Config,
    pub home: Home,
}

impl TestApp {
    /// Starts a server: TLS on, limits off, cheap hashes, everything slow made quick.
    pub async fn spawn() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts a server with settings that the test changes first.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let home = Home::new().await;
        let mut config = config(&home);
        change(&mut config);
        Self::start(home, config).await
    }

    /// Stops the server in good order and starts another in its place.
    pub async fn restart(self) -> Self {
        let Self {
            home,
            config,
            running,
            ..
        } = self;
        tokio::task::spawn_blocking(move || running.stop())
            .await
            .expect("the server stops");
        Self::start(home, config).await
    }

    async fn start(home: Home, config: Config) -> Self {
        let (started, starting) = oneshot::channel();
        let running = Running::start(config.clone(), started);
        let Started {
            port,
            chat,
            store,
            setup_address,
        } = starting
            .await
            .expect("the server's thread lives")
            .expect("the server starts");
        let ca = config.server.https.then(|| home.ca());
        Self {
            chat,
            store,
            setup_address,
            site: Site::new(port, ca.as_deref()),
            running,
            config,
            home,
        }
    }
}

impl Deref for TestApp {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

fn config(home: &Home) -> Config {
    let mut config = Config::default();
    config.server.port = 0;
    config.server.workers = 2;
    config.server.shutdown = Duration::from_millis(250);
    config.server.data_dir = home.data();
    config.server.cert_path = home.certificate();
    config.server.key_path = home.key();
    config.store.url = home.database.url().into();
    config.store.max_connections = 5;
    config.auth.bcrypt_cost = 4;
    config.auth.admin = Some((
        parlor::domain::user::Email::parse(ADMIN_EMAIL).expect("an address"),
        parlor::domain::user::NewPassword::parse(ADMIN_PASSWORD.into()).expect("a password"),
    ));
    config.limits = LimitsConfig::unlimited();
    config.limits.typing = Duration::from_millis(50);
    config.chat = ChatTiming {
        lost_grace: Duration::from_millis(200),
        presence_interval: Duration::from_millis(100),
        slow_close: Duration::from_millis(500),
        ..ChatTiming::default()
    };
    config
}

/// What a test needs of a server that has started.
struct Started {
    port: u16,
    chat: Chat,
    store: Store,
    setup_address: Option<String>,
}

/// The thread that runs the server.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    ended: mpsc::Receiver<anyhow::Result<()>>,
}

impl Running {
    fn start(config: Config, started: oneshot::Sender<anyhow::Result<Started>>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ending, ended) = mpsc::channel();
        let serve = move || {
            actix_web::rt::System::new().block_on(async move {
                let application = match Application::build(config).await {
                    Ok(application) => application,
                    Err(error) => {
                        let _ = started.send(Err(error));
                        return Ok(());
                    }
                };
                let _ = started.send(Ok(Started {
                    port: application.port(),
                    chat: application.chat(),
                    store: application.store(),
                    setup_address: application.setup_address(),
                }));
                let stopped = async {
                    let _ = stopped.await;
                };
                application.run_until_stopped(stopped).await
            })
        };
        thread::Builder::new()
            .name("parlor".to_owned())
            .spawn(move || ending.send(serve()))
            .expect("a thread");
        Self {
            stop: Some(stop),
            ended,
        }
    }

    fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(stop) = self.stop.take() else {
            return;
        };
        let _ = stop.send(());
        let ended = self.ended.recv_timeout(LIMIT);
        if !thread::panicking() {
            ended
                .expect("the server stops in time, and not by a panic")
                .expect("the server stops in good order");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
