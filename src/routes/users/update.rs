use actix_web::{HttpRequest, web};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::UserView;
use crate::{
    auth::{Caller, Hasher, Revocations, Revoked},
    clock,
    config::Config,
    domain::{
        Invalid, fold_case,
        ids::UserId,
        policy::{Action, Target, allows},
        user::{
            AvatarUrl, Bio, Email, FullName, InactiveReason, NewPassword, PhoneNumber, Role,
            Username, parse_until,
        },
    },
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        auth::{StepUp, wrong_password},
        by, client_address,
        input::{Body, Form, Given},
    },
    store::{Store, StoreError, UserChanges},
};

/// What to change: an absent field stays, `null` clears one that may be empty.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = UserChanges)]
pub struct Changes {
    #[schema(value_type = Username)]
    #[serde(default)]
    username: Given<String>,
    #[schema(value_type = Email)]
    #[serde(default)]
    email: Given<String>,
    #[schema(value_type = FullName)]
    #[serde(default)]
    full_name: Given<String>,
    #[schema(value_type = Option<PhoneNumber>)]
    #[serde(default)]
    phone_number: Given<String>,
    #[schema(value_type = Option<Bio>)]
    #[serde(default)]
    bio: Given<String>,
    #[schema(value_type = Option<AvatarUrl>)]
    #[serde(default)]
    avatar_url: Given<String>,
    #[schema(value_type = NewPassword)]
    #[serde(default)]
    password: Given<String>,
    /// Who changes the own password or address must know the present one. If the account has none,
    /// the sign-in must be at most ten minutes ago instead.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    current_password: Given<String>,
    /// Only who has `users.write` changes it.
    #[schema(value_type = Role)]
    #[serde(default)]
    role: Given<String>,
    /// Only who has `users.write` changes it.
    #[schema(value_type = bool)]
    #[serde(default)]
    active: Given<bool>,
    /// Why the account is switched off; only together with `active: false`.
    #[schema(value_type = Option<InactiveReason>)]
    #[serde(default)]
    inactive_reason: Given<String>,
    /// When the account is switched on again by itself; `null` is never. It must lie in the future,
    /// and comes only together with `active: false`.
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    inactive_until: Given<String>,
}

/// The changes checked, and the passwords apart: one is still to be verified, one to be hashed.
struct CheckedChanges {
    changes: UserChanges,
    password: Option<NewPassword>,
    current_password: Option<SecretString>,
}

/// `PUT` and `PATCH /api/users/{id}`: both change only what the body names.
#[expect(clippy::too_many_arguments, reason = "an extractor each")]
#[tracing::instrument(skip_all, fields(user.id = %user.id, changed.id = %id))]
pub async fn update_user(
    user: Caller,
    id: web::Path<UserId>,
    body: Body<Changes>,
    step_up: StepUp,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    hasher: web::Data<Hasher>,
    store: web::Data<Store>,
    revocations: web::Data<Revocations>,
) -> Result<web::Json<UserView>, ApiError> {
    let (id, body) = (id.into_inner(), body.into_inner());
    let is_own = id == user.id;
    let found = store.find_user(id).await?;
    let target = found.as_ref().map_or(Target::nobody(id), Target::from);
    if !allows(&user, Action::UpdateUser(target)) {
        return Err(ApiError::Forbidden("You may not change this user"));
    }
    let manages = body.role.is_named()
        || body.active.is_named()
        || body.inactive_reason.is_named()
        || body.inactive_until.is_named();
    if manages && !allows(&user, Action::ManageUser(target)) {
        return Err(ApiError::Forbidden(
            "You may not change roles, nor switch accounts on or off",
        ));
    }
    // Who has a token must not make himself a way in that outlasts it.
    let opens_a_way_in = body.password.is_named() || body.email.is_named();
    if opens_a_way_in && !allows(&user, Action::ManageOwnAccess) {
        return Err(ApiError::Forbidden(
            "An API token changes neither passwords nor e-mail addresses",
        ));
    }
    let CheckedChanges {
        mut changes,
        password,
        current_password,
    } = body.check()?;
    if let Some(role) = &changes.role {
        let role = store.find_role(role).await?.ok_or_else(Role::unknown)?;
        if !allows(&user, Action::GiveRole(role.permissions)) {
            return Err(ApiError::Forbidden(
                "Nobody gives a role that may do more than he",
            ));
        }
    }
    let present = found.as_ref().and_then(|user| user.email.as_deref());
    let email_changes = changes
        .email
        .as_ref()
        .is_some_and(|email| present.map(fold_case) != Some(email.key()));
    if is_own && (password.is_some() || email_changes) {
        let owner = user.clone().try_into()?;
        changes.proved_password = step_up
            .prove_first(&owner, "current_password", current_password)
            .await?;
    }
    if is_own && changes.email.is_some() && config.mail.is_on() {
        // Each is a mail to an address that may be a stranger's.
        let address = client_address(&request, &config);
        tell(&request, limits.verification(id, address)?);
    }
    if let Some(password) = password {
        let password = password.of(changes.names());
        let password = match &found {
            Some(user) => password
                .of([&*user.profile.username, &user.profile.full_name])
                .of(user.email.as_deref()),
            None => password,
        };
        changes.password_hash = Some(hasher.hash(password).await?);
    }
    let keep = user.0.login().filter(|_| is_own);
    let updated = store
        .update_user(id, changes, keep, &by(&request, &config, Some(&user.0)))
        .await
        .map_err(|error| match error {
            StoreError::NotFound => ApiError::NotFound("User"),
            StoreError::Outdated => wrong_password("current_password").into(),
            error => error.into(),
        })?;
    revocations.announce(Revoked {
        user_id: id,
        login_id: None,
    });
    Ok(web::Json(UserView::for_viewer(updated, &user)))
}

pub fn declare_update_user() -> Operation {
    declare_update("updateUser")
}

pub fn declare_replace_user() -> Operation {
    declare_update("replaceUser")
}

fn declare_update(id: &'static str) -> Operation {
    Operation::new(Tag::Users, id, "Changes a user")
        .about(
            "Oneself; with `users.write` also anybody who may do no more than oneself, and then \
             the role, too, to one that may do no more. `PUT` and `PATCH` both change only what \
             the body names; `null` clears what may be empty.",
        )
        .path::<UserId>("id", "The user's id.", examples::USER_ID)
        .signed_in()
        .takes::<Changes>(json!({ "full_name": "Ada King", "bio": null }))
        .answers::<UserView>(200, "The user as it is now.", examples::user())
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::Forbidden,
            ErrorCode::LoginTooOld,
            ErrorCode::NotFound,
            ErrorCode::EmailTaken,
            ErrorCode::UsernameTaken,
            ErrorCode::LastAdmin,
            ErrorCode::RateLimited,
            ErrorCode::Overloaded,
        ])
}

impl Changes {
    /// Checks every field.
    fn check(self) -> Result<CheckedChanges, ApiError> {
        let mut form = Form::default();
        let switches_off = matches!(self.active, Given::Value(false));
        for (field, is_named) in [
            ("inactive_reason", self.inactive_reason.is_named()),
            ("inactive_until", self.inactive_until.is_named()),
        ] {
            if is_named && !switches_off {
                let message = "comes only with active: false";
                form.refuse(Invalid::new(field, "not_inactive", message));
            }
        }
        let changes = UserChanges {
            username: form.change("username", self.username, |text: String| {
                Username::parse(&text)
            }),
            email: form.change("email", self.email, |text: String| Email::parse(&text)),
            full_name: form.change("full_name", self.full_name, |text: String| {
                FullName::parse(&text)
            }),
            phone_number: form.clearable("phone_number", self.phone_number, |text: String| {
                PhoneNumber::parse(&text)
            }),
            bio: form.clearable("bio", self.bio, |text: String| Bio::parse(&text)),
            avatar_url: form.clearable("avatar_url", self.avatar_url, |text: String| {
                AvatarUrl::parse(&text)
            }),
            role: form.change("role", self.role, |text: String| text.parse::<Role>()),
            active: form.change("active", self.active, Ok),
            inactive_reason: form.clearable(
                "inactive_reason",
                self.inactive_reason,
                |text: String| InactiveReason::parse(&text),
            ),
            inactive_until: form.clearable(
                "inactive_until",
                self.inactive_until,
                |text: String| parse_until(&text, clock::now()),
            ),
            password_hash: None,
            proved_password: None,
        };
        let password = form.change("password", self.password, |text: String| {
            NewPassword::parse(SecretString::from(text))
        });
        let current_password =
            form.optional("current_password", self.current_password, |text: String| {
                Ok::<_, Invalid>(SecretString::from(text))
            });
        form.check()?;
        Ok(CheckedChanges {
            changes,
            password,
            current_password,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<CheckedChanges, Vec<(&'static str, &'static str)>> {
        let body: Changes = serde_json::from_str(json).unwrap();
        body.check().map_err(|error| match error {
            ApiError::Invalid(wrong) => wrong
                .iter()
                .map(|wrong| (wrong.field, wrong.code))
                .collect(),
            error => panic!("{error}"),
        })
    }

    #[test]
    fn absent_stays_and_null_clears() {
        let checked = check(r#"{"bio": null, "phone_number": "+1 555 0100"}"#);
        let Ok(CheckedChanges { changes, .. }) = checked else {
            panic!("both are fine")
        };
        assert!(changes.username.is_none() && changes.avatar_url.is_none());
        assert_eq!(changes.bio, Some(None));
        assert!(matches!(changes.phone_number, Some(Some(_))));
        let refused = check(r#"{"email": null, "active": "no"}"#).err().unwrap();
        assert_eq!(refused, [("email", "required"), ("active", "wrong_type")]);
    }

    #[test]
    fn a_present_password_of_the_wrong_type_is_refused_where_nobody_looks_at_it_too() {
        let refused = check(r#"{"bio": "x", "current_password": 7}"#);
        assert_eq!(refused.err().unwrap(), [("current_password", "wrong_type")]);
    }
}
