//! The mixed load of a soak: groups that talk, wanderers, programs, and people who are thrown out.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use parlor::protocol::code::CloseCode;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::harness::{
    Conversation, Home, PASSWORD, Person, Plan, Server, unique,
    wire::{PING, TEXT, Wire, frame, upgrade},
};

/// Groups that talk at once, each in a room of its own, and another one each time.
const GROUPS: usize = 3;
const GROUP: usize = 8;
/// Rooms for one conversation each; more than an hour needs.
const FRESH: usize = 48_000;
/// Rooms that others enter and leave, again and again.
const USED: usize = 2_000;
/// A breath between two things that one person does.
const BREATH: Duration = Duration::from_millis(5);
/// What the members of a group do in one room.
const TALK: Plan = Plan {
    talkers: 6,
    quota: 10,
    retry: true,
    cut_one_in: 40,
};

/// How much of everything was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    conversations: usize,
    messages: usize,
    cuts: usize,
    wanderings: usize,
    requests: usize,
    revocations: usize,
    abuses: usize,
}

impl Tally {
    /// Whether nothing was left out.
    pub fn has_everything(&self) -> bool {
        [
            self.conversations,
            self.messages,
            self.cuts,
            self.wanderings,
            self.requests,
            self.revocations,
            self.abuses,
        ]
        .iter()
        .all(|count| *count > 0)
    }
}

/// People and rooms.
pub struct Load {
    admin: Person,
    talkers: Vec<Person>,
    wanderer: Person,
    caller: Person,
    outcast: Person,
    next_fresh: AtomicUsize,
    next_used: AtomicUsize,
}

impl Load {
    /// Makes rooms and accounts.
    pub async fn prepare(home: &Home, server: &Server) -> Self {
        home.database
            .execute(
                "WITH RECURSIVE numbers (n) AS
                     (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 49999)
                 INSERT INTO chat_rooms (id, name, created_at)
                 SELECT 'soak-' || n, 'Room ' || n, created_at
                 FROM numbers CROSS JOIN chat_rooms WHERE id = 'general'",
            )
            .await;
        let mut talkers = Vec::new();
        for number in 0..GROUPS * GROUP {
            talkers.push(server.client(&format!("talker{number}")).await);
        }
        Self {
            admin: server.admin().await,
            talkers,
            wanderer: server.client("wanderer").await,
            caller: server.client("caller").await,
            outcast: server.client("outcast").await,
            next_fresh: AtomicUsize::new(0),
            next_used: AtomicUsize::new(0),
        }
    }

    /// Does everything at once until the deadline.
    pub async fn run(&self, server: &Server, deadline: Instant) -> Tally {
        let groups = self
            .talkers
            .chunks(GROUP)
            .map(|group| self.talk(server, group, deadline));
        let (groups, wanderings, requests, revocations, abuses) = tokio::join!(
            futures_util::future::join_all(groups),
            self.wander(server, deadline),
            self.call(server, deadline),
            self.revoke(server, deadline),
            self.abuse(server, deadline),
        );
        groups.iter().fold(
            Tally {
                wanderings,
                requests,
                revocations,
                abuses,
                ..Tally::default()
            },
            |sum, group| Tally {
                conversations: sum.conversations + group.conversations,
                messages: sum.messages + group.messages,
                cuts: sum.cuts + group.cuts,
                ..sum
            },
        )
    }

    /// A room where nobody has talked.
    fn fresh_room(&self) -> String {
        let number = self.next_fresh.fetch_add(1, Ordering::Relaxed);
        assert!(number < FRESH, "the load is over before the rooms are");
        format!("soak-{number}")
    }

    /// One of the rooms that are used again and again.
    fn any_room(&self) -> String {
        let number = self.next_used.fetch_add(1, Ordering::Relaxed);
        format!("soak-{}", FRESH + number % USED)
    }

    /// One conversation after the other; each is checked for losses, doubles and holes.
    async fn talk(&self, server: &Server, group: &[Person], deadline: Instant) -> Tally {
        let mut tally = Tally::default();
        while Instant::now() < deadline {
            let room = self.fresh_room();
            let conversation = Conversation::start_in(server, group, TALK, &room).await;
            let progress = conversation.watch();
            let members = conversation.finish(&server.as_user(&group[0])).await;
            tally.conversations += 1;
            tally.messages += members[0].heard.len();
            tally.cuts += progress.borrow().joins - group.len();
        }
        tally
    }

    /// Enters and leaves rooms, politely and not.
    async fn wander(&self, server: &Server, deadline: Instant) -> usize {
        let mut done = 0;
        while Instant::now() < deadline {
            let mut socket = server.ws(&self.wanderer).ready().await;
            for _ in 0..10 {
                let room = self.any_room();
                socket.join(&room).await;
                let id = socket.publish(&room, "hello").await;
                socket.acked(&id).await;
                if done % 3 != 0 {
                    socket.leave(&room).await;
                }
                done += 1;
                sleep(BREATH).await;
            }
            if done % 20 == 0 {
                socket.close().await;
            }
        }
        done
    }

    /// What a program does over REST.
    async fn call(&self, server: &Server, deadline: Instant) -> usize {
        let api = server.as_user(&self.caller);
        let mut done = 0;
        while Instant::now() < deadline {
            let id = unique("m");
            let message = json!({"content": "over REST", "client_message_id": id});
            let room = self.any_room();
            let first = api.post_message(&room, &message).await.ok(201);
            let again = api.post_message(&room, &message).await.ok(200);
            assert_eq!(first["id"], again["id"], "the same once more");
            let page = api.messages(&room, "limit=50").await.ok(200);
            assert!(page["data"][0]["id"].is_string(), "{page}");
            api.me().await.ok(200);
            api.list_users("limit=5").await.ok(200);
            api.get("/health").await.ok(200);
            api.get("/api/nothing").await.refused(404, "not_found");
            api.metrics().await;
            done += 8;
            sleep(BREATH).await;
        }
        done
    }

    /// Somebody signs in, comes, and is thrown out.
    async fn revoke(&self, server: &Server, deadline: Instant) -> usize {
        let admin = server.as_user(&self.admin);
        let mut done = 0;
        while Instant::now() < deadline {
            let outcast = server.sign_in(&self.outcast.email, PASSWORD).await;
            let mut socket = server.ws(&outcast).joined(&self.any_room()).await;
            if done % 2 == 0 {
                assert_eq!(server.as_user(&outcast).logout().await.status(), 204);
                socket.closed().await;
            } else {
                admin.deactivate(outcast.id).await.ok(200);
                socket.closed_as(CloseCode::AccountClosed).await;
                admin
                    .update_user(outcast.id, &json!({"active": true}))
                    .await
                    .ok(200);
            }
            assert_eq!(server.as_user(&outcast).try_ws().await.status(), 401);
            done += 1;
        }
        done
    }

    /// Somebody who keeps to no rule.
    async fn abuse(&self, server: &Server, deadline: Instant) -> usize {
        let mut done = 0;
        while Instant::now() < deadline {
            let mut wire = Wire::connect(server.port, None).await;
            match done % 4 {
                // Half a request, and gone.
                0 => {
                    let half = b"POST /api/auth/login HTTP/1.1\r\nContent-Length: 9\r\n\r\n{";
                    wire.send(half).await;
                }
                1 => wire.send(b"\x16\x03\x01\x02\0nonsense\r\n\r\n").await,
                2 => {
                    wire.send(upgrade("/api/chat/ws", "").as_bytes()).await;
                    assert!(wire.head().await.contains(" 101 "));
                    wire.send(&frame(PING & 0x0f, b"")).await;
                    wire.closed_as(CloseCode::ProtocolError).await;
                }
                _ => {
                    wire.send(upgrade("/api/chat/ws", "").as_bytes()).await;
                    assert!(wire.head().await.contains(" 101 "));
                    for _ in 0..10 {
                        wire.send(&frame(TEXT, b"no JSON")).await;
                    }
                    wire.closed_as(CloseCode::BadFrames).await;
                }
            }
            done += 1;
            sleep(BREATH).await;
        }
        done
    }
}
