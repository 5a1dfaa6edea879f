//! Limits that go together, and those that are switched off.

use std::{hash::Hash, net::IpAddr};

use governor::Quota;

use super::{network, quota::Counted, table::Table};
use crate::domain::ids::UserId;

/// How many times as many as with one token come from one address without any.
const VISITORS_OF_AN_ADDRESS: u32 = 4;
/// And how many times as many with whatever tokens.
const TOKENS_OF_AN_ADDRESS: u32 = 20;

/// A table, unless its limit is switched off.
pub(super) fn table<K: Clone + Eq + Hash>(
    name: &'static str,
    quota: Option<Quota>,
) -> Option<Table<K>> {
    quota.map(|quota| Table::new(name, quota))
}

/// Counts one of `key`; where there is no table there is no limit.
pub(super) fn check<K: Clone + Eq + Hash>(table: Option<&Table<K>>, key: &K) -> Counted {
    table.map_or(Ok(None), |table| table.check(key))
}

/// What a user does in rooms, and all do in one.
pub(super) struct InRooms {
    users: Option<Table<UserId>>,
    rooms: Option<Table<u64>>,
}

impl InRooms {
    pub(super) fn new(names: [&'static str; 2], quotas: [Option<Quota>; 2]) -> Self {
        let ([of_user, of_room], [users, rooms]) = (names, quotas);
        Self {
            users: table(of_user, users),
            rooms: table(of_room, rooms),
        }
    }

    /// What is left is told of the user's.
    pub(super) fn check(&self, user: UserId, room: u64) -> Counted {
        let left = check(self.users.as_ref(), &user)?;
        check(self.rooms.as_ref(), &room)?;
        Ok(left)
    }
}

/// What somebody does with a token, and what comes from one address with any or none.
pub(super) struct ByBearer<K: Clone + Eq + Hash> {
    own: Option<Table<K>>,
    bearers: Option<Table<IpAddr>>,
    visitors: Option<Table<IpAddr>>,
}

impl<K: Clone + Eq + Hash> ByBearer<K> {
    /// `quota` is that of one, times a number.
    pub(super) fn new(
        [own, of_address]: [&'static str; 2],
        quota: impl Fn(u32) -> Option<Quota>,
    ) -> Self {
        Self {
            own: table(own, quota(1)),
            bearers: table(of_address, quota(TOKENS_OF_AN_ADDRESS)),
            visitors: table(of_address, quota(VISITORS_OF_AN_ADDRESS)),
        }
    }

    /// How much is kept of addresses, and the most that may be.
    #[cfg(test)]
    pub(super) fn held(&self) -> impl Iterator<Item = (usize, usize)> {
        let tables = [&self.bearers, &self.visitors].into_iter().flatten();
        tables.map(|table| (table.len(), table.bound()))
    }

    pub(super) fn check(&self, own: &K) -> Counted {
        check(self.own.as_ref(), own)
    }

    pub(super) fn check_from(&self, address: IpAddr, bears: bool) -> Counted {
        let table = if bears { &self.bearers } else { &self.visitors };
        check(table.as_ref(), &network(address))
    }
}
