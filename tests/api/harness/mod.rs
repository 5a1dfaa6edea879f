//! What the tests stand on: servers, databases, clients and sockets.

mod answer;
mod app;
pub mod authenticator;
mod browser;
mod client;
pub mod contract;
mod conversation;
mod crowd;
mod database;
mod home;
mod kit;
mod member;
mod opening;
mod post_office;
mod postgres;
mod provider;
mod second;
mod security_key;
mod server;
mod site;
mod socket;
mod spoken;
mod stand;
pub mod wire;

use std::time::Duration;

pub use self::{
    answer::Answer,
    app::TestApp,
    browser::{Browser, CALLBACK, ends_with, known, location, way_back},
    client::Client,
    conversation::{Conversation, history},
    database::TestDatabase,
    home::{Home, finish},
    kit::Findings,
    member::Plan,
    opening::{Opening, Proof},
    post_office::{Mail, PostOffice, Trouble},
    postgres::OwnPostgres,
    provider::{Kind, Lie, Mood, Provider, parameter},
    second::Enrolled,
    security_key::SecurityKey,
    server::Server,
    site::{ADMIN_EMAIL, ADMIN_PASSWORD, PASSWORD, Person, Site, registration},
    socket::{Event, Heard, Socket},
    stand::{Fate, Liar, Stand},
};

/// How long a test waits for what must come; far above what it takes on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A name that no other test uses.
pub fn unique(what: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{what}-{}", &id[..12])
}

/// A port for a server that comes back where it was; below those that outgoing connections take.
pub fn free_port() -> u16 {
    loop {
        let port = rand::random_range(12_000..20_000);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Asks again and again until it is so; for what no frame and no line announces.
pub async fn until(mut so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !so().await {
            tokio::task::yield_now().await;
        }
    };
    let asked = tokio::time::timeout(LIMIT, asking).await;
    asked.expect("it comes to be so");
}
