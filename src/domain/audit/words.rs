//! The closed sets of words in the audit log.

/// A word for each of a closed set, such as `user.create`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$about])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word in the log, which never changes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

words!(
    /// Something that is kept in the audit log.
    ///
    /// A new one is a line here: what it is about, a dot, what was done.
    Act {
        /// An account was made.
        UserCreate = "user.create",
        /// The first admin was made.
        UserFirstAdmin = "user.first_admin",
        /// Names or the like were changed.
        UserUpdate = "user.update",
        /// The password was changed.
        UserPassword = "user.password",
        /// The e-mail address was changed.
        UserEmail = "user.email",
        /// Somebody has another role.
        UserRole = "user.role",
        /// An account was switched off.
        UserDeactivate = "user.deactivate",
        /// An account was switched on again.
        UserActivate = "user.activate",
        /// An account was deleted.
        UserDelete = "user.delete",
        /// A link of a mail verified an e-mail address.
        EmailVerify = "email.verify",
        /// A link to set a forgotten password was sent.
        PasswordResetRequest = "password.reset_request",
        /// A forgotten password was set anew.
        PasswordReset = "password.reset",
        /// A job was given another turn.
        JobRetry = "job.retry",
        /// A job was deleted undone.
        JobDelete = "job.delete",
        /// Somebody signed in.
        LoginOpen = "login.open",
        /// One login ended.
        LoginEnd = "login.end",
        /// Several or all logins of somebody ended.
        LoginEndAll = "login.end_all",
        /// A refresh token was used twice, so its login ended.
        LoginReuse = "login.refresh_reuse",
        /// A role was made.
        RoleCreate = "role.create",
        /// A role was changed.
        RoleChange = "role.change",
        /// A role was deleted.
        RoleDelete = "role.delete",
        /// An API token was made.
        TokenCreate = "token.create",
        /// An API token was revoked.
        TokenRevoke = "token.revoke",
        /// An account at a provider was linked.
        IdentityLink = "identity.link",
        /// An account at a provider was taken away.
        IdentityUnlink = "identity.unlink",
        /// An authenticator app was set up.
        TwoFactorEnroll = "two_factor.enroll",
        /// The owner removed it.
        TwoFactorRemove = "two_factor.remove",
        /// An admin removed it.
        TwoFactorReset = "two_factor.reset",
        /// A recovery code was used.
        RecoveryCodeUse = "recovery_code.use",
        /// Other recovery codes took the place of those that were left.
        RecoveryCodeRenew = "recovery_code.renew",
        /// A passkey was added.
        PasskeyAdd = "passkey.add",
        /// A passkey has another name.
        PasskeyRename = "passkey.rename",
        /// A passkey was removed.
        PasskeyRemove = "passkey.remove",
        /// A room was made.
        RoomCreate = "room.create",
        /// Another key signs tokens.
        KeyRotate = "key.rotate",
        /// Tokens of a key are refused.
        KeyRetire = "key.retire",
        /// The log itself was exported.
        AuditExport = "audit.export",
        /// The database is a copy that was put back.
        DatabaseRestore = "database.restore",
    }
);

words!(
    /// Why somebody was refused. Refusals are summed, so that strangers cannot fill the log.
    Refusal {
        /// Nobody was signed in where somebody must be.
        NoToken = "refusal.no_token",
        /// A token that is none of ours, or whose login ended.
        BadToken = "refusal.bad_token",
        /// A token that ran out.
        ExpiredToken = "refusal.expired_token",
        /// A refresh token that is none of ours, was used or ran out.
        BadRefreshToken = "refusal.bad_refresh_token",
        /// Unknown user, wrong password or an account that is switched off.
        WrongPassword = "refusal.wrong_password",
        /// A link of a mail that was used, replaced or ran out.
        BadLink = "refusal.bad_link",
        /// A code of the second factor that is wrong, or was used before.
        WrongCode = "refusal.wrong_code",
        /// A ticket for the second step that ran out or was used up, or is none of ours.
        TicketEnded = "refusal.ticket_ended",
        /// A passkey that signs nobody in.
        BadPasskey = "refusal.bad_passkey",
        /// Not the token that makes the first admin.
        WrongSetupToken = "refusal.wrong_setup_token",
        /// A sign-in with a provider that did not let anybody in.
        Provider = "refusal.provider",
        /// Something else that did not prove who asked.
        Unauthenticated = "refusal.unauthenticated",
        /// No right to do it.
        Forbidden = "refusal.forbidden",
        /// Registration is closed.
        RegistrationClosed = "refusal.registration_closed",
        /// Too often.
        RateLimited = "refusal.rate_limited",
        /// Too many sockets of one user.
        TooManySockets = "refusal.too_many_sockets",
        /// A socket was closed that sent more than anybody can mean.
        Flooding = "refusal.flooding",
    }
);

words!(
    /// The way an act came in.
    Via {
        /// A request or a socket.
        Api = "api",
        /// `parlor` in a terminal.
        CommandLine = "command_line",
        /// The server by itself.
        Server = "server",
    }
);
