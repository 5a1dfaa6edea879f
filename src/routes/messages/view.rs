use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{
    ids::{MessageId, Rev, RoomId, Seq, UserId},
    message::Message,
    user::Profile,
};

/// A message as the REST API shows it: as on the socket, and `user_id`.
#[derive(Serialize)]
pub struct MessageView {
    id: MessageId,
    room_id: RoomId,
    seq: Seq,
    rev: Rev,
    sender_id: UserId,
    sender_name: String,
    user_id: UserId,
    user: Profile,
    content: String,
    created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
