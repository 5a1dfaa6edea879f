//! From where an account was signed in to before.

use super::{Store, StoreError, backend::on_reader};
use crate::domain::ids::UserId;

/// What is known of a place, from the logins that are not forgotten yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct KnownPlace {
    /// This very browser signed in.
    pub device: bool,
    /// Somebody from the same network did.
    pub network: bool,
}

impl Store {
    /// Whether the user ever signed in from a network, or with a browser whose secret has this
    /// SHA-256.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn find_known_place(
        &self,
        user: UserId,
        network: &str,
        device_hash: Option<[u8; 32]>,
    ) -> Result<KnownPlace, StoreError> {
        const SQL: &str = "SELECT
            EXISTS (SELECT 1 FROM logins WHERE user_id = $1 AND device_hash = $2) AS device,
            EXISTS (SELECT 1 FROM logins WHERE user_id = $1 AND network = $3) AS network";
        let device = device_hash.as_ref().map(<[u8; 32]>::as_slice);
        self.read("select", "logins", async {
            Ok(on_reader!(self, db => {
                sqlx::query_as(SQL).bind(user).bind(device).bind(network).fetch_one(db).await?
            }))
        })
        .await
    }
}
