use actix_web::web;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::UserView;
use crate::{
    auth::{AuthUser, RequireRole, Trainer},
    chat::Chat,
    domain::ids::UserId,
    error::ApiError,
    protocol::code::ErrorCode,
    routes::api::{Operation, Tag, examples},
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

pub fn declare_show_self() -> Operation {
    Operation::new(Tag::Users, "showSelf", "Shows the caller")
        .signed_in()
        .answers::<UserView>(200, "The caller.", examples::user())
        .refuses(&[ErrorCode::NotFound])
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

pub fn declare_show_user() -> Operation {
    Operation::new(Tag::Users, "showUser", "Shows a user")
        .about(
            "How to reach a user is told to that user and to admins; for others `email` and \
             `phone_number` are absent.",
        )
        .path::<UserId>("id", "The user's id.", examples::USER_ID)
        .signed_in()
        .answers::<UserView>(200, "The user.", examples::user())
        .refuses(&[ErrorCode::BadRequest, ErrorCode::NotFound])
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
    by_role: RoleCounts,
    #[schema(minimum = 0)]
    messages: i64,
    #[schema(minimum = 0)]
    rooms: i64,
    #[schema(minimum = 0)]
    sessions_online: i64,
}

/// How many users have each role.
#[derive(Serialize, ToSchema)]
struct RoleCounts {
    #[schema(minimum = 0)]
    client: i64,
    #[schema(minimum = 0)]
    trainer: i64,
    #[schema(minimum = 0)]
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
    .about("For trainers and admins.")
    .signed_in()
    .answers::<StatisticsView>(200, "How many there are.", example)
    .refuses(&[ErrorCode::Forbidden])
}
