//! The codes that programs match on, the same over REST and the socket.

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

macro_rules! error_codes {
    ($(#[doc = $doc:literal] $name:ident = $text:literal),+ $(,)?) => {
        /// What went wrong, as a word that never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $(#[doc = $doc] $name),+ }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// What it means, for people.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => $doc),+ }.trim()
            }
        }
    };
}

error_codes! {
    /// No valid token, or wrong credentials.
    Unauthenticated = "unauthenticated",
    /// The socket's token ends within a minute; send a fresh one.
    TokenExpiring = "token_expiring",
    /// The caller's role does not allow this.
    Forbidden = "forbidden",
    /// There is no such thing, or the caller may not know of it.
    NotFound = "not_found",
    /// The route exists, but not with this method.
    MethodNotAllowed = "method_not_allowed",
    /// The socket has not joined that room.
    NotConnected = "not_connected",
    /// A frame that is no JSON object, or lacks a field.
    InvalidFrame = "invalid_frame",
    /// A frame of a type that this server does not know.
    UnknownType = "unknown_type",
    /// A message's content is blank, too long or unprintable.
    InvalidContent = "invalid_content",
    /// A request that cannot be read.
    BadRequest = "bad_request",
    /// A request that can be read, with values that are refused; see `fields`.
    ValidationFailed = "validation_failed",
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout",
    /// The body is larger than the route takes.
    PayloadTooLarge = "payload_too_large",
    /// The body is not JSON.
    UnsupportedMediaType = "unsupported_media_type",
    /// Too many of these in too short a time.
    RateLimited = "rate_limited",
    /// The server has more work than it will queue; try the same again.
    Overloaded = "overloaded",
    /// The database cannot be reached; nothing was stored.
    Unavailable = "unavailable",
    /// This `client_message_id` belongs to another message of the same sender.
    ClientMessageIdConflict = "client_message_id_conflict",
    /// Another user has this e-mail address.
    EmailTaken = "email_taken",
    /// Another user has this user name.
    UsernameTaken = "username_taken",
    /// Another room has this id.
    RoomExists = "room_exists",
    /// Another role has this name.
    RoleExists = "role_exists",
    /// Somebody has this role.
    RoleInUse = "role_in_use",
    /// The role is always there, and cannot be changed in this.
    BuiltInRole = "built_in_role",
    /// There are as many of these as there may be.
    TooMany = "too_many",
    /// There would be no active admin left.
    LastAdmin = "last_admin",
    /// The server's administrator has closed registration.
    RegistrationClosed = "registration_closed",
    /// The first admin is made with the token that the server printed at its last start.
    InvalidSetupToken = "invalid_setup_token",
    /// This link of a mail was used, replaced by a newer one, or ran out.
    InvalidLink = "invalid_link",
    /// The e-mail address is verified already.
    EmailVerified = "email_verified",
    /// The server's administrator has not set up what this needs.
    NotAvailable = "not_available",
    /// The first admin was made already.
    AdminExists = "admin_exists",
    /// A code of the second factor is wrong, or was used before.
    WrongCode = "wrong_code",
    /// The ticket for the second step ran out, or was used up; sign in again.
    TicketEnded = "ticket_ended",
    /// There is no second factor, or none was begun.
    NotEnrolled = "not_enrolled",
    /// The role requires a second factor.
    SecondFactorRequired = "second_factor_required",
    /// Another account is linked to this one of the provider.
    IdentityTaken = "identity_taken",
    /// An account has the provider's e-mail address: sign in to it, and link the two.
    EmailInUse = "email_in_use",
    /// The account has no password to give, and the sign-in is longer ago than this takes: sign in again.
    LoginTooOld = "login_too_old",
    /// The link of a mail belongs to another account: sign in to that one.
    OtherAccount = "other_account",
    /// The user could not sign in any more.
    LastWayIn = "last_way_in",
    /// The provider was not allowed to tell who one is.
    OauthDenied = "oauth_denied",
    /// The sign-in took too long, or began in another browser; begin again.
    OauthExpired = "oauth_expired",
    /// What the provider said does not prove who one is.
    OauthFailed = "oauth_failed",
    /// Passkeys need a server that has a name, not only an address.
    PasskeysUnavailable = "passkeys_unavailable",
    /// This credential is a passkey already.
    PasskeyTaken = "passkey_taken",
    /// A fault of the server.
    Internal = "internal",
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
        target.serialize_str(self.as_str())
    }
}

impl ErrorCode {
    /// Whether an `error` frame may carry it; the others come over REST alone.
    #[must_use]
    pub const fn is_of_frames(self) -> bool {
        matches!(
            self,
            Self::Unauthenticated
                | Self::TokenExpiring
                | Self::Forbidden
                | Self::NotFound
                | Self::NotConnected
                | Self::InvalidFrame
                | Self::UnknownType
                | Self::InvalidContent
                | Self::RateLimited
                | Self::Overloaded
                | Self::Unavailable
                | Self::ClientMessageIdConflict
        )
    }
}

impl ToSchema for ErrorCode {}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What went wrong, as a word that never changes."))
            .enum_values(Some(Self::ALL.iter().map(|code| code.as_str())))
            .into()
    }
}

macro_rules! close_codes {
    ($(#[doc = $doc:literal] $name:ident = $number:literal, $text:literal;)+) => {
        /// Why the server closed a socket. 4000 to 4499 come back, 4500 to 4999 do not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum CloseCode { $(#[doc = $doc] $name),+ }

        impl CloseCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The number in the close frame.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(Self::$name => $number),+ }
            }

            /// The `code` in the close frame's reason.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// What it means, for people.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => $doc),+ }.trim()
            }
        }
    };
}

close_codes! {
    /// The client said goodbye; its own code is answered.
    Normal = 1000, "normal";
    /// The bytes are no WebSocket frames.
    ProtocolError = 1002, "protocol_error";
    /// A binary message: frames are text.
    Unsupported = 1003, "unsupported";
    /// Text that is not UTF-8.
    InvalidText = 1007, "invalid_text";
    /// A message over 64 KiB.
    TooLarge = 1009, "too_large";
    /// The server stops; another one, or the same, is there soon.
    Shutdown = 4000, "shutdown";
    /// The room's actor was started anew.
    RoomRestarted = 4001, "room_restarted";
    /// What was missed could not be read.
    ReplayFailed = 4002, "replay_failed";
    /// The token ran out.
    TokenExpired = 4003, "token_expired";
    /// The client does not read as fast as its rooms speak.
    SlowConsumer = 4008, "slow_consumer";
    /// The client does not answer.
    NoPong = 4012, "no_pong";
    /// The client sends far more than anybody can mean, or its user opens too many sockets.
    Flooding = 4029, "flooding";
    /// The token is not valid.
    BadToken = 4500, "bad_token";
    /// Ten frames within a minute were not JSON.
    BadFrames = 4501, "bad_frames";
    /// No `authorization` frame in time.
    AuthorizationTimeout = 4502, "authorization_timeout";
    /// The account was switched off or deleted.
    AccountClosed = 4503, "account_closed";
    /// The user has as many sockets open as one may have.
    TooManyConnections = 4504, "too_many_connections";
}

impl CloseCode {
    /// How long a client waits before it comes back, in milliseconds, from and to; `None` if it
    /// should not.
    #[must_use]
    pub const fn retry_ms(self) -> Option<[u32; 2]> {
        match self {
            Self::Shutdown => Some([500, 5_000]),
            Self::RoomRestarted | Self::TokenExpired => Some([0, 1_000]),
            Self::ReplayFailed | Self::SlowConsumer => Some([1_000, 5_000]),
            Self::NoPong => Some([0, 2_000]),
            Self::Flooding => Some([10_000, 30_000]),
            _ => None,
        }
    }

    /// The reason in the close frame: JSON, at most 123 bytes (RFC 6455, section 5.5).
    #[must_use]
    pub fn reason(self) -> String {
        match self.retry_ms() {
            Some([from, to]) => {
                format!(r#"{{"code":"{}","retry_ms":[{from},{to}]}}"#, self.as_str())
            }
            None => format!(r#"{{"code":"{}"}}"#, self.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_below_4500_say_when_to_come_back() {
        for code in CloseCode::ALL {
            let comes_back = (4000..4500).contains(&code.number());
            assert_eq!(code.retry_ms().is_some(), comes_back, "{code:?}");
            assert!(code.reason().len() <= 123, "{code:?}");
            serde_json::from_str::<serde_json::Value>(&code.reason()).unwrap();
        }
    }
}
