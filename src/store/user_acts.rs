//! What a change of a user is called in the audit log.

use serde_json::{Value, json};

use super::UserChanges;
use crate::domain::{audit::Act, user::User};

/// The acts that made `after` of `before`, each with its details.
///
/// The log tells that an address changed, not which: it is kept for good, and an address is not.
pub(super) fn acts_of(before: &User, after: &User, changes: &UserChanges) -> Vec<(Act, Value)> {
    let mut acts = Vec::new();
    let mut fields = Vec::new();
    let mut changed = |is: bool, field| {
        if is {
            fields.push(field);
        }
    };
    changed(
        before.profile.username != after.profile.username,
        "username",
    );
    changed(
        before.profile.full_name != after.profile.full_name,
        "full_name",
    );
    changed(before.phone_number != after.phone_number, "phone_number");
    changed(before.bio != after.bio, "bio");
    changed(before.avatar_url != after.avatar_url, "avatar_url");
    if !fields.is_empty() {
        let mut details = json!({ "fields": fields });
        if before.profile.username != after.profile.username
            && let Some(details) = details.as_object_mut()
        {
            let names = json!({ "from": before.profile.username, "to": after.profile.username });
            details.insert("username".to_owned(), names);
        }
        acts.push((Act::UserUpdate, details));
    }
    if before.email != after.email {
        acts.push((Act::UserEmail, Value::Null));
    }
    if changes.password_hash.is_some() {
        acts.push((Act::UserPassword, Value::Null));
    }
    if before.role != after.role {
        let details = json!({ "from": before.role, "to": after.role });
        acts.push((Act::UserRole, details));
    }
    match (before.active, after.active) {
        (_, false) if before.active || before.inactive != after.inactive => {
            let (reason, until) = (&after.inactive.reason, after.inactive.until);
            let details = json!({ "reason": reason, "until": until });
            acts.push((Act::UserDeactivate, details));
        }
        (false, true) => acts.push((Act::UserActivate, Value::Null)),
        _ => {}
    }
    acts
}
