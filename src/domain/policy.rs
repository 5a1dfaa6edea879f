//! Who may do what: one pure function for HTTP and the socket.

use super::{
    ids::UserId,
    user::{Role, User},
};

/// Something that somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make a user of this role.
    CreateUser(Role),
    /// Change this user's own data: names, address, password.
    UpdateUser(UserId),
    /// Change anybody's role, or switch an account on or off.
    ManageUsers,
    /// Delete this user.
    DeleteUser(UserId),
    /// See or search by this user's address and telephone number.
    SeeContact(UserId),
    /// Sort or search all users by address or telephone number.
    SearchContacts,
    /// See how many users, rooms and messages there are.
    SeeStatistics,
    /// Make a room.
    CreateRoom,
    /// Hear, read and write in a room. Every room is open until rooms have members.
    UseRoom,
}

/// Whether `user` may do `action`. An inactive user may do nothing.
#[must_use]
pub fn allows(user: &User, action: Action) -> bool {
    user.active
        && match action {
            Action::CreateRoom | Action::UseRoom => true,
            Action::UpdateUser(id) | Action::DeleteUser(id) | Action::SeeContact(id) => {
                id == user.id || user.role == Role::Admin
            }
            Action::CreateUser(_) | Action::ManageUsers | Action::SearchContacts => {
                user.role == Role::Admin
            }
            Action::SeeStatistics => matches!(user.role, Role::Trainer | Role::Admin),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(role: Role, active: bool) -> User {
        let at = chrono::DateTime::UNIX_EPOCH;
        User {
            id: UserId::new(),
            username: "ann".into(),
            email: None,
            full_name: "Ann".into(),
            phone_number: None,
            bio: None,
            avatar_url: None,
            role,
            active,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn each_role_may_do_what_the_table_says() {
        let other = UserId::new();
        let table = [
            // action, client, trainer, admin
            (Action::CreateUser(Role::Client), [false, false, true]),
            (Action::UpdateUser(other), [false, false, true]),
            (Action::ManageUsers, [false, false, true]),
            (Action::DeleteUser(other), [false, false, true]),
            (Action::SeeContact(other), [false, false, true]),
            (Action::SearchContacts, [false, false, true]),
            (Action::SeeStatistics, [false, true, true]),
            (Action::CreateRoom, [true, true, true]),
            (Action::UseRoom, [true, true, true]),
        ];
        for (action, expected) in table {
            for (role, expected) in Role::ALL.into_iter().zip(expected) {
                assert_eq!(
                    allows(&user(role, true), action),
                    expected,
                    "{role} {action:?}"
                );
                assert!(
                    !allows(&user(role, false), action),
                    "inactive {role} {action:?}"
                );
            }
        }
    }

    #[test]
    fn everybody_manages_himself() {
        for role in Role::ALL {
            let user = user(role, true);
            for action in [
                Action::UpdateUser(user.id),
                Action::DeleteUser(user.id),
                Action::SeeContact(user.id),
            ] {
                assert!(allows(&user, action), "{role} {action:?}");
            }
        }
    }
}
