//! `parlor audit`: whether the audit log is what it was.

use anyhow::{Context, bail};
use clap::Subcommand;

use super::{open_store, say};
use crate::{config::Config, domain::audit::Hash, store::Verdict};

/// Looks after the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no entry was changed, removed or put in between, and print how many there are
    /// and the hash of the last one.
    ///
    /// Fails with the first entry that is not as it was. Entries cut off at the end are found only
    /// with --head: note the printed hash, or the label of the metric api_audit_head_info, in another place.
    Verify {
        /// A hash that an earlier check printed: it must still be in the log.
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
}

pub(super) async fn run(command: AuditCommand, config: &Config) -> anyhow::Result<()> {
    let AuditCommand::Verify { head } = command;
    let noted = head
        .map(|text| Hash::parse(&text).context("--head must be 64 hexadecimal digits"))
        .transpose()?;
    let store = open_store(config).await?;
    let verdict = store.verify_audit(noted).await;
    store.close().await;
    match verdict? {
        Verdict::Whole(head) => say(&format!("{} entries, head {}", head.seq, head.hash)),
        Verdict::Broken { seq, why } => bail!("the audit log is broken at entry {seq}: {why}"),
    }
}
