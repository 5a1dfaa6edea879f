use std::collections::BTreeMap;

use actix_web::web;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::UserView;
use crate::{
    auth::{Caller, Require, SeeStatistics},
    chat::Chat,
    domain::{
        ids::UserId,
        policy::{Action, allows},
        user::Role,
    },
    error::ApiError,
    protocol::code::ErrorCode,
    routes::api::{Operation, Tag, examples},
    store::{Statistics, Store},
};

/// `GET /api/users/me`: the caller.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn show_self(
    user: Caller,
    store: web::Data<Store>,
) -> Result<web::Json<UserView>, ApiError> {
    let own = store
        .find_user(user.id)
        .await?
        .ok_or(ApiError::NotFound("User"))?;
    Ok(web::Json(UserView::for_viewer(own, &user)))
}

pub fn declare_show_self() -> Operation {
    Operation::new(Tag::Users, "showSelf", "Shows the caller")
        .signed_in()
        .answers::<UserView>(200, "The caller.", examples::user())
        .refuses(&[ErrorCode::NotFound])
}

/// `GET /api/users/{id}`: one user.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn show_user(
    user: Caller,
    id: web::Path<UserId>,
    store: web::Data<Store>,
) -> Result<web::Json<UserView>, ApiError> {
    if !allows(&user, Action::SeeUser(*id)) {
        return Err(ApiError::Forbidden("You may not see other users"));
    }
    let found = store
        .find_user(*id)
        .await?
        .ok_or(ApiError::NotFound("User"))?;
    Ok(web::Json(UserView::for_viewer(found, &user)))
}

pub fn declare_show_user() -> Operation {
    Operation::new(Tag::Users, "showUser", "Shows a user")
        .about(
            "How to reach a user is told to that user and to who has `users.contact`; for others `email` and \
             `phone_number` are absent.",
        )
        .path::<UserId>("id", "The user's id.", examples::USER_ID)
        .signed_in()
        .answers::<UserView>(200, "The user.", examples::user())
        .refuses(&[
            ErrorCode::BadRequest,
            ErrorCode::Forbidden,
            ErrorCode::NotFound,
        ])
}

/// How many of everything there are.
#[derive(Serialize, ToSchema)]
#[schema(as = Statistics)]
pub struct StatisticsView {
    #[schema(minimum = 0)]
    total: i64,
    #[schema(minimum = 0)]
    active: i64,
    #[schema(minimum = 0)]
    inactive: i64,
    /// How many users have each role, by its name.
    by_role: BTreeMap<String, i64>,
    #[schema(minimum = 0)]
    messages: i64,
    #[schema(minimum = 0)]
    rooms: i64,
    #[schema(minimum = 0)]
    sessions_online: i64,
}

/// `GET /api/users/statistics`: how many of everything there are.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn show_statistics(
    user: Require<SeeStatistics>,
    store: web::Data<Store>,
    chat: web::Data<Chat>,
) -> Result<web::Json<StatisticsView>, ApiError> {
    let Statistics { by_role, totals } = store.statistics().await?;
    let named = |(role, count): (Role, i64)| (role.to_string(), count);
    Ok(web::Json(StatisticsView {
        total: totals.total,
        active: totals.active,
        inactive: totals.inactive,
        by_role: by_role.into_iter().map(named).collect(),
        messages: totals.messages,
        rooms: totals.rooms,
        sessions_online: chat.sessions_online(),
    }))
}

pub fn declare_show_statistics() -> Operation {
    let example = json!({
        "total": 12, "active": 11, "inactive": 1,
        "by_role": { "client": 9, "trainer": 2, "admin": 1 },
        "messages": 4711, "rooms": 3, "sessions_online": 5,
    });
    Operation::new(
        Tag::Users,
        "showStatistics",
        "Counts users, rooms and messages",
    )
    .about("For who has `statistics.read`.")
    .signed_in()
    .answers::<StatisticsView>(200, "How many there are.", example)
    .refuses(&[ErrorCode::Forbidden])
}
