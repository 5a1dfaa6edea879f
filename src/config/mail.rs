//! How mail leaves the server: the settings, and what they mean.

use std::{
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
    time::Duration,
};

use lettre::message::Mailbox;
use secrecy::SecretString;

use super::{Secrets, Settings, reader::Reader};

/// Whether there is mail, and by which way.
#[derive(Clone, Debug, Default)]
pub struct MailConfig {
    /// The server that takes the mails.
    pub smtp: Option<SmtpConfig>,
    /// Who the mails are from; without it `no-reply` at the own host.
    pub from: Option<Mailbox>,
    /// Without a mail server: write each mail with its link into the log. For development.
    pub log_links: bool,
}

impl MailConfig {
    /// Whether mails are made at all. Without them nobody verifies an address or resets a password.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.smtp.is_some() || self.log_links
    }
}

/// A mail server and how to speak to it.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// User name and password.
    pub login: Option<(String, SecretString)>,
    /// The only authority that is believed, PEM; without it the public ones and this machine's.
    pub ca_path: Option<PathBuf>,
}

/// How the connection to the mail server is kept from being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// Begins plain and must become TLS before anything is said.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// Not at all.
    None,
}

impl SmtpTls {
    const WORDS: [(&'static str, Self); 3] = [
        ("starttls", Self::StartTls),
        ("tls", Self::Implicit),
        ("none", Self::None),
    ];

    /// The word for it in the settings.
    pub(super) fn as_str(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(_, tls)| *tls == self);
        word.map_or("", |(word, _)| *word)
    }

    /// The port that is usual with it (RFC 8314, section 3; RFC 5321, section 4.5.4.2).
    fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

/// The pace of the job queue and its bounds. No settings; tests shorten them.
#[derive(Clone, Debug)]
pub struct JobTiming {
    /// How often the queue is looked at when nobody rings: jobs of other processes.
    pub poll: Duration,
    /// How long a worker has a job; then it is thought dead and another may take it.
    pub lease: Duration,
    /// The most that one try may take; less than the lease.
    pub attempt: Duration,
    /// The wait after the first failure; each later one waits twice as long.
    pub backoff: Duration,
    /// The longest wait between two tries.
    pub backoff_max: Duration,
    /// Tries before a job is a dead letter.
    pub attempts: u32,
    /// Jobs that one process works on at once.
    pub at_once: usize,
}

impl Default for JobTiming {
    /// Twenty tries take about half a day.
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(5),
            lease: Duration::from_secs(120),
            attempt: Duration::from_secs(60),
            backoff: Duration::from_secs(10),
            backoff_max: Duration::from_secs(3_600),
            attempts: 20,
            at_once: 4,
        }
    }
}

/// Checks the settings of mail.
pub(super) fn mail(reader: &mut Reader, settings: &Settings, secrets: &Secrets) -> MailConfig {
    let tls = reader.word(
        "SMTP_TLS",
        &settings.smtp_tls,
        &SmtpTls::WORDS,
        SmtpTls::StartTls,
    );
    let port = settings.smtp_port.as_deref().unwrap_or_default();
    let port = reader.number("SMTP_PORT", port, 1..=u16::MAX, tls.port());
    let host = filled(settings.smtp_host.as_deref()).and_then(|text| {
        // An IPv6 address is written in brackets in addresses of pages, and without them elsewhere.
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if bare.parse::<Ipv6Addr>().is_ok() || url::Host::parse(text).is_ok() {
            return Some(bare.to_owned());
        }
        reader.refuse("SMTP_HOST", "must be a name or an address");
        None
    });
    let login = login(reader, settings, secrets);
    if host.is_none() && login.is_some() {
        reader.refuse("SMTP_HOST", "must be set when SMTP_USERNAME is");
    }
    if tls == SmtpTls::None && login.is_some() && !host.as_deref().is_some_and(is_this_machine) {
        reader.refuse(
            "SMTP_TLS",
            "must be starttls or tls when SMTP_USERNAME is set: the password would be read on the way",
        );
    }
    let from = filled(settings.mail_from.as_deref()).and_then(|text| {
        let parsed = text.parse::<Mailbox>().ok();
        let parsed = parsed.filter(|_| !text.contains(char::is_control));
        if parsed.is_none() {
            let form = "must be an address, or a name and an address: Parlor <chat@example.org>";
            reader.refuse("MAIL_FROM", form);
        }
        parsed
    });
    let ca_path = line(reader, "SMTP_CA_PATH", settings.smtp_ca_path.as_deref());
    MailConfig {
        smtp: host.map(|host| SmtpConfig {
            host,
            port,
            tls,
            login,
            ca_path: ca_path.map(PathBuf::from),
        }),
        from,
        log_links: reader.word(
            "MAIL_LINKS",
            &settings.mail_links,
            &[("log", true), ("off", false)],
            false,
        ),
    }
}

fn login(
    reader: &mut Reader,
    settings: &Settings,
    secrets: &Secrets,
) -> Option<(String, SecretString)> {
    let username = line(reader, "SMTP_USERNAME", settings.smtp_username.as_deref());
    let password = secrets.smtp_password.clone();
    match (&username, &password) {
        (Some(_), None) => reader.refuse("SMTP_PASSWORD", "must be set when SMTP_USERNAME is"),
        (None, Some(_)) => reader.refuse("SMTP_USERNAME", "must be set when SMTP_PASSWORD is"),
        _ => {}
    }
    username.zip(password)
}

/// A text of one line: written into a listing, more would look like another setting.
fn line(reader: &mut Reader, setting: &'static str, text: Option<&str>) -> Option<String> {
    let text = filled(text)?;
    if text.contains(char::is_control) {
        reader.refuse(setting, "must not hold control characters");
        return None;
    }
    Some(text.to_owned())
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
