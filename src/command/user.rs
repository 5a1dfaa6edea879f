//! `parlor user`: people, straight in the database.

use std::io::{self, BufRead};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::{open_store, say};
use crate::{
    auth::password::Hasher,
    clock,
    config::{Config, password_from_environment},
    domain::{
        audit::By,
        fold_case,
        ids::UserId,
        user::{
            Email, FullName, InactiveReason, NewPassword, PhoneNumber, Role, User, Username,
            parse_until,
        },
    },
    store::{Identifier, NewUser, Store, StoreError, UserChanges, UserQuery, UserSort},
};

/// Makes and changes users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make a user.
    Create(Create),
    /// Give a user another role.
    Role {
        /// User name, e-mail address or id.
        user: String,
        role: Role,
    },
    /// Set a user's password; every login of the user ends.
    Password {
        /// User name, e-mail address or id.
        user: String,
        #[command(flatten)]
        source: PasswordSource,
    },
    /// List users by name.
    List {
        #[arg(long)]
        role: Option<Role>,
    },
    /// Let a user in again who was switched off.
    Activate {
        /// User name, e-mail address or id.
        user: String,
    },
    /// Switch a user off; every login of the user ends.
    Deactivate {
        /// User name, e-mail address or id.
        user: String,
        /// Why; admins read it.
        #[arg(long)]
        reason: Option<String>,
        /// When the user is switched on again by itself, such as 2026-12-24T18:00:00Z. [default:
        /// when somebody does it]
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
}

/// A user to be.
#[derive(Debug, Args)]
pub struct Create {
    /// 3 to 50 letters, digits, dots, hyphens or underscores.
    username: String,
    /// Unique; the user may sign in with it too.
    #[arg(long)]
    email: Option<String>,
    /// The name that others read. [default: the user name]
    #[arg(long)]
    full_name: Option<String>,
    /// Such as +44 1632 960961.
    #[arg(long)]
    phone_number: Option<String>,
    #[arg(long, default_value_t)]
    role: Role,
    #[command(flatten)]
    source: PasswordSource,
}

/// Where a password comes from: never from the arguments, which everybody on the machine can read.
#[derive(Debug, Args)]
pub struct PasswordSource {
    /// Read the password from the first line of standard input; otherwise it is taken from the
    /// environment variable PARLOR_PASSWORD.
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordSource {
    fn read(&self) -> anyhow::Result<NewPassword> {
        let text = if self.password_stdin {
            first_line(io::stdin().lock())?
        } else {
            password_from_environment()
                .map_err(|problem| anyhow::anyhow!("{} {}", problem.setting, problem.reason))?
                .context("give a password: set PARLOR_PASSWORD, or pipe it in --password-stdin")?
        };
        Ok(NewPassword::parse(text)?)
    }
}

pub(super) async fn run(command: UserCommand, config: &Config) -> anyhow::Result<()> {
    // What was typed is looked at before a database is made that may not be wanted.
    let action = Action::prepare(command, config).await?;
    let store = open_store(config).await?;
    let done = action.perform(&store).await;
    store.close().await;
    say(&done?)
}

/// A command whose words were checked.
enum Action {
    Create(NewUser),
    Change(String, UserChanges),
    List(Option<Role>),
}

impl Action {
    async fn prepare(command: UserCommand, config: &Config) -> anyhow::Result<Self> {
        let change = |user, changes| Ok(Self::Change(user, changes));
        match command {
            UserCommand::Create(create) => {
                let names = [
                    Some(&create.username),
                    create.email.as_ref(),
                    create.full_name.as_ref(),
                ];
                let names = names.into_iter().flatten().map(String::as_str);
                let password_hash = hash(config, create.source.read()?.of(names)).await?;
                Ok(Self::Create(create.into_user(password_hash)?))
            }
            UserCommand::Password { user, source } => {
                let password = source.read()?.of([user.as_str()]);
                let password_hash = Some(hash(config, password).await?);
                change(
                    user,
                    UserChanges {
                        password_hash,
                        ..UserChanges::default()
                    },
                )
            }
            UserCommand::Role { user, role } => change(
                user,
                UserChanges {
                    role: Some(role),
                    ..UserChanges::default()
                },
            ),
            UserCommand::Activate { user } => change(
                user,
                UserChanges {
                    active: Some(true),
                    ..UserChanges::default()
                },
            ),
            UserCommand::Deactivate {
                user,
                reason,
                until,
            } => change(user, off(reason.as_deref(), until.as_deref())?),
            UserCommand::List { role } => Ok(Self::List(role)),
        }
    }

    async fn perform(self, store: &Store) -> anyhow::Result<String> {
        match self {
            Self::Create(user) => {
                let user = store
                    .insert_user(user, &By::command_line())
                    .await
                    .map_err(in_words)?;
                Ok(format!("made {}", shown(&user)))
            }
            Self::Change(name, changes) => {
                let user = find(store, &name).await?;
                let user = store
                    .update_user(user.id, changes, None, &By::command_line())
                    .await
                    .map_err(in_words)?;
                Ok(format!("changed {}", shown(&user)))
            }
            Self::List(role) => list(store, role).await,
        }
    }
}

impl Create {
    fn into_user(self, password_hash: String) -> anyhow::Result<NewUser> {
        let full_name = self.full_name.as_deref().unwrap_or(&self.username);
        Ok(NewUser {
            id: UserId::new(),
            username: Username::parse(&self.username)?,
            email: self.email.as_deref().map(Email::parse).transpose()?,
            full_name: FullName::parse(full_name)?,
            phone_number: self
                .phone_number
                .as_deref()
                .map(PhoneNumber::parse)
                .transpose()?,
            password_hash: Some(password_hash),
            role: self.role,
        })
    }
}

/// Off, as if nothing had been said of it before.
fn off(reason: Option<&str>, until: Option<&str>) -> anyhow::Result<UserChanges> {
    let until = until.map(|text| parse_until(text, clock::now()));
    Ok(UserChanges {
        active: Some(false),
        inactive_reason: Some(reason.map(InactiveReason::parse).transpose()?),
        inactive_until: Some(until.transpose()?),
        ..UserChanges::default()
    })
}

async fn hash(config: &Config, password: NewPassword) -> anyhow::Result<String> {
    Ok(Hasher::new(config.auth.bcrypt_cost)?.hash(password).await?)
}

/// Finds a user by what an operator would call one.
async fn find(store: &Store, name: &str) -> anyhow::Result<User> {
    let found = if let Ok(id) = name.parse::<UserId>() {
        store.find_user(id).await
    } else {
        let key = fold_case(name);
        let identifier = if name.contains('@') {
            Identifier::Email(key)
        } else {
            Identifier::Username(key)
        };
        let found = store.find_credentials(&identifier).await;
        found.map(|found| found.map(|credentials| credentials.user))
    };
    found
        .map_err(in_words)?
        .with_context(|| format!("there is no user {name:?}"))
}

async fn list(store: &Store, role: Option<Role>) -> anyhow::Result<String> {
    if let Some(role) = &role
        && store.find_role(role).await.map_err(in_words)?.is_none()
    {
        bail!("there is no role {role}");
    }
    let mut query = UserQuery {
        text: None,
        search_contacts: false,
        role,
        active: None,
        sort: UserSort::Username,
        descending: false,
        page: 1,
        limit: 100,
    };
    let mut lines = Vec::new();
    loop {
        let (users, _) = store.list_users(&query).await.map_err(in_words)?;
        lines.extend(users.iter().map(shown));
        if users.len() < 100 {
            return Ok(lines.join("\n"));
        }
        query.page += 1;
    }
}

/// One line a user, in columns that programs can split at tabs.
fn shown(user: &User) -> String {
    let email = user.email.as_deref().unwrap_or("-");
    let state = if user.active { "active" } else { "inactive" };
    let (id, name, role) = (user.id, &user.profile.username, &user.role);
    format!("{name}\t{email}\t{role}\t{state}\t{id}")
}

fn in_words(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Unavailable(_) | StoreError::Internal(_) => error.into(),
        // The words of the API serve an operator as well.
        error => anyhow::anyhow!("{}", crate::error::ApiError::from(error)),
    }
}

fn first_line(mut input: impl BufRead) -> anyhow::Result<SecretString> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .context("cannot read the password from standard input")?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        bail!("standard input holds no password");
    }
    Ok(SecretString::from(line))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_password_is_the_first_line_as_it_stands() {
        let read = |text: &str| first_line(text.as_bytes()).map(|s| s.expose_secret().to_owned());
        assert_eq!(read(" Secret 123 \r\nmore\n").unwrap(), " Secret 123 ");
        assert_eq!(read("Secret123").unwrap(), "Secret123");
        assert!(read("\n").is_err());
        assert!(read("").is_err());
    }
}
