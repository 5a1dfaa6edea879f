//! From what was written to what it means.

mod limits;

use std::{
    net::{IpAddr, Ipv6Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    AuditTiming, AuthConfig, ChatTiming, Config, ConfigError, HttpTiming, JobTiming, JwtAlgorithm,
    LogConfig, LogFormat, Secrets, ServerConfig, Settings, StoreConfig, mail::mail, oauth,
    reader::Reader,
};
use crate::domain::user::{Email, NewPassword};

/// HS256 asks for a key as long as its digest (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// A year: a token that lasts longer is a mistake in the unit.
const MAX_TOKEN_SECONDS: u32 = 366 * 86_400;

/// Ten years, for the same reason.
const MAX_LOGIN_SECONDS: u32 = 10 * MAX_TOKEN_SECONDS;

impl Config {
    /// Checks every setting.
    ///
    /// # Errors
    /// All that is wrong, not only the first.
    pub fn from_settings(settings: &Settings, secrets: &Secrets) -> Result<Self, ConfigError> {
        let mut reader = Reader::default();
        reader.extend(&secrets.problems);
        let store = store(&mut reader, settings);
        let config = Self {
            server: server(&mut reader, settings, secrets, &store),
            store,
            auth: auth(&mut reader, settings, secrets),
            oauth: oauth::read(&mut reader, &settings.oauth, &secrets.oauth),
            limits: limits::limits(&mut reader, settings),
            mail: mail(&mut reader, settings, secrets),
            jobs: JobTiming::default(),
            log: log(&mut reader, settings),
            http: HttpTiming::default(),
            chat: ChatTiming::default(),
            audit: AuditTiming::default(),
        };
        reader.finish(config)
    }
}

fn server(
    reader: &mut Reader,
    settings: &Settings,
    secrets: &Secrets,
    store: &StoreConfig,
) -> ServerConfig {
    let default = ServerConfig::default();
    let cors_origins = reader.list(
        "CORS_ORIGINS",
        settings.cors_origins.as_deref(),
        |item| match item {
            "*" => Some("*".to_owned()),
            item => origin(item).map(|url| url.origin().ascii_serialization()),
        },
        "origins such as https://chat.example.org, or * alone",
    );
    if cors_origins.len() > 1 && cors_origins.iter().any(|origin| origin == "*") {
        reader.refuse("CORS_ORIGINS", "must hold * alone or no *");
    }
    ServerConfig {
        host: host(reader, &settings.host).unwrap_or(default.host),
        port: reader.number("PORT", &settings.port, 0..=u16::MAX, default.port),
        public_url: public_url(reader, settings.public_url.as_deref()),
        https: reader.flag("ENABLE_HTTPS", &settings.enable_https, default.https),
        cert_path: path(
            reader,
            "SSL_CERT_PATH",
            &settings.ssl_cert_path,
            default.cert_path,
        ),
        key_path: path(
            reader,
            "SSL_KEY_PATH",
            &settings.ssl_key_path,
            default.key_path,
        ),
        cors_origins,
        trusted_proxies: reader.list(
            "TRUSTED_PROXIES",
            settings.trusted_proxies.as_deref(),
            network,
            "addresses or networks such as 10.0.0.0/8",
        ),
        metrics_token: metrics_token(reader, secrets),
        workers: default.workers,
        shutdown: reader.seconds(
            "SHUTDOWN_SECONDS",
            &settings.shutdown_seconds,
            0..=3600,
            default.shutdown,
        ),
        data_dir: data_dir(store.url.expose_secret()).unwrap_or(default.data_dir),
    }
}

fn store(reader: &mut Reader, settings: &Settings) -> StoreConfig {
    let default = StoreConfig::default();
    let url = match settings.database_url.expose_secret().trim() {
        "" => default.url,
        url if database(url) && !url.contains(char::is_control) => url.into(),
        _ => {
            // The value is not repeated: it may hold a password.
            reader.refuse(
                "DATABASE_URL",
                "must be sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE",
            );
            default.url
        }
    };
    StoreConfig {
        url,
        max_connections: reader.number(
            "DB_MAX_CONNECTIONS",
            &settings.db_max_connections,
            1..=1000,
            default.max_connections,
        ),
        allow_unsafe: reader.flag(
            "ALLOW_UNSAFE_DATABASE",
            &settings.allow_unsafe_database,
            default.allow_unsafe,
        ),
    }
}

fn auth(reader: &mut Reader, settings: &Settings, secrets: &Secrets) -> AuthConfig {
    let default = AuthConfig::default();
    check_secrets(reader, secrets);
    let algorithms = &JwtAlgorithm::ALL;
    let jwt_algorithm = reader.word(
        "JWT_ALGORITHM",
        &settings.jwt_algorithm,
        algorithms,
        default.jwt_algorithm,
    );
    if secrets.jwt_secret.is_some() && jwt_algorithm != JwtAlgorithm::Hs256 {
        reader.refuse("JWT_ALGORITHM", "must be HS256 when JWT_SECRET is set");
    }
    let config = AuthConfig {
        jwt_secret: secrets.jwt_secret.clone(),
        jwt_previous_secret: secrets.jwt_secret_previous.clone(),
        jwt_algorithm,
        encryption_key: secrets.encryption_key.clone(),
        token_lifetime: reader.seconds(
            "JWT_EXPIRATION",
            &settings.jwt_expiration,
            1..=MAX_TOKEN_SECONDS,
            default.token_lifetime,
        ),
        bcrypt_cost: reader.number(
            "BCRYPT_COST",
            &settings.bcrypt_cost,
            4..=18,
            default.bcrypt_cost,
        ),
        registration_open: reader.word(
            "REGISTRATION",
            &settings.registration,
            &[("open", true), ("closed", false)],
            default.registration_open,
        ),
        admin: admin(reader, settings, secrets),
        refresh_lifetime: reader.seconds(
            "LOGIN_IDLE_SECONDS",
            &settings.login_idle_seconds,
            1..=MAX_LOGIN_SECONDS,
            default.refresh_lifetime,
        ),
        login_lifetime: Some(reader.seconds(
            "LOGIN_LIFETIME_SECONDS",
            &settings.login_lifetime_seconds,
            0..=MAX_LOGIN_SECONDS,
            Duration::ZERO,
        ))
        .filter(|lifetime| !lifetime.is_zero()),
    };
    // A login that is not used ends with its last token at the latest.
    let token_lifetime = config.token_lifetime.min(config.refresh_lifetime);
    AuthConfig {
        token_lifetime,
        ..config
    }
}

fn log(reader: &mut Reader, settings: &Settings) -> LogConfig {
    let default = LogConfig::default();
    let filter = match settings.rust_log.trim() {
        "" => default.filter,
        filter => filter.to_owned(),
    };
    if filter.contains(char::is_control) {
        reader.refuse("RUST_LOG", "must not hold control characters");
    } else if let Err(error) = tracing_subscriber::EnvFilter::try_new(&filter) {
        reader.refuse("RUST_LOG", format!("must be levels by module: {error}"));
    }
    LogConfig {
        filter,
        format: reader.word(
            "LOG_FORMAT",
            &settings.log_format,
            &[("json", LogFormat::Json), ("pretty", LogFormat::Pretty)],
            default.format,
        ),
    }
}

fn check_secrets(reader: &mut Reader, secrets: &Secrets) {
    let short = |secret: &&SecretString| secret.expose_secret().len() < MIN_SECRET_BYTES;
    for (name, secret) in [
        ("JWT_SECRET", &secrets.jwt_secret),
        ("JWT_SECRET_PREVIOUS", &secrets.jwt_secret_previous),
        ("ENCRYPTION_KEY", &secrets.encryption_key),
    ] {
        if secret.as_ref().filter(short).is_some() {
            reader.refuse(name, format!("must have at least {MIN_SECRET_BYTES} bytes"));
        }
    }
    if secrets.jwt_secret.is_none() && secrets.jwt_secret_previous.is_some() {
        reader.refuse("JWT_SECRET", "must be set when JWT_SECRET_PREVIOUS is");
    }
}

fn admin(
    reader: &mut Reader,
    settings: &Settings,
    secrets: &Secrets,
) -> Option<(Email, NewPassword)> {
    let email = settings
        .admin_email
        .as_deref()
        .map(str::trim)
        .filter(|email| !email.is_empty());
    if email.is_some() && secrets.admin_password.is_none() {
        reader.refuse("ADMIN_PASSWORD", "must be set when ADMIN_EMAIL is");
    }
    if email.is_none() && secrets.admin_password.is_some() {
        reader.refuse("ADMIN_EMAIL", "must be set when ADMIN_PASSWORD is");
    }
    let email = email.map(Email::parse).and_then(|parsed| {
        parsed
            .map_err(|invalid| reader.refuse("ADMIN_EMAIL", invalid.message))
            .ok()
    });
    let password = secrets.admin_password.clone().map(NewPassword::parse);
    let password = password.and_then(|parsed| {
        parsed
            .map_err(|invalid| reader.refuse("ADMIN_PASSWORD", invalid.message))
            .ok()
    });
    email.zip(password)
}

fn metrics_token(reader: &mut Reader, secrets: &Secrets) -> Option<SecretString> {
    let token = secrets.metrics_token.clone()?;
    if !token.expose_secret().bytes().all(|b| b.is_ascii_graphic()) {
        reader.refuse("METRICS_TOKEN", "must be printable ASCII without spaces");
    }
    Some(token)
}

fn host(reader: &mut Reader, text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    // An IPv6 address is written in brackets in addresses of pages, and without them elsewhere.
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<Ipv6Addr>().is_ok() || url::Host::parse(text).is_ok() {
        return Some(bare.to_owned());
    }
    reader.refuse(
        "HOST",
        format!("must be a name or an address, not {text:?}"),
    );
    None
}

fn public_url(reader: &mut Reader, text: Option<&str>) -> Option<Url> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let url = origin(text);
    if url.is_none() {
        reader.refuse(
            "PUBLIC_URL",
            "must be an origin such as https://chat.example.org",
        );
    }
    url
}

/// An `http` or `https` address of a host and nothing below it.
fn origin(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    plain.then_some(url)
}

fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn database(url: &str) -> bool {
    match url.strip_prefix("sqlite:") {
        Some(_) => sqlite_file(url).is_some(),
        None => Url::parse(url).is_ok_and(|url| {
            matches!(url.scheme(), "postgres" | "postgresql")
                && (url.has_host() || url.query().is_some())
        }),
    }
}

/// The file of an SQLite address. A database in memory is none: it would keep nothing.
fn sqlite_file(url: &str) -> Option<&Path> {
    let file = url.strip_prefix("sqlite://")?;
    let file = file.split_once('?').map_or(file, |(file, _)| file);
    (!file.is_empty() && file != ":memory:" && !file.ends_with('/')).then(|| Path::new(file))
}

fn data_dir(url: &str) -> Option<PathBuf> {
    let folder = sqlite_file(url)?.parent()?;
    Some(if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder.to_owned()
    })
}

fn path(reader: &mut Reader, setting: &'static str, text: &str, default: PathBuf) -> PathBuf {
    match text.trim() {
        "" => default,
        // Written into a listing, the rest of it would look like another setting.
        text if text.contains(char::is_control) => {
            reader.refuse(setting, "must not hold control characters");
            default
        }
        text => PathBuf::from(text),
    }
}

#[cfg(test)]
mod tests;
