use actix_web::{HttpResponse, web};

use crate::{
    auth::{AuthUser, Revocations, Revoked},
    domain::{
        ids::UserId,
        policy::{Action, allows},
    },
    error::ApiError,
    store::{Store, StoreError},
};

/// `DELETE /api/users/{id}`: ends an account; what it said stays, under a tombstone.
#[tracing::instrument(skip_all, fields(user.id = %user.id, deleted.id = %id))]
pub async fn delete_user(
    user: AuthUser,
    id: web::Path<UserId>,
    store: web::Data<Store>,
    revocations: web::Data<Revocations>,
) -> Result<HttpResponse, ApiError> {
    let id = id.into_inner();
    if !allows(&user, Action::DeleteUser(id)) {
        return Err(ApiError::Forbidden("Only admins delete others"));
    }
    store.delete_user(id).await.map_err(|error| match error {
        StoreError::NotFound => ApiError::NotFound("User"),
        error => error.into(),
    })?;
    revocations.announce(Revoked {
        user_id: id,
        login_id: None,
    });
    Ok(HttpResponse::NoContent().finish())
}
