//! Guessing at secrets: attempts are counted by who makes them, and failures make the next one wait.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use governor::Quota;

use super::{
    ACCOUNTS_OF_AN_ADDRESS,
    guesses::Guesses,
    quota::{Exhausted, Left},
    table::Table,
};

const MINUTE: Duration = Duration::from_secs(60);

/// The longest wait of one who guesses wrong again and again.
const LONGEST_OF_ONE: Duration = Duration::from_secs(15 * 60);

/// The longest wait of all strangers together. Shorter: the owner may be among them.
const LONGEST_OF_STRANGERS: Duration = MINUTE;

/// Whether an account let somebody in from there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Never, as far as anybody remembers.
    No,
    /// From the same network.
    Network,
    /// This very device, which proves it by a secret of its own: here the hash of that.
    Device([u8; 32]),
}

/// The tables for guesses at passwords and codes.
pub(super) struct Secrets {
    state: Arc<State>,
    addresses: Table<IpAddr>,
}

struct State {
    /// Networks and devices, each at an account that knows it. In tables apart from those of
    /// strangers, of whom there may be a crowd.
    known: Guessers,
    /// Networks, each at an account to which it is strange.
    strangers: Guessers,
    /// All strangers who guess at one account.
    accounts: Guessers,
}

/// Who guesses how often, and how often wrong.
struct Guessers {
    attempts: Table<u64>,
    failures: Guesses,
}

/// A guess that was counted.
#[must_use = "tell it how it went"]
pub struct Attempt {
    counted: Option<Guess>,
}

struct Guess {
    state: Arc<State>,
    one: u64,
    /// Unless the one is known to the account.
    account: Option<u64>,
    left: Option<Left>,
}

impl State {
    /// Where one is counted.
    const fn ones(&self, is_stranger: bool) -> &Guessers {
        if is_stranger {
            &self.strangers
        } else {
            &self.known
        }
    }
}

impl Secrets {
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        let of_address = NonZeroU32::new(ACCOUNTS_OF_AN_ADDRESS).unwrap_or(NonZeroU32::MIN);
        let of_address = Quota::per_minute(per_minute.saturating_mul(of_address));
        let quota = Quota::per_minute(per_minute);
        let (free, first) = (per_minute.get(), quota.replenish_interval());
        let guessers = |longest| Guessers {
            attempts: Table::new("attempts", quota),
            failures: Guesses::new(free, first, longest),
        };
        Self {
            state: Arc::new(State {
                known: guessers(LONGEST_OF_ONE),
                strangers: guessers(LONGEST_OF_ONE),
                accounts: guessers(LONGEST_OF_STRANGERS),
            }),
            addresses: Table::new("attempts-of-address", of_address),
        }
    }

    /// How much is kept, and the most that may be, of each table.
    #[cfg(test)]
    pub(super) fn held(&self) -> Vec<(usize, usize)> {
        let Self { state, addresses } = self;
        let guessers = [&state.known, &state.strangers, &state.accounts];
        let of_guessers = guessers.into_iter().flat_map(|guessers| {
            let Guessers { attempts, failures } = guessers;
            [
                (attempts.len(), attempts.bound()),
                (failures.len(), Guesses::MOST),
            ]
        });
        let of_addresses = (addresses.len(), addresses.bound());
        std::iter::once(of_addresses).chain(of_guessers).collect()
    }

    /// Counts a guess of `one` at `account`.
    ///
    /// # Errors
    /// Too many of the one; or, unless it is known there, of its address, or of all strangers.
    pub(super) fn attempt(
        &self,
        account: u64,
        one: u64,
        address: Option<IpAddr>,
        known: Known,
    ) -> Result<Attempt, Exhausted> {
        let state = &self.state;
        let is_stranger = known == Known::No;
        if let (Some(address), true) = (address, is_stranger) {
            self.addresses.check(&address)?;
        }
        let now = Instant::now();
        let ones = state.ones(is_stranger);
        let mut wait = ones.failures.wait(one, now);
        if is_stranger {
            wait = wait.max(state.accounts.failures.wait(account, now));
        }
        if wait > Duration::ZERO {
            let policy = ones.attempts.policy();
            return Err(Exhausted { policy, wait });
        }
        if is_stranger {
            state.accounts.attempts.check(&account)?;
        }
        let left = ones.attempts.check(&one)?;
        let guess = Guess {
            state: state.clone(),
            one,
            account: is_stranger.then_some(account),
            left,
        };
        Ok(Attempt {
            counted: Some(guess),
        })
    }
}

impl Guess {
    fn ones(&self) -> &Guessers {
        self.state.ones(self.account.is_some())
    }
}

impl Attempt {
    /// One that nobody counts.
    pub(super) fn unlimited() -> Self {
        Self { counted: None }
    }

    /// What is left of the limit.
    #[must_use]
    pub fn left(&self) -> Option<Left> {
        self.counted.as_ref().and_then(|guess| guess.left)
    }

    /// The guess was wrong.
    pub fn failed(self) {
        if let Some(guess) = self.counted {
            let now = Instant::now();
            guess.ones().failures.failed(guess.one, now);
            if let Some(account) = guess.account {
                guess.state.accounts.failures.failed(account, now);
            }
        }
    }

    /// The guess was right. What strangers tried elsewhere still counts for strangers.
    pub fn succeeded(self) {
        if let Some(guess) = self.counted {
            guess.ones().failures.succeeded(guess.one);
        }
    }
}
