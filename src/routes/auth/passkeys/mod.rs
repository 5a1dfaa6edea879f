//! `/api/auth/passkeys`: the own passkeys, and signing in with one.

mod manage;
mod register;
mod sign_in;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    auth::{Answered, CeremonyError, StartedCeremony},
    domain::{Invalid, ids::PasskeyId},
    error::ApiError,
    routes::api::{Api, at, examples},
    store::{PasskeyRow, StoreError, UsedCeremony},
};

/// Fixed names come before `{id}`, which would take them for ids.
pub fn configure(api: &mut Api) {
    api.add(at("/api/auth/passkeys").get(manage::list_passkeys, manage::declare_list))
        .add(
            at("/api/auth/passkeys/register/start")
                .post(register::start_registration, register::declare_start),
        )
        .add(
            at("/api/auth/passkeys/register/finish")
                .post(register::finish_registration, register::declare_finish),
        )
        .add(
            at("/api/auth/passkeys/login/start").post(sign_in::start_login, sign_in::declare_start),
        )
        .add(
            at("/api/auth/passkeys/login/finish")
                .post(sign_in::finish_login, sign_in::declare_finish),
        )
        .add(at("/api/auth/passkeys/{id}").patch(manage::rename_passkey, manage::declare_rename))
        .add(
            at("/api/auth/passkeys/{id}/remove")
                .post(manage::remove_passkey, manage::declare_remove),
        );
}

const PASSKEY_ID: &str = "01a1fd06-2b7c-7b34-9d3f-5e8b1c0a7f21";

/// A passkey of the caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Passkey)]
pub struct PasskeyView {
    id: PasskeyId,
    name: String,
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
}

impl From<PasskeyRow> for PasskeyView {
    fn from(row: PasskeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

fn passkey_example() -> Value {
    json!({
        "id": PASSKEY_ID,
        "name": "Ada's telephone",
        "created_at": examples::TIME,
        "last_used_at": null,
    })
}

/// What a browser is asked to do.
#[derive(Serialize, ToSchema)]
pub struct Ceremony {
    /// To be sent back with the answer, within five minutes. It counts once.
    ceremony: String,
    /// What `navigator.credentials` takes, as JSON (Web Authentication, level 3): make it of the
    /// member `publicKey` with `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    #[schema(value_type = Object)]
    options: Value,
}

impl From<StartedCeremony> for Ceremony {
    fn from(started: StartedCeremony) -> Self {
        Self {
            ceremony: started.ceremony,
            options: started.options,
        }
    }
}

impl<T> From<&Answered<T>> for UsedCeremony {
    fn from(answered: &Answered<T>) -> Self {
        Self {
            hash: answered.hash,
            expires_at: answered.expires_at,
        }
    }
}

/// An answer to a ceremony, for the document: what `toJSON` of the browser's credential gives.
fn credential_example(response: Value) -> Value {
    json!({
        "id": "Jb3vS9XwTq2u0Yk5m1oPzA",
        "rawId": "Jb3vS9XwTq2u0Yk5m1oPzA",
        "type": "public-key",
        "response": response,
        "clientExtensionResults": {},
    })
}

/// Why a passkey is not added: its author is signed in and may know.
fn not_added(error: CeremonyError) -> ApiError {
    match error {
        CeremonyError::Over => ended(),
        CeremonyError::Credential => Invalid::new(
            "credential",
            "invalid_credential",
            "is not what was asked for",
        )
        .into(),
    }
}

fn ended() -> ApiError {
    Invalid::new(
        "ceremony",
        "ceremony_ended",
        "ran out, was answered already, or is not yours; start anew",
    )
    .into()
}

fn not_found(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::NotFound("Passkey"),
        error => error.into(),
    }
}
