//! What mails are about: the secrets in their links, and the letters themselves.

use std::{net::IpAddr, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What the secret of a link is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Says that somebody reads mail at an address.
    Verify,
    /// Sets a password anew.
    Reset,
}

impl LinkKind {
    /// The word for it in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
        }
    }

    /// How long the link works.
    #[must_use]
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::Verify => Duration::from_secs(24 * 3_600),
            Self::Reset => Duration::from_secs(30 * 60),
        }
    }
}

/// The secret of a link: 256 random bits. Only its hash is kept, but for the mail that waits.
#[derive(Clone, Debug)]
pub struct LinkToken(SecretString);

impl LinkToken {
    /// Makes one that nobody can guess.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each call gives another value")]
    pub fn new() -> Self {
        let mut random = [0_u8; 32];
        rand::fill(&mut random);
        Self(BASE64_URL_SAFE_NO_PAD.encode(random).into())
    }

    /// One that somebody showed; any text may be tried.
    #[must_use]
    pub fn shown(text: String) -> Self {
        Self(text.into())
    }

    /// What the store knows it by.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret().as_bytes()).into()
    }
}

/// A mail that is to be sent: to whom, and what about. As a job's payload it is JSON.
#[derive(Clone, Deserialize, Serialize)]
pub struct Letter {
    /// The address, as its owner writes it.
    pub to: String,
    /// The owner's name; `None` as long as nobody verified the address: a stranger could write to
    /// anybody through it.
    pub name: Option<String>,
    pub about: About,
}

/// What a letter is about.
#[derive(Clone, Deserialize, Serialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    /// Somebody gave this address as his own.
    VerifyEmail {
        token: String,
        expires_at: DateTime<Utc>,
    },
    /// Somebody forgot the password.
    ResetPassword {
        token: String,
        expires_at: DateTime<Utc>,
    },
    /// Somebody signed in from where nobody did before.
    NewDevice {
        device: Option<String>,
        address: Option<String>,
        at: DateTime<Utc>,
    },
    PasswordChanged {
        at: DateTime<Utc>,
    },
    /// Sign-ins ask for codes of an authenticator app from now on, or of another one.
    TwoFactorAdded {
        at: DateTime<Utc>,
    },
    /// Sign-ins ask for no code any more.
    TwoFactorRemoved {
        at: DateTime<Utc>,
    },
    PasskeyAdded {
        at: DateTime<Utc>,
    },
    /// An account at a provider signs in from now on.
    IdentityLinked {
        provider: String,
        at: DateTime<Utc>,
    },
    /// It does no more.
    IdentityUnlinked {
        provider: String,
        at: DateTime<Utc>,
    },
    /// The address was this one until now.
    EmailChanged {
        at: DateTime<Utc>,
    },
}

impl About {
    /// A letter with a link.
    #[must_use]
    pub fn link(kind: LinkKind, token: &LinkToken, expires_at: DateTime<Utc>) -> Self {
        let token = token.0.expose_secret().to_owned();
        match kind {
            LinkKind::Verify => Self::VerifyEmail { token, expires_at },
            LinkKind::Reset => Self::ResetPassword { token, expires_at },
        }
    }

    /// The kind of its job.
    #[must_use]
    pub const fn job_kind(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "mail.verify_email",
            Self::ResetPassword { .. } => "mail.reset_password",
            Self::NewDevice { .. } => "mail.new_device",
            Self::PasswordChanged { .. } => "mail.password_changed",
            Self::TwoFactorAdded { .. } => "mail.two_factor_added",
            Self::TwoFactorRemoved { .. } => "mail.two_factor_removed",
            Self::PasskeyAdded { .. } => "mail.passkey_added",
            Self::IdentityLinked { .. } => "mail.identity_linked",
            Self::IdentityUnlinked { .. } => "mail.identity_unlinked",
            Self::EmailChanged { .. } => "mail.email_changed",
        }
    }

    /// The secret of its link, and when that ends.
    #[must_use]
    pub fn secret(&self) -> Option<(&str, DateTime<Utc>)> {
        match self {
            Self::VerifyEmail { token, expires_at } | Self::ResetPassword { token, expires_at } => {
                Some((token, *expires_at))
            }
            _ => None,
        }
    }
}

/// The job that a request for a new password makes, whether anybody has the address or not: so its
/// answer takes as long for both.
pub const FORGOTTEN: &str = "password.forgotten";

/// The payload of [`FORGOTTEN`].
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Forgotten {
    /// The address, folded.
    pub email_key: String,
    /// From where it was asked, for the audit log.
    pub address: Option<IpAddr>,
    pub request_id: Option<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_hash_and_shown_by_no_debug() {
        let (one, two) = (LinkToken::new(), LinkToken::new());
        assert_ne!(one.hash(), two.hash());
        let text = one.0.expose_secret().to_owned();
        assert_eq!(text.len(), 43);
        assert!(!format!("{one:?}").contains(&text));
        assert_eq!(LinkToken::shown(text).hash(), one.hash());
    }
}
