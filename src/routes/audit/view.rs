use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{
        audit::Hash,
        ids::{LoginId, UserId},
    },
    routes::api::examples,
    store::SealedEntry,
};

/// One act in the audit log.
///
/// `hash` is SHA-256 over the hash of the entry before and every other field; docs/security.md says
/// how, so that anybody can compute it anew.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct EntryView {
    /// From 1, without a hole.
    #[schema(minimum = 1)]
    seq: i64,
    at: DateTime<Utc>,
    /// `api`, `command_line` or `server`.
    via: String,
    /// Who did it; `null`: a stranger, the command line or the server.
    #[schema(required = true)]
    actor_id: Option<UserId>,
    /// The login with which it was done.
    #[schema(required = true)]
    login_id: Option<LoginId>,
    /// The API token with which it was done.
    #[schema(required = true)]
    token_id: Option<Uuid>,
    /// What was done, such as `user.create`.
    act: String,
    /// What it was done to, such as `user`.
    #[schema(required = true)]
    target_kind: Option<String>,
    #[schema(required = true)]
    target_id: Option<String>,
    /// Where from.
    #[schema(required = true)]
    address: Option<String>,
    /// The request's `X-Request-Id`.
    #[schema(required = true)]
    request_id: Option<Uuid>,
    /// What more there is to say of this act.
    #[schema(value_type = Object)]
    details: Box<RawValue>,
    /// The hash of the entry before, in hexadecimal.
    #[schema(value_type = String, min_length = 64, max_length = 64)]
    prev_hash: Hash,
    #[schema(value_type = String, min_length = 64, max_length = 64)]
    hash: Hash,
}

impl EntryView {
    pub fn new(sealed: SealedEntry) -> Self {
        let entry = sealed.entry;
        Self {
            seq: entry.seq,
            at: entry.at,
            via: entry.via,
            actor_id: entry.actor_id,
            login_id: entry.login_id,
            token_id: entry.token_id,
            act: entry.act,
            target_kind: entry.target_kind,
            target_id: entry.target_id,
            address: entry.address,
            request_id: entry.request_id,
            // As it was sealed; whoever wrote something else into the database finds it missing.
            details: RawValue::from_string(entry.details)
                .unwrap_or_else(|_| RawValue::NULL.to_owned()),
            prev_hash: sealed.prev_hash,
            hash: sealed.hash,
        }
    }
}

/// Its hash.
pub const HASH: &str = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

/// An entry for the document.
pub fn example() -> Value {
    json!({
        "seq": 4711,
        "at": examples::TIME,
        "via": "api",
        "actor_id": examples::USER_ID,
        "login_id": examples::LOGIN_ID,
        "token_id": null,
        "act": "user.role",
        "target_kind": "user",
        "target_id": examples::USER_ID,
        "address": "192.0.2.7",
        "request_id": examples::REQUEST_ID,
        "details": { "from": "client", "to": "trainer" },
        "prev_hash": "0f5a1f3e7c8b1d6a2e9c4b7d0a3f6e8c1b4d7a0e3c6f9b2d5a8e1c4f7b0d3a6e",
        "hash": HASH,
    })
}
