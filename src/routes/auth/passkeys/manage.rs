use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{PASSKEY_ID, PasskeyView, not_found, passkey_example};
use crate::{
    auth::AuthUser,
    config::Config,
    domain::{ids::PasskeyId, passkey::PasskeyName},
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag},
        auth::step_up::{Proof, StepUp, declare_proof},
        by,
        input::{Body, Form, Given, OptionalJson},
    },
    store::Store,
};

/// The caller's passkeys.
#[derive(Serialize, ToSchema)]
pub struct PasskeyList {
    data: Vec<PasskeyView>,
}

/// `GET /api/auth/passkeys`: the own passkeys.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn list_passkeys(
    user: AuthUser,
    store: web::Data<Store>,
) -> Result<web::Json<PasskeyList>, ApiError> {
    let rows = store.list_passkeys(user.id).await?;
    Ok(web::Json(PasskeyList {
        data: rows.into_iter().map(PasskeyView::from).collect(),
    }))
}

pub fn declare_list() -> Operation {
    Operation::new(Tag::SignIn, "listPasskeys", "Lists the own passkeys")
        .signed_in()
        .answers::<PasskeyList>(
            200,
            "The oldest first.",
            json!({ "data": [passkey_example()] }),
        )
}

/// Another name.
#[derive(Deserialize, ToSchema)]
pub struct PasskeyRename {
    #[schema(value_type = PasskeyName, required = true)]
    #[serde(default)]
    name: Given<String>,
}

/// `PATCH /api/auth/passkeys/{id}`: another name for one's passkey.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn rename_passkey(
    user: AuthUser,
    id: web::Path<PasskeyId>,
    body: Body<PasskeyRename>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<web::Json<PasskeyView>, ApiError> {
    let mut form = Form::default();
    let name = form.required("name", body.into_inner().name, |text: String| {
        PasskeyName::parse(&text)
    });
    let name = name.ok_or_else(|| form.into_error())?;
    let by = by(&request, &config, Some(&user.0));
    let row = store.rename_passkey(user.id, *id, name, &by).await;
    Ok(web::Json(row.map_err(not_found)?.into()))
}

pub fn declare_rename() -> Operation {
    Operation::new(Tag::SignIn, "renamePasskey", "Renames a passkey")
        .path::<PasskeyId>("id", "The passkey's id.", PASSKEY_ID)
        .signed_in()
        .takes::<PasskeyRename>(json!({ "name": "Ada's telephone" }))
        .answers::<PasskeyView>(200, "The passkey as it is now.", passkey_example())
        .refuses(&[ErrorCode::ValidationFailed, ErrorCode::NotFound])
}

/// `POST /api/auth/passkeys/{id}/remove`: this passkey signs in no more.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn remove_passkey(
    user: AuthUser,
    id: web::Path<PasskeyId>,
    proof: OptionalJson<Proof>,
    step_up: StepUp,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    step_up.prove(&user, proof.0).await?;
    let by = by(&request, &config, Some(&user.0));
    store
        .delete_passkey(user.id, *id, &by)
        .await
        .map_err(not_found)?;
    Ok(HttpResponse::NoContent().finish())
}

pub fn declare_remove() -> Operation {
    let remove = Operation::new(Tag::SignIn, "removePasskey", "Removes a passkey")
        .about("Not the last one of an account that nothing else lets its owner into.")
        .path::<PasskeyId>("id", "The passkey's id.", PASSKEY_ID)
        .signed_in()
        .answers_empty(204, "It signs in no more.")
        .refuses(&[ErrorCode::NotFound, ErrorCode::LastWayIn]);
    declare_proof(remove)
}
