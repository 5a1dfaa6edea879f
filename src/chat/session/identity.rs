//! Who is behind a socket, and for how long.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix::prelude::*;

use super::{Session, SessionContext, Standing};
use crate::{
    auth::{AuthError, Authenticator, Identity},
    chat::{
        hub::{HubId, Regrant},
        lobby::{Lobby, Register, TooMany},
        outbox::MAX_IN_FLIGHT,
        reader::MAX_MESSAGE,
        room::MAX_REPLAY,
        session::joining::MAX_ROOMS,
    },
    clock,
    domain::{
        audit::Refusal,
        ids::SessionId,
        message::Content,
        policy::{Action, Principal, allows},
    },
    protocol::{
        VERSION,
        client::Ref,
        code::{CloseCode, ErrorCode},
        server::{Limits, ServerFrame},
    },
    store::StoreError,
};

/// How long until a login is looked up again while the database is away.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Why a token did not let its bearer in.
enum Denied {
    Token(AuthError),
    TooMany,
}

impl Session {
    /// Checks a token and takes on its bearer; nothing else happens on the socket meanwhile.
    pub(super) fn authorize(
        &mut self,
        token: String,
        reference: Option<Ref>,
        context: &mut SessionContext,
    ) {
        let bearer = Bearer {
            token,
            session: self.id,
            hub: self.hub.id,
            standing: self.standing.clone(),
        };
        let checked = bearer.check(self.parts.authenticator.clone(), self.parts.lobby.clone());
        context.wait(
            fut::wrap_future::<_, Self>(checked).map(move |checked, session, context| {
                session.authorized(checked, reference, context);
            }),
        );
    }

    fn authorized(
        &mut self,
        checked: Result<Identity, Denied>,
        reference: Option<Ref>,
        context: &mut SessionContext,
    ) {
        let reference = reference.as_ref();
        let refusal = match &checked {
            Ok(_) => None,
            Err(Denied::TooMany) => Some(Refusal::TooManySockets),
            Err(Denied::Token(fault)) => fault.refusal(),
        };
        if let Some(kind) = refusal {
            self.note_refusal(kind, "socket authorization");
        }
        match checked {
            Ok(identity) => self.welcome(identity, reference, context),
            Err(Denied::TooMany) => self.close(CloseCode::TooManyConnections, context),
            Err(Denied::Token(AuthError::Unavailable(cause))) => {
                tracing::warn!(%cause, "a token could not be checked");
                let text = "The token cannot be checked now; try again";
                self.reply_error(ErrorCode::Unavailable, text, reference);
            }
            // A socket that is in already keeps the token that it has.
            Err(Denied::Token(fault)) if self.who.is_some() => {
                self.reply_error(ErrorCode::Unauthenticated, &fault.to_string(), reference);
            }
            Err(Denied::Token(AuthError::Expired)) => self.close(CloseCode::TokenExpired, context),
            Err(Denied::Token(AuthError::Invalid)) => self.close(CloseCode::BadToken, context),
        }
    }

    fn welcome(
        &mut self,
        identity: Identity,
        reference: Option<&Ref>,
        context: &mut SessionContext,
    ) {
        // A fresh token on an open socket opens none.
        if self.who.is_none() && self.parts.limits.socket(identity.user.id).is_err() {
            self.note_refusal(Refusal::RateLimited, "socket authorization");
            return self.close(CloseCode::Flooding, context);
        }
        self.reply(&ServerFrame::Authenticated {
            user_id: identity.user.id,
            session_id: self.id,
            protocol: VERSION,
            heartbeat_seconds: self.parts.timing.heartbeat.as_secs().max(1),
            limits: Limits {
                frame_bytes: MAX_MESSAGE,
                content_chars: Content::MAX_CHARS,
                messages_per_second: self.parts.messages_per_second,
                in_flight: MAX_IN_FLIGHT,
                rooms: MAX_ROOMS,
                resume_rows: MAX_REPLAY,
            },
            reference,
        });
        self.who = Some(identity);
        self.expire(context);
        if let Some(socket) = self.hub.sockets.borrow_mut().get_mut(&self.id) {
            socket.welcome = true;
        }
        if let Some((room_id, resume)) = self.greeting.take().and_then(|said| said.join) {
            self.enter(room_id, resume, None, context);
        }
    }

    /// Sees to the token's end, and to the warning before it: by a timer of its own when that is
    /// near, and until then by the hub's clock, since a timer takes memory.
    pub(super) fn expire(&mut self, context: &mut SessionContext) {
        if let Some(timer) = self.deadline.take() {
            context.cancel_future(timer);
        }
        let expires_at = self.who.as_ref().and_then(|who| who.expires_at);
        let left = expires_at.map(|end| (end - clock::now()).to_std().unwrap_or_default());
        let longest = self.parts.timing.expiry_warning;
        let until_warning = left.map(|left| left.saturating_sub(longest));
        if self.hub.look_at_end(self.id, until_warning) {
            return;
        }
        let (Some(left), Some(until_warning)) = (left, until_warning) else {
            return;
        };
        let warning = left - until_warning;
        self.deadline = Some(context.run_later(until_warning, move |session, context| {
            let text = "The token ends soon; send a fresh one";
            session.reply_error(ErrorCode::TokenExpiring, text, None);
            session.deadline = Some(context.run_later(warning, |session, context| {
                session.close(CloseCode::TokenExpired, context);
            }));
        }));
    }

    /// Looks whether the login still stands, after somebody changed it.
    pub(super) fn recheck(&mut self, context: &mut SessionContext) {
        let Some(who) = &self.who else { return };
        let (authenticator, store) = (self.parts.authenticator.clone(), self.parts.store.clone());
        let (shown, id) = (who.credential, who.user.id);
        let look = async move {
            match authenticator.look_again(shown).await? {
                Some(principal) => Ok(Ok(principal)),
                None => Ok(Err(match store.find_user(id).await? {
                    Some(user) if user.active => CloseCode::BadToken,
                    _ => CloseCode::AccountClosed,
                })),
            }
        };
        context.spawn(
            fut::wrap_future::<_, Self>(look)
                .map(|found, session, context| session.rechecked(found, context)),
        );
    }

    /// Ends the socket if the key that signed its token was taken back. The login still stands, so
    /// its client may come back with a new token.
    pub(super) fn check_key(&mut self, context: &mut SessionContext) {
        let key = self.who.as_ref().and_then(|who| who.key);
        if key.is_some_and(|key| !self.parts.authenticator.keys().verifies(key)) {
            self.close(CloseCode::TokenExpired, context);
        }
    }

    fn rechecked(
        &mut self,
        found: Result<Result<Principal, CloseCode>, StoreError>,
        context: &mut SessionContext,
    ) {
        match (found, &mut self.who) {
            (Ok(Ok(principal)), Some(who)) => {
                who.principal = principal;
                self.leave_what_is_closed();
            }
            (Ok(Err(code)), _) => self.close(code, context),
            (Err(fault), _) => {
                tracing::warn!(%fault, "a login could not be looked up");
                context.run_later(LOOK_AGAIN, Self::recheck);
            }
            (Ok(Ok(_)), None) => {}
        }
    }
}

impl Session {
    /// Takes what a role grants now, if its user has it.
    pub(super) fn regrant(&mut self, regrant: &Regrant) {
        let Some(who) = &mut self.who else { return };
        let user = &mut who.principal.user;
        if user.role == regrant.role {
            Arc::make_mut(user).permissions = regrant.permissions;
            self.leave_what_is_closed();
        }
    }

    /// Leaves every room once the user may hear none.
    fn leave_what_is_closed(&mut self) {
        let may = |who: &Identity| allows(who, Action::ReadRooms);
        if self.who.as_ref().is_none_or(may) {
            return;
        }
        let left: Vec<_> = self.rooms.drain().collect();
        for membership in left {
            self.leave(&membership, None);
        }
    }
}

/// Somebody who shows a token on a socket.
struct Bearer {
    token: String,
    session: SessionId,
    hub: HubId,
    standing: Rc<Standing>,
}

impl Bearer {
    /// Checks the token, registers the session, and checks once more: whatever was taken back in
    /// between would else reach neither the lobby's list nor the first check.
    async fn check(
        self,
        authenticator: Authenticator,
        lobby: Addr<Lobby>,
    ) -> Result<Identity, Denied> {
        let identity = authenticator
            .authenticate(&self.token)
            .await
            .map_err(Denied::Token)?;
        let user = identity.user.id;
        if self
            .standing
            .registered
            .get()
            .is_some_and(|registered| registered != user)
        {
            return Err(Denied::Token(AuthError::Invalid));
        }
        self.standing.registered.set(Some(user));
        let register = Register {
            session: self.session,
            user,
            login: identity.login(),
            hub: self.hub,
        };
        match lobby.send(register).await {
            Ok(Ok(())) => {}
            Ok(Err(TooMany)) => return Err(Denied::TooMany),
            Err(gone) => return Err(Denied::Token(AuthError::Unavailable(gone.into()))),
        }
        authenticator
            .authenticate(&self.token)
            .await
            .map_err(Denied::Token)
    }
}
