use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Ceremony, PasskeyView, credential_example, ended, not_added, passkey_example};
use crate::{
    auth::{AuthUser, Passkeys},
    config::Config,
    domain::{Invalid, passkey::PasskeyName},
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        auth::step_up::{Proof, StepUp, declare_proof},
        by,
        input::{Body, Form, Given, OptionalJson},
    },
    store::{NewPasskey, Store, StoreError, UsedCeremony},
};

/// `POST /api/auth/passkeys/register/start`: what the browser is to ask an authenticator for.
///
/// A passkey is a way in for good.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn start_registration(
    user: AuthUser,
    proof: OptionalJson<Proof>,
    step_up: StepUp,
    store: web::Data<Store>,
    passkeys: web::Data<Passkeys>,
) -> Result<web::Json<Ceremony>, ApiError> {
    step_up.prove(&user, proof.0).await?;
    let known = store.list_credential_ids(user.id).await?;
    let started = passkeys.start_registration(&user, known)?;
    Ok(web::Json(started.into()))
}

pub fn declare_start() -> Operation {
    let options = json!({
        "publicKey": {
            "rp": { "id": "chat.example.org", "name": "Parlor" },
            "user": { "id": "AaH9A9EIc3WsPJ0TnMIaUw", "name": "ada", "displayName": "Ada Lovelace" },
            "challenge": examples::REFRESH_TOKEN,
            "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
        },
    });
    let start = Operation::new(
        Tag::SignIn,
        "startPasskeyRegistration",
        "Begins to add a passkey",
    )
    .about("The answer of the authenticator goes to `/api/auth/passkeys/register/finish`.")
    .signed_in()
    .answers::<Ceremony>(
        200,
        "What to ask the authenticator for.",
        json!({ "ceremony": "AWl2aW5n", "options": options }),
    )
    .refuses(&[ErrorCode::PasskeysUnavailable]);
    declare_proof(start)
}

/// What the authenticator made.
#[derive(Deserialize, ToSchema)]
pub struct MadePasskey {
    #[schema(value_type = String, required = true)]
    #[serde(default)]
    ceremony: Given<String>,
    #[schema(value_type = PasskeyName, required = true)]
    #[serde(default)]
    name: Given<String>,
    /// The browser's credential as its `toJSON` gives it.
    #[schema(value_type = Object, required = true)]
    #[serde(default)]
    credential: Given<Value>,
}

impl MadePasskey {
    fn check(self) -> Result<(String, PasskeyName, Value), ApiError> {
        let mut form = Form::default();
        let ceremony = form.required("ceremony", self.ceremony, Ok::<String, Invalid>);
        let name = form.required("name", self.name, |text: String| PasskeyName::parse(&text));
        let credential = form.required("credential", self.credential, Ok::<Value, Invalid>);
        match (ceremony, name, credential) {
            (Some(ceremony), Some(name), Some(credential)) => {
                form.check().map(|()| (ceremony, name, credential))
            }
            _ => Err(form.into_error()),
        }
    }
}

/// `POST /api/auth/passkeys/register/finish`: from now on this passkey signs in.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn finish_registration(
    user: AuthUser,
    body: Body<MadePasskey>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
    passkeys: web::Data<Passkeys>,
) -> Result<HttpResponse, ApiError> {
    let (ceremony, name, credential) = body.into_inner().check()?;
    let made = passkeys
        .finish_registration(user.id, &ceremony, credential)
        .map_err(not_added)?;
    let used = UsedCeremony::from(&made);
    let passkey = NewPasskey {
        user_id: user.id,
        credential_id: made.result.id,
        credential: made.result.json,
        name,
    };
    let by = by(&request, &config, Some(&user.0));
    let row = store
        .insert_passkey(passkey, used, &by)
        .await
        .map_err(|error| match error {
            StoreError::NotFound => ended(),
            error => error.into(),
        })?;
    Ok(HttpResponse::Created().json(PasskeyView::from(row)))
}

pub fn declare_finish() -> Operation {
    let body = json!({
        "ceremony": "AWl2aW5n",
        "name": "Ada's telephone",
        "credential": credential_example(json!({
            "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
            "attestationObject": "o2NmbXRkbm9uZQ",
        })),
    });
    Operation::new(Tag::SignIn, "finishPasskeyRegistration", "Adds a passkey")
        .about("25 for each user, at most.")
        .signed_in()
        .takes::<MadePasskey>(body)
        .answers::<PasskeyView>(201, "The passkey.", passkey_example())
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::PasskeyTaken,
            ErrorCode::TooMany,
        ])
}
