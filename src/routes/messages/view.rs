use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{
    ids::{MessageId, Rev, RoomId, Seq, UserId},
    message::Message,
    user::Profile,
};

/// A message as the REST API shows it: as on the socket, and `user_id`.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    id: MessageId,
    room_id: RoomId,
    /// Its place in the room: 1, 2, 3 … without a hole.
    #[schema(value_type = i64, minimum = 1)]
    seq: Seq,
    /// The number of its last change among all of the room's.
    #[schema(value_type = i64, minimum = 1)]
    rev: Rev,
    sender_id: UserId,
    sender_name: String,
    user_id: UserId,
    user: Profile,
    content: String,
    created_at: DateTime<Utc>,
    /// Absent if the client gave it none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    client_message_id: Option<String>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            room_id: message.room_id,
            seq: message.seq,
            rev: message.rev,
            sender_id: message.sender.id,
            sender_name: message.sender.full_name.clone(),
            user_id: message.sender.id,
            user: message.sender,
            content: message.content,
            created_at: message.created_at,
            client_message_id: message.client_message_id.map(|id| id.as_str().to_owned()),
        }
    }
}
