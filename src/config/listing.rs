//! The settings in words, for `parlor config check` and the log. No secret is in it.

use std::fmt;

use secrecy::ExposeSecret;
use url::Url;

use super::{Config, LogFormat, MailConfig, StoreConfig};

impl StoreConfig {
    /// The database's address without its password.
    #[must_use]
    pub fn shown_url(&self) -> String {
        let url = self.url.expose_secret();
        if url.starts_with("sqlite:") {
            return url.to_owned();
        }
        match Url::parse(url) {
            Ok(mut url) => {
                // The query may hold a password, too.
                url.set_query(None);
                if url.password().is_some() && url.set_password(Some("***")).is_err() {
                    return format!("{}://***", url.scheme());
                }
                url.into()
            }
            Err(_) => "***".to_owned(),
        }
    }
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig")
            .field("url", &self.shown_url())
            .field("max_connections", &self.max_connections)
            .field("allow_unsafe", &self.allow_unsafe)
            .finish()
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: &dyn fmt::Display| writeln!(f, "{name}={value}");
        let Self {
            server,
            store,
            auth,
            oauth,
            limits,
            mail,
            log,
            ..
        } = self;
        let public_url = server.public_url.as_ref().map_or("", Url::as_str);
        let networks: Vec<_> = server
            .trusted_proxies
            .iter()
            .map(ToString::to_string)
            .collect();
        line("HOST", &server.host)?;
        line("PORT", &server.port)?;
        line("PUBLIC_URL", &public_url)?;
        line("ENABLE_HTTPS", &server.https)?;
        line("SSL_CERT_PATH", &server.cert_path.display())?;
        line("SSL_KEY_PATH", &server.key_path.display())?;
        line("CORS_ORIGINS", &server.cors_origins.join(","))?;
        line("TRUSTED_PROXIES", &networks.join(","))?;
        line("METRICS_TOKEN", &hidden(server.metrics_token.is_some()))?;
        line("SHUTDOWN_SECONDS", &server.shutdown.as_secs())?;
        line("DATABASE_URL", &store.shown_url())?;
        line("DB_MAX_CONNECTIONS", &store.max_connections)?;
        line("ALLOW_UNSAFE_DATABASE", &store.allow_unsafe)?;
        line("JWT_SECRET", &hidden(auth.jwt_secret.is_some()))?;
        line("ENCRYPTION_KEY", &hidden(auth.encryption_key.is_some()))?;
        line(
            "JWT_SECRET_PREVIOUS",
            &hidden(auth.jwt_previous_secret.is_some()),
        )?;
        line("JWT_ALGORITHM", &auth.jwt_algorithm)?;
        line("JWT_EXPIRATION", &auth.token_lifetime.as_secs())?;
        line("LOGIN_IDLE_SECONDS", &auth.refresh_lifetime.as_secs())?;
        let lifetime = auth.login_lifetime.unwrap_or_default();
        line("LOGIN_LIFETIME_SECONDS", &lifetime.as_secs())?;
        line("BCRYPT_COST", &auth.bcrypt_cost)?;
        let registration = if auth.registration_open {
            "open"
        } else {
            "closed"
        };
        line("REGISTRATION", &registration)?;
        let admin = auth.admin.as_ref().map_or("", |(email, _)| email.as_str());
        line("ADMIN_EMAIL", &admin)?;
        line("ADMIN_PASSWORD", &hidden(auth.admin.is_some()))?;
        oauth.list(&mut line)?;
        line("MAX_CONNECTIONS", &limits.max_connections)?;
        line("MAX_CONNECTIONS_PER_USER", &limits.max_connections_per_user)?;
        line("SOCKETS_PER_MINUTE", &limits.sockets_per_minute)?;
        line("MESSAGES_PER_SECOND", &limits.messages_per_second)?;
        line("ROOM_MESSAGES_PER_SECOND", &limits.room_messages_per_second)?;
        line("JOINS_PER_MINUTE", &limits.joins_per_minute)?;
        line("ROOM_JOINS_PER_SECOND", &limits.room_joins_per_second)?;
        line(
            "LOGIN_ATTEMPTS_PER_MINUTE",
            &limits.login_attempts_per_minute,
        )?;
        line("REGISTRATIONS_PER_MINUTE", &limits.registrations_per_minute)?;
        line("RESETS_PER_HOUR", &limits.resets_per_hour)?;
        line("REFRESHES_PER_MINUTE", &limits.refreshes_per_minute)?;
        line(
            "OAUTH_REQUESTS_PER_MINUTE",
            &limits.oauth_requests_per_minute,
        )?;
        line("REQUESTS_PER_SECOND", &limits.requests_per_second)?;
        line("TYPING_SECONDS", &limits.typing.as_secs())?;
        line("TYPING_PER_SECOND", &limits.typing_per_second)?;
        line("ROOM_TYPING_PER_SECOND", &limits.room_typing_per_second)?;
        mail_lines(mail, &mut line)?;
        line("RUST_LOG", &log.filter)?;
        let format = match log.format {
            LogFormat::Json => "json",
            LogFormat::Pretty => "pretty",
        };
        line("LOG_FORMAT", &format)
    }
}

type Line<'a> = &'a mut dyn FnMut(&str, &dyn fmt::Display) -> fmt::Result;

fn mail_lines(mail: &MailConfig, line: Line<'_>) -> fmt::Result {
    let smtp = mail.smtp.as_ref();
    let login = smtp.and_then(|smtp| smtp.login.as_ref());
    let ca_path = smtp.and_then(|smtp| smtp.ca_path.as_ref());
    line("SMTP_HOST", &smtp.map_or("", |smtp| &smtp.host))?;
    let port = smtp.map_or_else(String::new, |smtp| smtp.port.to_string());
    line("SMTP_PORT", &port)?;
    line("SMTP_TLS", &smtp.map_or("", |smtp| smtp.tls.as_str()))?;
    line("SMTP_USERNAME", &login.map_or("", |(name, _)| name))?;
    line("SMTP_PASSWORD", &hidden(login.is_some()))?;
    let ca_path = ca_path.map_or_else(String::new, |path| path.display().to_string());
    line("SMTP_CA_PATH", &ca_path)?;
    let from = mail
        .from
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    line("MAIL_FROM", &from)?;
    line("MAIL_LINKS", &if mail.log_links { "log" } else { "off" })
}

fn hidden(set: bool) -> &'static str {
    if set { "(set)" } else { "" }
}
