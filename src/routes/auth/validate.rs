use actix_web::web;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    auth::Authenticator,
    domain::{ids::UserId, user::Role},
    error::ApiError,
    routes::input::{Body, Form, Given},
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TokenForm {
    token: Given<String>,
}

#[derive(Serialize)]
pub struct Valid {
    valid: bool,
    user_id: UserId,
    username: String,
    role: Role,
    expires_at: DateTime<Utc>,
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
        username: identity.user.username.clone(),
        role: identity.user.role,
        expires_at: identity.expires_at,
    }))
}
