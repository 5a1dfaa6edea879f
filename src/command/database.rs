//! `parlor migrate`, `backup` and `restore`.

use std::path::Path;

use super::{open_store, say, store_options};
use crate::{config::Config, domain::audit::By, metrics::Metrics, store, store::Store};

pub(super) async fn migrate(config: &Config) -> anyhow::Result<()> {
    Store::migrate_only(&store_options(config)).await?;
    say(&format!("{} is up to date", config.store.shown_url()))
}

pub(super) async fn backup(config: &Config, file: &Path) -> anyhow::Result<()> {
    let store = open_store(config).await?;
    let copied = store.backup(file).await;
    store.close().await;
    copied?;
    say(&format!("copied to {}", file.display()))
}

pub(super) async fn restore(config: &Config, file: &Path) -> anyhow::Result<()> {
    let (by, metrics) = (By::command_line(), Metrics::new()?);
    store::restore(&store_options(config), file, by, metrics).await?;
    let database = config.store.shown_url();
    say(&format!("{database} is now what {} holds", file.display()))
}

pub(super) async fn renew_epoch(config: &Config) -> anyhow::Result<()> {
    let store = open_store(config).await?;
    let renewed = {
        // A server that runs has told the old epoch to its clients.
        let _lock = store.lock_exclusively().await?;
        store.renew_epoch(By::command_line()).await
    };
    store.close().await;
    renewed?;
    say("clients will load their history anew")
}
