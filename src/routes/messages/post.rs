use actix_web::{HttpRequest, HttpResponse, http::header::HeaderMap, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::view::MessageView;
use crate::{
    auth::Caller,
    chat::Chat,
    domain::{
        Invalid,
        ids::{ClientMessageId, RoomId},
        message::{Content, Message, Receipt},
        policy::{Action, allows},
        user::Profile,
    },
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        input::{Body, Form, Given},
    },
    store::Store,
};

/// What somebody wants to say.
#[derive(Default, Deserialize, ToSchema)]
pub struct NewMessage {
    #[schema(value_type = Content, required = true)]
    #[serde(default)]
    content: Given<String>,
    #[schema(value_type = Option<ClientMessageId>)]
    #[serde(default)]
    client_message_id: Given<String>,
}

/// `POST /api/chat/rooms/{room_id}/messages`: says something; answers when it is on disk.
///
/// 201 for a new message; 200 with the first one if the same was sent before.
#[tracing::instrument(skip_all, fields(user.id = %user.id, room.id = %room))]
pub async fn post_message(
    user: Caller,
    room: web::Path<RoomId>,
    body: Body<NewMessage>,
    request: HttpRequest,
    limits: web::Data<Limits>,
    chat: web::Data<Chat>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    if !allows(&user, Action::SendMessages) {
        return Err(ApiError::Forbidden("You may not write in this room"));
    }
    let (content, client_message_id) = body.into_inner().check(request.headers())?;
    tell(&request, limits.message(user.id, &room)?);

    let sender = user.profile.clone();
    let said = content.as_str().to_owned();
    let receipt = chat
        .publish(sender.clone(), &room, content, client_message_id.clone())
        .await?;
    if receipt.duplicate {
        let first = store.find_message(receipt.id).await?;
        let first = first.ok_or(ApiError::NotFound("Message"))?;
        return Ok(HttpResponse::Ok().json(MessageView::from(first)));
    }
    let Receipt {
        id,
        seq,
        rev,
        created_at,
        ..
    } = receipt;
    Ok(HttpResponse::Created().json(MessageView::from(Message {
        id,
        room_id: room.into_inner(),
        seq,
        rev,
        sender: Profile::clone(&sender),
        content: said,
        client_message_id,
        created_at,
    })))
}

pub fn declare_post_message() -> Operation {
    let body = json!({
        "content": "The engine weaves algebraic patterns.",
        "client_message_id": "ada-1",
    });
    Operation::new(Tag::Rooms, "postMessage", "Says something in a room")
        .about(
            "Answered when it is on disk. A message that has an id of the client's choice is \
             stored once, however often it is sent.",
        )
        .room()
        .signed_in()
        .header::<ClientMessageId>(
            "Idempotency-Key",
            "Another way to send `client_message_id`. Both and different is refused.",
            "ada-1",
        )
        .takes::<NewMessage>(body)
        .answers::<MessageView>(201, "It is stored.", examples::message())
        .answers::<MessageView>(
            200,
            "It was stored before: the first one.",
            examples::message(),
        )
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::InvalidContent,
            ErrorCode::Forbidden,
            ErrorCode::NotFound,
            ErrorCode::ClientMessageIdConflict,
            ErrorCode::RateLimited,
            ErrorCode::Overloaded,
        ])
}

impl NewMessage {
    fn check(self, headers: &HeaderMap) -> Result<(Content, Option<ClientMessageId>), ApiError> {
        let mut form = Form::default();
        let content = form.required("content", self.content, |text: String| Content::parse(text));
        let in_body = form.optional(
            "client_message_id",
            self.client_message_id,
            |text: String| ClientMessageId::parse(&text),
        );
        let in_header = match idempotency_key(headers) {
            Ok(key) => key,
            Err(invalid) => {
                form.refuse(invalid);
                None
            }
        };
        if in_header.is_some() && in_body.is_some() && in_header != in_body {
            let message = "must be the client_message_id if both are sent";
            form.refuse(Invalid::new("Idempotency-Key", "two_ids", message));
        }
        let Some(content) = content else {
            return Err(form.into_error());
        };
        form.check().map(|()| (content, in_body.or(in_header)))
    }
}

/// `Idempotency-Key`, another way to send the client's id of its message.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<ClientMessageId>, Invalid> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    // What is not ASCII reads as empty and is refused like it.
    ClientMessageId::parse(value.to_str().unwrap_or_default())
        .map(Some)
        .map_err(|invalid| Invalid {
            field: "Idempotency-Key",
            ..invalid
        })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn check(json: &str, key: Option<&'static [u8]>) -> Result<Option<String>, Vec<&'static str>> {
        let body: NewMessage = serde_json::from_str(json).unwrap();
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            let key = HeaderValue::from_bytes(key).unwrap();
            headers.insert(HeaderName::from_static("idempotency-key"), key);
        }
        match body.check(&headers) {
            Ok((_, id)) => Ok(id.map(|id| id.as_str().to_owned())),
            Err(ApiError::Invalid(wrong)) => Err(wrong.iter().map(|wrong| wrong.field).collect()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_id_comes_in_either_place_but_it_is_one() {
        let both = r#"{"content": "hi", "client_message_id": "a"}"#;
        let plain = r#"{"content": "hi", "client_message_id": null}"#;
        assert_eq!(check(plain, None), Ok(None));
        assert_eq!(check(plain, Some(b"k")), Ok(Some("k".into())));
        assert_eq!(check(both, None), Ok(Some("a".into())));
        assert_eq!(check(both, Some(b"a")), Ok(Some("a".into())));
        assert_eq!(check(both, Some(b"b")), Err(vec!["Idempotency-Key"]));
        assert_eq!(check(plain, Some(b"\xff")), Err(vec!["Idempotency-Key"]));
        assert_eq!(
            check("{}", Some(b"")),
            Err(vec!["content", "Idempotency-Key"])
        );
    }
}
