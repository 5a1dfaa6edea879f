//! One user on one socket, who remembers every message heard.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    book::{Said, in_order},
    cast::User,
    report::{Checked, Stop},
    stage::{LIMIT, Stage},
};
use crate::{
    protocol::code::{CloseCode, ErrorCode},
    remote::{Event, Socket},
};

/// How many frames are shown when something fails.
const SHOWN: usize = 3;
/// How much of each.
const SHOWN_CHARS: usize = 240;
/// How often one message is sent again when the server has no room for it.
pub(super) const TRIES: u32 = 40;

/// A user on a socket.
pub struct Member<'a> {
    pub user: &'a User,
    pub socket: Socket,
    /// The messages heard, in the order that they came.
    pub heard: Vec<Said>,
    pub(super) stage: &'a Stage,
    seen: VecDeque<String>,
    /// Users who left the room, as far as was told.
    gone: BTreeSet<String>,
}

/// What an error frame asks to wait before the same is tried again; `None` if it is final.
pub fn retry_after(frame: &Value) -> Option<Duration> {
    let again = ["rate_limited", "overloaded", "unavailable"];
    let code = frame["code"].as_str()?;
    let wait = frame["retry_after_ms"].as_u64();
    again
        .contains(&code)
        .then(|| Duration::from_millis(wait.unwrap_or(500)))
}

/// A name that no other message has.
pub fn unique(what: &str) -> String {
    format!("{what}-{:016x}", rand::random::<u64>())
}

impl<'a> Member<'a> {
    /// A user on a socket that is open.
    pub fn new(stage: &'a Stage, user: &'a User, socket: Socket) -> Self {
        Self {
            user,
            socket,
            heard: Vec::new(),
            stage,
            seen: VecDeque::new(),
            gone: BTreeSet::new(),
        }
    }

    /// A broken promise, with the last frames seen.
    pub fn fail(&self, why: &str) -> Stop {
        let shown: Vec<String> = self
            .seen
            .iter()
            .map(|frame| frame.chars().take(SHOWN_CHARS).collect())
            .collect();
        Stop::Failed(match shown.is_empty() {
            true => why.to_owned(),
            false => format!("{why}; the last frames: {}", shown.join(" ")),
        })
    }

    /// Joins the room, from behind `after` if that is given; gives the `connected` frame.
    pub async fn join(&mut self, after: Option<i64>) -> Checked<Value> {
        let mut frame = json!({"type": "connect", "room_id": self.stage.room});
        if let Some(after) = after {
            frame["after"] = json!(after);
        }
        self.send(&frame).await?;
        let connected = self.wait_for("connected").await?;
        if connected["head"].is_i64() && connected["rev"].is_i64() && connected["epoch"].is_string()
        {
            return Ok(connected);
        }
        Err(self.fail("connected lacks head, rev or epoch"))
    }

    /// Leaves the room.
    pub async fn leave(&mut self) -> Checked<()> {
        self.send(&json!({"type": "disconnect", "room_id": self.stage.room}))
            .await?;
        self.wait_for("disconnected").await?;
        Ok(())
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) -> Checked<()> {
        self.send_text(&frame.to_string()).await
    }

    /// Sends a text, whatever it is.
    pub async fn send_text(&mut self, text: &str) -> Checked<()> {
        let sent = timeout(LIMIT, self.socket.send(text)).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.fail(&format!("a frame cannot be sent: {error}"))),
            Err(_) => Err(self.fail("the server reads no more")),
        }
    }

    /// Reads for a while.
    pub async fn listen(&mut self, time: Duration) -> Checked<()> {
        self.listen_until(Instant::now() + time, |_| {}).await
    }

    /// Reads until then, and shows every frame.
    pub async fn listen_until(
        &mut self,
        end: Instant,
        mut show: impl FnMut(&Value),
    ) -> Checked<()> {
        while let Ok(event) = timeout_at(end, self.socket.next()).await {
            match self.take(event)? {
                (_, Some(why)) => return Err(self.fail(&why)),
                (Some(frame), _) => show(&frame),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether it was told that a user has left, and not that he is back.
    pub fn has_left(&self, user: &str) -> bool {
        self.gone.contains(user)
    }

    /// Listens until the message with this `rev` was heard.
    pub async fn hear_until(&mut self, rev: i64) -> Checked<()> {
        while self.heard.last().is_none_or(|said| said.rev < rev) {
            let wanted = format!("the message of rev {rev}");
            self.wait_until(&wanted, |frame| frame["type"] == "message")
                .await?;
        }
        Ok(())
    }

    /// Checks that everything behind `after` was heard, once and in order.
    pub fn heard_in_order(&self, after: i64) -> Checked<()> {
        in_order(&self.heard, after)
    }

    /// The next frame of a type; others are passed over.
    pub async fn wait_for(&mut self, kind: &str) -> Checked<Value> {
        self.wait_until(kind, |frame| frame["type"] == kind).await
    }

    /// The next frame that is meant; others are passed over.
    pub async fn wait_until(
        &mut self,
        what: &str,
        meant: impl Fn(&Value) -> bool,
    ) -> Checked<Value> {
        self.wait_within(LIMIT, what, meant).await
    }

    /// The same, with a limit of one's own.
    pub async fn wait_within(
        &mut self,
        limit: Duration,
        what: &str,
        meant: impl Fn(&Value) -> bool,
    ) -> Checked<Value> {
        match self.find(Instant::now() + limit, what, meant).await? {
            Some(frame) => Ok(frame),
            None => {
                let seconds = limit.as_secs();
                Err(self.fail(&format!("{what} did not come within {seconds} s")))
            }
        }
    }

    /// The next frame that is meant, if it comes until then.
    pub(super) async fn find(
        &mut self,
        end: Instant,
        what: &str,
        meant: impl Fn(&Value) -> bool,
    ) -> Checked<Option<Value>> {
        loop {
            let Ok(event) = timeout_at(end, self.socket.next()).await else {
                return Ok(None);
            };
            match self.take(event)? {
                (Some(frame), _) if meant(&frame) => return Ok(Some(frame)),
                (_, Some(end)) => return Err(self.fail(&format!("waiting for {what}: {end}"))),
                _ => {}
            }
        }
    }

    /// Everything that comes before the answer to a ping sent now.
    pub async fn until_pong(&mut self) -> Checked<Vec<Value>> {
        let mark = unique("p");
        self.send(&json!({"type": "ping", "ref": mark})).await?;
        let mut frames = Vec::new();
        loop {
            let frame = self.wait_until("the answer to a ping", |_| true).await?;
            if frame["type"] == "pong" && frame["ref"] == mark.as_str() {
                return Ok(frames);
            }
            frames.push(frame);
        }
    }

    /// Sends a frame that must be answered by an error with this code.
    pub async fn refused(&mut self, text: &str, code: ErrorCode) -> Checked<Value> {
        let mut error = Value::Null;
        for _ in 0..TRIES {
            self.send_text(text).await?;
            error = self.wait_for("error").await?;
            match retry_after(&error) {
                // Not what is asked about: the checks talk a lot.
                Some(wait) if wait < LIMIT => self.listen(wait).await?,
                _ => break,
            }
        }
        if error["code"] == code.as_str() && error["error"].is_string() {
            return Ok(error);
        }
        let (text, code) = (text.chars().take(80).collect::<String>(), code.as_str());
        Err(self.fail(&format!("{text} is not refused as {code}")))
    }

    /// Checks that the server closes with this code, and says why in JSON.
    pub async fn closed_as(&mut self, code: CloseCode, within: Duration) -> Checked<()> {
        let end = Instant::now() + within;
        let closed = loop {
            let Ok(event) = timeout_at(end, self.socket.next()).await else {
                let why = format!("not closed within {} s", within.as_secs());
                return Err(self.fail(&why));
            };
            match event {
                Event::Closed(number, reason) => break (number, reason),
                Event::Lost(why) => {
                    return Err(self.fail(&format!("lost without a close frame: {why}")));
                }
                other => drop(self.take(other)?),
            }
        };
        closed_with(closed, code).map_err(|why| self.fail(&why))
    }

    /// A frame, or the end.
    fn take(&mut self, event: Event) -> Checked<(Option<Value>, Option<String>)> {
        match event {
            Event::Text(text) => {
                let frame: Value = serde_json::from_str(&text)
                    .map_err(|_| self.fail(&format!("a frame that is no JSON: {text}")))?;
                if self.seen.len() == SHOWN {
                    self.seen.pop_front();
                }
                self.seen.push_back(text);
                if frame["type"] == "message" && frame["room_id"] == self.stage.room.as_str() {
                    self.heard.push(Said::read(&frame)?);
                }
                if let Some(user) = frame["user"]["id"].as_str() {
                    match frame["type"].as_str() {
                        Some("user_left") => drop(self.gone.insert(user.to_owned())),
                        Some("user_joined") => drop(self.gone.remove(user)),
                        _ => {}
                    }
                }
                Ok((Some(frame), None))
            }
            Event::Ping | Event::Pong(_) => Ok((None, None)),
            Event::Closed(number, reason) => {
                let number = number.map_or_else(|| "no number".to_owned(), |n| n.to_string());
                Ok((None, Some(format!("closed by {number} {reason}"))))
            }
            Event::Lost(why) => Ok((None, Some(why))),
        }
    }
}

/// Compares a close frame with what it should be: the number, and `code` in the reason; below 4500
/// the reason says when to come back.
pub fn closed_with((number, reason): (Option<u16>, String), code: CloseCode) -> Result<(), String> {
    let expected = (code.number(), code.as_str());
    let told: Value = serde_json::from_str(&reason).unwrap_or(Value::Null);
    let back = &told["retry_ms"];
    let range = back[0].as_u64() <= back[1].as_u64() && back[1].is_u64();
    let back = if (4000..4500).contains(&expected.0) {
        range
    } else {
        back.is_null()
    };
    match number {
        Some(number) if number == expected.0 && told["code"] == expected.1 && back => Ok(()),
        _ => {
            let number = number.map_or_else(|| "no number".to_owned(), |n| n.to_string());
            let (right, word) = expected;
            Err(format!(
                "closed by {number} {reason:?}, not by {right} {word}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_frame_must_have_number_word_and_return() {
        let reason = |code: CloseCode| code.reason();
        for code in CloseCode::ALL {
            let right = (Some(code.number()), reason(*code));
            assert_eq!(closed_with(right, *code), Ok(()));
        }
        let slow = CloseCode::SlowConsumer;
        for wrong in [
            (Some(4009), reason(slow)),
            (None, reason(slow)),
            (Some(4008), String::new()),
            (Some(4008), r#"{"code":"slow_consumer"}"#.to_owned()),
            (Some(4008), r#"{"code":"slow","retry_ms":[1,2]}"#.to_owned()),
            (
                Some(4008),
                r#"{"code":"slow_consumer","retry_ms":[2,1]}"#.to_owned(),
            ),
        ] {
            assert!(closed_with(wrong.clone(), slow).is_err(), "{wrong:?}");
        }
    }
}
