//! Members who lose their sockets as phones do, come back, and keep the books.

use std::{collections::HashMap, time::Duration};

use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{Checked, Stage, holds};
use crate::{
    conformance::{
        book::{Ack, Said, in_order},
        cast::User,
        member::{retry_after, unique},
        report::Stop,
        stage::{LIMIT, SOCKET},
    },
    remote::{Event, Socket},
};

/// Members who talk.
const MEMBERS: usize = 4;
/// What each of them says.
const EACH: usize = 20;
/// Each cuts its own socket after so many of its messages, to see that coming back works.
const CUT_AFTER: usize = 7;
/// How long all of it may take, through a network however bad.
const TOO_LONG: Duration = Duration::from_secs(180);
/// Between two attempts to come back.
const PAUSE: Duration = Duration::from_millis(50);

/// A user who comes back.
struct Wanderer<'a> {
    stage: &'a Stage,
    user: &'a User,
    socket: Option<Socket>,
    start: Option<i64>,
    epoch: Value,
    heard: Vec<Said>,
    acks: HashMap<String, Ack>,
    returns: usize,
    end: Instant,
}

pub async fn conversation(stage: &Stage) -> Checked {
    let end = Instant::now() + TOO_LONG;
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        let mut member = Wanderer::new(stage, stage.user(number)?, end);
        // All are there before anybody speaks.
        member.come_back().await?;
        members.push(member);
    }
    try_join_all(members.iter_mut().map(Wanderer::talk)).await?;
    let revs = members.iter().flat_map(|member| member.acks.values());
    let last = revs.map(|ack| ack.rev).max().unwrap_or(0);
    try_join_all(members.iter_mut().map(|member| member.hear_until(last))).await?;
    for member in &members {
        in_order(&member.heard, member.start.unwrap_or(0))?;
    }
    let heard: Vec<_> = members.iter().flat_map(|member| &member.heard).collect();
    let mut places: HashMap<i64, &str> = HashMap::new();
    for said in &heard {
        let first = places.entry(said.seq).or_insert(&said.id);
        holds(*first == said.id, || {
            format!("two messages were heard as seq {}", said.seq)
        })?;
    }
    for (name, ack) in members.iter().flat_map(|member| &member.acks) {
        let of_it: Vec<_> = members
            .first()
            .map(|member| {
                member
                    .heard
                    .iter()
                    .filter(|said| said.id == ack.id)
                    .collect()
            })
            .unwrap_or_default();
        holds(of_it.len() == 1, || {
            format!(
                "{name}, acknowledged as seq {}, was heard {} times",
                ack.seq,
                of_it.len()
            )
        })?;
    }
    let said: usize = members.iter().map(|member| member.acks.len()).sum();
    let returns: usize = members.iter().map(|member| member.returns).sum();
    let members = members.len();
    Ok(format!(
        "{members} members said {said} messages and came back {returns} times; none missed, none \
         doubled"
    ))
}

impl<'a> Wanderer<'a> {
    fn new(stage: &'a Stage, user: &'a User, end: Instant) -> Self {
        Self {
            stage,
            user,
            socket: None,
            start: None,
            epoch: Value::Null,
            heard: Vec::new(),
            acks: HashMap::new(),
            returns: 0,
            end,
        }
    }

    fn rev(&self) -> Option<i64> {
        self.heard.last().map(|said| said.rev).or(self.start)
    }

    /// Says everything, again whenever no answer came.
    async fn talk(&mut self) -> Checked<()> {
        for number in 0..EACH {
            let name = unique("w");
            while !self.acks.contains_key(&name) {
                self.say(&name).await?;
            }
            if number % CUT_AFTER == CUT_AFTER - 1
                && let Some(socket) = self.socket.take()
            {
                socket.cut();
            }
        }
        Ok(())
    }

    /// Says it once, and listens until it is answered or the socket is lost.
    async fn say(&mut self, name: &str) -> Checked<()> {
        self.come_back().await?;
        let Some(socket) = &mut self.socket else {
            return Ok(());
        };
        let frame = json!({
            "type": "message", "room_id": self.stage.room, "content": name,
            "client_message_id": name,
        });
        let sent = timeout(LIMIT, socket.send(&frame.to_string())).await;
        if !matches!(sent, Ok(Ok(()))) {
            self.socket = None;
        }
        while self.socket.is_some() && !self.acks.contains_key(name) {
            let Some(frame) = self.next().await? else {
                continue;
            };
            if frame["type"] == "error" && frame["client_message_id"] == name {
                let Some(wait) = retry_after(&frame) else {
                    return Err(Stop::Failed(format!("{name} is refused: {frame}")));
                };
                sleep(wait.min(LIMIT)).await;
                return Ok(());
            }
        }
        Ok(())
    }

    async fn hear_until(&mut self, rev: i64) -> Checked<()> {
        while self.rev().is_none_or(|heard| heard < rev) {
            self.come_back().await?;
            self.next().await?;
        }
        Ok(())
    }

    /// Opens a socket and joins from where it was, unless it is there.
    async fn come_back(&mut self) -> Checked<()> {
        let mut first = true;
        while self.socket.is_none() {
            holds(Instant::now() < self.end, || {
                format!(
                    "{} returns in {} s, and no end",
                    self.returns,
                    TOO_LONG.as_secs()
                )
            })?;
            if !std::mem::take(&mut first) {
                sleep(PAUSE).await;
            }
            let bearer = format!("Bearer {}", self.user.token);
            let headers = [("Authorization", bearer.as_str())];
            let opening = Socket::open(&self.stage.place, SOCKET, &headers, None);
            let Ok(Ok(opened)) = timeout(LIMIT, opening).await else {
                continue;
            };
            match opened {
                Ok((socket, _)) => self.socket = Some(socket),
                Err(reply) if reply.head.status == 503 || reply.head.status == 502 => continue,
                Err(reply) => return Err(Stop::Failed(format!("not let in again: {reply}"))),
            }
            self.join().await?;
        }
        Ok(())
    }

    async fn join(&mut self) -> Checked<()> {
        let after = self.rev();
        let mut frame = json!({"type": "connect", "room_id": self.stage.room});
        if let Some(after) = after {
            frame["after"] = json!(after);
            frame["epoch"] = self.epoch.clone();
        }
        if let Some(socket) = &mut self.socket
            && !matches!(
                timeout(LIMIT, socket.send(&frame.to_string())).await,
                Ok(Ok(()))
            )
        {
            self.socket = None;
        }
        while self.socket.is_some() {
            let Some(told) = self.next().await? else {
                continue;
            };
            if told["type"] == "connected" {
                self.epoch = told["epoch"].clone();
                match after {
                    None => self.start = told["rev"].as_i64(),
                    Some(after) => {
                        self.returns += 1;
                        holds(told["resumed"] == true, || {
                            format!("after {after} is not resumed: {told}")
                        })?;
                    }
                }
                return Ok(());
            }
        }
        Ok(())
    }

    /// The next frame; `None` without one, or if the socket is lost.
    async fn next(&mut self) -> Checked<Option<Value>> {
        let Some(socket) = &mut self.socket else {
            return Ok(None);
        };
        match timeout(LIMIT, socket.next()).await {
            Ok(Event::Text(text)) => {
                let frame: Value = serde_json::from_str(&text)
                    .map_err(|_| Stop::Failed(format!("a frame that is no JSON: {text}")))?;
                self.take(&frame)?;
                Ok(Some(frame))
            }
            Ok(Event::Ping | Event::Pong(_)) => Ok(None),
            Ok(Event::Closed(Some(code @ 4500..5000), reason)) => {
                Err(Stop::Failed(format!("sent away by {code} {reason}")))
            }
            Ok(Event::Closed(..) | Event::Lost(_)) | Err(_) => {
                self.socket = None;
                Ok(None)
            }
        }
    }

    fn take(&mut self, frame: &Value) -> Checked<()> {
        if frame["type"] == "message" && frame["room_id"] == self.stage.room.as_str() {
            // Before `connected` nothing of the room is heard.
            let said = Said::read(frame)?;
            let expected = self.rev().map(|rev| rev + 1);
            holds(expected == Some(said.rev), || {
                format!("rev {} was heard, and not {expected:?}", said.rev)
            })?;
            self.heard.push(said);
        }
        if frame["type"] == "ack"
            && let Some(name) = frame["client_message_id"].as_str()
        {
            let ack = Ack::read(frame)?;
            self.stage.book.borrow_mut().keep(&ack)?;
            let first = self.acks.entry(name.to_owned()).or_insert(ack.clone());
            holds((&first.id, first.seq) == (&ack.id, ack.seq), || {
                format!("{name} was acknowledged as {first:?} and as {ack:?}")
            })?;
        }
        Ok(())
    }
}
