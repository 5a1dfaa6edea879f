use actix_web::{HttpRequest, HttpResponse, web};

use crate::{
    auth::{Caller, Revocations, Revoked},
    config::Config,
    domain::{
        ids::UserId,
        policy::{Action, Target, allows},
    },
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        by,
    },
    store::{Store, StoreError},
};

/// `DELETE /api/users/{id}`: ends an account; what it said stays, under a tombstone.
#[tracing::instrument(skip_all, fields(user.id = %user.id, deleted.id = %id))]
pub async fn delete_user(
    user: Caller,
    id: web::Path<UserId>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
    revocations: web::Data<Revocations>,
) -> Result<HttpResponse, ApiError> {
    let id = id.into_inner();
    let found = store.find_user(id).await?;
    let target = found.as_ref().map_or(Target::nobody(id), Target::from);
    if !allows(&user, Action::DeleteUser(target)) {
        return Err(ApiError::Forbidden("You may not delete this user"));
    }
    let by = by(&request, &config, Some(&user.0));
    store
        .delete_user(id, &by)
        .await
        .map_err(|error| match error {
            StoreError::NotFound => ApiError::NotFound("User"),
            error => error.into(),
        })?;
    revocations.announce(Revoked {
        user_id: id,
        login_id: None,
    });
    Ok(HttpResponse::NoContent().finish())
}

pub fn declare_delete_user() -> Operation {
    Operation::new(Tag::Users, "deleteUser", "Deletes an account")
        .about(
            "One's own; with `users.delete` also that of anybody who may do no more than oneself. Its sockets close, its name and address are \
             freed, and what it said stays under the name \"deleted\".",
        )
        .path::<UserId>("id", "The user's id.", examples::USER_ID)
        .signed_in()
        .answers_empty(204, "The account is gone.")
        .refuses(&[
            ErrorCode::BadRequest,
            ErrorCode::Forbidden,
            ErrorCode::NotFound,
            ErrorCode::LastAdmin,
        ])
}
