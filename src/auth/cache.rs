//! What the database lately said of logins and API tokens, so that it need not be asked at every request.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicI64},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use lru::LruCache;

use crate::domain::{
    api_token::TokenHash,
    ids::{ApiTokenId, LoginId, UserId},
    permission::Permissions,
    user::{Role, User},
};

/// How many logins are remembered; about 5 MiB.
const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);

/// How long an answer is believed, should every way of taking it back fail.
const MAX_AGE: Duration = Duration::from_secs(30);

/// Active logins and their users.
///
/// A load notes the generation before it asks the database. A change that comes in between raises
/// the generation, and what the load found, perhaps from before the change, is not kept.
pub(super) struct LoginCache {
    state: Mutex<State>,
}

struct State {
    generation: u64,
    entries: LruCache<Key, Entry>,
}

struct Entry {
    known: Known,
    since: Instant,
}

/// What somebody shows: the login that a token names, or an API token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Login(LoginId),
    ApiToken(TokenHash),
}

impl From<LoginId> for Key {
    fn from(login: LoginId) -> Self {
        Self::Login(login)
    }
}

/// Who is behind a key.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) user: Arc<User>,
    /// Of an API token.
    pub(super) token: Option<Arc<KnownToken>>,
}

impl From<Arc<User>> for Known {
    fn from(user: Arc<User>) -> Self {
        Self { user, token: None }
    }
}

/// An API token, as far as it is needed at every request.
#[derive(Debug)]
pub(super) struct KnownToken {
    pub(super) id: ApiTokenId,
    pub(super) scopes: Permissions,
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// When its use was last noted, in Unix seconds.
    pub(super) noted: AtomicI64,
}

/// The changes that a load knows of.
#[derive(Clone, Copy)]
pub(super) struct Generation(u64);

impl LoginCache {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                generation: 0,
                entries: LruCache::sparse(CAPACITY),
            }),
        }
    }

    /// Who is behind a key that counts, or what a load must bring back with its answer.
    pub(super) fn find(&self, key: impl Into<Key>) -> Result<Known, Generation> {
        let mut state = self.lock();
        match state.entries.get(&key.into()) {
            Some(entry) if entry.since.elapsed() < MAX_AGE => Ok(entry.known.clone()),
            _ => Err(Generation(state.generation)),
        }
    }

    /// Keeps what a load found, unless something changed since it began.
    pub(super) fn insert(&self, asked: Generation, key: impl Into<Key>, known: impl Into<Known>) {
        let mut state = self.lock();
        if state.generation == asked.0 {
            let (known, since) = (known.into(), Instant::now());
            state.entries.put(key.into(), Entry { known, since });
        }
    }

    /// Forgets one login of a user, or all.
    pub(super) fn forget(&self, user: UserId, login: Option<LoginId>) {
        let mut state = self.lock();
        state.generation += 1;
        match login {
            Some(login) => {
                state.entries.pop(&login.into());
            }
            None => state.entries.retain(|_, entry| entry.known.user.id != user),
        }
    }

    /// Gives every user of a role what it grants now.
    ///
    /// Nobody is forgotten: all of a role would else ask the database at once.
    pub(super) fn regrant(&self, role: &Role, permissions: Permissions) {
        let mut state = self.lock();
        state.generation += 1;
        for (_, entry) in state.entries.iter_mut() {
            if entry.known.user.role == *role {
                Arc::make_mut(&mut entry.known.user).permissions = permissions;
            }
        }
    }

    /// A thread that panicked left the map whole: every change to it is one call.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Arc<User> {
        Arc::new(User::sample("ann", Role::Client))
    }

    fn load(cache: &LoginCache, login: LoginId, user: &Arc<User>) {
        let asked = cache.find(login).expect_err("not there yet");
        cache.insert(asked, login, user.clone());
    }

    #[test]
    fn a_load_that_raced_with_a_change_is_not_kept() {
        let cache = LoginCache::new();
        let (ann, login) = (user(), LoginId::new());
        load(&cache, login, &ann);
        assert!(cache.find(login).is_ok(), "without a change it is kept");

        cache.forget(ann.id, None);
        let asked = cache.find(login).expect_err("the change took it out");
        // Here the database answers, and then somebody switches Ann off.
        cache.forget(ann.id, None);
        cache.insert(asked, login, ann.clone());
        assert!(
            cache.find(login).is_err(),
            "the answer was from before the change"
        );
    }

    #[test]
    fn a_change_touches_only_what_it_names() {
        let cache = LoginCache::new();
        let (ann, bob) = (user(), user());
        let [phone, laptop, other] = [(); 3].map(|()| LoginId::new());
        load(&cache, phone, &ann);
        load(&cache, laptop, &ann);
        load(&cache, other, &bob);

        cache.forget(ann.id, Some(phone));
        assert!(cache.find(phone).is_err() && cache.find(laptop).is_ok());
        cache.forget(ann.id, None);
        assert!(cache.find(laptop).is_err() && cache.find(other).is_ok());
    }

    #[test]
    fn a_role_changes_for_all_who_have_it_and_nobody_else() {
        let cache = LoginCache::new();
        let ann = user();
        let tom = Arc::new(User::sample("tom", Role::Trainer));
        let [of_ann, of_tom, raced] = [(); 3].map(|()| LoginId::new());
        load(&cache, of_ann, &ann);
        load(&cache, of_tom, &tom);
        let asked = cache.find(raced).expect_err("not there yet");

        cache.regrant(&Role::Client, Permissions::NONE);
        let now = |login| cache.find(login).ok().map(|known| known.user.permissions);
        assert_eq!(now(of_ann), Some(Permissions::NONE));
        assert_eq!(now(of_tom), Some(tom.permissions));
        cache.insert(asked, raced, ann.clone());
        assert_eq!(now(raced), None, "what was loaded before the change");
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let cache = LoginCache::new();
        let ann = user();
        for _ in 0..CAPACITY.get() + 500 {
            load(&cache, LoginId::new(), &ann);
        }
        assert_eq!(cache.lock().entries.len(), CAPACITY.get());
    }
}
