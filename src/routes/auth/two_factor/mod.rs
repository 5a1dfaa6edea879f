//! `/api/auth/two-factor`: the own second factor; and what an admin takes from somebody who lost it.

mod change;
mod enroll;
mod show;

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;
use utoipa::ToSchema;

use crate::{
    auth::{Code, TotpSecret},
    domain::user::User,
    error::ApiError,
    routes::{
        Origins,
        api::{Api, at},
        input::{Form, Given},
    },
};

pub fn configure(api: &mut Api) {
    api.add(at("/api/auth/two-factor").get(show::show_two_factor, show::declare_show))
        .add(at("/api/auth/two-factor/totp").post(enroll::begin_totp, enroll::declare_begin))
        .add(
            at("/api/auth/two-factor/totp/confirm")
                .post(enroll::confirm_totp, enroll::declare_confirm),
        )
        .add(
            at("/api/auth/two-factor/totp/remove")
                .post(change::remove_totp, change::declare_remove),
        )
        .add(
            at("/api/auth/two-factor/recovery-codes")
                .post(change::renew_recovery_codes, change::declare_renew),
        )
        .add(
            at("/api/users/{id}/two-factor")
                .delete(change::reset_two_factor, change::declare_reset),
        );
}

/// Six digits of an authenticator app, or a recovery code.
#[derive(ToSchema)]
#[schema(as = SecondFactorCode, value_type = String, pattern = "^([0-9]{6}|[a-zA-Z2-7]{4}(-[a-zA-Z2-7]{4}){3})$")]
pub struct CodeText(#[expect(dead_code, reason = "the schema alone is wanted")] String);

/// Reads the field `code` of a form.
pub fn code(form: &mut Form, given: Given<String>) -> Option<Code> {
    form.required("code", given, |text: String| Code::parse(&text))
}

/// What an authenticator app takes in, in three forms.
#[derive(Serialize, ToSchema)]
#[schema(as = TotpEnrollment)]
pub struct EnrollmentView {
    /// In base32, to be typed.
    secret: String,
    /// `otpauth://totp/…`, for an app on the same device.
    uri: String,
    /// The address as a QR code: an SVG document.
    qr_svg: String,
}

impl EnrollmentView {
    /// For the app of a user of this server.
    pub fn new(secret: &TotpSecret, origins: &Origins, user: &User) -> Result<Self, ApiError> {
        let own = Url::parse(origins.own()).ok();
        let server = own.as_ref().and_then(Url::host_str).unwrap_or_default();
        let told = secret.enrollment(server, &user.profile.username);
        let told = told.map_err(ApiError::Internal)?;
        Ok(Self {
            secret: told.secret,
            uri: told.uri,
            qr_svg: told.qr_svg,
        })
    }
}

/// An enrollment for the document.
pub fn enrollment_example() -> Value {
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    json!({
        "secret": secret,
        "uri": format!(
            "otpauth://totp/Parlor%20chat.example.org:ada?secret={secret}\
             &issuer=Parlor%20chat.example.org"
        ),
        "qr_svg": "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
    })
}

/// Recovery codes, shown this once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Ten, each good for one sign-in without the app.
    recovery_codes: Vec<String>,
}

fn recovery_codes_example() -> Value {
    let codes: Vec<String> = ('a'..='j')
        .map(|letter| format!("{letter}2cd-efgh-ijkl-mnop"))
        .collect();
    json!({ "recovery_codes": codes })
}
