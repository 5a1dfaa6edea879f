//! Ways into an account: it keeps one, whatever its owner removes.

/// How many ways in a user has: a password, identities at providers, passkeys.
pub(super) const WAYS_IN: &str = "SELECT
        (SELECT count(*) FROM users WHERE id = $1 AND password_hash IS NOT NULL)
        + (SELECT count(*) FROM identities WHERE user_id = $1)
        + (SELECT count(*) FROM passkeys WHERE user_id = $1)";

/// Holds the user, so that no two ways are removed at the same moment; SQLite's one writer needs no
/// row locks.
pub(super) const HOLD: &str = "SELECT id FROM users WHERE id = $1";
pub(super) const HOLD_LOCKED: &str = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE";

/// Within a transaction that has removed a way into an account: fails if it was the last one. It
/// began with [`hold_ways_in`].
macro_rules! keep_a_way_in {
    ($tx:ident, $user:expr) => {
        let left: i64 = sqlx::query_scalar($crate::store::ways_in::WAYS_IN)
            .bind($user)
            .fetch_one(&mut *$tx)
            .await?;
        if left == 0 {
            return Err($crate::store::StoreError::LastWayIn);
        }
    };
}

/// Within a transaction, before a way into an account is removed.
macro_rules! hold_ways_in {
    ($tx:ident, $store:expr, $user:expr) => {
        sqlx::query($store.dialect(
            $crate::store::ways_in::HOLD,
            $crate::store::ways_in::HOLD_LOCKED,
        ))
        .bind($user)
        .execute(&mut *$tx)
        .await?
    };
}

pub(super) use {hold_ways_in, keep_a_way_in};
