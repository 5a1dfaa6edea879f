//! Mails: what they say, and how they leave.

mod forgotten;
mod letters;
mod message;
mod smtp;

use std::sync::Arc;

use anyhow::Context;
use futures_util::future::BoxFuture;
use lettre::{Address, message::Mailbox};
use secrecy::SecretString;
use url::{Host, Url};

use crate::{
    clock,
    config::{Config, MailConfig},
    domain::{
        job::{Job, Outcome},
        mail::Letter,
    },
    jobs::{Handler, Handlers},
    store::Store,
};
use forgotten::Forgetful;
use smtp::{Smtp, Undelivered};

/// The longest reason that an admin is shown, in characters.
const MAX_REASON: usize = 300;

/// Who does the jobs that mails are made of; nobody if this server sends none.
///
/// # Errors
/// The settings name an authority that cannot be read, or the own origin is no host for addresses.
pub fn handlers(config: &Config, origin: &str, store: Store) -> anyhow::Result<Handlers> {
    if !config.mail.is_on() {
        return Ok(Handlers::new());
    }
    let mailer: Arc<dyn Handler> = Arc::new(Mailer::new(&config.mail, origin)?);
    let per_hour = config.limits.resets_per_hour;
    let forgetful: Arc<dyn Handler> = Arc::new(Forgetful::new(store, per_hour));
    Ok(Handlers::from([("mail", mailer), ("password", forgetful)]))
}

/// Writes the mails of this server and hands them over.
struct Mailer {
    inner: Arc<Inner>,
}

struct Inner {
    site: Site,
    /// Without it a mail is written into the log.
    smtp: Option<Smtp>,
}

/// Which server writes.
struct Site {
    /// Such as `https://chat.example.org`; where links lead.
    origin: String,
    /// Its host, as people read it.
    host: String,
    from: Mailbox,
}

impl Mailer {
    fn new(config: &MailConfig, origin: &str) -> anyhow::Result<Self> {
        let url = Url::parse(origin).context("the own origin is no address")?;
        let host = url.host_str().unwrap_or("localhost").to_owned();
        let from = match &config.from {
            Some(from) => from.clone(),
            None => no_reply(&url)?,
        };
        let smtp = config.smtp.as_ref().map(|smtp| Smtp::new(smtp, &url));
        Ok(Self {
            inner: Arc::new(Inner {
                site: Site {
                    origin: origin.to_owned(),
                    host,
                    from,
                },
                smtp: smtp.transpose()?,
            }),
        })
    }
}

/// `no-reply` at the own host.
fn no_reply(origin: &Url) -> anyhow::Result<Mailbox> {
    let domain = match origin.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => format!("[{address}]"),
        Some(Host::Ipv6(address)) => format!("[IPv6:{address}]"),
        None => "localhost".to_owned(),
    };
    let address = Address::new("no-reply", domain);
    let address = address.context("no mail can be from PUBLIC_URL's host: set MAIL_FROM")?;
    Ok(Mailbox::new(Some("Parlor".to_owned()), address))
}

impl Handler for Mailer {
    fn attempt(&self, job: Job) -> BoxFuture<'static, Outcome> {
        let inner = self.inner.clone();
        Box::pin(async move { inner.deliver(&job).await })
    }
}

impl Inner {
    async fn deliver(&self, job: &Job) -> Outcome {
        // What serde says of it could repeat the secret.
        let Ok(letter) = serde_json::from_str::<Letter>(&job.payload) else {
            return Outcome::Dead("the letter cannot be read".to_owned());
        };
        let secret = letter.about.secret();
        if secret.is_some_and(|(_, expires_at)| expires_at <= clock::now()) {
            return Outcome::Dead("its link ran out before it could be sent".to_owned());
        }
        let text = letters::write(&letter, &self.site);
        let Some(smtp) = &self.smtp else {
            tracing::warn!(job.id = %job.id, to = letter.to, subject = text.subject,
                "no mail server is set; this would have been the mail:\n{}", text.plain);
            return Outcome::Done;
        };
        let message = match message::compose(job, &letter, &text, &self.site) {
            Ok(message) => message,
            Err(error) => return Outcome::Dead(format!("no mail can be made of it: {error}")),
        };
        let reason = |error: anyhow::Error| {
            let secret = secret.map(|(token, _)| SecretString::from(token));
            shown(&error, secret.as_ref())
        };
        match smtp.send(&message).await {
            Ok(()) => Outcome::Done,
            Err(Undelivered::Later(error)) => Outcome::Retry(reason(error)),
            Err(Undelivered::Never(error)) => Outcome::Dead(reason(error)),
        }
    }
}

/// What went wrong, for an admin: one line without the link's secret, which a mail server may quote.
fn shown(error: &anyhow::Error, secret: Option<&SecretString>) -> String {
    use secrecy::ExposeSecret;

    // Some causes stand in what is said of them already.
    let mut text = error
        .chain()
        .map(ToString::to_string)
        .fold(String::new(), |said, cause| match said.as_str() {
            "" => cause,
            _ if said.contains(&cause) => said,
            _ => format!("{said}: {cause}"),
        });
    if let Some(secret) = secret {
        text = blackened(&text, secret.expose_secret());
    }
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(MAX_REASON).collect()
}

/// The text without any piece of the secret: quoted as it was sent, the secret may have a line's end
/// in its middle.
fn blackened(text: &str, secret: &str) -> String {
    const PIECE: usize = 6;

    let mut hidden = vec![false; text.len()];
    for (at, piece) in text.as_bytes().windows(PIECE).enumerate() {
        if secret.as_bytes().windows(PIECE).any(|known| known == piece) {
            hidden
                .iter_mut()
                .skip(at)
                .take(PIECE)
                .for_each(|byte| *byte = true);
        }
    }
    let mut shown = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        let is_hidden = hidden.get(at).copied().unwrap_or_default();
        if !is_hidden {
            shown.push(letter);
        } else if !shown.ends_with('…') {
            shown.push('…');
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_is_shown_no_secret_and_no_lines() {
        let secret = SecretString::from("abcdefghijklmnopq");
        let error = anyhow::anyhow!("550 spam: https://x/reset#token=abcdefghijklmnopq\r\nsorry");
        let text = shown(&error, Some(&secret));
        assert_eq!(text, "550 spam: https://x/reset#token=…  sorry");
        let encoded = anyhow::anyhow!("550 ä #token=3Dabcdefghi=");
        assert_eq!(shown(&encoded, Some(&secret)), "550 ä #token=3D…=");
        let long = anyhow::anyhow!("{}", "x".repeat(1_000));
        assert_eq!(shown(&long, None).len(), MAX_REASON);
    }

    #[test]
    fn mails_are_from_the_own_host() {
        let from = |origin: &str| no_reply(&Url::parse(origin).unwrap()).unwrap().to_string();
        assert_eq!(
            from("https://chat.example.org"),
            "Parlor <no-reply@chat.example.org>"
        );
        assert_eq!(
            from("https://localhost:8080"),
            "Parlor <no-reply@localhost>"
        );
        assert_eq!(from("http://10.0.0.1"), "Parlor <no-reply@[10.0.0.1]>");
    }
}
