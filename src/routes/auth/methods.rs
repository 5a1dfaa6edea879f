use actix_web::web;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::oauth::ProviderView;
use crate::{
    auth::{Passkeys, oauth::Providers},
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
    providers: Vec<ProviderView>,
}

/// `GET /api/auth/methods`: how one signs in here.
pub async fn show_methods(
    config: web::Data<Config>,
    providers: web::Data<Providers>,
    passkeys: web::Data<Passkeys>,
) -> web::Json<SignInMethods> {
    web::Json(SignInMethods {
        password: true,
        registration: config.auth.registration_open,
        mail: config.mail.is_on(),
        passkeys: passkeys.are_on(),
        providers: providers.iter().map(ProviderView::of).collect(),
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
