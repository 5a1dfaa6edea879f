//! What may be written in the environment, in `.env` and as flags. Values are text here, so that
//! two wrong numbers are both reported.

use secrecy::SecretString;

use super::{OauthSecrets, OauthSettings, Problem, oauth};

/// Every setting that is no secret: a flag, or the environment variable beside it.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Settings {
    /// Name or address to listen on.
    #[arg(long, env = "HOST", global = true, default_value = "127.0.0.1")]
    pub host: String,

    /// Port to listen on; 0 takes a free one.
    #[arg(long, env = "PORT", global = true, default_value = "8080")]
    pub port: String,

    /// The server's own origin as browsers see it, such as `https://chat.example.org`. By default it
    /// follows from host, port and TLS.
    #[arg(long, env = "PUBLIC_URL", global = true)]
    pub public_url: Option<String>,

    /// sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE. The signing keys are kept in the
    /// SQLite file's folder, or in `data` with PostgreSQL.
    #[arg(
        long,
        env = "DATABASE_URL",
        global = true,
        hide_env_values = true,
        default_value = "sqlite://data/parlor.db"
    )]
    pub database_url: SecretString,

    /// Database connections, at most.
    #[arg(long, env = "DB_MAX_CONNECTIONS", global = true, default_value = "10")]
    pub db_max_connections: String,

    /// Start although PostgreSQL runs with fsync=off and may lose what it said it had stored.
    #[arg(
        long,
        env = "ALLOW_UNSAFE_DATABASE",
        global = true,
        default_value = "false"
    )]
    pub allow_unsafe_database: String,

    /// What to log: a level, or levels by module, such as info,parlor=debug.
    #[arg(
        long,
        env = "RUST_LOG",
        global = true,
        default_value = "info,sqlx=warn,actix_server=warn"
    )]
    pub rust_log: String,

    /// How to log: json or pretty.
    #[arg(long, env = "LOG_FORMAT", global = true, default_value = "json")]
    pub log_format: String,

    /// How long a token lasts, in seconds.
    #[arg(long, env = "JWT_EXPIRATION", global = true, default_value = "86400")]
    pub jwt_expiration: String,

    /// How long a login lasts without being refreshed, in seconds.
    #[arg(
        long,
        env = "LOGIN_IDLE_SECONDS",
        global = true,
        default_value = "2592000"
    )]
    pub login_idle_seconds: String,

    /// How long a login lasts from the sign-in, however often it is refreshed, in seconds; 0 is
    /// without end.
    #[arg(
        long,
        env = "LOGIN_LIFETIME_SECONDS",
        global = true,
        default_value = "0"
    )]
    pub login_lifetime_seconds: String,

    /// How the first key signs tokens: HS256, or EdDSA or ES256, with which other services can
    /// verify tokens alone by /.well-known/jwks.json. Later keys: parlor keys rotate.
    #[arg(long, env = "JWT_ALGORITHM", global = true, default_value = "HS256")]
    pub jwt_algorithm: String,

    /// What a password hash costs: 2 to the power of this, from 4 to 18.
    #[arg(long, env = "BCRYPT_COST", global = true, default_value = "12")]
    pub bcrypt_cost: String,

    /// Speak TLS: true or false.
    #[arg(long, env = "ENABLE_HTTPS", global = true, default_value = "true")]
    pub enable_https: String,

    /// The certificate chain, PEM. With nothing here and nothing at the key's path, a local CA and
    /// a certificate for this machine are made.
    #[arg(
        long,
        env = "SSL_CERT_PATH",
        global = true,
        default_value = "certs/cert.pem"
    )]
    pub ssl_cert_path: String,

    /// The certificate's private key, PEM.
    #[arg(
        long,
        env = "SSL_KEY_PATH",
        global = true,
        default_value = "certs/key.pem"
    )]
    pub ssl_key_path: String,

    /// Origins whose pages may use the API and the socket, separated by commas; or * for all, then
    /// without cookies.
    #[arg(long, env = "CORS_ORIGINS", global = true)]
    pub cors_origins: Option<String>,

    /// E-mail address of the first admin; used once, with ADMIN_PASSWORD, when there is no admin.
    #[arg(long, env = "ADMIN_EMAIL", global = true)]
    pub admin_email: Option<String>,

    /// Who may make an account: open (everybody) or closed (admins).
    #[arg(long, env = "REGISTRATION", global = true, default_value = "open")]
    pub registration: String,

    /// Addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas.
    #[arg(long, env = "TRUSTED_PROXIES", global = true)]
    pub trusted_proxies: Option<String>,

    /// Open sockets, at most; 0 is no limit. By default the descriptors that the process may open,
    /// less 512.
    #[arg(long, env = "MAX_CONNECTIONS", global = true)]
    pub max_connections: Option<String>,

    /// Open sockets of one user, at most; 0 is no limit.
    #[arg(
        long,
        env = "MAX_CONNECTIONS_PER_USER",
        global = true,
        default_value = "50"
    )]
    pub max_connections_per_user: String,

    /// Sockets that one user opens a minute; from one address 20 times as many, and 4 times as many
    /// whose request has no token. 0 is no limit.
    #[arg(long, env = "SOCKETS_PER_MINUTE", global = true, default_value = "600")]
    pub sockets_per_minute: String,

    /// Messages of one user a second, five times as many in a burst; 0 is no limit.
    #[arg(long, env = "MESSAGES_PER_SECOND", global = true, default_value = "20")]
    pub messages_per_second: String,

    /// Messages of all users in one room a second, five times as many in a burst; 0 is no limit.
    #[arg(
        long,
        env = "ROOM_MESSAGES_PER_SECOND",
        global = true,
        default_value = "200"
    )]
    pub room_messages_per_second: String,

    /// Joins of rooms by one user a minute, over all sockets; 0 is no limit.
    #[arg(long, env = "JOINS_PER_MINUTE", global = true, default_value = "600")]
    pub joins_per_minute: String,

    /// Joins of one room by all users a second, twenty times as many in a burst; 0 is no limit.
    #[arg(
        long,
        env = "ROOM_JOINS_PER_SECOND",
        global = true,
        default_value = "500"
    )]
    pub room_joins_per_second: String,

    /// Guesses at one account's password or second factor a minute, six times as many from one
    /// address; then each wrong one doubles the wait. 0 is no limit.
    #[arg(
        long,
        env = "LOGIN_ATTEMPTS_PER_MINUTE",
        global = true,
        default_value = "10"
    )]
    pub login_attempts_per_minute: String,

    /// Registrations from one address a minute; 0 is no limit.
    #[arg(
        long,
        env = "REGISTRATIONS_PER_MINUTE",
        global = true,
        default_value = "30"
    )]
    pub registrations_per_minute: String,

    /// Mails that may be asked for to one address an hour, for a forgotten password or to verify
    /// it; six times as many from one network address. 0 is no limit.
    #[arg(long, env = "RESETS_PER_HOUR", global = true, default_value = "5")]
    pub resets_per_hour: String,

    /// Refreshes of one login a minute, and of tokens that are not known from one address; 0 is no
    /// limit.
    #[arg(
        long,
        env = "REFRESHES_PER_MINUTE",
        global = true,
        default_value = "30"
    )]
    pub refreshes_per_minute: String,

    /// Steps of signing in with a provider from one address a minute, some three for each who does;
    /// 0 is no limit.
    #[arg(
        long,
        env = "OAUTH_REQUESTS_PER_MINUTE",
        global = true,
        default_value = "120"
    )]
    pub oauth_requests_per_minute: String,

    /// REST requests with one token a second, ten times as many in a burst; from one address 20
    /// times as many with whatever tokens, and 4 times as many without. 0 is no limit.
    #[arg(long, env = "REQUESTS_PER_SECOND", global = true, default_value = "50")]
    pub requests_per_second: String,

    /// How often the typing of one user in a room is told, in seconds; 0 is every time.
    #[arg(long, env = "TYPING_SECONDS", global = true, default_value = "3")]
    pub typing_seconds: String,

    /// Signs of typing of one user a second, in all rooms and five times as many in a burst; 0 is no
    /// limit.
    #[arg(long, env = "TYPING_PER_SECOND", global = true, default_value = "10")]
    pub typing_per_second: String,

    /// Signs of typing of all users in one room a second, five times as many in a burst; 0 is no
    /// limit.
    #[arg(
        long,
        env = "ROOM_TYPING_PER_SECOND",
        global = true,
        default_value = "50"
    )]
    pub room_typing_per_second: String,

    /// The server that takes the mails. Without one, no mail is sent: see --mail-links.
    #[arg(long, env = "SMTP_HOST", global = true)]
    pub smtp_host: Option<String>,

    /// The mail server's port. By default 587 with starttls, 465 with tls, 25 with none.
    #[arg(long, env = "SMTP_PORT", global = true)]
    pub smtp_port: Option<String>,

    /// How to speak to the mail server: starttls (must become TLS), tls (from the first byte) or
    /// none (everybody on the way can read the links).
    #[arg(long, env = "SMTP_TLS", global = true, default_value = "starttls")]
    pub smtp_tls: String,

    /// The name to sign in with at the mail server.
    #[arg(long, env = "SMTP_USERNAME", global = true)]
    pub smtp_username: Option<String>,

    /// The one authority to believe when the mail server shows its certificate, PEM. By default the
    /// public ones and those of this machine.
    #[arg(long, env = "SMTP_CA_PATH", global = true)]
    pub smtp_ca_path: Option<String>,

    /// Who the mails are from, such as "Parlor <chat@example.org>". By default no-reply at the host
    /// of --public-url.
    #[arg(long, env = "MAIL_FROM", global = true)]
    pub mail_from: Option<String>,

    /// Without a mail server: log (each mail with its link goes into the log, for development) or
    /// off (no address is verified, no password reset).
    #[arg(long, env = "MAIL_LINKS", global = true, default_value = "off")]
    pub mail_links: String,

    /// How long a stopping server may take, in seconds.
    #[arg(long, env = "SHUTDOWN_SECONDS", global = true, default_value = "8")]
    pub shutdown_seconds: String,

    #[command(flatten)]
    pub oauth: OauthSettings,
}

impl Settings {
    /// The part of `--help` on what is not taken as a flag, because everybody on a machine can read
    /// the flags of a process.
    pub const SECRETS_HELP: &str = "\
Secrets (environment or .env only):
  JWT_SECRET       Signs the tokens, at least 32 bytes. Without it keys are made and kept,
                   readable by their owner alone, in the data directory; see parlor keys
  JWT_SECRET_PREVIOUS
                   The JWT_SECRET of before, whose tokens are still accepted
  ENCRYPTION_KEY   Encrypts the secrets of authenticator apps in the database, at least 32 bytes.
                   Without it a key is made and kept in the same way
  ADMIN_PASSWORD   Password of the first admin; see --admin-email
  METRICS_TOKEN    Bearer token that GET /metrics asks for. Without it only this machine may ask
  GOOGLE_CLIENT_SECRET, GITHUB_CLIENT_SECRET, FACEBOOK_CLIENT_SECRET
                   What the provider gave with the client id
  OIDC_<NAME>_ISSUER, OIDC_<NAME>_CLIENT_ID, OIDC_<NAME>_CLIENT_SECRET, OIDC_<NAME>_LABEL
                   An issuer of OpenID Connect that people may sign in with, as many as you like;
                   the label is what they read
  SMTP_PASSWORD    Password at the mail server; see --smtp-username";
}

/// The settings that must not be seen: environment only.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    pub jwt_secret: Option<SecretString>,
    pub encryption_key: Option<SecretString>,
    pub jwt_secret_previous: Option<SecretString>,
    pub admin_password: Option<SecretString>,
    pub metrics_token: Option<SecretString>,
    pub oauth: OauthSecrets,
    pub smtp_password: Option<SecretString>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Secrets {
    /// Reads the secrets; a blank one is as good as none.
    #[must_use]
    pub fn from_environment() -> Self {
        let mut problems = Vec::new();
        let mut read = |name| match read_secret(name) {
            Ok(secret) => secret,
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let mut secrets = Self {
            jwt_secret: read("JWT_SECRET"),
            encryption_key: read("ENCRYPTION_KEY"),
            jwt_secret_previous: read("JWT_SECRET_PREVIOUS"),
            admin_password: read("ADMIN_PASSWORD"),
            metrics_token: read("METRICS_TOKEN"),
            oauth: OauthSecrets {
                google: read("GOOGLE_CLIENT_SECRET"),
                github: read("GITHUB_CLIENT_SECRET"),
                facebook: read("FACEBOOK_CLIENT_SECRET"),
                ..OauthSecrets::default()
            },
            smtp_password: read("SMTP_PASSWORD"),
            problems: Vec::new(),
        };
        secrets.oauth.issuers = oauth::find_issuers(environment(), &mut problems);
        secrets.problems = problems;
        secrets
    }
}

/// The password that `parlor user` is to set, from `PARLOR_PASSWORD`.
///
/// # Errors
/// It is not UTF-8.
pub fn password_from_environment() -> Result<Option<SecretString>, Problem> {
    read_secret("PARLOR_PASSWORD")
}

#[expect(clippy::disallowed_methods, reason = "this is config")]
fn read_secret(name: &'static str) -> Result<Option<SecretString>, Problem> {
    match std::env::var(name) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(SecretString::from(text))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Problem::new(name, "must be UTF-8")),
    }
}

fn environment() -> std::env::VarsOs {
    std::env::vars_os()
}
