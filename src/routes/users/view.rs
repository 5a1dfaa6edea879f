use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{
    ids::UserId,
    permission::{Permission, Permissions},
    policy::{Action, Principal, Target, allows},
    user::{Role, User, UserKind},
};

/// A user as somebody may see it.
///
/// How to reach a user is told to that user and to admins only; for others the two fields are
/// absent, which is not the same as `null`: the user has none.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    id: UserId,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    email: Option<Option<String>>,
    /// Whether a mail to the address was answered; seen by whoever sees the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    email_verified: Option<bool>,
    full_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    phone_number: Option<Option<String>>,
    #[schema(required = true)]
    bio: Option<String>,
    #[schema(required = true)]
    avatar_url: Option<String>,
    role: Role,
    kind: UserKind,
    /// What the role grants; only where the address is told, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Permission>, required = false)]
    permissions: Option<Permissions>,
    active: bool,
    /// Why the account is switched off. Told to who may do so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    inactive_reason: Option<Option<String>>,
    /// When the account is switched on again. Told to who may switch it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DateTime<Utc>>, required = false)]
    inactive_until: Option<Option<DateTime<Utc>>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl UserView {
    /// What `viewer` sees of `user`.
    pub fn for_viewer(user: User, viewer: &Principal) -> Self {
        let sees_contact = allows(viewer, Action::SeeContact(user.id));
        let manages = allows(viewer, Action::ManageUser(Target::nobody(user.id)));
        Self::new(user, sees_contact, manages)
    }

    /// What a user sees of itself.
    pub fn own(user: User) -> Self {
        Self::new(user, true, false)
    }

    fn new(user: User, sees_contact: bool, manages: bool) -> Self {
        Self {
            id: user.id,
            username: user.profile.username.clone(),
            email: sees_contact.then_some(user.email),
            email_verified: sees_contact.then_some(user.email_verified),
            full_name: user.profile.full_name.clone(),
            phone_number: sees_contact.then_some(user.phone_number),
            bio: user.bio,
            avatar_url: user.avatar_url,
            role: user.role,
            kind: user.kind,
            permissions: sees_contact.then_some(user.permissions),
            active: user.active,
            inactive_reason: manages.then_some(user.inactive.reason),
            inactive_until: manages.then_some(user.inactive.until),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_to_reach_somebody_is_no_ones_business() {
        let ann = User::sample("ann", Role::Client);
        let seen_by = |viewer: &User| {
            let viewer = &Principal::in_person(viewer.clone().into());
            serde_json::to_value(UserView::for_viewer(ann.clone(), viewer)).unwrap()
        };
        for viewer in [
            User::sample("bob", Role::Client),
            User::sample("tom", Role::Trainer),
        ] {
            let seen = seen_by(&viewer);
            assert_eq!(seen["username"], "ann");
            assert!(seen.get("email").is_none() && seen.get("phone_number").is_none());
            assert!(seen.get("email_verified").is_none());
            assert!(seen.get("permissions").is_none());
        }
        for viewer in [ann.clone(), User::sample("eve", Role::Admin)] {
            let seen = seen_by(&viewer);
            assert_eq!(seen["email"], "ann@example.org");
            assert!(seen["phone_number"].is_null() && seen.get("phone_number").is_some());
        }
    }
}
