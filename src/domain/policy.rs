//! Who may do what: one pure function for HTTP and the socket.

use std::{ops::Deref, sync::Arc};

use super::{
    ids::UserId,
    permission::{Permission, Permissions},
    user::User,
};

/// Who acts: a user in person, or a program with an API token of the user.
#[derive(Clone, Debug)]
pub struct Principal {
    /// As the database has it.
    pub user: Arc<User>,
    /// What the token was made for; `None` for a user who signed in.
    pub scopes: Option<Permissions>,
}

impl Principal {
    /// A user who signed in.
    #[must_use]
    pub const fn in_person(user: Arc<User>) -> Self {
        Self { user, scopes: None }
    }

    /// What the role grants and, of a token, the scopes name.
    #[must_use]
    pub fn permissions(&self) -> Permissions {
        let granted = self.user.permissions;
        self.scopes.map_or(granted, |scopes| granted.and(scopes))
    }
}

impl Deref for Principal {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

/// Whom an action concerns, and what he may do himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub id: UserId,
    pub permissions: Permissions,
}

impl From<&User> for Target {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            permissions: user.permissions,
        }
    }
}

impl Target {
    /// Somebody who is not there: to tell it from somebody who may not be touched, one must be
    /// allowed to touch others.
    #[must_use]
    pub const fn nobody(id: UserId) -> Self {
        let permissions = Permissions::NONE;
        Self { id, permissions }
    }
}

/// Something that somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See the list of users.
    SeeUsers,
    /// See this user's profile.
    SeeUser(UserId),
    /// Make a user whose role grants this.
    CreateUser(Permissions),
    /// Change this user's own data: names, address, password.
    UpdateUser(Target),
    /// Change this user's role, or switch the account on or off.
    ManageUser(Target),
    /// Give somebody a role that grants this.
    GiveRole(Permissions),
    /// Delete this user.
    DeleteUser(Target),
    /// See this user's address and telephone number.
    SeeContact(UserId),
    /// Sort or search all users by address or telephone number.
    SearchContacts,
    /// Manage the own ways in: password, address, second factors, logins and tokens.
    ManageOwnAccess,
    /// See how many users, rooms and messages there are.
    SeeStatistics,
    /// Make a room.
    CreateRoom,
    /// See rooms, hear and read in them. Every room is open until rooms have members.
    ReadRooms,
    /// Say something in a room.
    SendMessages,
    /// Make, change and delete roles.
    ManageRoles,
    /// Say whether a role requires a second factor.
    RequireTwoFactor,
    /// Let a role have, or no more have, this.
    GrantPermissions(Permissions),
    /// Make, see and revoke the tokens of services.
    ManageServiceTokens,
    /// Make a token of a service that may do this.
    GiveServiceToken(Permissions),
    /// Make a token of one's own that may do this.
    GiveToken(Permissions),
    /// Read the audit log.
    ReadAudit,
    /// See, repeat and drop jobs that failed.
    ManageJobs,
    /// Read the server's metrics, and decide which roles require a second factor.
    Administer,
}

/// Whether somebody may do something.
///
/// - An inactive user may do nothing.
/// - Everybody manages himself; a token does not: it does what its scopes name, and whatever they
///   name it makes no tokens.
/// - Nobody touches who may do more than he, nor gives away what he does not have.
#[must_use]
pub fn allows(who: &Principal, action: Action) -> bool {
    let own = who.permissions();
    let in_person = who.scopes.is_none();
    let himself = |id| in_person && id == who.user.id;
    who.user.active
        && match action {
            Action::SeeUsers => own.has(Permission::UsersRead),
            Action::SeeUser(id) => id == who.user.id || own.has(Permission::UsersRead),
            Action::UpdateUser(target) => {
                himself(target.id)
                    || own.has(Permission::UsersWrite) && own.covers(target.permissions)
            }
            Action::ManageUser(Target { permissions, .. })
            | Action::CreateUser(permissions)
            | Action::GiveRole(permissions) => {
                own.has(Permission::UsersWrite) && own.covers(permissions)
            }
            Action::DeleteUser(target) => {
                himself(target.id)
                    || own.has(Permission::UsersDelete) && own.covers(target.permissions)
            }
            Action::SeeContact(id) => himself(id) || own.has(Permission::UsersContact),
            Action::SearchContacts => own.has(Permission::UsersContact),
            Action::ManageOwnAccess => in_person,
            Action::SeeStatistics => own.has(Permission::StatisticsRead),
            Action::CreateRoom => own.has(Permission::RoomsCreate),
            Action::ReadRooms => own.has(Permission::MessagesRead),
            Action::SendMessages => own.has(Permission::MessagesSend),
            Action::ManageRoles => own.has(Permission::RolesManage),
            Action::RequireTwoFactor => in_person && own.has(Permission::AdminAccess),
            Action::GrantPermissions(granted) => {
                own.has(Permission::RolesManage) && own.covers(granted)
            }
            Action::ManageServiceTokens => in_person && own.has(Permission::TokensManage),
            Action::GiveServiceToken(granted) => {
                in_person && own.has(Permission::TokensManage) && own.covers(granted)
            }
            Action::GiveToken(scopes) => in_person && own.covers(scopes),
            Action::ReadAudit => own.has(Permission::AuditRead),
            Action::ManageJobs => own.has(Permission::JobsManage),
            Action::Administer => own.has(Permission::AdminAccess),
        }
}

#[cfg(test)]
mod tests;
