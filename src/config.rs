//! The settings: typed, checked once at the start, and the only reader of the environment.
//!
//! [`Settings`] is what somebody wrote, as text; [`Config`] is what it means. Tests make a `Config`
//! in code.

mod algorithm;
mod check;
mod descriptors;
mod listing;
mod mail;
mod oauth;
mod reader;
mod settings;
mod timing;

use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use crate::domain::user::{Email, NewPassword};

pub use algorithm::JwtAlgorithm;
pub use descriptors::Descriptors;
pub use mail::{JobTiming, MailConfig, SmtpConfig, SmtpTls};
pub use oauth::{
    ClientCredentials, FacebookConfig, GithubConfig, GoogleConfig, IssuerConfig, IssuerTexts,
    IssuersFound, OauthConfig, OauthSecrets, OauthSettings, OauthTiming, PROVIDER,
};
pub use reader::{ConfigError, Problem};
pub use settings::{Secrets, Settings, password_from_environment};
pub use timing::{AuditTiming, HttpTiming};

/// Everything that an operator decides, checked.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub server: ServerConfig,
    pub store: StoreConfig,
    pub auth: AuthConfig,
    pub oauth: OauthConfig,
    pub limits: LimitsConfig,
    pub mail: MailConfig,
    pub jobs: JobTiming,
    pub log: LogConfig,
    pub http: HttpTiming,
    pub chat: ChatTiming,
    pub audit: AuditTiming,
}

/// Where the server listens and what it believes of those who connect.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// A name or an address to listen on.
    pub host: String,
    /// 0 takes a free port.
    pub port: u16,
    /// The own origin as set; without it, it follows from host, bound port and TLS.
    pub public_url: Option<Url>,
    pub https: bool,
    pub cert_path: PathBuf,
    pub key_path: PathBuf,
    /// Origins whose pages may call the API and open sockets, as browsers write them; or `*` alone.
    pub cors_origins: Vec<String>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    pub metrics_token: Option<SecretString>,
    /// HTTP worker threads.
    pub workers: usize,
    /// How long a stopping server waits for its sockets and its journal.
    pub shutdown: Duration,
    /// Where the signing keys are kept: the SQLite database's folder, or `data`.
    pub data_dir: PathBuf,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 8080,
            public_url: None,
            https: true,
            cert_path: "certs/cert.pem".into(),
            key_path: "certs/key.pem".into(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            metrics_token: None,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            shutdown: Duration::from_secs(8),
            data_dir: "data".into(),
        }
    }
}

/// Which database, and how many connections to it.
#[derive(Clone)]
pub struct StoreConfig {
    /// `sqlite://FILE` or `postgres://…`, where a password may stand.
    pub url: SecretString,
    pub max_connections: u32,
    /// Start although PostgreSQL runs with `fsync=off`.
    pub allow_unsafe: bool,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: "sqlite://data/parlor.db".into(),
            max_connections: 10,
            allow_unsafe: false,
        }
    }
}

/// How people prove who they are, and for how long.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// Signs the tokens; without it keys are made and kept in the data directory.
    pub jwt_secret: Option<SecretString>,
    /// Encrypts what the database must not tell, such as the secrets of authenticator apps; without
    /// it a key is made once and kept in the data directory.
    pub encryption_key: Option<SecretString>,
    /// What signed them before, and still verifies.
    pub jwt_previous_secret: Option<SecretString>,
    /// What kind of key is made when there is none.
    pub jwt_algorithm: JwtAlgorithm,
    pub token_lifetime: Duration,
    pub bcrypt_cost: u32,
    /// Whether a stranger may make an account.
    pub registration_open: bool,
    /// The first admin, made if the database has none.
    pub admin: Option<(Email, NewPassword)>,
    /// How long a login lasts without being refreshed.
    pub refresh_lifetime: Duration,
    /// How long a login lasts from the sign-in, however often it is refreshed; `None` is without
    /// end.
    pub login_lifetime: Option<Duration>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            jwt_secret: None,
            encryption_key: None,
            jwt_previous_secret: None,
            jwt_algorithm: JwtAlgorithm::default(),
            token_lifetime: Duration::from_secs(86_400),
            bcrypt_cost: 12,
            registration_open: true,
            admin: None,
            refresh_lifetime: Duration::from_secs(30 * 86_400),
            login_lifetime: None,
        }
    }
}

/// How much of everything one may do. 0 switches a limit off.
#[derive(Clone, Debug)]
pub struct LimitsConfig {
    /// Open sockets in all.
    pub max_connections: usize,
    pub max_connections_per_user: usize,
    /// That one user opens; twenty times as many from one address, four times as many whose request
    /// has no token.
    pub sockets_per_minute: u32,
    /// Of one user; five times as many at once.
    pub messages_per_second: u32,
    /// Of all in one room; five times as many at once.
    pub room_messages_per_second: u32,
    /// Of one user, over all sockets.
    pub joins_per_minute: u32,
    /// Of one room; twenty times as many at once.
    pub room_joins_per_second: u32,
    /// For one account; six times as many from one address.
    pub login_attempts_per_minute: u32,
    /// From one address.
    pub registrations_per_minute: u32,
    /// Mails to one address; six times as many asked for from one network address.
    pub resets_per_hour: u32,
    /// Of one login; as many with unknown tokens from one address.
    pub refreshes_per_minute: u32,
    /// Steps of signing in with a provider, from one address.
    pub oauth_requests_per_minute: u32,
    /// With one token; ten times as many at once.
    pub requests_per_second: u32,
    /// How long one `typing` of a user counts.
    pub typing: Duration,
    /// Of one user in all rooms; five times as many at once.
    pub typing_per_second: u32,
    /// Of all in one room; five times as many at once.
    pub room_typing_per_second: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_connections: Descriptors::of_process().by_default_for_sockets(),
            max_connections_per_user: 50,
            sockets_per_minute: 600,
            messages_per_second: 20,
            room_messages_per_second: 200,
            joins_per_minute: 600,
            room_joins_per_second: 500,
            login_attempts_per_minute: 10,
            registrations_per_minute: 30,
            resets_per_hour: 5,
            refreshes_per_minute: 30,
            oauth_requests_per_minute: 120,
            requests_per_second: 50,
            typing: Duration::from_secs(3),
            typing_per_second: 10,
            room_typing_per_second: 50,
        }
    }
}

impl LimitsConfig {
    /// Everything that may be switched off is.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            max_connections: 0,
            max_connections_per_user: 0,
            sockets_per_minute: 0,
            messages_per_second: 0,
            room_messages_per_second: 0,
            joins_per_minute: 0,
            room_joins_per_second: 0,
            login_attempts_per_minute: 0,
            registrations_per_minute: 0,
            resets_per_hour: 0,
            refreshes_per_minute: 0,
            oauth_requests_per_minute: 0,
            requests_per_second: 0,
            typing: Duration::ZERO,
            typing_per_second: 0,
            room_typing_per_second: 0,
        }
    }
}

/// What is logged, and how it looks.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// In the language of `RUST_LOG`.
    pub filter: String,
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: "info,sqlx=warn,actix_server=warn".into(),
            format: LogFormat::Json,
        }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for programs.
    Json,
    /// For people.
    Pretty,
}

/// The pace of a socket's and a room's life. No settings; tests shorten them.
#[derive(Clone, Debug)]
pub struct ChatTiming {
    /// From one ping to the next; a socket that says nothing for two of them is lost.
    pub heartbeat: Duration,
    /// How long a socket may stay without a token.
    pub authorize: Duration,
    /// How long after a lost socket its user has left.
    pub lost_grace: Duration,
    /// The least time between two `presence` frames of a room.
    pub presence_interval: Duration,
    /// Above so many users a room tells numbers and no names.
    pub presence_above: u32,
    /// How long a room without members keeps its actor.
    pub idle_retire: Duration,
    /// How long a slow consumer may take to read its close frame.
    pub slow_close: Duration,
    /// How long before its end a socket is told that its token ends.
    pub expiry_warning: Duration,
}

impl Default for ChatTiming {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            authorize: Duration::from_secs(10),
            lost_grace: Duration::from_secs(5),
            presence_interval: Duration::from_secs(1),
            presence_above: 100,
            idle_retire: Duration::from_secs(30),
            slow_close: Duration::from_secs(10),
            expiry_warning: Duration::from_secs(60),
        }
    }
}
