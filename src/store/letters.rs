//! Mails that are promised in the transaction of what they tell of.

use chrono::{DateTime, Utc};

use super::{Store, jobs::NewJob};
use crate::domain::{
    fold_case,
    ids::{JobId, UserId},
    mail::{About, Letter},
};

/// The most mails a day to an address that nobody verified. It may be a stranger's, whom somebody
/// else chose to annoy.
pub(super) const MAX_UNVERIFIED: i64 = 20;

pub(super) const COUNT_UNVERIFIED: &str =
    "INSERT INTO unverified_mails (email_key, day, sent) VALUES ($1, $2, 1)
     ON CONFLICT (email_key) DO UPDATE SET
         sent = CASE WHEN unverified_mails.day = excluded.day
             THEN unverified_mails.sent + 1 ELSE 1 END,
         day = excluded.day
     RETURNING sent";

/// Days since 1970.
pub(super) fn day(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(86_400)
}

/// A mail that a transaction may promise.
pub(super) struct Post {
    pub(super) job: NewJob,
    /// The address as a key, if nobody verified it.
    pub(super) unverified: Option<String>,
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
            unverified: (!to.verified).then(|| fold_case(to.email)),
        })
    }
}

/// Promises a mail within a transaction of either database; ring with [`Store::ring`] after it.
macro_rules! post {
    ($tx:ident, $post:expr, $at:expr) => {
        if let Some($crate::store::letters::Post { job, unverified }) = $post {
            let sent: i64 = match &unverified {
                Some(key) => {
                    sqlx::query_scalar($crate::store::letters::COUNT_UNVERIFIED)
                        .bind(key)
                        .bind($crate::store::letters::day($at))
                        .fetch_one(&mut *$tx)
                        .await?
                }
                None => 0,
            };
            if sent <= $crate::store::letters::MAX_UNVERIFIED {
                $crate::store::jobs::enqueue!($tx, job, $at);
            } else {
                tracing::warn!(
                    kind = job.kind,
                    "an unverified address got enough mails today"
                );
            }
        }
    };
}

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

pub(super) use {post, tell_user};
