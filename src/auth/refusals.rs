//! What was refused, summed: strangers must not be able to fill the audit log.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroUsize,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::{HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use lru::LruCache;
use serde_json::json;

use crate::{
    clock,
    domain::{
        audit::{By, Refusal, Target},
        ids::UserId,
    },
    limits::network,
    store::{RefusalSum, Store},
};

/// Sums of users, and as many of strangers, until the next are written; the rest is summed by its
/// kind alone.
const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// How many places a sum names.
const MAX_PLACES: usize = 4;

/// Who was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Somebody who is signed in.
    User(UserId),
    /// A stranger who wanted into this account.
    Account(UserId),
    /// A stranger.
    Network(IpAddr),
    /// It does not matter who.
    Nobody,
}

/// Why a request is about to be refused, for whoever notes it: kept among its extensions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    pub kind: Option<Refusal>,
    /// Who is signed in.
    pub user: Option<UserId>,
    /// The account that a stranger wanted into.
    pub account: Option<UserId>,
}

/// Says why a request is refused, where status and code do not tell.
pub fn mark(request: &HttpRequest, kind: Refusal, account: Option<UserId>) {
    let mut extensions = request.extensions_mut();
    let mut mark = extensions.get::<Mark>().copied().unwrap_or_default();
    mark.kind = Some(kind);
    mark.account = account;
    extensions.insert(mark);
}

/// Says who asks.
pub(super) fn mark_user(request: &HttpRequest, user: UserId) {
    let mut extensions = request.extensions_mut();
    let mut mark = extensions.get::<Mark>().copied().unwrap_or_default();
    mark.user = Some(user);
    extensions.insert(mark);
}

/// Counts refusals until they are written. Cloning shares the sums.
#[derive(Clone)]
pub struct Refusals {
    sums: Arc<Mutex<Sums>>,
}

struct Sums {
    users: LruCache<(Refusal, Key), Sum>,
    strangers: LruCache<(Refusal, Key), Sum>,
    /// No more than there are kinds.
    others: HashMap<Refusal, Sum>,
}

#[derive(Clone, Debug)]
struct Sum {
    count: u64,
    since: DateTime<Utc>,
    /// `None`: of several, or of none.
    network: Option<IpAddr>,
    places: Vec<Box<str>>,
}

impl Default for Refusals {
    fn default() -> Self {
        let sums = Sums {
            users: LruCache::new(CAPACITY),
            strangers: LruCache::new(CAPACITY),
            others: HashMap::new(),
        };
        Self {
            sums: Arc::new(Mutex::new(sums)),
        }
    }
}

impl Refusals {
    /// Counts a refusal; `place` is where, in words from a closed set, such as a route.
    pub fn note(&self, kind: Refusal, key: Key, address: Option<IpAddr>, place: &str) {
        let key = match key {
            // Everybody who opens a page for the first time is one of these.
            _ if kind == Refusal::NoToken => Key::Nobody,
            Key::Network(address) => Key::Network(network(address)),
            key => key,
        };
        let network = address.map(network);
        let mut sums = self.lock();
        // Who floods is here again and again: no memory is asked for then.
        if let Some(sum) = sums.find(kind, key) {
            return sum.count(network, place);
        }
        let sum = Sum {
            count: 1,
            since: clock::now(),
            network,
            places: vec![place.into()],
        };
        sums.add(kind, key, sum);
    }

    /// Writes what was summed, every so often and at `stop`.
    pub async fn write(self, store: Store, every: Duration, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            let stopped = tokio::time::timeout(every, &mut stop).await.is_ok();
            self.flush(&store).await;
            if stopped {
                return;
            }
        }
    }

    async fn flush(&self, store: &Store) {
        let sums = self.lock().take();
        if sums.is_empty() {
            return;
        }
        let entries = sums.iter().map(|(kind, key, sum)| sum.entry(*kind, *key));
        if let Err(error) = store.record_refusals(entries.collect()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "refusals are not in the audit log yet"
            );
            let mut kept = self.lock();
            for (kind, key, sum) in sums {
                kept.add(kind, key, sum);
            }
        }
    }

    /// A thread that panicked left at worst one refusal uncounted.
    fn lock(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sums {
    /// Where a key has its sums; `None` for those that nobody in particular has.
    fn table(&mut self, key: Key) -> Option<&mut LruCache<(Refusal, Key), Sum>> {
        match key {
            Key::User(_) => Some(&mut self.users),
            // At whose account strangers guess is theirs to choose.
            Key::Account(_) | Key::Network(_) => Some(&mut self.strangers),
            Key::Nobody => None,
        }
    }

    /// The sum that there is already. Who goes on longest was seen last, and stays.
    fn find(&mut self, kind: Refusal, key: Key) -> Option<&mut Sum> {
        if key == Key::Nobody {
            return self.others.get_mut(&kind);
        }
        self.table(key)?.get_mut(&(kind, key))
    }

    fn add(&mut self, kind: Refusal, key: Key, sum: Sum) {
        if let Some(before) = self.find(kind, key) {
            return before.add(sum);
        }
        match self.table(key) {
            None => self.add_other(kind, sum),
            Some(table) => {
                if let Some(((kind, _), pushed_out)) = table.push((kind, key), sum) {
                    self.add_other(kind, pushed_out);
                }
            }
        }
    }

    fn add_other(&mut self, kind: Refusal, sum: Sum) {
        match self.others.get_mut(&kind) {
            Some(before) => before.add(sum),
            None => {
                self.others.insert(kind, sum);
            }
        }
    }

    fn take(&mut self) -> Vec<(Refusal, Key, Sum)> {
        let mut taken = Vec::new();
        for table in [&mut self.users, &mut self.strangers] {
            while let Some(((kind, key), sum)) = table.pop_lru() {
                taken.push((kind, key, sum));
            }
        }
        let others = self.others.drain();
        taken.extend(others.map(|(kind, sum)| (kind, Key::Nobody, sum)));
        taken
    }
}

impl Sum {
    /// Counts one more.
    fn count(&mut self, network: Option<IpAddr>, place: &str) {
        self.count = self.count.saturating_add(1);
        self.place(network, place);
    }

    fn add(&mut self, more: Self) {
        self.count = self.count.saturating_add(more.count);
        self.since = self.since.min(more.since);
        for place in &more.places {
            self.place(more.network, place);
        }
    }

    fn place(&mut self, network: Option<IpAddr>, place: &str) {
        if self.network != network {
            self.network = None;
        }
        if self.places.len() < MAX_PLACES && self.places.iter().all(|known| **known != *place) {
            self.places.push(place.into());
        }
    }

    fn entry(&self, kind: Refusal, key: Key) -> RefusalSum {
        let mut by = By::refused(self.network);
        let mut target = None;
        match key {
            Key::User(id) => by.user = Some(id),
            Key::Account(id) => target = Some(Target::user(id)),
            Key::Network(network) => by.address = Some(network),
            Key::Nobody => by.address = None,
        }
        let details = json!({
            "count": self.count,
            "since": self.since,
            "places": self.places,
        });
        RefusalSum {
            by,
            kind,
            target,
            details,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn stranger(number: u32) -> Key {
        Key::Network(Ipv4Addr::from_bits(number).into())
    }

    fn counts(refusals: &Refusals) -> HashMap<Key, u64> {
        let mut counts = HashMap::new();
        for (_, key, sum) in refusals.lock().take() {
            *counts.entry(key).or_default() += sum.count;
        }
        counts
    }

    #[test]
    fn the_same_is_one_sum() {
        let refusals = Refusals::default();
        let ann = UserId::new();
        for _ in 0..1_000 {
            refusals.note(
                Refusal::WrongPassword,
                Key::Account(ann),
                None,
                "POST /login",
            );
        }
        refusals.note(Refusal::WrongPassword, stranger(1), None, "POST /login");
        let counts = counts(&refusals);
        assert_eq!(
            (counts[&Key::Account(ann)], counts[&stranger(1)]),
            (1_000, 1)
        );
        assert!(refusals.lock().take().is_empty(), "what was taken is gone");
    }

    #[test]
    fn a_crowd_of_strangers_is_summed_and_hides_nobody() {
        let refusals = Refusals::default();
        let ann = UserId::new();
        refusals.note(Refusal::Forbidden, Key::User(ann), None, "GET /a");
        for number in 1..=100_000_u32 {
            refusals.note(Refusal::BadToken, stranger(number), None, "GET /a");
            let guessed_at = Key::Account(UserId::new());
            refusals.note(Refusal::WrongPassword, guessed_at, None, "POST /login");
            if number.is_multiple_of(10) {
                refusals.note(Refusal::BadToken, stranger(0), None, "GET /a");
            }
        }
        let counts = counts(&refusals);
        assert!(counts.len() <= 2 * CAPACITY.get() + Refusal::ALL.len());
        assert_eq!(counts[&Key::User(ann)], 1, "users are apart from strangers");
        assert_eq!(counts[&stranger(0)], 10_000, "who goes on stays");
        assert_eq!(counts.values().sum::<u64>(), 210_001, "nothing is lost");
    }

    #[test]
    fn a_sum_says_where_and_from_where() {
        let refusals = Refusals::default();
        let ann = UserId::new();
        let (here, there) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let note = |address, place: &str| {
            refusals.note(Refusal::Forbidden, Key::User(ann), Some(address), place);
        };
        note(here, "GET /a");
        note(here, "GET /b");
        let entry = |refusals: &Refusals| {
            let taken = refusals.lock().take();
            let (kind, key, sum) = &taken[0];
            sum.entry(*kind, *key)
        };
        let one = entry(&refusals);
        assert_eq!((one.by.user, one.by.address), (Some(ann), Some(here)));
        assert_eq!(one.details["places"], json!(["GET /a", "GET /b"]));
        note(here, "GET /a");
        note(there, "GET /a");
        for number in 0..10 {
            note(there, &format!("GET /{number}"));
        }
        let several = entry(&refusals);
        assert_eq!(several.by.address, None, "there were several");
        assert_eq!(
            several.details["places"].as_array().unwrap().len(),
            MAX_PLACES
        );
    }
}
