use actix_web::web;
use serde::{Deserialize, Serialize};

use super::view::MessageView;
use crate::{
    auth::AuthUser,
    domain::{
        Invalid,
        ids::{RoomId, Seq},
    },
    error::ApiError,
    routes::input::{Form, number},
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

#[derive(Serialize)]
pub struct MessagePage {
    /// Oldest first.
    data: Vec<MessageView>,
    /// Whether there is more in the direction of the cursor.
    has_more: bool,
    head: Seq,
}

/// `GET /api/chat/rooms/{room_id}/messages`: a page of what was said; without a cursor the newest.
#[tracing::instrument(skip_all, fields(user.id = %user.id, room.id = %room))]
pub async fn list_messages(
    user: AuthUser,
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
}
