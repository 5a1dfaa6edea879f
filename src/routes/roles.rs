//! `/api/roles`: what each role may do; `/api/permissions`: what there is to allow.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    api::{Api, Operation, Tag, at},
    by,
    input::{Body, Form, Given},
};
use crate::{
    auth::{Caller, ManageRoles, Require, Revocations},
    config::Config,
    domain::{
        permission::{Permission, Permissions},
        policy::{Action, allows},
        role::{About, RoleGrants},
        user::Role,
    },
    error::ApiError,
    protocol::code::ErrorCode,
    store::{RoleChanges, Store, StoreError},
};

const NO_MORE_THAN_ONESELF: ApiError =
    ApiError::Forbidden("Nobody grants a permission that he does not have");
const NOT_THE_SECOND_FACTOR: ApiError =
    ApiError::Forbidden("Who requires a second factor of a role has admin.access, and signs in");

pub fn configure(api: &mut Api) {
    api.add(at("/api/permissions").get(list_permissions, declare_list_permissions))
        .add(
            at("/api/roles")
                .get(list_roles, declare_list_roles)
                .post(create_role, declare_create_role),
        )
        .add(
            at("/api/roles/{name}")
                .get(show_role, declare_show_role)
                .patch(update_role, declare_update_role)
                .delete(delete_role, declare_delete_role),
        );
}

/// Something that a role may allow.
#[derive(Serialize, ToSchema)]
#[schema(as = PermissionAbout)]
struct PermissionView {
    name: Permission,
    /// What it allows, for people.
    about: &'static str,
}

/// Every permission.
#[derive(Serialize, ToSchema)]
struct PermissionList {
    data: Vec<PermissionView>,
}

/// `GET /api/permissions`: everything that a role may allow.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn list_permissions(user: Caller) -> web::Json<PermissionList> {
    let view = |permission: &Permission| PermissionView {
        name: *permission,
        about: permission.about(),
    };
    web::Json(PermissionList {
        data: Permission::ALL.iter().map(view).collect(),
    })
}

fn declare_list_permissions() -> Operation {
    let permission = Permission::StatisticsRead;
    let example = json!({ "name": permission, "about": permission.about() });
    Operation::new(Tag::Users, "listPermissions", "Lists what a role may allow")
        .signed_in()
        .answers::<PermissionList>(200, "Every permission.", json!({ "data": [example] }))
}

/// A role and what it grants.
#[derive(Serialize, ToSchema)]
#[schema(as = RoleGrants)]
struct RoleView {
    name: Role,
    about: String,
    /// It is always there.
    built_in: bool,
    #[schema(value_type = Vec<Permission>)]
    permissions: Permissions,
    /// Who has it signs in with a second factor.
    requires_two_factor: bool,
}

impl From<RoleGrants> for RoleView {
    fn from(role: RoleGrants) -> Self {
        Self {
            built_in: role.name.is_built_in(),
            name: role.name,
            about: role.about,
            permissions: role.permissions,
            requires_two_factor: role.requires_two_factor,
        }
    }
}

/// Every role.
#[derive(Serialize, ToSchema)]
struct RoleList {
    data: Vec<RoleView>,
}

/// `GET /api/roles`: every role, the built-in ones first.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn list_roles(
    user: Caller,
    store: web::Data<Store>,
) -> Result<web::Json<RoleList>, ApiError> {
    let roles = store.list_roles().await?;
    Ok(web::Json(RoleList {
        data: roles.into_iter().map(RoleView::from).collect(),
    }))
}

fn declare_list_roles() -> Operation {
    Operation::new(Tag::Users, "listRoles", "Lists roles and what they grant")
        .signed_in()
        .answers::<RoleList>(
            200,
            "The built-in ones first.",
            json!({ "data": [example()] }),
        )
}

fn example() -> Value {
    json!({
        "name": "moderator",
        "about": "Keeps the peace.",
        "built_in": false,
        "permissions": ["users.read", "messages.read", "messages.send", "messages.moderate"],
        "requires_two_factor": true,
    })
}

/// `GET /api/roles/{name}`: one role.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn show_role(
    user: Caller,
    name: web::Path<String>,
    store: web::Data<Store>,
) -> Result<web::Json<RoleView>, ApiError> {
    let role = store.find_role(&named(&name)?).await?;
    Ok(web::Json(role.ok_or(ApiError::NotFound("Role"))?.into()))
}

fn declare_show_role() -> Operation {
    Operation::new(Tag::Users, "showRole", "Shows a role")
        .path::<Role>("name", "The role's name.", "client")
        .signed_in()
        .answers::<RoleView>(200, "The role.", example())
        .refuses(&[ErrorCode::BadRequest, ErrorCode::NotFound])
}

/// A role to be.
#[derive(Default, Deserialize, ToSchema)]
struct NewRole {
    #[schema(value_type = Role, required = true)]
    #[serde(default)]
    name: Given<String>,
    #[schema(value_type = Option<About>)]
    #[serde(default)]
    about: Given<String>,
    /// None if it is absent.
    #[schema(value_type = Option<Vec<Permission>>)]
    #[serde(default)]
    permissions: Given<Vec<String>>,
    /// Who has it signs in with a second factor.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    requires_two_factor: Given<bool>,
}

/// `POST /api/roles`: a new role.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn create_role(
    user: Require<ManageRoles>,
    body: Body<NewRole>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    let role = body.into_inner().check()?;
    if !allows(&user, Action::GrantPermissions(role.permissions)) {
        return Err(NO_MORE_THAN_ONESELF);
    }
    if role.requires_two_factor && !allows(&user, Action::RequireTwoFactor) {
        return Err(NOT_THE_SECOND_FACTOR);
    }
    let made = store
        .insert_role(role, &by(&request, &config, Some(&user.user.0)))
        .await?;
    Ok(HttpResponse::Created().json(RoleView::from(made)))
}

fn declare_create_role() -> Operation {
    Operation::new(Tag::Users, "createRole", "Makes a role")
        .about(
            "For who has `roles.manage`. Nobody grants a permission that he does not have himself; to \
             require a second factor takes `admin.access` and no API token. There are 100 roles at \
             most.",
        )
        .signed_in()
        .takes::<NewRole>(json!({
            "name": "moderator",
            "about": "Keeps the peace.",
            "permissions": ["users.read", "messages.read", "messages.send", "messages.moderate"],
        }))
        .answers::<RoleView>(201, "The new role.", example())
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::Forbidden,
            ErrorCode::RoleExists,
            ErrorCode::TooMany,
        ])
}

impl NewRole {
    fn check(self) -> Result<RoleGrants, ApiError> {
        let mut form = Form::default();
        let name = form.required("name", self.name, |text: String| text.parse::<Role>());
        let about = form.optional("about", self.about, |text: String| About::parse(&text));
        let permissions = form.optional("permissions", self.permissions, |names: Vec<String>| {
            Permissions::parse(&names)
        });
        let requires_two_factor =
            form.optional("requires_two_factor", self.requires_two_factor, Ok);
        match name {
            Some(name) => form.check().map(|()| RoleGrants {
                name,
                about: about.unwrap_or_default().as_str().to_owned(),
                permissions: permissions.unwrap_or_default(),
                requires_two_factor: requires_two_factor.unwrap_or_default(),
            }),
            None => Err(form.into_error()),
        }
    }
}

/// What to change of a role: an absent field stays.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = RoleChanges)]
struct Changes {
    #[schema(value_type = About)]
    #[serde(default)]
    about: Given<String>,
    /// All that it grants from now on, not what is added.
    #[schema(value_type = Vec<Permission>)]
    #[serde(default)]
    permissions: Given<Vec<String>>,
    #[schema(value_type = bool)]
    #[serde(default)]
    requires_two_factor: Given<bool>,
}

/// `PATCH /api/roles/{name}`: what a role grants, at once to all who have it.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn update_role(
    user: Require<ManageRoles>,
    name: web::Path<String>,
    body: Body<Changes>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
    revocations: web::Data<Revocations>,
) -> Result<web::Json<RoleView>, ApiError> {
    let name = named(&name)?;
    let mut changes = body.into_inner().check()?;
    if !allows(&user, Action::RequireTwoFactor)
        && let Some(required) = changes.requires_two_factor.take()
    {
        // To say what is so already is no change.
        let role = store.find_role(&name).await?;
        let role = role.ok_or(ApiError::NotFound("Role"))?;
        if required != role.requires_two_factor {
            return Err(NOT_THE_SECOND_FACTOR);
        }
    }
    let granted = changes.permissions.unwrap_or_default();
    if !allows(&user, Action::GrantPermissions(granted)) {
        return Err(NO_MORE_THAN_ONESELF);
    }
    let by = by(&request, &config, Some(&user.user.0));
    let role = store.update_role(name, changes, &by).await;
    let role = role.map_err(no_such_role)?;
    revocations.announce(&role);
    Ok(web::Json(role.into()))
}

fn declare_update_role() -> Operation {
    Operation::new(Tag::Users, "updateRole", "Changes a role")
        .about(
            "For who has `roles.manage`, and everything that the role grants, before and after; \
             `admin.access`, and no API token, for whether it requires a second factor. It \
             acts at once on all who have the role, on their open sockets too. An admin keeps \
             every permission.",
        )
        .path::<Role>("name", "The role's name.", "moderator")
        .signed_in()
        .takes::<Changes>(json!({ "requires_two_factor": true }))
        .answers::<RoleView>(200, "The role as it is now.", example())
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::Forbidden,
            ErrorCode::NotFound,
            ErrorCode::BuiltInRole,
        ])
}

impl Changes {
    fn check(self) -> Result<RoleChanges, ApiError> {
        let mut form = Form::default();
        let changes = RoleChanges {
            about: form.change("about", self.about, |text: String| About::parse(&text)),
            permissions: form.change("permissions", self.permissions, |names: Vec<String>| {
                Permissions::parse(&names)
            }),
            requires_two_factor: form.change("requires_two_factor", self.requires_two_factor, Ok),
        };
        form.check().map(|()| changes)
    }
}

/// `DELETE /api/roles/{name}`: ends a role that nobody has.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn delete_role(
    user: Require<ManageRoles>,
    name: web::Path<String>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    let by = by(&request, &config, Some(&user.user.0));
    let deleted = store.delete_role(named(&name)?, &by).await;
    deleted.map_err(no_such_role)?;
    Ok(HttpResponse::NoContent().finish())
}

fn declare_delete_role() -> Operation {
    Operation::new(Tag::Users, "deleteRole", "Deletes a role that nobody has")
        .about("For who has `roles.manage`, and everything that the role grants.")
        .path::<Role>("name", "The role's name.", "moderator")
        .signed_in()
        .answers_empty(204, "The role is gone.")
        .refuses(&[
            ErrorCode::BadRequest,
            ErrorCode::Forbidden,
            ErrorCode::NotFound,
            ErrorCode::BuiltInRole,
            ErrorCode::RoleInUse,
        ])
}

/// The role that an address names; no role has a name that could not be one.
fn named(name: &str) -> Result<Role, ApiError> {
    name.parse().map_err(|_| ApiError::NotFound("Role"))
}

fn no_such_role(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::NotFound("Role"),
        error => error.into(),
    }
}
