//! A user for tests.

use std::sync::Arc;

use super::{Inactive, Profile, Role, User, UserKind};
use crate::domain::{
    ids::UserId,
    permission::{Permission, Permissions},
};

impl User {
    /// An active user who has what a fresh database grants his role; a custom one, nothing.
    pub fn sample(username: &str, role: Role) -> Self {
        let at = chrono::DateTime::UNIX_EPOCH;
        let profile = Profile {
            id: UserId::new(),
            username: username.into(),
            full_name: username.into(),
        };
        Self {
            id: profile.id,
            profile: Arc::new(profile),
            email: Some(format!("{username}@example.org")),
            email_verified: false,
            phone_number: None,
            bio: None,
            avatar_url: None,
            permissions: Permissions::sample(&role),
            role,
            kind: UserKind::Person,
            active: true,
            inactive: Inactive::default(),
            created_at: at,
            updated_at: at,
        }
    }
}

impl Permissions {
    /// What a fresh database grants a role.
    pub fn sample(role: &Role) -> Self {
        let client = [
            Permission::UsersRead,
            Permission::RoomsCreate,
            Permission::MessagesRead,
            Permission::MessagesSend,
        ];
        match role {
            Role::Client => Self::of(&client),
            Role::Trainer => client
                .into_iter()
                .chain([Permission::StatisticsRead])
                .collect(),
            Role::Admin => Self::ALL,
            Role::Custom(_) => Self::NONE,
        }
    }
}
