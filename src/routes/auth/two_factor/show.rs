use actix_web::web;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    auth::AuthUser,
    error::ApiError,
    routes::api::{Operation, Tag},
    store::Store,
};

/// How the own account is guarded.
#[derive(Serialize, ToSchema)]
#[schema(as = TwoFactor)]
pub struct TwoFactorView {
    /// The account has a password.
    password: bool,
    /// An authenticator app is set up.
    totp: bool,
    #[schema(minimum = 0, maximum = 10)]
    recovery_codes_left: i64,
    /// The role requires a second factor.
    required: bool,
}

/// `GET /api/auth/two-factor`: how the own account is guarded.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn show_two_factor(
    user: AuthUser,
    store: web::Data<Store>,
) -> Result<web::Json<TwoFactorView>, ApiError> {
    let found = store.find_two_factor(&user).await?;
    Ok(web::Json(TwoFactorView {
        password: found.password,
        totp: found.totp,
        recovery_codes_left: found.recovery_codes_left,
        required: found.required,
    }))
}

pub fn declare_show() -> Operation {
    Operation::new(
        Tag::SignIn,
        "showTwoFactor",
        "Says how the own account is guarded",
    )
    .signed_in()
    .answers::<TwoFactorView>(
        200,
        "The own second factor.",
        json!({
            "password": true, "totp": true, "recovery_codes_left": 9, "required": false,
        }),
    )
}
