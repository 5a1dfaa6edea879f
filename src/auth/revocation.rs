//! What takes rights back: a change is told to everything that remembers who may do what.

use std::{
    collections::HashMap,
    future::Future,
    pin::pin,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::MissedTickBehavior;

use super::Authenticator;
use crate::{
    clock,
    domain::{
        ids::{LoginId, UserId},
        permission::Permissions,
        role::RoleGrants,
        user::Role,
    },
    store::{Changed, Store, StoreError},
};

/// Changes of another process must act within a second.
const POLL_EVERY: Duration = Duration::from_millis(500);

/// How far back every poll looks: a change may be committed this long after its time was taken, or
/// by a machine whose clock is this far behind.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);

const PRUNE_EVERY: Duration = Duration::from_secs(600);

/// Changes are kept for processes that poll late.
const KEEP_CHANGES: TimeDelta = TimeDelta::hours(1);

/// Logins that ended are kept for whoever asks what happened.
const KEEP_LOGINS: TimeDelta = TimeDelta::days(7);

/// Something changed about a user's logins: their end, or the user's role, state or password.
///
/// It means *look again*, not *gone*: the same change is told twice when it was made in this
/// process, and the user may have signed in anew in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub user_id: UserId,
    /// `None`: every login of the user.
    pub login_id: Option<LoginId>,
}

/// A change of what somebody may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Of one user.
    User(Revoked),
    /// Of all who have a role: it grants this from now on.
    Role {
        role: Role,
        permissions: Permissions,
    },
}

impl From<Revoked> for Change {
    fn from(revoked: Revoked) -> Self {
        Self::User(revoked)
    }
}

impl From<&RoleGrants> for Change {
    fn from(role: &RoleGrants) -> Self {
        Self::Role {
            role: role.name.clone(),
            permissions: role.permissions,
        }
    }
}

/// Called at every change, on whatever thread made it; must not block.
pub type Subscriber = Box<dyn Fn(&Change) + Send + Sync>;

/// Tells changes to everything that remembers. Cloning shares the subscribers.
#[derive(Clone)]
pub struct Revocations {
    authenticator: Authenticator,
    store: Store,
    subscribers: Arc<RwLock<Vec<Subscriber>>>,
}

impl Revocations {
    /// One that tells the authenticator alone.
    #[must_use]
    pub fn new(authenticator: Authenticator, store: Store) -> Self {
        Self {
            authenticator,
            store,
            subscribers: Arc::default(),
        }
    }

    /// Tells `subscriber` every later change.
    pub fn subscribe(&self, subscriber: Subscriber) {
        self.subscribers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(subscriber);
    }

    /// Makes a change that was committed act at once in this process.
    ///
    /// The memory of the authenticator is emptied first, so that a subscriber who asks it hears of
    /// the change.
    pub fn announce(&self, change: impl Into<Change>) {
        let change = change.into();
        self.authenticator.forget(&change);
        let subscribers = self.subscribers.read();
        for subscriber in subscribers.unwrap_or_else(PoisonError::into_inner).iter() {
            subscriber(&change);
        }
    }

    /// Announces what other processes change, until `stop`.
    pub async fn poll(self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut ticks = tokio::time::interval(POLL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = Seen::starting(clock::now());
        let mut pruned = Instant::now();
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.announce_news(&mut seen).await {
                seen.failed(&error);
            } else if pruned.elapsed() >= PRUNE_EVERY {
                pruned = Instant::now();
                self.prune().await;
            }
        }
    }

    async fn announce_news(&self, seen: &mut Seen) -> Result<(), StoreError> {
        let now = clock::now();
        for change in self.store.auth_changes_since(seen.since()).await? {
            if !seen.is_new(change.id, change.at) {
                continue;
            }
            match change.of {
                Changed::User { id, login } => self.announce(Revoked {
                    user_id: id,
                    login_id: login,
                }),
                // As it is now: two changes that are told in the wrong order end alike.
                Changed::Role(name) => {
                    if let Some(role) = self.store.find_role(&name).await? {
                        self.announce(&role);
                    }
                }
            }
        }
        seen.succeeded(now);
        Ok(())
    }

    async fn prune(&self) {
        let now = clock::now();
        let pruned = async {
            self.store.prune_auth_changes(now - KEEP_CHANGES).await?;
            self.store.prune_expired(now).await?;
            self.store.prune_logins(now - KEEP_LOGINS).await
        };
        if let Err(error) = pruned.await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "old logins stay for now"
            );
        }
    }
}

/// The changes that were announced, as far back as a poll looks.
struct Seen {
    /// When the last poll that got an answer began.
    polled: DateTime<Utc>,
    ids: HashMap<i64, DateTime<Utc>>,
    failing: bool,
}

impl Seen {
    fn starting(now: DateTime<Utc>) -> Self {
        Self {
            polled: now,
            ids: HashMap::new(),
            failing: false,
        }
    }

    fn since(&self) -> DateTime<Utc> {
        self.polled - OVERLAP
    }

    fn is_new(&mut self, id: i64, at: DateTime<Utc>) -> bool {
        self.ids.insert(id, at).is_none()
    }

    fn succeeded(&mut self, polled: DateTime<Utc>) {
        self.polled = polled;
        let since = self.since();
        self.ids.retain(|_, at| *at >= since);
        if std::mem::take(&mut self.failing) {
            tracing::info!("changes of other processes are heard of again");
        }
    }

    /// Logs the first failure of a row of them, not two a second.
    fn failed(&mut self, error: &StoreError) {
        if !std::mem::replace(&mut self.failing, true) {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "changes of other processes are not heard of");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_even_if_it_is_committed_late() {
        let start = clock::now();
        let mut seen = Seen::starting(start);
        assert!(seen.is_new(2, start));
        seen.succeeded(start + TimeDelta::seconds(30));
        assert!(!seen.is_new(2, start), "still within what every poll reads");
        assert!(
            seen.is_new(1, start),
            "a smaller id that was committed later"
        );
        seen.succeeded(start + TimeDelta::seconds(61));
        assert!(
            seen.ids.is_empty(),
            "what no poll reads again need not be remembered"
        );
    }

    #[test]
    fn after_a_failure_nothing_is_skipped() {
        let start = clock::now();
        let mut seen = Seen::starting(start);
        seen.failed(&StoreError::NotFound);
        assert_eq!(
            seen.since(),
            start - OVERLAP,
            "the outage may be longer than the overlap"
        );
    }
}
