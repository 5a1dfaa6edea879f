//! `/api/statistics`: numbers over time.

use actix_web::web;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    api::{Api, Operation, Tag, at},
    input::{Form, number},
};
use crate::{
    auth::{Require, SeeStatistics},
    error::ApiError,
    protocol::code::ErrorCode,
    store::{MessageDay, Store},
};

/// The most days that one answer has.
const MAX_DAYS: u16 = 365;

pub fn configure(api: &mut Api) {
    api.add(
        at("/api/statistics/messages").get(show_messages_per_day, declare_show_messages_per_day),
    );
}

/// As text: a number that is none is told as every other wrong value.
#[derive(Deserialize)]
struct DaysQuery {
    days: Option<String>,
}

/// The messages of one day.
#[derive(Serialize, ToSchema)]
#[schema(as = DayOfMessages)]
struct DayView {
    /// In UTC.
    day: NaiveDate,
    #[schema(minimum = 0)]
    messages: i64,
}

/// The days that were asked for.
#[derive(Serialize, ToSchema)]
struct DayList {
    data: Vec<DayView>,
}

/// `GET /api/statistics/messages`: how many messages each day had, in UTC, the present one last.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn show_messages_per_day(
    user: Require<SeeStatistics>,
    query: web::Query<DaysQuery>,
    store: web::Data<Store>,
) -> Result<web::Json<DayList>, ApiError> {
    let mut form = Form::default();
    let days = number(&mut form, "days", query.days.as_deref(), 1..=MAX_DAYS, 30);
    form.check()?;
    let days = store.messages_per_day(days).await?;
    let view = |MessageDay { day, messages }| DayView { day, messages };
    Ok(web::Json(DayList {
        data: days.into_iter().map(view).collect(),
    }))
}

fn declare_show_messages_per_day() -> Operation {
    let days = json!({ "type": "integer", "minimum": 1, "maximum": MAX_DAYS, "default": 30 });
    let example = json!({ "data": [{ "day": "2026-11-21", "messages": 42 }] });
    Operation::new(
        Tag::Monitoring,
        "showMessagesPerDay",
        "Counts the messages of each day",
    )
    .about("For who has `statistics.read`. The present day comes last.")
    .signed_in()
    .query("days", days, "How many days.")
    .answers::<DayList>(200, "Every day, those without a message too.", example)
    .refuses(&[ErrorCode::ValidationFailed, ErrorCode::Forbidden])
}
