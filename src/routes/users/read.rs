use actix_web::web;
use serde::Serialize;

use super::UserView;
use crate::{
    auth::{AuthUser, RequireRole, Trainer},
    chat::Chat,
    domain::ids::UserId,
    error::ApiError,
    store::Store,
};

/// `GET /api/users/me`: the caller.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn show_self(
    user: AuthUser,
    store: web::Data<Store>,
) -> Result<web::Json<UserView>, ApiError> {
    let own = store
        .find_user(user.id)
        .await?
        .ok_or(ApiError::NotFound("User"))?;
    Ok(web::Json(UserView::own(own)))
}

/// `GET /api/users/{id}`: one user.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn show_user(
    user: AuthUser,
    id: web::Path<UserId>,
    store: web::Data<Store>,
) -> Result<web::Json<UserView>, ApiError> {
    let found = store
        .find_user(*id)
        .await?
        .ok_or(ApiError::NotFound("User"))?;
    Ok(web::Json(UserView::for_viewer(found, &user)))
}

#[derive(Serialize)]
pub struct StatisticsView {
    total: i64,
    active: i64,
    inactive: i64,
    by_role: RoleCounts,
    messages: i64,
    rooms: i64,
    sessions_online: i64,
}

#[derive(Serialize)]
struct RoleCounts {
    client: i64,
    trainer: i64,
    admin: i64,
}

/// `GET /api/users/statistics`: how many of everything there are.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn show_statistics(
    user: RequireRole<Trainer>,
    store: web::Data<Store>,
    chat: web::Data<Chat>,
) -> Result<web::Json<StatisticsView>, ApiError> {
    let counts = store.statistics().await?;
    Ok(web::Json(StatisticsView {
        total: counts.total,
        active: counts.active,
        inactive: counts.inactive,
        by_role: RoleCounts {
            client: counts.clients,
            trainer: counts.trainers,
            admin: counts.admins,
        },
        messages: counts.messages,
        rooms: counts.rooms,
        sessions_online: chat.sessions_online(),
    }))
}
