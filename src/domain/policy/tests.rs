//! Role by action by situation.

use super::*;
use crate::domain::user::Role;

/// Who asks: his role and, of a token, its scopes.
fn who(role: Role, scopes: Option<Permissions>) -> Principal {
    Principal {
        user: Arc::new(User::sample("ann", role)),
        scopes,
    }
}

fn off(principal: &Principal) -> Principal {
    let user = User {
        active: false,
        ..User::clone(principal)
    };
    Principal {
        user: Arc::new(user),
        scopes: principal.scopes,
    }
}

/// Somebody else of this role.
fn other(role: Role) -> Target {
    Target::from(&User::sample("bob", role))
}

#[test]
fn each_role_may_do_what_the_table_says() {
    let bob = other(Role::Client);
    let (client, admin) = (bob.permissions, Permissions::ALL);
    let table = [
        // action, client, trainer, admin, an admin's token without scopes
        (Action::SeeUsers, [true, true, true, false]),
        (Action::SeeUser(bob.id), [true, true, true, false]),
        (Action::CreateUser(client), [false, false, true, false]),
        (Action::CreateUser(admin), [false, false, true, false]),
        (Action::UpdateUser(bob), [false, false, true, false]),
        (
            Action::UpdateUser(other(Role::Admin)),
            [false, false, true, false],
        ),
        (Action::ManageUser(bob), [false, false, true, false]),
        (Action::GiveRole(admin), [false, false, true, false]),
        (Action::DeleteUser(bob), [false, false, true, false]),
        (Action::SeeContact(bob.id), [false, false, true, false]),
        (Action::SearchContacts, [false, false, true, false]),
        (Action::ManageOwnAccess, [true, true, true, false]),
        (Action::SeeStatistics, [false, true, true, false]),
        (Action::CreateRoom, [true, true, true, false]),
        (Action::ReadRooms, [true, true, true, false]),
        (Action::SendMessages, [true, true, true, false]),
        (Action::ManageRoles, [false, false, true, false]),
        (
            Action::GrantPermissions(client),
            [false, false, true, false],
        ),
        (Action::ManageServiceTokens, [false, false, true, false]),
        (
            Action::GiveServiceToken(client),
            [false, false, true, false],
        ),
        (Action::GiveToken(client), [true, true, true, false]),
        (Action::GiveToken(admin), [false, false, true, false]),
        (Action::ReadAudit, [false, false, true, false]),
        (Action::ManageJobs, [false, false, true, false]),
        (Action::Administer, [false, false, true, false]),
    ];
    let askers = [
        who(Role::Client, None),
        who(Role::Trainer, None),
        who(Role::Admin, None),
        who(Role::Admin, Some(Permissions::NONE)),
    ];
    for (action, expected) in table {
        for (asker, expected) in askers.iter().zip(expected) {
            let (role, scopes) = (&asker.role, asker.scopes);
            assert_eq!(
                allows(asker, action),
                expected,
                "{role} {scopes:?} {action:?}"
            );
            assert!(!allows(&off(asker), action), "inactive {role} {action:?}");
        }
    }
}

#[test]
fn everybody_manages_himself_in_person() {
    for role in Role::BUILT_IN {
        let ann = who(role.clone(), None);
        let token = who(role, Some(Permissions::NONE));
        let own = |ann: &Principal| {
            let target = Target::from(&*ann.user);
            [
                (Action::UpdateUser(target), false),
                (Action::DeleteUser(target), false),
                (Action::SeeContact(ann.id), false),
                (Action::ManageOwnAccess, false),
                (Action::SeeUser(ann.id), true),
            ]
        };
        for (action, _) in own(&ann) {
            assert!(allows(&ann, action), "{} {action:?}", ann.role);
            assert!(
                !allows(&off(&ann), action),
                "inactive {} {action:?}",
                ann.role
            );
        }
        for (action, by_token) in own(&token) {
            assert_eq!(
                allows(&token, action),
                by_token,
                "{} {action:?}",
                token.role
            );
        }
    }
}

#[test]
fn a_token_does_what_both_its_owner_may_and_its_scopes_name() {
    let needs = [
        (Action::SeeUsers, Permission::UsersRead),
        (Action::SearchContacts, Permission::UsersContact),
        (Action::SeeStatistics, Permission::StatisticsRead),
        (Action::CreateRoom, Permission::RoomsCreate),
        (Action::ReadRooms, Permission::MessagesRead),
        (Action::SendMessages, Permission::MessagesSend),
        (Action::ManageRoles, Permission::RolesManage),
        (Action::ReadAudit, Permission::AuditRead),
        (Action::ManageJobs, Permission::JobsManage),
        (Action::Administer, Permission::AdminAccess),
    ];
    for (action, needed) in needs {
        for scope in Permission::ALL {
            let scopes = Some(Permissions::of(&[*scope]));
            for role in Role::BUILT_IN {
                let token = who(role, scopes);
                let expected = *scope == needed && token.user.permissions.has(needed);
                assert_eq!(
                    allows(&token, action),
                    expected,
                    "{} {scope} {action:?}",
                    token.role
                );
            }
        }
    }
    let all = who(Role::Admin, Some(Permissions::ALL));
    for never in [
        Action::ManageOwnAccess,
        Action::ManageServiceTokens,
        Action::GiveServiceToken(Permissions::NONE),
        Action::GiveToken(Permissions::NONE),
    ] {
        assert!(!allows(&all, never), "whatever its scopes: {never:?}");
    }
}

/// Who may change users could else make himself an admin, or take an admin's account over.
#[test]
fn nobody_reaches_above_himself() {
    let help_desk = {
        let mut user = User::sample("eve", "help-desk".parse().unwrap());
        user.permissions = Permissions::of(&[
            Permission::UsersRead,
            Permission::UsersWrite,
            Permission::UsersDelete,
            Permission::RolesManage,
            Permission::TokensManage,
            Permission::MessagesRead,
            Permission::RoomsCreate,
            Permission::MessagesSend,
        ]);
        Principal::in_person(Arc::new(user))
    };
    let above = [Role::Trainer, Role::Admin];
    for (role, expected) in [(Role::Client, true)]
        .into_iter()
        .chain(above.map(|r| (r, false)))
    {
        let target = other(role.clone());
        for action in [
            Action::UpdateUser(target),
            Action::ManageUser(target),
            Action::DeleteUser(target),
            Action::CreateUser(target.permissions),
            Action::GiveRole(target.permissions),
            Action::GrantPermissions(target.permissions),
            Action::GiveToken(target.permissions),
            Action::GiveServiceToken(target.permissions),
        ] {
            assert_eq!(allows(&help_desk, action), expected, "{role} {action:?}");
        }
    }
}
