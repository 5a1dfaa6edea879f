//! What the mails say: plain, and the same in HTML.

use chrono::{DateTime, Utc};

use super::Site;
use crate::domain::mail::{About, Letter};

/// A letter in words.
pub(super) struct Text {
    pub(super) subject: String,
    pub(super) plain: String,
    pub(super) html: String,
}

/// A letter's parts, before they are set in plain text or HTML.
struct Parts {
    subject: String,
    /// What happened.
    first: String,
    link: Option<Link>,
    /// What to do about it.
    last: String,
}

struct Link {
    label: &'static str,
    url: String,
}

/// Writes a letter.
///
/// Its reader may be a stranger whose address somebody else gave: no word in it is that person's
/// choice, but for the name of who verified the address, and what a device calls itself.
pub(super) fn write(letter: &Letter, site: &Site) -> Text {
    let parts = parts(&letter.about, site);
    let greeting = match &letter.name {
        Some(name) => format!("Hello {name},"),
        None => "Hello,".to_owned(),
    };
    let sender = format!("Parlor at {}", site.host);
    Text {
        plain: plain(&greeting, &parts, &sender),
        html: html(&greeting, &parts, &sender),
        subject: parts.subject,
    }
}

fn parts(about: &About, site: &Site) -> Parts {
    let host = &site.host;
    let link = |label, page: &str, token: &str| {
        let url = format!("{}/{page}#token={token}", site.origin);
        Some(Link { label, url })
    };
    match about {
        About::VerifyEmail { token, expires_at } => Parts {
            subject: format!("Verify your e-mail address for {host}"),
            first: format!(
                "somebody gave this address for an account at {host}. If that was you, open this \
                 page to say that the address is yours. It works until {}.",
                when(*expires_at)
            ),
            link: link("Verify the address", "verify", token),
            last: "If it was not you, do nothing: without you the address stays unverified."
                .to_owned(),
        },
        About::ResetPassword { token, expires_at } => Parts {
            subject: format!("Reset your password for {host}"),
            first: format!(
                "somebody asked for a new password for your account at {host}. If that was you, \
                 open this page and choose one. It works once, and until {}.",
                when(*expires_at)
            ),
            link: link("Choose a new password", "reset", token),
            last: "If it was not you, do nothing: your password stays as it is.".to_owned(),
        },
        About::NewDevice {
            device,
            address,
            at,
        } => Parts {
            subject: format!("New sign-in at {host}"),
            first: format!(
                "on {} somebody signed in to your account at {host} with a device that was not \
                 used there before.\n\nDevice: {}\nAddress: {}",
                when(*at),
                device.as_deref().unwrap_or("unknown"),
                address.as_deref().unwrap_or("unknown"),
            ),
            link: None,
            last: "If it was not you, sign out that device in your profile and choose another \
                   password."
                .to_owned(),
        },
        About::PasswordChanged { at } => Parts {
            subject: format!("Your password at {host} was changed"),
            first: format!(
                "on {} the password of your account at {host} was changed.",
                when(*at)
            ),
            link: None,
            last: format!(
                "If it was not you, choose another one with \"Forgot password\" at {}, and tell \
                 an administrator there.",
                site.origin
            ),
        },
        About::TwoFactorAdded { at } => Parts {
            subject: format!("Two-factor was set up at {host}"),
            first: format!(
                "on {} an authenticator app was set up for your account at {host}. Signing in asks \
                 for its codes from now on.",
                when(*at)
            ),
            link: None,
            last: not_you(site),
        },
        About::TwoFactorRemoved { at } => Parts {
            subject: format!("Two-factor was removed at {host}"),
            first: format!(
                "on {} the second factor of your account at {host} was removed. Signing in asks \
                 for no code any more.",
                when(*at)
            ),
            link: None,
            last: "If it was neither you nor an administrator whom you asked, choose another \
                   password, set up two-factor anew, and tell an administrator there."
                .to_owned(),
        },
        About::PasskeyAdded { at } => Parts {
            subject: format!("New passkey at {host}"),
            first: format!(
                "on {} a passkey was added to your account at {host}. It signs in without your \
                 password.",
                when(*at)
            ),
            link: None,
            last: not_you(site),
        },
        About::IdentityLinked { provider, at } => Parts {
            subject: format!("New way to sign in at {host}"),
            first: format!(
                "on {} an account at the provider {provider} was linked to your account at {host}. \
                 It signs in to yours from now on.",
                when(*at)
            ),
            link: None,
            last: not_you(site),
        },
        About::IdentityUnlinked { provider, at } => Parts {
            subject: format!("A way to sign in was removed at {host}"),
            first: format!(
                "on {} the account at the provider {provider} was taken away from your account at \
                 {host}. It signs in to yours no more.",
                when(*at)
            ),
            link: None,
            last: not_you(site),
        },
        About::EmailChanged { at } => Parts {
            subject: format!("Your e-mail address at {host} was changed"),
            first: format!(
                "on {} your account at {host} got another e-mail address. Nothing more about it \
                 comes to this one.",
                when(*at)
            ),
            link: None,
            last: "If it was not you, tell an administrator there.".to_owned(),
        },
    }
}

/// What to do when somebody else changed how one signs in.
fn not_you(site: &Site) -> String {
    format!(
        "If it was not you, choose another password with \"Forgot password\" at {}, look through \
         the ways to sign in on your profile, and tell an administrator there.",
        site.origin
    )
}

fn when(at: DateTime<Utc>) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

fn plain(greeting: &str, parts: &Parts, sender: &str) -> String {
    let mut text = format!("{greeting}\n\n{}\n\n", parts.first);
    if let Some(Link { url, .. }) = &parts.link {
        text.push_str(url);
        text.push_str("\n\n");
    }
    text.push_str(&parts.last);
    text.push_str("\n\n-- \n");
    text.push_str(sender);
    text.push('\n');
    text
}

fn html(greeting: &str, parts: &Parts, sender: &str) -> String {
    let mut body = paragraph(greeting);
    for part in parts.first.split("\n\n") {
        body.push_str(&paragraph(part));
    }
    if let Some(Link { label, url }) = &parts.link {
        let url = escaped(url);
        body.push_str(&format!(
            "<p><a href=\"{url}\">{label}</a></p>\n<p>{url}</p>\n"
        ));
    }
    body.push_str(&paragraph(&parts.last));
    body.push_str(&paragraph(sender));
    let title = escaped(&parts.subject);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\
         </head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escaped(text).replace('\n', "<br>\n"))
}

/// Text as HTML shows it, and nothing but text.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site {
            origin: "https://chat.example.org".to_owned(),
            host: "chat.example.org".to_owned(),
            from: "Parlor <no-reply@chat.example.org>".parse().unwrap(),
        }
    }

    fn letter(name: Option<&str>, about: About) -> Text {
        let letter = Letter {
            to: "ann@example.org".to_owned(),
            name: name.map(str::to_owned),
            about,
        };
        write(&letter, &site())
    }

    #[test]
    fn a_link_bears_its_secret_behind_the_hash() {
        let (token, expires_at) = ("abc".to_owned(), DateTime::UNIX_EPOCH);
        let reset = About::ResetPassword { token, expires_at };
        let text = letter(None, reset);
        let url = "https://chat.example.org/reset#token=abc";
        assert!(text.plain.lines().any(|line| line == url), "{}", text.plain);
        assert!(
            text.html.contains(&format!("<a href=\"{url}\">")),
            "{}",
            text.html
        );
        assert!(
            text.plain.contains("1 January 1970, 00:00 UTC"),
            "{}",
            text.plain
        );
        assert!(text.plain.starts_with("Hello,\n"), "{}", text.plain);
    }

    #[test]
    fn what_others_wrote_stays_text() {
        let about = About::NewDevice {
            device: Some("<img src=x onerror=alert(1)>".to_owned()),
            address: None,
            at: DateTime::UNIX_EPOCH,
        };
        let text = letter(Some("</p><script>\"&'"), about);
        assert!(
            !text.html.contains("<script") && !text.html.contains("<img"),
            "{}",
            text.html
        );
        assert!(
            text.html
                .contains("Hello &lt;/p&gt;&lt;script&gt;&quot;&amp;&#39;,")
        );
        assert!(
            text.plain
                .contains("Device: <img src=x onerror=alert(1)>\n")
        );
    }
}
