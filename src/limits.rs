//! How often one may do what: bounded tables of who did it lately.

mod address;
mod attempt;
mod groups;
mod guesses;
mod quota;
mod slots;
mod table;
mod told;

use std::{
    hash::{BuildHasher, Hash},
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use governor::Quota;
use uuid::Uuid;

use crate::{
    config::LimitsConfig,
    domain::{
        fold_case,
        ids::{LoginId, RoomId, UserId},
    },
};

pub use address::client_address;
use attempt::Secrets;
pub use attempt::{Attempt, Known};
use groups::{ByBearer, InRooms, check, table};
pub use quota::{Counted, Exhausted, Left, Policy};
use table::Table;
pub use told::{tell, told};

/// Rooms that one user may make in an hour.
const ROOMS_PER_HOUR: u32 = 10;

/// Attempts of one address to make the first admin.
const SETUPS_PER_MINUTE: u32 = 10;

/// An address is many people: a school behind one router signs in at once.
const ACCOUNTS_OF_AN_ADDRESS: u32 = 6;

/// Seconds' worth of messages, or of a user's typing, that may come at once.
const TALK_BURST: u32 = 5;
/// Seconds' worth of requests that may come at once: a page that is opened asks for a lot.
const REQUEST_BURST: u32 = 10;
/// Seconds' worth of joins of a room that may come at once: after a restart all of its members come
/// back within seconds.
const JOIN_BURST: u32 = 20;

/// The limits of this process. Cloning shares the tables.
///
/// Every check counts, refused ones apart; a refusal says how long to wait, and what is left is
/// told otherwise. An IPv6 address counts as its /64, which is what one subscriber gets.
#[derive(Clone)]
pub struct Limits {
    tables: Arc<Tables>,
}

struct Tables {
    messages: InRooms,
    typing: InRooms,
    joins: InRooms,
    rooms: Option<Table<UserId>>,
    secrets: Option<Secrets>,
    registrations: Option<Table<IpAddr>>,
    setups: Option<Table<IpAddr>>,
    verifications: Option<Table<UserId>>,
    reset_addresses: Option<Table<IpAddr>>,
    refreshes: Option<Table<LoginId>>,
    unknown_refreshes: Option<Table<IpAddr>>,
    oauth: Option<Table<IpAddr>>,
    requests: ByBearer<Uuid>,
    sockets: ByBearer<UserId>,
    /// Makes a name a number: a stranger chooses the name and its length.
    names: std::hash::RandomState,
}

impl Limits {
    /// Empty tables.
    #[must_use]
    pub fn new(config: &LimitsConfig) -> Self {
        let some = NonZeroU32::new;
        let per_minute = |count: u32| some(count).map(Quota::per_minute);
        let per_hour = |count: u32| some(count).map(Quota::per_hour);
        let per_second = |count: u32, burst: u32| {
            let quota = some(count).map(Quota::per_second);
            let burst = some(count.saturating_mul(burst));
            Some(quota?.allow_burst(burst?))
        };
        let of_address = |count: u32| count.saturating_mul(ACCOUNTS_OF_AN_ADDRESS);
        Self {
            tables: Arc::new(Tables {
                messages: InRooms::new(
                    ["messages", "room-messages"],
                    [config.messages_per_second, config.room_messages_per_second]
                        .map(|count| per_second(count, TALK_BURST)),
                ),
                typing: InRooms::new(
                    ["typing", "room-typing"],
                    [config.typing_per_second, config.room_typing_per_second]
                        .map(|count| per_second(count, TALK_BURST)),
                ),
                joins: InRooms::new(
                    ["joins", "room-joins"],
                    [
                        per_minute(config.joins_per_minute),
                        per_second(config.room_joins_per_second, JOIN_BURST),
                    ],
                ),
                rooms: table("rooms", per_hour(ROOMS_PER_HOUR)),
                secrets: some(config.login_attempts_per_minute).map(Secrets::new),
                registrations: table("registrations", per_minute(config.registrations_per_minute)),
                setups: table("setups", per_minute(SETUPS_PER_MINUTE)),
                verifications: table("resets", per_hour(config.resets_per_hour)),
                reset_addresses: table("resets", per_hour(of_address(config.resets_per_hour))),
                refreshes: table("refreshes", per_minute(config.refreshes_per_minute)),
                unknown_refreshes: table("refreshes", per_minute(config.refreshes_per_minute)),
                oauth: table("oauth", per_minute(config.oauth_requests_per_minute)),
                requests: ByBearer::new(["requests", "requests-of-address"], |times| {
                    let count = config.requests_per_second.saturating_mul(times);
                    per_second(count, REQUEST_BURST)
                }),
                sockets: ByBearer::new(["sockets", "sockets-of-address"], |times| {
                    per_minute(config.sockets_per_minute.saturating_mul(times))
                }),
                names: std::hash::RandomState::new(),
            }),
        }
    }

    /// Counts a message of `user` in `room`, over any path.
    ///
    /// # Errors
    /// Too many of the user's, or of all in the room.
    pub fn message(&self, user: UserId, room: &RoomId) -> Counted {
        self.tables.messages.check(user, self.number(room))
    }

    /// Counts a sign of `user` writing in `room`.
    ///
    /// # Errors
    /// Too many of the user's, or of all in the room.
    pub fn typing(&self, user: UserId, room: &RoomId) -> Counted {
        self.tables.typing.check(user, self.number(room))
    }

    /// Counts a join of `user` to `room`, whether there is such a room or not.
    ///
    /// # Errors
    /// Too many of the user's, or of all to the room.
    pub fn join(&self, user: UserId, room: &RoomId) -> Counted {
        self.tables.joins.check(user, self.number(room))
    }

    /// Counts a room that `user` makes, who according to the database made some within an hour.
    ///
    /// # Errors
    /// Too many.
    pub fn room(&self, user: UserId, made: i64) -> Counted {
        let rooms = self.tables.rooms.as_ref();
        match rooms.map(Table::policy) {
            Some(policy) if made >= i64::from(ROOMS_PER_HOUR) => Err(Exhausted {
                policy,
                wait: Duration::from_secs(policy.window / u64::from(ROOMS_PER_HOUR)),
            }),
            _ => check(rooms, &user),
        }
    }

    /// Counts an attempt to sign in with a password: for the account, whether it exists or not, and
    /// from the address. Tell the attempt how it went.
    ///
    /// Who is `known` to the account is counted by what it is known by, so that no stranger uses up
    /// its attempts. For strangers `account` must be the name as it was given: were it the account
    /// itself, they would hear which two names are one's. `docs/security.md` has the reasons.
    ///
    /// # Errors
    /// Too many for either, or too many wrong ones lately.
    pub fn login(
        &self,
        account: &str,
        address: IpAddr,
        known: Known,
    ) -> Result<Attempt, Exhausted> {
        self.attempt(("login", fold_case(account)), address, known)
    }

    /// Counts an attempt at the second factor of `user`, whose first one was right. Tell the attempt
    /// how it went.
    ///
    /// # Errors
    /// Too many, or too many wrong ones lately.
    pub fn second_factor(
        &self,
        user: UserId,
        address: IpAddr,
        known: Known,
    ) -> Result<Attempt, Exhausted> {
        self.attempt(("second factor", user), address, known)
    }

    /// Counts an attempt of `user`, who is signed in by `login`, to prove the own password or code
    /// once more: a stolen token must not be enough to guess it at leisure. Tell the attempt how it
    /// went.
    ///
    /// # Errors
    /// Too many, or too many wrong ones lately.
    pub fn confirmation(&self, user: UserId, login: LoginId) -> Result<Attempt, Exhausted> {
        let account = self.number(("confirmation", user));
        let one = self.number(("confirmation", user, login));
        self.guess(account, one, None, Known::Network)
    }

    fn attempt(
        &self,
        account: impl Hash,
        address: IpAddr,
        known: Known,
    ) -> Result<Attempt, Exhausted> {
        let address = network(address);
        let account = self.number(account);
        let one = match known {
            Known::Device(device) => self.number((account, device)),
            Known::Network | Known::No => self.number((account, address)),
        };
        self.guess(account, one, Some(address), known)
    }

    fn guess(
        &self,
        account: u64,
        one: u64,
        address: Option<IpAddr>,
        known: Known,
    ) -> Result<Attempt, Exhausted> {
        match &self.tables.secrets {
            Some(secrets) => secrets.attempt(account, one, address, known),
            None => Ok(Attempt::unlimited()),
        }
    }

    /// Counts a registration from `address`.
    ///
    /// # Errors
    /// Too many.
    pub fn registration(&self, address: IpAddr) -> Counted {
        check(self.tables.registrations.as_ref(), &network(address))
    }

    /// Counts an attempt from `address` to make the first admin, with the right token or not.
    ///
    /// # Errors
    /// Too many.
    pub fn setup(&self, address: IpAddr) -> Counted {
        check(self.tables.setups.as_ref(), &network(address))
    }

    /// Counts a mail to verify an address that `user` asks for at `address`.
    ///
    /// # Errors
    /// Too many of the user's, or from there.
    pub fn verification(&self, user: UserId, address: IpAddr) -> Counted {
        self.reset_from(address)?;
        check(self.tables.verifications.as_ref(), &user)
    }

    /// Counts a link for a forgotten password that somebody at `address` asks for. Those of one
    /// account are counted where it is looked up, in the database: here a stranger could fill the
    /// table with addresses that nobody has.
    ///
    /// # Errors
    /// Too many from there.
    pub fn reset_from(&self, address: IpAddr) -> Counted {
        check(self.tables.reset_addresses.as_ref(), &network(address))
    }

    /// Counts a refresh of `login`, or from `address` if the token belongs to none.
    ///
    /// # Errors
    /// Too many.
    pub fn refresh(&self, login: Option<LoginId>, address: IpAddr) -> Counted {
        match login {
            Some(login) => check(self.tables.refreshes.as_ref(), &login),
            None => check(self.tables.unknown_refreshes.as_ref(), &network(address)),
        }
    }

    /// Counts a step of signing in with a provider, or another way without a password, from
    /// `address`: start, callback and exchange are one each.
    ///
    /// # Errors
    /// Too many.
    pub fn oauth(&self, address: IpAddr) -> Counted {
        check(self.tables.oauth.as_ref(), &network(address))
    }

    /// Counts a request with a token that is valid: `token` is the login's or API token's id.
    ///
    /// # Errors
    /// Too many.
    pub fn request(&self, token: Uuid) -> Counted {
        self.tables.requests.check(&token)
    }

    /// Counts a request from `address`: one that `bears` a token, whose own limit counts as well if
    /// it is valid, or none.
    ///
    /// # Errors
    /// Too many.
    pub fn request_from(&self, address: IpAddr, bears: bool) -> Counted {
        self.tables.requests.check_from(address, bears)
    }

    /// Counts a socket of `user`, who has just proved to be that.
    ///
    /// # Errors
    /// Too many.
    pub fn socket(&self, user: UserId) -> Counted {
        self.tables.sockets.check(&user)
    }

    /// Counts an upgrade that `address` asks for: one that `bears` a token, valid or not, or none.
    ///
    /// # Errors
    /// Too many.
    pub fn socket_from(&self, address: IpAddr, bears: bool) -> Counted {
        self.tables.sockets.check_from(address, bears)
    }

    fn number(&self, name: impl Hash) -> u64 {
        self.tables.names.hash_one(name)
    }
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
mod tests;
