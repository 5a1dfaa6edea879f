//! A letter as a message of RFC 5322: the same bytes at every try.

use std::time::SystemTime;

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, MultiPartKind, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};

use super::{Site, letters::Text};
use crate::domain::{job::Job, mail::Letter};

/// Puts a letter into its envelope.
///
/// Its id and date follow from the job: whoever gets it twice, because an answer was lost on the way
/// here, sees that it is one.
///
/// # Errors
/// The address is none that mail knows.
pub(super) fn compose(
    job: &Job,
    letter: &Letter,
    text: &Text,
    site: &Site,
) -> anyhow::Result<Message> {
    let to = Mailbox::new(letter.name.clone(), letter.to.parse::<Address>()?);
    let id = job.id;
    let domain = site.from.email.domain();
    let written = SystemTime::from(job.created_at);
    let body = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(format!("=_{}", id.0.simple()))
        .singlepart(SinglePart::plain(text.plain.clone()))
        .singlepart(SinglePart::html(text.html.clone()));
    let message = Message::builder()
        .message_id(Some(format!("<{id}@{domain}>")))
        .date(written)
        .from(site.from.clone())
        .to(to)
        .subject(text.subject.clone())
        // So that no machine answers it (RFC 3834).
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw("X-Auto-Response-Suppress", "All"))
        .multipart(body)?;
    Ok(message)
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
