//! `/api/auth/oauth`: signing in with a provider; `/api/auth/identities`: which ones a user has.
//!
//! A sign-in takes four steps. `begin` keeps what it sends along and binds it to the browser by a
//! cookie. The provider sends the browser to its `callback`, which takes what was kept, asks the
//! provider, and gives the browser a code behind the `#`, where it gets into no log. The page there
//! exchanges the code, in the same browser, for a login.

mod begin;
mod browser;
mod callback;
mod exchange;
mod failure;
mod identities;
mod local_path;
mod providers;

use sha2::{Digest, Sha256};

use crate::{
    auth::oauth::CALLBACK,
    routes::api::{Api, at},
};

pub use providers::ProviderView;

/// The order matters: a provider's name could stand for each of the first.
pub fn configure(api: &mut Api) {
    api.add(
        at("/api/auth/oauth/providers")
            .get(providers::list_providers, providers::declare_list_providers),
    )
    .add(at(CALLBACK).get(callback::come_back, callback::declare_come_back))
    .add(
        at("/api/auth/oauth/{provider}/callback")
            .get(callback::come_back, callback::declare_come_back_from_one),
    )
    .add(at("/api/auth/oauth/exchange").post(exchange::exchange, exchange::declare_exchange))
    .add(at("/api/auth/oauth/{provider}").get(begin::begin, begin::declare_begin))
    .add(at("/api/auth/oauth/{provider}/link").post(begin::link, begin::declare_link))
    .add(at("/api/auth/identities").get(
        identities::list_identities,
        identities::declare_list_identities,
    ))
    .add(at("/api/auth/identities/{id}/remove").post(
        identities::remove_identity,
        identities::declare_remove_identity,
    ));
}

/// What the store knows a random text by.
fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
