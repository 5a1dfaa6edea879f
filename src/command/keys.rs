//! `parlor keys`: what signs the tokens, straight in the data directory.

use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::json;

use super::{open_store, say};
use crate::{
    auth::keys::{KeptKey, KeyFile, KeyId},
    config::{Config, JwtAlgorithm},
    domain::audit::{Act, By, Target},
};

/// Shows and changes the keys that sign tokens.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys, oldest first: name, algorithm, what it does, since when.
    List,
    /// Make a new key. It signs at once; those before it verify until their last token has ended.
    Rotate {
        /// The kind of the new key. [default: that of the key before]
        #[arg(long, value_enum)]
        algorithm: Option<JwtAlgorithm>,
        /// Drop every other key at once, because one got into strange hands: everybody refreshes
        /// the token, which clients do by themselves.
        #[arg(long)]
        now: bool,
    },
    /// Drop a key that no longer signs: its tokens are refused from now on, and their sockets
    /// close.
    Retire {
        /// Its name, as `list` shows it.
        #[arg(allow_hyphen_values = true)]
        kid: KeyId,
    },
}

pub(super) async fn run(command: KeysCommand, config: &Config) -> anyhow::Result<()> {
    let auth = &config.auth;
    if auth.jwt_secret.is_some() {
        return match command {
            KeysCommand::List => say("the key is set: JWT_SECRET, with HS256"),
            KeysCommand::Rotate { .. } | KeysCommand::Retire { .. } => bail!(
                "the key is set by JWT_SECRET: put its value into JWT_SECRET_PREVIOUS, a new one \
                 into JWT_SECRET, and start the server again; take JWT_SECRET_PREVIOUS away when \
                 the old tokens have ended, after JWT_EXPIRATION, or at once to refuse them"
            ),
        };
    }
    let file = KeyFile::of(&config.server.data_dir);
    let change = match command {
        KeysCommand::List => return list(&file),
        KeysCommand::Rotate { algorithm, now } => Change::Rotate { algorithm, now },
        KeysCommand::Retire { kid } => Change::Retire { kid },
    };
    // Opened first: what cannot be noted is not done.
    let store = open_store(config).await?;
    let done = change.make(&file, config);
    let noted = match &done {
        Ok(done) => {
            let target = Target::of("key", &done.kid);
            let by = By::command_line();
            store
                .record(by, done.act, Some(target), done.details.clone())
                .await
        }
        Err(_) => Ok(()),
    };
    store.close().await;
    let Done { said, .. } = done?;
    say(&said)?;
    noted.context("it is done, but the audit log does not tell of it")
}

fn list(file: &KeyFile) -> anyhow::Result<()> {
    match file.read()? {
        Some(kept) => {
            let lines: Vec<_> = kept.keys().iter().map(shown).collect();
            say(&lines.join("\n"))
        }
        None => say("there is no key yet; the first start makes one"),
    }
}

/// A change of the file.
enum Change {
    Rotate {
        algorithm: Option<JwtAlgorithm>,
        now: bool,
    },
    Retire {
        kid: KeyId,
    },
}

/// What became of it, for whoever asked and for the audit log.
struct Done {
    kid: String,
    act: Act,
    details: serde_json::Value,
    said: String,
}

impl Change {
    fn make(self, file: &KeyFile, config: &Config) -> anyhow::Result<Done> {
        let auth = &config.auth;
        match self {
            Self::Rotate { algorithm, now } => {
                let kid = file.rotate(algorithm, auth.jwt_algorithm, auth.token_lifetime, now)?;
                Ok(Done {
                    act: Act::KeyRotate,
                    details: json!({ "now": now }),
                    said: format!("{kid} signs from now on"),
                    kid,
                })
            }
            Self::Retire { kid } => {
                file.retire(kid)?;
                Ok(Done {
                    act: Act::KeyRetire,
                    details: serde_json::Value::Null,
                    said: format!("{kid} is gone"),
                    kid: kid.to_string(),
                })
            }
        }
    }
}

/// One line a key, in columns that programs can split at tabs.
fn shown(key: &KeptKey) -> String {
    let state = match key.until() {
        None => "signs".to_owned(),
        Some(until) => format!("verifies until {}", until.format("%FT%TZ")),
    };
    let made = key.created_at.format("%FT%TZ");
    format!("{}\t{}\t{state}\t{made}", key.id(), key.algorithm)
}
