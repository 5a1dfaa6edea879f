use actix_web::web;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    auth::Authenticator,
    domain::{
        ids::UserId,
        permission::{Permission, Permissions},
        user::Role,
    },
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        input::{Body, Form, Given},
    },
};

/// A token that somebody showed.
#[derive(Default, Deserialize, ToSchema)]
pub struct TokenForm {
    #[schema(value_type = String, required = true)]
    #[serde(default)]
    token: Given<String>,
}

/// Who bears a token.
#[derive(Serialize, ToSchema)]
#[schema(as = ValidToken)]
pub struct Valid {
    /// Always true.
    valid: bool,
    user_id: UserId,
    username: String,
    role: Role,
    /// `null`: it does not end by itself.
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    /// What it was made for, if it is an API token: it may do no more than that and the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Permission>, required = false)]
    scopes: Option<Permissions>,
}

/// `POST /api/auth/validate`: who bears a token, for other services that were shown one.
#[tracing::instrument(skip_all)]
pub async fn validate(
    body: Body<TokenForm>,
    authenticator: web::Data<Authenticator>,
) -> Result<web::Json<Valid>, ApiError> {
    let mut form = Form::default();
    let token = form.required("token", body.into_inner().token, Ok::<String, _>);
    let token = token.ok_or_else(|| form.into_error())?;
    let identity = authenticator.authenticate(&token).await?;
    Ok(web::Json(Valid {
        valid: true,
        user_id: identity.user.id,
        username: identity.user.profile.username.clone(),
        role: identity.role.clone(),
        expires_at: identity.expires_at,
        scopes: identity.scopes,
    }))
}

pub fn declare_validate() -> Operation {
    let example = json!({
        "valid": true,
        "user_id": examples::USER_ID,
        "username": "ada",
        "role": "client",
        "expires_at": examples::TIME,
    });
    Operation::new(Tag::SignIn, "validate", "Says who bears a token")
        .about("For other services that were shown one.")
        .takes::<TokenForm>(json!({ "token": examples::TOKEN }))
        .answers::<Valid>(200, "The token is valid.", example)
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::Unauthenticated,
            ErrorCode::Unavailable,
        ])
}
