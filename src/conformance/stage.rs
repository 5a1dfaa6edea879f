//! What every check has at hand: the server, the users, the room and the book.

use std::{cell::RefCell, io, time::Duration};

use bytes::BytesMut;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{
    book::Book,
    cast::User,
    member::Member,
    report::{Checked, Stop},
};
use crate::remote::{
    Place, Reply, Socket,
    http::{ask, read_body},
};

/// How long an answer may take; far above what it takes on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The socket's address.
pub const SOCKET: &str = "/api/chat/ws";

/// Until a request that was cut off is sent again.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a server that is busy or counts is asked again.
const TRIES: u32 = 20;

/// Where the checks take place.
pub struct Stage {
    pub place: Place,
    pub users: Vec<User>,
    pub room: String,
    pub patience: Duration,
    /// What `authenticated` told.
    pub limits: Value,
    pub heartbeat: Duration,
    pub book: RefCell<Book>,
}

impl Stage {
    /// A user by number; with few users, one counts for several.
    pub fn user(&self, number: usize) -> Checked<&User> {
        let number = number % self.users.len().max(1);
        let nobody = || Stop::Skipped("there are no users".to_owned());
        self.users.get(number).ok_or_else(nobody)
    }

    /// A user whom no smaller number names.
    pub fn another(&self, number: usize) -> Checked<&User> {
        let (needed, there) = (number + 1, self.users.len());
        let few = || Stop::Skipped(format!("needs {needed} users, and there are {there}"));
        self.users.get(number).ok_or_else(few)
    }

    /// A user who was made for the checks, so that he may be sent away.
    pub fn made(&self, number: usize) -> Checked<(&User, &str)> {
        let user = self.user(number)?;
        match &user.made_with {
            Some(password) => Ok((user, password)),
            None => Err(Stop::Skipped(
                "what is done here is not done to users who were named".to_owned(),
            )),
        }
    }

    /// A number of `limits`; 0 if it is not told.
    pub fn limit(&self, name: &str) -> u64 {
        self.limits[name].as_u64().unwrap_or(0)
    }

    /// A socket of a user, who is known to the server by then.
    pub async fn member<'a>(&'a self, user: &'a User) -> Checked<Member<'a>> {
        let bearer = format!("Bearer {}", user.token);
        let socket = self.open(SOCKET, &[("Authorization", &bearer)]).await?;
        let mut member = Member::new(self, user, socket);
        member.wait_for("authenticated").await?;
        Ok(member)
    }

    /// A socket of a user in the room.
    pub async fn joined<'a>(&'a self, user: &'a User) -> Checked<Member<'a>> {
        let mut member = self.member(user).await?;
        member.join(None).await?;
        Ok(member)
    }

    /// A socket that nobody has spoken on.
    pub async fn open(&self, path: &str, headers: &[(&str, &str)]) -> Checked<Socket> {
        match self.try_open(path, headers, None).await? {
            Ok(socket) => Ok(socket),
            Err(reply) => Err(Stop::Failed(format!("the socket is refused: {reply}"))),
        }
    }

    /// A socket, or the answer that refuses it.
    pub async fn try_open(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        window: Option<u32>,
    ) -> Checked<Result<Socket, Box<Reply>>> {
        let opening = Socket::open(&self.place, path, headers, window);
        match within(opening).await {
            Ok(Ok((socket, _))) => Ok(Ok(socket)),
            Ok(Err(reply)) => Ok(Err(reply)),
            Err(error) => Err(Stop::Failed(format!("no socket on {path}: {error}"))),
        }
    }

    /// A request and its answer, whatever it is.
    pub async fn ask(
        &self,
        user: Option<&User>,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<Reply> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.place.authority(),
            body.len()
        );
        if let Some(user) = user {
            request.push_str(&format!("Authorization: Bearer {}\r\n", user.token));
        }
        if !body.is_empty() {
            request.push_str("Content-Type: application/json\r\n");
        }
        request.push_str("\r\n");
        request.push_str(&body);
        within(async {
            let mut stream = self.place.connect(None).await?;
            let mut received = BytesMut::new();
            let head = ask(&mut stream, request.as_bytes(), &mut received).await?;
            read_body(&mut stream, head, received).await
        })
        .await
    }

    /// The same, and again while the answer is 429 or 503, as late as it says; or if none came.
    pub async fn ask_patiently(
        &self,
        user: Option<&User>,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<Reply> {
        for _ in 0..TRIES {
            let reply = match self.ask(user, method, path, body).await {
                Ok(reply) => reply,
                // What only reads or takes away may be asked again.
                Err(_) if matches!(method, "GET" | "DELETE") => {
                    sleep(PAUSE).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if !matches!(reply.head.status, 429 | 503) {
                return Ok(reply);
            }
            let after = reply.head.header("retry-after").map(str::parse);
            let after = Duration::from_secs(after.and_then(Result::ok).unwrap_or(1));
            if after > LIMIT {
                return Ok(reply);
            }
            sleep(after).await;
        }
        self.ask(user, method, path, body).await
    }

    /// An answer that must have a status.
    pub async fn told(
        &self,
        user: Option<&User>,
        (method, path): (&str, &str),
        body: Option<&Value>,
        status: u16,
    ) -> Checked<Value> {
        let reply = self
            .ask_patiently(user, method, path, body)
            .await
            .map_err(|error| Stop::Failed(format!("{method} {path}: {error}")))?;
        if reply.head.status == status {
            return Ok(reply.json());
        }
        let why = format!("{method} {path} is answered by {reply}, not by {status}");
        Err(Stop::Failed(why))
    }

    /// The room's messages over REST; `query` such as `after=5&limit=200`.
    pub async fn history(&self, query: &str) -> Checked<Value> {
        let path = format!("/api/chat/rooms/{}/messages?{query}", self.room);
        self.told(Some(self.user(0)?), ("GET", &path), None, 200)
            .await
    }

    /// The `authenticated` frame of the first user.
    pub async fn greeting(&self) -> anyhow::Result<Value> {
        let greet = async {
            let user = self.user(0)?;
            let bearer = format!("Bearer {}", user.token);
            let socket = self.open(SOCKET, &[("Authorization", &bearer)]).await?;
            Member::new(self, user, socket)
                .wait_for("authenticated")
                .await
        };
        greet.await.map_err(|stop| match stop {
            Stop::Failed(why) | Stop::Skipped(why) | Stop::Unlimited(why) => anyhow::anyhow!(why),
        })
    }
}

/// A result that comes in time, or the error that it does not.
async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(LIMIT, work).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {} s", LIMIT.as_secs()),
        )),
    }
}
