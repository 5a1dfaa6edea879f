use actix_web::web;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    auth::Passkeys,
    config::Config,
    routes::api::{Operation, Tag},
};

/// The ways in that this server has, for a page that shows them.
#[derive(Serialize, ToSchema)]
pub struct SignInMethods {
    /// Always true.
    password: bool,
    /// Whether strangers may make an account.
    registration: bool,
    /// Whether a forgotten password can be reset, and an address verified.
    mail: bool,
    /// Whether passkeys are taken.
    passkeys: bool,
    /// Where else one can sign in.
    providers: Vec<SignInProvider>,
}

/// Somebody who says who one is.
#[derive(Serialize, ToSchema)]
pub struct SignInProvider {
    /// As it stands in addresses.
    name: String,
    /// For a button.
    label: String,
    /// Where the browser goes.
    url: String,
}

/// `GET /api/auth/methods`: how one signs in here.
pub async fn show_methods(
    config: web::Data<Config>,
    passkeys: web::Data<Passkeys>,
) -> web::Json<SignInMethods> {
    web::Json(SignInMethods {
        password: true,
        registration: config.auth.registration_open,
        mail: config.mail.is_on(),
        passkeys: passkeys.are_on(),
        providers: Vec::new(),
    })
}

pub fn declare_show_methods() -> Operation {
    let example = json!({
        "password": true,
        "registration": true,
        "mail": true,
        "passkeys": true,
        "providers": [{
            "name": "github", "label": "GitHub", "url": "/api/auth/oauth/github",
        }],
    });
    Operation::new(Tag::SignIn, "showMethods", "Says how one signs in here")
        .answers::<SignInMethods>(200, "The ways that are switched on.", example)
}
