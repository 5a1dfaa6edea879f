//! Role by action by situation.

use std::collections::BTreeSet;

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

/// Somebody whose role an admin made.
fn custom(role: &str, granted: &[Permission], scopes: Option<Permissions>) -> Principal {
    let mut user = User::sample("eve", role.parse().unwrap());
    user.permissions = Permissions::of(granted);
    Principal {
        user: Arc::new(user),
        scopes,
    }
}

/// Tells the actions apart. Whoever adds one adds it here, and the table then misses it.
fn number(action: Action) -> usize {
    match action {
        Action::SeeUsers => 0,
        Action::SeeUser(_) => 1,
        Action::CreateUser(_) => 2,
        Action::UpdateUser(_) => 3,
        Action::ManageUser(_) => 4,
        Action::GiveRole(_) => 5,
        Action::DeleteUser(_) => 6,
        Action::SeeContact(_) => 7,
        Action::SearchContacts => 8,
        Action::ManageOwnAccess => 9,
        Action::SeeStatistics => 10,
        Action::CreateRoom => 11,
        Action::ReadRooms => 12,
        Action::SendMessages => 13,
        Action::ManageRoles => 14,
        Action::GrantPermissions(_) => 15,
        Action::ManageServiceTokens => 16,
        Action::GiveServiceToken(_) => 17,
        Action::GiveToken(_) => 18,
        Action::ReadAudit => 19,
        Action::ManageJobs => 20,
        Action::Administer => 21,
        Action::RequireTwoFactor => 22,
    }
}
const ACTIONS: usize = 23;

#[test]
fn each_role_may_do_what_the_table_says() {
    let bob = other(Role::Client);
    let (client, admin) = (bob.permissions, Permissions::ALL);
    let keeps = [
        Permission::UsersRead,
        Permission::UsersWrite,
        Permission::RoomsCreate,
        Permission::MessagesRead,
        Permission::MessagesSend,
        Permission::RolesManage,
        Permission::AuditRead,
    ];
    // One of these scopes is not the owner's to give.
    let some = Permissions::of(&[
        Permission::UsersWrite,
        Permission::AuditRead,
        Permission::StatisticsRead,
    ]);
    let askers = [
        who(Role::Client, None),
        who(Role::Trainer, None),
        who(Role::Admin, None),
        custom("keeper", &keeps, None),
        who(Role::Admin, Some(Permissions::NONE)),
        who(Role::Admin, Some(Permissions::ALL)),
        custom("keeper", &keeps, Some(some)),
    ];
    let table = [
        // In person: client, trainer, admin, keeper. By token: an admin's without scopes, an admin's
        // with all, the keeper's with some.
        (Action::SeeUsers, [1, 1, 1, 1, 0, 1, 0]),
        (Action::SeeUser(bob.id), [1, 1, 1, 1, 0, 1, 0]),
        (Action::CreateUser(client), [0, 0, 1, 1, 0, 1, 0]),
        (Action::CreateUser(admin), [0, 0, 1, 0, 0, 1, 0]),
        (Action::UpdateUser(bob), [0, 0, 1, 1, 0, 1, 0]),
        (
            Action::UpdateUser(other(Role::Admin)),
            [0, 0, 1, 0, 0, 1, 0],
        ),
        (Action::ManageUser(bob), [0, 0, 1, 1, 0, 1, 0]),
        (
            Action::ManageUser(other(Role::Trainer)),
            [0, 0, 1, 0, 0, 1, 0],
        ),
        (Action::GiveRole(Permissions::NONE), [0, 0, 1, 1, 0, 1, 1]),
        (Action::GiveRole(admin), [0, 0, 1, 0, 0, 1, 0]),
        (Action::DeleteUser(bob), [0, 0, 1, 0, 0, 1, 0]),
        (Action::SeeContact(bob.id), [0, 0, 1, 0, 0, 1, 0]),
        (Action::SearchContacts, [0, 0, 1, 0, 0, 1, 0]),
        (Action::ManageOwnAccess, [1, 1, 1, 1, 0, 0, 0]),
        (Action::SeeStatistics, [0, 1, 1, 0, 0, 1, 0]),
        (Action::CreateRoom, [1, 1, 1, 1, 0, 1, 0]),
        (Action::ReadRooms, [1, 1, 1, 1, 0, 1, 0]),
        (Action::SendMessages, [1, 1, 1, 1, 0, 1, 0]),
        (Action::ManageRoles, [0, 0, 1, 1, 0, 1, 0]),
        (Action::RequireTwoFactor, [0, 0, 1, 0, 0, 0, 0]),
        (Action::GrantPermissions(client), [0, 0, 1, 1, 0, 1, 0]),
        (Action::GrantPermissions(admin), [0, 0, 1, 0, 0, 1, 0]),
        (Action::ManageServiceTokens, [0, 0, 1, 0, 0, 0, 0]),
        (Action::GiveServiceToken(client), [0, 0, 1, 0, 0, 0, 0]),
        (Action::GiveToken(client), [1, 1, 1, 1, 0, 0, 0]),
        (Action::GiveToken(admin), [0, 0, 1, 0, 0, 0, 0]),
        (Action::ReadAudit, [0, 0, 1, 1, 0, 1, 1]),
        (Action::ManageJobs, [0, 0, 1, 0, 0, 1, 0]),
        (Action::Administer, [0, 0, 1, 0, 0, 1, 0]),
    ];
    for (action, expected) in table {
        for (asker, expected) in askers.iter().zip(expected) {
            let (role, scopes) = (&asker.role, asker.scopes);
            let expected = expected == 1;
            let said = format!("{role} {scopes:?} {action:?}");
            assert_eq!(allows(asker, action), expected, "{said}");
            assert!(!allows(&off(asker), action), "inactive: {said}");
        }
    }
    let covered: BTreeSet<usize> = table.iter().map(|(action, _)| number(*action)).collect();
    assert_eq!(
        covered,
        (0..ACTIONS).collect(),
        "the table has every action"
    );
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
    let granted = [
        Permission::UsersRead,
        Permission::UsersWrite,
        Permission::UsersDelete,
        Permission::RolesManage,
        Permission::TokensManage,
        Permission::MessagesRead,
        Permission::RoomsCreate,
        Permission::MessagesSend,
    ];
    let help_desk = custom("help-desk", &granted, None);
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
