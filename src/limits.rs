//! How often one may do what: bounded tables of who did it lately.

mod address;
mod table;

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use governor::Quota;

use crate::{
    config::LimitsConfig,
    domain::{fold_case, ids::UserId},
};

pub use address::client_address;
use table::Table;

/// Rooms that one user may make in an hour.
const ROOMS_PER_HOUR: u32 = 10;

/// Attempts of one address to make the first admin.
const SETUPS_PER_MINUTE: u32 = 10;

/// The limits of this process. Cloning shares the tables.
///
/// Every check counts, refused ones apart, and a refusal says how long to wait.
#[derive(Clone)]
pub struct Limits {
    tables: Arc<Tables>,
}

struct Tables {
    messages: Option<Table<UserId>>,
    login_accounts: Option<Table<u64>>,
    login_addresses: Option<Table<IpAddr>>,
    registrations: Option<Table<IpAddr>>,
    rooms: Option<Table<UserId>>,
    setups: Option<Table<IpAddr>>,
    /// Makes an account's name a number: a stranger chooses the name and its length.
    names: std::hash::RandomState,
}

impl Limits {
    /// Empty tables.
    #[must_use]
    pub fn new(config: &LimitsConfig) -> Self {
        let per_minute = |count: u32| NonZeroU32::new(count).map(Quota::per_minute);
        let messages = NonZeroU32::new(config.messages_per_second).map(|rate| {
            let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(4));
            Quota::per_second(rate).allow_burst(burst)
        });
        let logins = config.login_attempts_per_minute;
        Self {
            tables: Arc::new(Tables {
                messages: messages.map(Table::new),
                login_accounts: per_minute(logins).map(Table::new),
                login_addresses: per_minute(logins.saturating_mul(6)).map(Table::new),
                registrations: per_minute(config.registrations_per_minute).map(Table::new),
                rooms: NonZeroU32::new(ROOMS_PER_HOUR)
                    .map(Quota::per_hour)
                    .map(Table::new),
                setups: per_minute(SETUPS_PER_MINUTE).map(Table::new),
                names: std::hash::RandomState::new(),
            }),
        }
    }

    /// Counts a message of `user`, over any path.
    ///
    /// # Errors
    /// Too many: how long to wait.
    pub fn message(&self, user: UserId) -> Result<(), Duration> {
        check(self.tables.messages.as_ref(), &user)
    }

    /// Counts an attempt to sign in: for the account, whether it exists or not, and from the
    /// address.
    ///
    /// # Errors
    /// Too many for either: how long to wait.
    pub fn login(&self, account: &str, address: IpAddr) -> Result<(), Duration> {
        use std::hash::BuildHasher;

        check(self.tables.login_addresses.as_ref(), &network(address))?;
        let account = self.tables.names.hash_one(fold_case(account));
        check(self.tables.login_accounts.as_ref(), &account)
    }

    /// Counts a registration from `address`.
    ///
    /// # Errors
    /// Too many: how long to wait.
    pub fn registration(&self, address: IpAddr) -> Result<(), Duration> {
        check(self.tables.registrations.as_ref(), &network(address))
    }

    /// Counts a room that `user` makes.
    ///
    /// # Errors
    /// Too many: how long to wait.
    pub fn room(&self, user: UserId) -> Result<(), Duration> {
        check(self.tables.rooms.as_ref(), &user)
    }

    /// Counts an attempt from `address` to make the first admin, with the right token or not.
    ///
    /// # Errors
    /// Too many: how long to wait.
    pub fn setup(&self, address: IpAddr) -> Result<(), Duration> {
        check(self.tables.setups.as_ref(), &network(address))
    }
}

fn check<K: Clone + Eq + std::hash::Hash>(
    table: Option<&Table<K>>,
    key: &K,
) -> Result<(), Duration> {
    table.map_or(Ok(()), |table| table.check(key))
}

/// What counts as one address: IPv6 by its /64, which is what one subscriber gets.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn limits() -> Limits {
        Limits::new(&LimitsConfig {
            messages_per_second: 1,
            login_attempts_per_minute: 2,
            registrations_per_minute: 1,
            ..LimitsConfig::default()
        })
    }

    fn until_refused(mut attempt: impl FnMut() -> Result<(), Duration>) -> (u32, Duration) {
        let mut allowed = 0;
        loop {
            match attempt() {
                Ok(()) => allowed += 1,
                Err(wait) => return (allowed, wait),
            }
            assert!(allowed < 1_000, "there is no limit");
        }
    }

    #[test]
    fn one_who_talks_too_much_silences_nobody_else() {
        let limits = limits();
        let (ann, bob) = (UserId::new(), UserId::new());
        let (allowed, wait) = until_refused(|| limits.message(ann));
        assert!(
            (5..=6).contains(&allowed),
            "a burst is five seconds' worth: {allowed}"
        );
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(limits.message(bob), Ok(()));
    }

    #[test]
    fn an_account_is_guarded_against_guesses_from_everywhere() {
        let limits = limits();
        let mut from = 0_u32;
        let (allowed, _) = until_refused(|| {
            from += 1;
            let address = IpAddr::V4(from.into());
            limits.login(
                if from.is_multiple_of(2) {
                    "Ann@example.org"
                } else {
                    "ann@EXAMPLE.org"
                },
                address,
            )
        });
        assert_eq!(allowed, 2, "other spellings are the same account");
    }

    #[test]
    fn an_address_cannot_try_one_account_after_the_other() {
        let limits = limits();
        let mut account = 0;
        let (allowed, _) = until_refused(|| {
            account += 1;
            limits.login(&account.to_string(), HERE)
        });
        assert_eq!(allowed, 12);
    }

    #[test]
    fn a_subscriber_has_one_address_however_many_he_uses() {
        let limits = limits();
        let mut host = 0_u16;
        let (allowed, _) = until_refused(|| {
            host += 1;
            limits.registration(IpAddr::V6(Ipv6Addr::new(
                0x2001, 0xdb8, 0, 1, 0, 0, 0, host,
            )))
        });
        assert_eq!(allowed, 1);
        let neighbour = Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 0, 0, 0, 1);
        assert_eq!(limits.registration(neighbour.into()), Ok(()));
        assert_eq!(limits.registration(HERE), Ok(()));
        let mapped = std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped();
        assert!(
            limits.registration(mapped.into()).is_err(),
            "the same host as before"
        );
    }

    #[test]
    fn zero_is_no_limit() {
        let limits = Limits::new(&LimitsConfig {
            messages_per_second: 0,
            login_attempts_per_minute: 0,
            registrations_per_minute: 0,
            ..LimitsConfig::default()
        });
        let ann = UserId::new();
        for _ in 0..1_000 {
            assert_eq!(limits.message(ann), Ok(()));
            assert_eq!(limits.login("ann", HERE), Ok(()));
            assert_eq!(limits.registration(HERE), Ok(()));
        }
        assert_eq!(
            until_refused(|| limits.room(ann)).0,
            10,
            "this one is always on"
        );
    }
}
