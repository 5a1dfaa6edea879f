//! `/api/chat/rooms/{room_id}/read`: how far one has read.

use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    api::{Api, Operation, Tag, at},
    input::{Body, Form, Given, Whole},
};
use crate::{
    auth::{ReadRooms, Require},
    chat::Chat,
    domain::{
        Invalid,
        ids::{RoomId, Seq},
    },
    error::ApiError,
    protocol::code::ErrorCode,
    store::{RaisedMark, Reader, Store},
};

pub fn configure(api: &mut Api) {
    api.add(
        at("/api/chat/rooms/{room_id}/read")
            .put(mark_read, declare_mark_read)
            .patch(mark_read, declare_raise_mark),
    );
}

/// How far somebody has read.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = NewReadMark)]
struct NewMark {
    /// The `seq` of the last message that was read.
    #[serde(default)]
    #[schema(value_type = i64, minimum = 0, required = true)]
    seq: Given<Whole>,
}

/// How far the caller has read in a room.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadMark)]
struct MarkView {
    room_id: RoomId,
    /// The `seq` of the room's newest message.
    #[schema(value_type = i64, minimum = 0)]
    head: Seq,
    /// The `seq` of the last message that the caller has read.
    #[schema(value_type = i64, minimum = 0)]
    read: Seq,
}

/// `PUT /api/chat/rooms/{room_id}/read`: everything up to a message was read.
///
/// A mark only rises: of two devices that tell it late, the one that is further counts.
#[tracing::instrument(skip_all, fields(user.id = %user.id, room.id = %room))]
async fn mark_read(
    user: Require<ReadRooms>,
    room: web::Path<RoomId>,
    body: Body<NewMark>,
    store: web::Data<Store>,
    chat: web::Data<Chat>,
) -> Result<web::Json<MarkView>, ApiError> {
    let seq = body.into_inner().check()?;
    let RaisedMark { room, read, rose } = store
        .raise_read_mark(&Reader::from(&**user), &room, seq)
        .await?
        .ok_or(ApiError::NotFound("Room"))?;
    if rose {
        chat.tell_read(user.id, room.id.clone(), read);
    }
    Ok(web::Json(MarkView {
        room_id: room.id,
        head: room.head,
        read,
    }))
}

fn declare_mark_read() -> Operation {
    declare("markRead")
}

fn declare_raise_mark() -> Operation {
    declare("raiseReadMark")
}

fn declare(id: &'static str) -> Operation {
    let example = json!({ "room_id": "general", "head": 3, "read": 2 });
    Operation::new(
        Tag::Rooms,
        id,
        "Tells how far the caller has read in a room",
    )
    .about("A mark only rises: of two devices that tell it late, the further one counts.")
    .room()
    .signed_in()
    .takes::<NewMark>(json!({ "seq": 2 }))
    .answers::<MarkView>(200, "How far the caller has read.", example)
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::Forbidden,
        ErrorCode::NotFound,
    ])
}

impl NewMark {
    fn check(self) -> Result<Seq, ApiError> {
        let mut form = Form::default();
        let seq = form.required("seq", self.seq, |Whole(seq)| {
            if seq < 0 {
                let message = "must be a whole number from 0";
                return Err(Invalid::new("seq", "out_of_range", message));
            }
            Ok(seq)
        });
        seq.ok_or_else(|| form.into_error())
    }
}
