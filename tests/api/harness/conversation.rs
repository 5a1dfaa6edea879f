//! Many members of one room, and whether what they were told is true.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::{sync::watch, task::JoinSet, time::timeout};

use super::{
    Client, Heard, LIMIT, Person, Site,
    member::{Control, Member, Plan, Progress},
};

/// People in one room who talk and listen until they are told to end.
pub struct Conversation {
    room: String,
    people: usize,
    progress: watch::Receiver<Progress>,
    control: watch::Sender<Control>,
    running: JoinSet<Member>,
}

impl Conversation {
    /// Lets everybody come to `general`, and waits until they are there.
    pub async fn start(site: &Site, people: &[Person], plan: Plan) -> Self {
        Self::start_in(site, people, plan, "general").await
    }

    /// Lets everybody come to a room where nobody has talked before.
    pub async fn start_in(site: &Site, people: &[Person], plan: Plan, room: &str) -> Self {
        let (counting, progress) = watch::channel(Progress::default());
        let (control, told) = watch::channel(Control::default());
        let (counting, mut running) = (Arc::new(counting), JoinSet::new());
        for (number, person) in people.iter().enumerate() {
            let member = Member::new(site, person, number, room, plan, counting.clone());
            running.spawn(member.run(told.clone()));
        }
        let people = people.len();
        let mut conversation = Self {
            room: room.to_owned(),
            people,
            progress,
            control,
            running,
        };
        conversation.until(|now| now.joins >= people).await;
        conversation
    }

    /// How far it is.
    pub fn now(&self) -> Progress {
        *self.progress.borrow()
    }

    /// How far it is, also after it has ended.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Waits until it is so far, as long as it goes on; a member who fails, fails this.
    pub async fn until(&mut self, so: impl Fn(&Progress) -> bool) {
        let Self {
            progress, running, ..
        } = self;
        while !so(&progress.borrow_and_update()) {
            let failed = tokio::select! {
                Ok(()) = progress.changed() => continue,
                Some(ended) = running.join_next() => ended.err(),
                () = tokio::time::sleep(LIMIT) => None,
            };
            match failed {
                Some(error) => std::panic::resume_unwind(error.into_panic()),
                None => panic!("it does not get so far: {:?}", progress.borrow()),
            }
        }
    }

    /// Waits for so many more acks.
    pub async fn hear_acks(&mut self, more: usize) {
        let enough = self.now().acked + more;
        self.until(|now| now.acked >= enough).await;
    }

    /// Waits for so many more refusals.
    pub async fn hear_refusals(&mut self, more: usize) {
        let enough = self.now().refused + more;
        self.until(|now| now.refused >= enough).await;
    }

    /// Lets everybody finish, whatever is left of the quotas.
    pub async fn hush(self, reader: &Client) -> Vec<Member> {
        self.control.send_modify(|control| control.quiet = true);
        self.finish(reader).await
    }

    /// Waits until all is said and heard, and checks that everybody was told the truth.
    pub async fn finish(mut self, reader: &Client) -> Vec<Member> {
        let people = self.people;
        self.until(|now| now.idle == people).await;
        let history = history(reader, &self.room).await;
        let head = history.last().map_or(0, |last| last.rev);
        self.control.send_modify(|control| control.end = Some(head));
        let members = match timeout(LIMIT, self.running.join_all()).await {
            Ok(members) => members,
            Err(_) => panic!("not everybody hears all {head}"),
        };
        check(&history, &members);
        members
    }
}

/// All of a room, by REST.
pub async fn history(reader: &Client, room: &str) -> Vec<Heard> {
    let mut history: Vec<Heard> = Vec::new();
    loop {
        let after = history.last().map_or(0, |last| last.seq);
        let query = format!("after={after}&limit=200");
        let page = reader.messages(room, &query).await.ok(200);
        let more: Vec<Heard> = serde_json::from_value(page["data"].clone()).expect("messages");
        history.extend(more);
        if page["has_more"] == false {
            return history;
        }
    }
}

/// Numbers without a hole, each message once, and everybody heard and was told just that.
fn check(history: &[Heard], members: &[Member]) {
    let mut by_name = HashMap::new();
    let mut ids = HashSet::new();
    for (message, number) in history.iter().zip(1..) {
        assert_eq!((message.seq, message.rev), (number, number), "{message:?}");
        assert!(ids.insert(&message.id), "twice: {message:?}");
        let name = message.client_message_id.as_ref().expect("a name");
        assert!(
            by_name.insert(name, message).is_none(),
            "twice: {message:?}"
        );
    }
    let mut acked = 0;
    for member in members {
        assert_eq!(
            member.heard.len(),
            history.len(),
            "somebody heard another log"
        );
        for (heard, message) in member.heard.iter().zip(history) {
            assert_eq!(heard, message, "somebody heard it otherwise");
        }
        for (name, (id, seq)) in &member.acked {
            let message = by_name.get(name);
            let message = message.unwrap_or_else(|| panic!("acked and lost: {name} {seq}"));
            assert_eq!((id, *seq), (&message.id, message.seq), "acked otherwise");
        }
        for name in &member.refused {
            assert!(!by_name.contains_key(name), "refused and heard: {name}");
        }
        acked += member.acked.len();
    }
    assert_eq!(acked, history.len(), "each message has an ack");
}
