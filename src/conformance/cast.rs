//! The users and the room that the checks need, and their end.

use std::{cell::RefCell, time::Duration};

use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Known, Options, book::Book, stage::Stage};
use crate::remote::{Place, Reply};

/// As many as the checks need at once.
const USERS: usize = 4;

/// Somebody who takes part.
pub struct User {
    pub id: String,
    pub username: String,
    pub token: String,
    /// How long the token lasts, if that was told.
    pub lasts: Option<Duration>,
    /// The password of somebody who was made for the checks.
    pub made_with: Option<String>,
}

/// How often somebody is registered anew when no answer comes.
const REGISTRATIONS: u32 = 3;

/// Everybody who takes part, and where.
pub struct Cast {
    pub stage: Stage,
    made_room: bool,
}

impl Cast {
    /// Signs in who was named, or registers users; makes a room, unless one was named.
    pub async fn gather(place: &Place, options: &Options) -> anyhow::Result<Self> {
        let mut stage = Stage {
            place: place.clone(),
            users: Vec::new(),
            room: options.room.clone().unwrap_or_default(),
            patience: options.patience,
            limits: Value::Null,
            heartbeat: Duration::ZERO,
            book: RefCell::new(Book::default()),
        };
        for known in &options.users {
            let user = enter(&stage, known).await?;
            stage.users.push(user);
        }
        if options.users.is_empty() {
            for _ in 0..USERS {
                match register_somehow(&stage).await {
                    Ok(user) => stage.users.push(user),
                    // A few are better than none: checks that need more say so.
                    Err(_) if stage.users.len() > 1 => break,
                    Err(error) => return Err(error),
                }
            }
        }
        let made_room = options.room.is_none();
        if made_room {
            stage.room = make_room(&stage).await?;
        }
        let greeting = stage.greeting().await?;
        stage.limits = greeting["limits"].clone();
        let heartbeat = greeting["heartbeat_seconds"].as_u64().unwrap_or(0);
        stage.heartbeat = Duration::from_secs(heartbeat);
        Ok(Self { stage, made_room })
    }

    /// Takes away what can be taken away, and says what cannot.
    pub async fn leave(self) -> Vec<String> {
        let mut left = Vec::new();
        if self.made_room {
            left.push(format!("the room {}", self.stage.room));
        }
        for user in &self.stage.users {
            if user.made_with.is_none() {
                continue;
            }
            let path = format!("/api/users/{}", user.id);
            let stage = &self.stage;
            let gone = stage.ask_patiently(Some(user), "DELETE", &path, None).await;
            if !gone.is_ok_and(|reply| reply.head.status == 204) {
                left.push(format!("the user {}", user.username));
            }
        }
        left
    }
}

async fn enter(stage: &Stage, known: &Known) -> anyhow::Result<User> {
    match known {
        Known::Token(token) => {
            let mut user = User {
                id: String::new(),
                username: String::new(),
                token: token.expose_secret().to_owned(),
                lasts: None,
                made_with: None,
            };
            let reply = stage.ask(Some(&user), "GET", "/api/users/me", None).await?;
            let me = told(&reply, 200).context("a token is not accepted")?;
            user.id = text(&me["id"]);
            user.username = text(&me["username"]);
            Ok(user)
        }
        Known::Password { name, password } => {
            let field = if name.contains('@') {
                "email"
            } else {
                "username"
            };
            let body = json!({field: name, "password": password.expose_secret()});
            let reply = stage
                .ask(None, "POST", "/api/auth/login", Some(&body))
                .await?;
            let login = told(&reply, 200).with_context(|| format!("{name} is not let in"))?;
            Ok(signed_in(&login, None))
        }
    }
}

/// Registers somebody, over a network that loses answers too.
async fn register_somehow(stage: &Stage) -> anyhow::Result<User> {
    for _ in 0..REGISTRATIONS {
        match register(stage).await {
            Err(error) if error.is::<std::io::Error>() => {}
            done => return done,
        }
    }
    register(stage).await
}

/// Registers somebody; a server that wants to be asked less often is waited for.
pub async fn register(stage: &Stage) -> anyhow::Result<User> {
    let name = format!("conformance-{:08x}", rand::random::<u32>());
    let password = format!("Aa1-{:016x}", rand::random::<u64>());
    let body = json!({
        "username": name, "full_name": name, "password": password,
        "email": format!("{name}@parlor.example"),
    });
    let reply = stage
        .ask_patiently(None, "POST", "/api/auth/register", Some(&body))
        .await?;
    let login = told(&reply, 201)
        .context("the server lets nobody register: name users that exist, by --user or --users")?;
    Ok(signed_in(&login, Some(password)))
}

async fn make_room(stage: &Stage) -> anyhow::Result<String> {
    for user in &stage.users {
        // A name of its own each time: the answer to the last one may have been lost.
        let id = format!("conformance-{:08x}", rand::random::<u32>());
        let body = json!({"id": id, "name": "Conformance"});
        let asked = stage.ask(Some(user), "POST", "/api/chat/rooms", Some(&body));
        let Ok(reply) = asked.await else {
            continue;
        };
        if reply.head.status == 201 {
            return Ok(text(&reply.json()["id"]));
        }
        if reply.head.status != 429 {
            told(&reply, 201).context("no room can be made: name one by --room")?;
        }
    }
    bail!("none of these users can make a room now: name one by --room")
}

fn signed_in(login: &Value, made_with: Option<String>) -> User {
    User {
        id: text(&login["user"]["id"]),
        username: text(&login["user"]["username"]),
        token: text(&login["token"]),
        lasts: login["expires_in"].as_u64().map(Duration::from_secs),
        made_with,
    }
}

/// The body of an answer with the right status, or what it says instead.
fn told(reply: &Reply, status: u16) -> anyhow::Result<Value> {
    let body = reply.json();
    if reply.head.status == status {
        return Ok(body);
    }
    let code = body["code"].as_str().unwrap_or("no code");
    let message = body["message"].as_str().unwrap_or("no message");
    bail!("{} {code}: {message}", reply.head.status)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
