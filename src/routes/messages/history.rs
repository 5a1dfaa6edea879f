use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::view::MessageView;
use crate::{
    auth::{ReadRooms, Require},
    domain::{
        Invalid,
        ids::{RoomId, Seq},
    },
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        input::{Form, number},
    },
    store::Store,
};

/// The largest page of messages.
const MAX_LIMIT: u16 = 200;

/// The query as text, so that everything that is wrong with it is told at once.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PageQuery {
    before: Option<String>,
    after: Option<String>,
    limit: Option<String>,
}

/// Where a page is, beside which message it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cursor {
    Before(Seq),
    After(Seq),
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
pub struct MessagePage {
    /// Oldest first.
    data: Vec<MessageView>,
    /// Whether there is more in the direction of the cursor.
    has_more: bool,
    /// The `seq` of the room's newest message.
    #[schema(value_type = i64, minimum = 0)]
    head: Seq,
}

/// `GET /api/chat/rooms/{room_id}/messages`: a page of what was said; without a cursor the newest.
#[tracing::instrument(skip_all, fields(user.id = %user.id, room.id = %room))]
pub async fn list_messages(
    user: Require<ReadRooms>,
    room: web::Path<RoomId>,
    query: web::Query<PageQuery>,
    store: web::Data<Store>,
) -> Result<web::Json<MessagePage>, ApiError> {
    let (cursor, limit) = query.bounds()?;
    let room = store
        .find_room(&room)
        .await?
        .ok_or(ApiError::NotFound("Room"))?;
    // One more than asked for tells whether there are more.
    let mut messages = match cursor {
        Cursor::Before(seq) => store.messages_before(&room.id, seq, limit + 1).await?,
        Cursor::After(seq) => store.messages_after(&room.id, seq, limit + 1).await?,
    };
    let limit = usize::from(limit);
    let has_more = messages.len() > limit;
    match cursor {
        Cursor::Before(_) => drop(messages.drain(..messages.len().saturating_sub(limit))),
        Cursor::After(_) => messages.truncate(limit),
    }
    // Somebody may have spoken after the room was read.
    let newest = messages.last().map_or(0, |message| message.seq);
    Ok(web::Json(MessagePage {
        head: room.head.max(newest),
        data: messages.into_iter().map(MessageView::from).collect(),
        has_more,
    }))
}

pub fn declare_list_messages() -> Operation {
    let seq = || json!({ "type": "integer", "format": "int64", "minimum": 0 });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50 });
    let example = json!({ "data": [examples::message()], "has_more": false, "head": 3 });
    Operation::new(Tag::Rooms, "listMessages", "Lists what was said in a room")
        .about("A page, oldest first. Without a cursor it is the newest; both cursors are refused.")
        .room()
        .signed_in()
        .query("before", seq(), "Only messages with a smaller `seq`.")
        .query("after", seq(), "Only messages with a larger `seq`.")
        .query("limit", limit, "Messages a page.")
        .answers::<MessagePage>(200, "A page of messages.", example)
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::Forbidden,
            ErrorCode::NotFound,
        ])
}

impl PageQuery {
    fn bounds(&self) -> Result<(Cursor, u16), ApiError> {
        let mut form = Form::default();
        let limit = number(&mut form, "limit", self.limit.as_deref(), 1..=MAX_LIMIT, 50);
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        let cursor = match (given(&self.before), given(&self.after)) {
            (true, true) => {
                let message = "cannot be combined with before";
                form.refuse(Invalid::new("after", "two_cursors", message));
                Cursor::After(0)
            }
            (false, true) => Cursor::After(number(
                &mut form,
                "after",
                self.after.as_deref(),
                0..=Seq::MAX,
                0,
            )),
            (_, false) => {
                let before = self.before.as_deref();
                Cursor::Before(number(&mut form, "before", before, 0..=Seq::MAX, Seq::MAX))
            }
        };
        form.check().map(|()| (cursor, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(query: &str) -> Result<(Cursor, u16), ApiError> {
        web::Query::<PageQuery>::from_query(query).unwrap().bounds()
    }

    #[test]
    fn a_page_has_one_cursor_within_bounds() {
        assert_eq!(bounds("").unwrap(), (Cursor::Before(Seq::MAX), 50));
        assert_eq!(
            bounds("after=0&limit=200").unwrap(),
            (Cursor::After(0), 200)
        );
        assert_eq!(bounds("before=7").unwrap(), (Cursor::Before(7), 50));
        for wrong in [
            "before=7&after=3",
            "limit=0",
            "limit=201",
            "before=-1",
            "after=x",
        ] {
            assert!(bounds(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1_000))]

        /// A page that is given is within its bounds; what is refused, is refused as the caller's
        /// mistake.
        #[test]
        fn any_query_is_a_page_or_refused(
            query in "(&?(before|after|limit)=(-?[0-9]{0,20}|[ -~]{0,9}|%[0-9a-fA-F]{2})){0,4}",
        ) {
            let Ok(read) = web::Query::<PageQuery>::from_query(&query) else { return Ok(()) };
            match read.bounds() {
                Ok((Cursor::Before(seq) | Cursor::After(seq), limit)) => {
                    assert!(seq >= 0 && (1..=MAX_LIMIT).contains(&limit), "{query}");
                }
                Err(fault) => assert_eq!(fault.problem().status.as_u16(), 400, "{query}"),
            }
        }

        #[test]
        fn a_cursor_is_read_as_written(seq in 0..=Seq::MAX, limit in 1..=MAX_LIMIT) {
            let read = bounds(&format!("before={seq}&limit={limit}")).unwrap();
            assert_eq!(read, (Cursor::Before(seq), limit));
            let read = bounds(&format!("after={seq}&limit={limit}")).unwrap();
            assert_eq!(read, (Cursor::After(seq), limit));
        }
    }
}
