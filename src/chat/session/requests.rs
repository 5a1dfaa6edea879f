//! What a client asks for, frame by frame.

use std::time::Instant;

use actix::prelude::*;

use super::{Session, SessionContext};
use crate::{
    chat::{
        Refusal,
        author::{Author, refused},
        room::{Leave, Publish, Type},
        session::joining::{MAX_ROOMS, Membership},
    },
    clock,
    domain::{
        audit,
        ids::{ClientMessageId, MessageId, RoomId, UserId},
        message::{Content, Draft},
        policy::{Action, allows},
    },
    protocol::{
        client::{ClientFrame, Ref, Resume},
        code::ErrorCode,
        frame,
        server::ServerFrame,
    },
};

impl Session {
    /// Does what a frame asks for, if its sender may.
    pub(super) fn handle_frame(
        &mut self,
        frame: ClientFrame,
        reference: Option<Ref>,
        context: &mut SessionContext,
    ) {
        match frame {
            ClientFrame::Authorization { token } => self.authorize(token, reference, context),
            ClientFrame::Ping => self.reply(&ServerFrame::Pong {
                server_time: clock::now(),
                reference: reference.as_ref(),
            }),
            _ if self.who.is_none() => {
                self.note_refusal(audit::Refusal::NoToken, "socket");
                let text = "Send an authorization frame first";
                self.reply_error(ErrorCode::Unauthenticated, text, reference.as_ref());
            }
            ClientFrame::Connect {
                room_id,
                user_id,
                resume,
            } => {
                self.connect(room_id, user_id, resume, reference, context);
            }
            ClientFrame::Disconnect { room_id, user_id } => {
                self.disconnect(&room_id, user_id, reference.as_ref());
            }
            ClientFrame::Message {
                room_id,
                content,
                client_message_id,
            } => {
                self.publish(&room_id, content, client_message_id, reference);
            }
            ClientFrame::Typing { room_id } => self.type_in(&room_id, reference.as_ref()),
        }
    }

    fn connect(
        &mut self,
        room_id: RoomId,
        user_id: Option<UserId>,
        resume: Resume,
        reference: Option<Ref>,
        context: &mut SessionContext,
    ) {
        if self.speaks_for("socket connect", user_id, reference.as_ref()) {
            self.enter(room_id, resume, reference, context);
        }
    }

    /// Joins a room, if the user may and the socket has a place left.
    pub(super) fn enter(
        &mut self,
        room_id: RoomId,
        resume: Resume,
        reference: Option<Ref>,
        context: &mut SessionContext,
    ) {
        let full = self.rooms.len() >= MAX_ROOMS && self.rooms.get(&room_id).is_none();
        let may = self
            .who
            .as_ref()
            .is_some_and(|w| allows(w, Action::ReadRooms));
        if full || !may {
            let text = if full {
                "This socket is in too many rooms"
            } else {
                "You may not join"
            };
            return self.forbid("socket connect", text, reference.as_ref());
        }
        if self.joins_too_often(&room_id, reference.as_ref()) {
            return;
        }
        self.join(room_id, resume, reference, context);
    }

    /// Counts a join, and says so if it is one too many.
    fn joins_too_often(&self, room_id: &RoomId, reference: Option<&Ref>) -> bool {
        let Some(who) = &self.who else { return false };
        let Err(exhausted) = self.parts.limits.join(who.user.id, room_id) else {
            return false;
        };
        self.note_refusal(audit::Refusal::RateLimited, "socket connect");
        self.reply(&ServerFrame::Error {
            error: "Too many joins; wait a little",
            code: ErrorCode::RateLimited,
            client_message_id: None,
            retry_after_ms: Some(exhausted.wait_ms()),
            reference,
        });
        true
    }

    fn disconnect(&mut self, room_id: &RoomId, user_id: Option<UserId>, reference: Option<&Ref>) {
        if !self.speaks_for("socket disconnect", user_id, reference) {
            return;
        }
        let Some(membership) = self.rooms.remove(room_id) else {
            return self.not_connected(reference);
        };
        self.leave(&membership, reference);
    }

    /// Leaves a room for good. The hub says goodbye, behind the last frame of the room.
    pub(super) fn leave(&self, membership: &Membership, reference: Option<&Ref>) {
        let Some(user) = self.standing.registered.get() else {
            return;
        };
        let room_id = &membership.id;
        let farewell = frame::text(&ServerFrame::Disconnected { room_id, reference });
        let leave = Leave {
            session: self.id,
            user,
            meant: true,
            farewell: Some(farewell),
        };
        membership.room.do_send(leave);
    }

    fn publish(
        &mut self,
        room_id: &RoomId,
        content: Content,
        client_message_id: Option<ClientMessageId>,
        reference: Option<Ref>,
    ) {
        let Some(who) = &self.who else { return };
        let Some(membership) = self.rooms.get(room_id) else {
            return self.reply(&ServerFrame::Error {
                error: "This socket has not joined that room",
                code: ErrorCode::NotConnected,
                client_message_id: client_message_id.as_ref().map(ClientMessageId::as_str),
                retry_after_ms: None,
                reference: reference.as_ref(),
            });
        };
        if !allows(who, Action::SendMessages) {
            let id = client_message_id.as_ref();
            let refusal = refused(Refusal::Forbidden, id, reference.as_ref());
            self.note_refusal(audit::Refusal::Forbidden, "socket message");
            return self.outbox.push(refusal);
        }
        let counted = self.parts.limits.message(who.user.id, room_id);
        if let Err(exhausted) = counted {
            self.note_refusal(audit::Refusal::RateLimited, "socket message");
            return self.reply(&ServerFrame::Error {
                error: "Too many messages; wait a little",
                code: ErrorCode::RateLimited,
                client_message_id: client_message_id.as_ref().map(ClientMessageId::as_str),
                retry_after_ms: Some(exhausted.wait_ms()),
                reference: reference.as_ref(),
            });
        }
        let draft = Draft {
            id: MessageId::new(),
            room_id: room_id.clone(),
            sender: who.profile.clone(),
            content_hash: content.hash(),
            content,
            client_message_id,
        };
        let author = Author::Session {
            hub_id: self.hub.id,
            hub: self.hub.addr.clone(),
            session: self.id,
            reference,
        };
        match membership.room.try_send(Publish { draft, author }) {
            Ok(()) => self.outbox.publish_started(),
            Err(SendError::Full(back) | SendError::Closed(back)) => {
                let Author::Session { reference, .. } = back.author else {
                    return;
                };
                let id = back.draft.client_message_id.as_ref();
                self.outbox
                    .push(refused(Refusal::Overloaded, id, reference.as_ref()));
            }
        }
    }

    fn type_in(&mut self, room_id: &RoomId, reference: Option<&Ref>) {
        let (Some(who), Some(membership)) = (&self.who, self.rooms.get_mut(room_id)) else {
            return self.not_connected(reference);
        };
        if !allows(who, Action::SendMessages) {
            return self.forbid("socket typing", Refusal::Forbidden.text(), reference);
        }
        let pause = self.parts.typing;
        if membership.typed.is_some_and(|at| at.elapsed() < pause) {
            return;
        }
        let counted = self.parts.limits.typing(who.user.id, room_id);
        if counted.is_err() {
            return self.note_refusal(audit::Refusal::RateLimited, "socket typing");
        }
        membership.typed = Some(Instant::now());
        // The first thing dropped under pressure: a full mailbox loses it.
        let _dropped = membership.room.try_send(Type {
            user: who.profile.clone(),
        });
    }

    /// Whether a frame's `user_id` is the caller's, or absent.
    fn speaks_for(
        &self,
        place: &'static str,
        user_id: Option<UserId>,
        reference: Option<&Ref>,
    ) -> bool {
        let own = self.who.as_ref().map(|who| who.user.id);
        let speaks = user_id.is_none() || user_id == own;
        if !speaks {
            self.forbid(place, "This user_id is not yours", reference);
        }
        speaks
    }

    fn not_connected(&self, reference: Option<&Ref>) {
        let text = "This socket has not joined that room";
        self.reply_error(ErrorCode::NotConnected, text, reference);
    }
}
