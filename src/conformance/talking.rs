//! How a member says something: by name, and again until it is taken.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    book::Ack,
    member::{Member, TRIES, retry_after, unique},
    report::Checked,
    stage::LIMIT,
};

/// Messages sent ahead of their answers.
const AHEAD: usize = 16;

impl Member<'_> {
    /// Sends a message under a name.
    pub async fn publish(&mut self, name: &str, content: &str) -> Checked<()> {
        let room = &self.stage.room;
        self.send(&json!({
            "type": "message", "room_id": room, "content": content, "client_message_id": name,
        }))
        .await
    }

    /// Says something under a name, again while the server has no room for it.
    pub async fn say_as(&mut self, name: &str, content: &str) -> Checked<Ack> {
        let all = [(name.to_owned(), content.to_owned())];
        let ack = self.say_all(&all).await?.pop();
        ack.ok_or_else(|| self.fail("there is no ack"))
    }

    /// Says something.
    pub async fn say(&mut self, content: &str) -> Checked<Ack> {
        self.say_as(&unique("m"), content).await
    }

    /// Says a lot, a little ahead of the answers; gives the acks in the order of what was said.
    pub async fn say_all(&mut self, all: &[(String, String)]) -> Checked<Vec<Ack>> {
        let mut waiting: VecDeque<usize> = (0..all.len()).collect();
        let mut ahead: HashMap<String, usize> = HashMap::new();
        let mut acks: Vec<Option<Ack>> = vec![None; all.len()];
        let (mut refused, mut not_before) = (0, Instant::now());
        loop {
            let pausing = Instant::now() < not_before && !waiting.is_empty();
            // Whoever was refused tries one, not as many as before.
            let most = if refused == 0 { AHEAD } else { 1 };
            while !pausing
                && ahead.len() < most
                && let Some(at) = waiting.pop_front()
                && let Some((name, content)) = all.get(at)
            {
                self.publish(name, content).await?;
                ahead.insert(name.clone(), at);
            }
            if ahead.is_empty() && waiting.is_empty() {
                return Ok(acks.into_iter().flatten().collect());
            }
            let limit = Instant::now() + LIMIT;
            let end = if pausing { not_before } else { limit };
            let about = |f: &Value| {
                let name = f["client_message_id"].as_str().unwrap_or_default();
                (f["type"] == "ack" || f["type"] == "error") && ahead.contains_key(name)
            };
            let Some(frame) = self.find(end, "the answer to a message", about).await? else {
                if pausing {
                    continue;
                }
                return Err(self.fail("a message is not answered"));
            };
            let name = frame["client_message_id"].as_str().unwrap_or_default();
            let Some(at) = ahead.remove(name) else {
                continue;
            };
            if frame["type"] == "ack" {
                let ack = Ack::read(&frame)?;
                self.stage.book.borrow_mut().keep(&ack)?;
                if let Some(place) = acks.get_mut(at) {
                    *place = Some(ack);
                }
                refused = 0;
                continue;
            }
            refused += 1;
            match retry_after(&frame) {
                Some(wait) if refused <= TRIES * 4 && wait < LIMIT => {
                    waiting.push_front(at);
                    not_before = not_before.max(Instant::now() + wait);
                }
                _ => return Err(self.fail("a message is refused")),
            }
        }
    }
}
