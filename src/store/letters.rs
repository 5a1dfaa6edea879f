//! Mails that are promised in the transaction of what they tell of.

use super::{Store, jobs::NewJob};
use crate::domain::{
    fold_case,
    ids::{JobId, UserId},
    mail::{About, Letter},
};

/// Mails of one kind, at once and again within a day, to an address that nobody verified. It may be
/// a stranger's, whom somebody else chose to annoy.
const UNVERIFIED_A_DAY: u32 = 10;

const HOUR_MS: i64 = 3_600_000;

/// Counts a mail by GCRA, unless it is one too many: then no row comes back. Address, the limit's
/// name, now, what one mail counts, and how much may count at once; times in milliseconds.
pub(super) const COUNT_MAIL: &str = "INSERT INTO mail_limits (email_key, name, until)
     VALUES ($1, $2, $3 + $4)
     ON CONFLICT (email_key, name) DO UPDATE
     SET until = CASE WHEN mail_limits.until > $3 THEN mail_limits.until ELSE $3 END + $4
     WHERE mail_limits.until + $4 <= $3 + $5
     RETURNING until";

/// How often an address is written to. It is kept in the database, where neither a restart nor
/// another process gives more, and only for addresses that somebody has here.
pub(super) struct MailLimit {
    pub(super) name: &'static str,
    pub(super) email_key: String,
    /// How much may count at once.
    pub(super) window_ms: i64,
    /// What one mail counts.
    pub(super) step_ms: i64,
}

impl MailLimit {
    fn new(name: &'static str, email_key: String, most: u32, window_ms: i64) -> Self {
        Self {
            name,
            email_key,
            window_ms,
            step_ms: window_ms / i64::from(most.max(1)),
        }
    }

    /// Links for a forgotten password to one address, `RESETS_PER_HOUR`; 0 is no limit.
    pub(super) fn resets(email_key: &str, per_hour: u32) -> Option<Self> {
        let limit = Self::new("resets", email_key.to_owned(), per_hour, HOUR_MS);
        (per_hour > 0).then_some(limit)
    }

    /// What strangers can ask for counts apart, so that it takes the place of nothing else.
    fn unverified(email: &str, about: &About) -> Self {
        let name = match about {
            About::VerifyEmail { .. } => "unverified.verify",
            About::ResetPassword { .. } => "unverified.reset",
            _ => "unverified",
        };
        Self::new(name, fold_case(email), UNVERIFIED_A_DAY, 24 * HOUR_MS)
    }
}

/// A mail that a transaction may promise.
pub(super) struct Post {
    pub(super) job: NewJob,
    /// If nobody verified the address.
    pub(super) limit: Option<MailLimit>,
}

/// Whom a mail is for.
pub(super) struct Addressee<'a> {
    pub(super) id: UserId,
    pub(super) email: &'a str,
    pub(super) full_name: &'a str,
    pub(super) verified: bool,
}

impl Store {
    /// A mail, unless this server sends none.
    pub(super) fn letter(&self, to: &Addressee<'_>, about: About) -> Option<Post> {
        if !self.inner.mail {
            return None;
        }
        let kind = about.job_kind();
        let limit = (!to.verified).then(|| MailLimit::unverified(to.email, &about));
        let letter = Letter {
            to: to.email.to_owned(),
            name: to.verified.then(|| to.full_name.to_owned()),
            about,
        };
        // It has nothing that JSON could not hold.
        let payload = serde_json::to_string(&letter).ok()?;
        Some(Post {
            job: NewJob {
                id: JobId::new(),
                kind,
                user_id: Some(to.id),
                payload,
            },
            limit,
        })
    }
}

/// Whether a limit, if there is one, allows one more mail; it is counted then.
macro_rules! allowed {
    ($tx:ident, $limit:expr, $at:expr) => {
        match $limit {
            None => true,
            Some($crate::store::letters::MailLimit {
                name,
                email_key,
                window_ms,
                step_ms,
            }) => {
                let counted: Option<i64> = sqlx::query_scalar($crate::store::letters::COUNT_MAIL)
                    .bind(email_key)
                    .bind(name)
                    .bind($at.timestamp_millis())
                    .bind(step_ms)
                    .bind(window_ms)
                    .fetch_optional(&mut *$tx)
                    .await?;
                if counted.is_none() {
                    tracing::warn!(limit = name, "an address got mails enough");
                }
                counted.is_some()
            }
        }
    };
}
pub(super) use allowed;

/// Promises a mail within a transaction of either database; ring with [`Store::ring`] after it.
macro_rules! post {
    ($tx:ident, $post:expr, $at:expr) => {
        if let Some($crate::store::letters::Post { job, limit }) = $post
            && $crate::store::letters::allowed!($tx, limit, $at)
        {
            $crate::store::jobs::enqueue!($tx, job, $at);
        }
    };
}
pub(super) use post;

/// Tells a user something by mail within a transaction of either database, if there is an address;
/// ring with [`Store::ring`] after it.
macro_rules! tell_user {
    ($store:expr, $tx:ident, $user:expr, $about:expr, $at:expr) => {
        if $store.inner.mail {
            let row: Option<$crate::store::rows::UserRow> =
                sqlx::query_as($crate::store::users::USER)
                    .bind($user)
                    .fetch_optional(&mut *$tx)
                    .await?;
            let user = row.map($crate::domain::user::User::try_from).transpose()?;
            if let Some((user, email)) = user
                .as_ref()
                .and_then(|user| Some((user, user.email.as_ref()?)))
            {
                let to = $crate::store::letters::Addressee::of(user, email);
                $crate::store::letters::post!($tx, $store.letter(&to, $about), $at);
            }
        }
    };
}
pub(super) use tell_user;
