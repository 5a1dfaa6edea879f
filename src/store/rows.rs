//! Rows as they are read, and what they mean.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::StoreError;
use crate::domain::{
    ids::{ClientMessageId, MessageId, Rev, RoomId, Seq, UserId},
    message::Message,
    permission::Permissions,
    room::Room,
    user::{Inactive, Profile, Role, User, UserKind},
};

/// The columns of [`UserRow`], of a table or alias `u`.
macro_rules! user_columns {
    () => {
        "u.id, u.username, u.email, u.email_verified_at, u.full_name, u.phone_number, u.bio, \
         u.avatar_url, u.role, \
         (SELECT string_agg(p.permission, ' ') FROM role_permissions p WHERE p.role = u.role) \
         AS permissions, u.kind, u.active, u.inactive_reason, u.inactive_until, u.created_at, \
         u.updated_at"
    };
}

/// The columns of [`RoomRow`].
macro_rules! room_columns {
    () => {
        "id, name, topic, last_seq, last_rev, last_message_at, created_at"
    };
}

/// What [`MessageRow`] is selected from: `m` with its sender `u`.
macro_rules! message_select {
    () => {
        "SELECT m.id, m.room_id, m.seq, m.rev, m.sender_id, u.username, u.full_name, m.content, \
         m.client_message_id, m.created_at \
         FROM chat_messages m JOIN users u ON u.id = m.sender_id "
    };
}

pub(super) use {message_select, room_columns, user_columns};

#[derive(sqlx::FromRow)]
pub(super) struct UserRow {
    id: UserId,
    username: String,
    email: Option<String>,
    email_verified_at: Option<DateTime<Utc>>,
    full_name: String,
    phone_number: Option<String>,
    bio: Option<String>,
    avatar_url: Option<String>,
    role: String,
    permissions: Option<String>,
    kind: String,
    active: bool,
    inactive_reason: Option<String>,
    inactive_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A user and one more column.
#[derive(sqlx::FromRow)]
pub(super) struct CredentialsRow {
    #[sqlx(flatten)]
    pub(super) user: UserRow,
    pub(super) password_hash: Option<String>,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let role: Role = row.role.parse().map_err(unreadable)?;
        let profile = Profile {
            id: row.id,
            username: row.username,
            full_name: row.full_name,
        };
        Ok(Self {
            id: row.id,
            profile: Arc::new(profile),
            email: row.email,
            email_verified: row.email_verified_at.is_some(),
            phone_number: row.phone_number,
            bio: row.bio,
            avatar_url: row.avatar_url,
            permissions: Permissions::of_role(
                &role,
                row.permissions.as_deref().unwrap_or_default(),
            ),
            role,
            kind: if row.kind == UserKind::Service.as_str() {
                UserKind::Service
            } else {
                UserKind::Person
            },
            active: row.active,
            inactive: Inactive {
                reason: row.inactive_reason,
                until: row.inactive_until,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct RoomRow {
    id: String,
    name: String,
    topic: Option<String>,
    last_seq: Seq,
    last_rev: Rev,
    last_message_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

/// A room and how far somebody has read it; `None` if that is still to be found.
#[derive(sqlx::FromRow)]
pub(super) struct ReadRoomRow {
    #[sqlx(flatten)]
    pub(super) room: RoomRow,
    pub(super) read: Option<Seq>,
}

impl TryFrom<RoomRow> for Room {
    type Error = StoreError;

    fn try_from(row: RoomRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: RoomId::parse(&row.id).map_err(unreadable)?,
            name: row.name,
            topic: row.topic,
            head: row.last_seq,
            rev: row.last_rev,
            last_message_at: row.last_message_at,
            created_at: row.created_at,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct MessageRow {
    id: MessageId,
    room_id: String,
    seq: Seq,
    rev: Rev,
    sender_id: UserId,
    username: String,
    full_name: String,
    content: String,
    client_message_id: Option<String>,
    created_at: DateTime<Utc>,
}

impl TryFrom<MessageRow> for Message {
    type Error = StoreError;

    fn try_from(row: MessageRow) -> Result<Self, StoreError> {
        let client_message_id = row.client_message_id.as_deref().map(ClientMessageId::parse);
        Ok(Self {
            id: row.id,
            room_id: RoomId::parse(&row.room_id).map_err(unreadable)?,
            seq: row.seq,
            rev: row.rev,
            sender: Profile {
                id: row.sender_id,
                username: row.username,
                full_name: row.full_name,
            },
            content: row.content,
            client_message_id: client_message_id.transpose().map_err(unreadable)?,
            created_at: row.created_at,
        })
    }
}

/// Reads every row, or fails with the first that cannot be read.
pub(super) fn all<R, T: TryFrom<R, Error = StoreError>>(
    rows: Vec<R>,
) -> Result<Vec<T>, StoreError> {
    rows.into_iter().map(T::try_from).collect()
}

/// Somebody wrote into the database what the server never would.
pub(super) fn unreadable(invalid: crate::domain::Invalid) -> StoreError {
    StoreError::Internal(anyhow::Error::new(invalid).context("a row cannot be read"))
}
