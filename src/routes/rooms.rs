//! `/api/chat/rooms`: which rooms there are, and who is in them.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    api::{Api, Operation, Tag, at, examples},
    by,
    input::{Body, Form, Given},
};
use crate::{
    auth::{Caller, ReadRooms, Require},
    chat::Chat,
    clock,
    config::Config,
    domain::{
        Invalid,
        ids::{RoomId, Seq},
        policy::{Action, allows},
        room::{ReadRoom, RoomName, Topic},
        user::Profile,
    },
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    store::{Reader, Store},
};

/// The most rooms that a list has.
const MAX_ROOMS: i64 = 1_000;

pub fn configure(api: &mut Api) {
    api.add(
        at("/api/chat/rooms")
            .get(list_rooms, declare_list_rooms)
            .post(create_room, declare_create_room),
    )
    .add(at("/api/chat/rooms/{room_id}").get(show_room, declare_show_room))
    .add(at("/api/chat/rooms/{room_id}/members").get(list_members, declare_list_members));
}

/// A room as the caller sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Room)]
struct RoomView {
    id: RoomId,
    name: String,
    #[schema(required = true)]
    topic: Option<String>,
    /// The `seq` of the newest message; 0 where nobody has spoken.
    #[schema(value_type = i64, minimum = 0)]
    head: Seq,
    /// How far the caller has read.
    #[schema(value_type = i64, minimum = 0)]
    read: Seq,
    #[schema(required = true)]
    last_message_at: Option<DateTime<Utc>>,
    /// Users, not sockets.
    online: u32,
    created_at: DateTime<Utc>,
}

impl RoomView {
    fn new(ReadRoom { room, read }: ReadRoom, online: u32) -> Self {
        Self {
            id: room.id,
            name: room.name,
            topic: room.topic,
            head: room.head,
            read,
            last_message_at: room.last_message_at,
            online,
            created_at: room.created_at,
        }
    }
}

/// Rooms, in the order of their names.
#[derive(Serialize, ToSchema)]
struct RoomList {
    data: Vec<RoomView>,
}

/// Who is in a room.
#[derive(Serialize, ToSchema)]
struct MemberList {
    data: Vec<Profile>,
}

/// `GET /api/chat/rooms`: the rooms the caller may see.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn list_rooms(
    user: Require<ReadRooms>,
    store: web::Data<Store>,
    chat: web::Data<Chat>,
) -> Result<web::Json<RoomList>, ApiError> {
    let rooms = store.list_rooms(&Reader::from(&**user), MAX_ROOMS).await?;
    let online = chat.online().await;
    let view = |room: ReadRoom| {
        let online = online.get(&room.room.id).copied().unwrap_or(0);
        RoomView::new(room, online)
    };
    Ok(web::Json(RoomList {
        data: rooms.into_iter().map(view).collect(),
    }))
}

fn declare_list_rooms() -> Operation {
    let example = json!({ "data": [example()] });
    Operation::new(Tag::Rooms, "listRooms", "Lists rooms")
        .signed_in()
        .answers::<RoomList>(200, "The rooms that the caller may see.", example)
        .refuses(&[ErrorCode::Forbidden])
}

fn example() -> Value {
    json!({
        "id": "general",
        "name": "General",
        "topic": null,
        "head": 3,
        "read": 2,
        "last_message_at": examples::TIME,
        "online": 2,
        "created_at": examples::TIME,
    })
}

/// What makes a room.
#[derive(Default, Deserialize, ToSchema)]
struct NewRoom {
    /// Made from the name if it is absent.
    #[schema(value_type = Option<RoomId>)]
    #[serde(default)]
    id: Given<String>,
    #[schema(value_type = RoomName, required = true)]
    #[serde(default)]
    name: Given<String>,
    #[schema(value_type = Option<Topic>)]
    #[serde(default)]
    topic: Given<String>,
}

/// `POST /api/chat/rooms`: a new room, open to everybody.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn create_room(
    user: Caller,
    body: Body<NewRoom>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    if !allows(&user, Action::CreateRoom) {
        return Err(ApiError::Forbidden("You may not make rooms"));
    }
    let (id, name, topic) = body.into_inner().check()?;
    // The table forgets at a restart and the rows are counted before the insert: only both together
    // hold.
    let an_hour_ago = clock::now() - TimeDelta::hours(1);
    let made = store
        .count_rooms_created_since(user.id, an_hour_ago)
        .await?;
    tell(&request, limits.room(user.id, made)?);
    let room = store
        .insert_room(
            &id,
            &name,
            topic.as_ref(),
            user.id,
            &by(&request, &config, Some(&user.0)),
        )
        .await?;
    let read = room.head;
    Ok(HttpResponse::Created().json(RoomView::new(ReadRoom { room, read }, 0)))
}

fn declare_create_room() -> Operation {
    Operation::new(Tag::Rooms, "createRoom", "Makes a room")
        .about("Open to everybody who is signed in. A user makes 10 an hour.")
        .signed_in()
        .takes::<NewRoom>(json!({ "name": "General" }))
        .answers::<RoomView>(201, "The new room.", example())
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::Forbidden,
            ErrorCode::RoomExists,
            ErrorCode::RateLimited,
        ])
}

impl NewRoom {
    fn check(self) -> Result<(RoomId, RoomName, Option<Topic>), ApiError> {
        let mut form = Form::default();
        let has_id = !matches!(self.id, Given::Absent | Given::Null);
        let id = form.optional("id", self.id, |text: String| RoomId::parse(&text));
        let name = form.required("name", self.name, |text: String| RoomName::parse(&text));
        let topic = form
            .optional("topic", self.topic, |text: String| Topic::parse(&text))
            .filter(|topic| !topic.as_str().is_empty());
        let id = match &name {
            Some(name) if !has_id => {
                let made = RoomId::from_name(name.as_str());
                if made.is_none() {
                    let message = "is required if the name has no Latin letter or digit";
                    form.refuse(Invalid::new("id", "required", message));
                }
                made
            }
            _ => id,
        };
        match (id, name) {
            (Some(id), Some(name)) => form.check().map(|()| (id, name, topic)),
            _ => Err(form.into_error()),
        }
    }
}

/// `GET /api/chat/rooms/{room_id}`: one room.
#[tracing::instrument(skip_all, fields(user.id = %user.id, room.id = %room))]
async fn show_room(
    user: Require<ReadRooms>,
    room: web::Path<RoomId>,
    store: web::Data<Store>,
    chat: web::Data<Chat>,
) -> Result<web::Json<RoomView>, ApiError> {
    let room = store
        .find_read_room(&Reader::from(&**user), &room)
        .await?
        .ok_or(ApiError::NotFound("Room"))?;
    let online = chat.online().await;
    let online = online.get(&room.room.id).copied().unwrap_or(0);
    Ok(web::Json(RoomView::new(room, online)))
}

fn declare_show_room() -> Operation {
    Operation::new(Tag::Rooms, "showRoom", "Shows a room")
        .room()
        .signed_in()
        .answers::<RoomView>(200, "The room.", example())
        .refuses(&[ErrorCode::Forbidden, ErrorCode::NotFound])
}

/// `GET /api/chat/rooms/{room_id}/members`: who is online there.
#[tracing::instrument(skip_all, fields(user.id = %user.id, room.id = %room))]
async fn list_members(
    user: Require<ReadRooms>,
    room: web::Path<RoomId>,
    store: web::Data<Store>,
    chat: web::Data<Chat>,
) -> Result<web::Json<MemberList>, ApiError> {
    let room = store
        .find_room(&room)
        .await?
        .ok_or(ApiError::NotFound("Room"))?;
    Ok(web::Json(MemberList {
        data: chat.members(&room.id).await,
    }))
}

fn declare_list_members() -> Operation {
    let example = json!({ "data": [examples::profile()] });
    Operation::new(Tag::Rooms, "listMembers", "Lists who is in a room now")
        .room()
        .signed_in()
        .answers::<MemberList>(200, "Who is online there.", example)
        .refuses(&[ErrorCode::Forbidden, ErrorCode::NotFound])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<String, Vec<&'static str>> {
        let room: NewRoom = serde_json::from_str(json).unwrap();
        match room.check() {
            Ok((id, _, _)) => Ok(id.to_string()),
            Err(ApiError::Invalid(wrong)) => Err(wrong.iter().map(|wrong| wrong.field).collect()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_room_is_addressed_by_what_it_is_called() {
        assert_eq!(check(r#"{"name": "Coffee & Tea"}"#).unwrap(), "coffee-tea");
        assert_eq!(
            check(r#"{"name": "Coffee", "id": "c1", "topic": ""}"#).unwrap(),
            "c1"
        );
        assert_eq!(check(r#"{"name": "日本語"}"#).unwrap_err(), ["id"]);
        assert_eq!(
            check(r#"{"id": "A b", "topic": "\u0000"}"#).unwrap_err(),
            ["id", "name", "topic"]
        );
    }
}
