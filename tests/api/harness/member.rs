//! Somebody who talks and listens through cuts, crashes and failures, and keeps the books.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{Event, Heard, LIMIT, Opening, Person, Site, Socket, unique};

/// What the members of a conversation do.
#[derive(Clone, Copy)]
pub struct Plan {
    /// How many of the people talk; the others listen.
    pub talkers: usize,
    /// How much each of them says at most.
    pub quota: usize,
    /// Whether a refused message is sent again; otherwise it is given up and must never be heard.
    pub retry: bool,
    /// Of so many frames, one is followed by a cut of the connection; 0 is never.
    pub cut_one_in: u32,
}

/// How far a conversation is, over all members.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub acked: usize,
    pub refused: usize,
    pub joins: usize,
    pub hints: usize,
    pub idle: usize,
}

/// What the members are told while they talk.
#[derive(Clone, Copy, Default)]
pub struct Control {
    /// Say nothing new.
    pub quiet: bool,
    /// Listen until this `rev`, then end.
    pub end: Option<i64>,
}

/// A message without an answer.
struct Pending {
    id: String,
    /// It went out on a connection that is lost, so a refusal now tells nothing about then.
    sent_before: bool,
    /// To be sent, once its time has come.
    due: bool,
}

/// A member, and what became of everything said and heard.
pub struct Member {
    pub heard: Vec<Heard>,
    /// The `id` and `seq` of each ack, by `client_message_id`.
    pub acked: HashMap<String, (String, i64)>,
    /// What was refused and given up.
    pub refused: HashSet<String>,
    /// The codes of the close frames.
    pub closes: Vec<u16>,
    opening: Opening,
    room: String,
    plan: Plan,
    left: usize,
    socket: Option<Socket>,
    epoch: Option<String>,
    pending: Option<Pending>,
    not_before: Instant,
    random: StdRng,
    progress: Arc<watch::Sender<Progress>>,
}

impl Member {
    /// One who has not come yet.
    pub fn new(
        site: &Site,
        person: &Person,
        number: usize,
        room: &str,
        plan: Plan,
        progress: Arc<watch::Sender<Progress>>,
    ) -> Self {
        Self {
            heard: Vec::new(),
            acked: HashMap::new(),
            refused: HashSet::new(),
            closes: Vec::new(),
            opening: site.ws(person),
            room: room.to_owned(),
            plan,
            left: if number < plan.talkers { plan.quota } else { 0 },
            socket: None,
            epoch: None,
            pending: None,
            not_before: Instant::now(),
            random: StdRng::seed_from_u64(number as u64),
            progress,
        }
    }

    /// Talks and listens until the end that `control` tells.
    pub async fn run(mut self, mut control: watch::Receiver<Control>) -> Self {
        let mut reported = false;
        loop {
            let Control { quiet, end } = *control.borrow_and_update();
            if self.socket.is_none() {
                self.come_back().await;
            }
            let may_send = Instant::now() >= self.not_before;
            if may_send && self.pending.is_none() && self.left > 0 && !quiet {
                self.left -= 1;
                self.pending = Some(Pending {
                    id: unique("m"),
                    sent_before: false,
                    due: true,
                });
            }
            if may_send {
                self.send_pending().await;
            }
            let idle = self.pending.is_none() && (quiet || self.left == 0);
            if idle && !reported {
                reported = true;
                self.count(|progress| progress.idle += 1);
            }
            if idle && end == Some(self.rev()) {
                return self;
            }
            let Some(socket) = &mut self.socket else {
                continue;
            };
            tokio::select! {
                event = socket.next() => self.take(event),
                told = control.changed() => told.expect("the conversation goes on"),
                () = sleep_until(self.not_before), if !may_send => {}
            }
        }
    }

    fn rev(&self) -> i64 {
        self.heard.last().map_or(0, |heard| heard.rev)
    }

    fn count(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(change);
    }

    async fn send_pending(&mut self) {
        let (Some(socket), Some(pending)) = (&mut self.socket, &mut self.pending) else {
            return;
        };
        if pending.due {
            pending.due = false;
            let frame = json!({
                "type": "message", "room_id": self.room,
                "content": pending.id, "client_message_id": pending.id,
            });
            if !socket.offer(&frame).await {
                self.lose();
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Frame(frame) => {
                self.read(&frame);
                let one_in = self.plan.cut_one_in;
                if one_in > 0 && self.random.random_ratio(1, one_in) {
                    self.lose();
                }
            }
            Event::Closed(code, reason) => {
                assert!((4000..4500).contains(&code), "closed by {code} {reason}");
                self.closes.push(code);
                self.lose();
            }
            Event::Lost(_) => self.lose(),
        }
    }

    /// The connection is gone, and with it the answer that was to come.
    fn lose(&mut self) {
        self.socket = None;
        if let Some(pending) = &mut self.pending {
            pending.sent_before = true;
            pending.due = true;
        }
    }

    fn read(&mut self, frame: &Value) {
        match frame["type"].as_str() {
            Some("message") => {
                let heard: Heard = serde_json::from_value(frame.clone()).expect("a message");
                assert_eq!(heard.rev, self.rev() + 1, "no gap and no double: {frame}");
                self.heard.push(heard);
            }
            Some("ack") => {
                let id = frame["client_message_id"].as_str().expect("an id");
                let receipt = (
                    frame["id"].as_str().expect("an id").to_owned(),
                    frame["seq"].as_i64().expect("a seq"),
                );
                assert!(!self.refused.contains(id), "refused before: {frame}");
                let before = self.acked.insert(id.to_owned(), receipt.clone());
                assert!(before.is_none_or(|before| before == receipt), "{frame}");
                if self.pending.take_if(|pending| pending.id == id).is_some() {
                    self.count(|progress| progress.acked += 1);
                }
            }
            Some("error") => self.refuse(frame),
            Some("reconnect") => self.count(|progress| progress.hints += 1),
            _ => {}
        }
    }

    fn refuse(&mut self, frame: &Value) {
        let code = frame["code"].as_str().unwrap_or_default();
        assert!(matches!(code, "unavailable" | "overloaded"), "{frame}");
        let wait = frame["retry_after_ms"].as_u64().expect("when to retry");
        self.not_before = Instant::now() + Duration::from_millis(wait);
        self.count(|progress| progress.refused += 1);
        let Some(pending) = &mut self.pending else {
            panic!("an error for nothing: {frame}");
        };
        assert_eq!(frame["client_message_id"], pending.id.as_str(), "{frame}");
        if self.plan.retry || pending.sent_before {
            pending.due = true;
        } else {
            self.refused.insert(std::mem::take(&mut pending.id));
            self.pending = None;
        }
    }

    /// Opens sockets until one has joined.
    async fn come_back(&mut self) {
        let joining = async {
            while !self.try_to_join().await {
                // As a client does, lest all come in the same moment.
                let pause = self.random.random_range(20..120);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        };
        if timeout(LIMIT, joining).await.is_err() {
            panic!("nobody lets a member in");
        }
    }

    async fn try_to_join(&mut self) -> bool {
        let Some(mut socket) = self.opening.clone().attempt().await else {
            return false;
        };
        let mut frame = json!({"type": "connect", "room_id": self.room, "after": self.rev()});
        if let Some(epoch) = &self.epoch {
            frame["epoch"] = json!(epoch);
        }
        if !socket.offer(&frame).await {
            return false;
        }
        loop {
            match socket.next().await {
                Event::Frame(frame) if frame["type"] == "connected" => {
                    assert_eq!(frame["resumed"], true, "after {}: {frame}", self.rev());
                    self.epoch = frame["epoch"].as_str().map(str::to_owned);
                    self.socket = Some(socket);
                    self.count(|progress| progress.joins += 1);
                    return true;
                }
                Event::Frame(frame) if frame["type"] == "error" => return false,
                Event::Frame(_) => {}
                Event::Closed(..) | Event::Lost(_) => return false,
            }
        }
    }
}
