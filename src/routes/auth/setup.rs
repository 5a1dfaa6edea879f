use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    second_step::declare_first_factor,
    signed_in::{Answer, FirstFactor, finish_sign_in},
};
use crate::{
    auth::{Authenticator, Hasher, Setup},
    config::Config,
    domain::user::Role,
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        by, client_address,
        input::{Body, Form, Given},
        users::NewAccount,
    },
    store::{Store, StoreError},
};

/// Whether the first admin is still to be made.
#[derive(Serialize, ToSchema)]
#[schema(as = Setup)]
pub struct SetupView {
    /// There is no admin yet, and the token that the server printed makes one.
    open: bool,
}

/// `GET /api/setup`: whether the first admin is still to be made.
#[tracing::instrument(skip_all)]
pub async fn show_setup(
    setup: web::Data<Setup>,
    store: web::Data<Store>,
) -> Result<web::Json<SetupView>, ApiError> {
    let open = is_open(&setup, &store).await?;
    Ok(web::Json(SetupView { open }))
}

pub fn declare_show_setup() -> Operation {
    Operation::new(
        Tag::SignIn,
        "showSetup",
        "Says whether there is no admin yet",
    )
    .answers::<SetupView>(200, "Whether one can be made.", json!({ "open": false }))
    .refuses(&[ErrorCode::Unavailable])
}

/// The account, and the token that the server printed.
#[derive(Deserialize, ToSchema)]
pub struct FirstAdmin {
    #[serde(default)]
    #[schema(value_type = String, required = true)]
    token: Given<String>,
    #[serde(flatten)]
    account: NewAccount,
    /// The refresh token goes to the browser's keeping, not into the body.
    #[serde(default)]
    cookie: bool,
}

/// `POST /api/setup`: the first admin, signed in at once.
#[expect(clippy::too_many_arguments, reason = "an extractor each")]
#[tracing::instrument(skip_all)]
pub async fn set_up(
    body: Body<FirstAdmin>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    setup: web::Data<Setup>,
    hasher: web::Data<Hasher>,
    store: web::Data<Store>,
    authenticator: web::Data<Authenticator>,
) -> Result<HttpResponse, ApiError> {
    let address = client_address(&request, &config);
    tell(&request, limits.setup(address)?);
    if !is_open(&setup, &store).await? {
        return Err(StoreError::AdminExists.into());
    }
    let body = body.into_inner();
    let mut form = Form::default();
    let token = form.required("token", body.token, |text: String| {
        Ok(SecretString::from(text))
    });
    let Some(token) = token else {
        return Err(form.into_error());
    };
    // Before the account is looked at: a stranger learns nothing here, and hashes nothing.
    if !setup.is_token(token.expose_secret()) {
        return Err(ApiError::WrongSetupToken);
    }
    let mut account = body.account.check()?;
    account.role = Role::Admin;
    let user = store
        .insert_first_admin(account.hash(&hasher).await?, &by(&request, &config, None))
        .await?;
    tracing::info!(user.id = %user.id, "the first admin was made");
    let answer = Answer {
        status: StatusCode::CREATED,
        message: "The first administrator was made",
        cookie: body.cookie,
    };
    finish_sign_in(
        user,
        FirstFactor::Registration,
        &request,
        &config,
        &store,
        &authenticator,
        answer,
    )
    .await
}

pub fn declare_set_up() -> Operation {
    let mut example = examples::new_account();
    if let Some(example) = example.as_object_mut() {
        example.insert("token".to_owned(), Value::from("sa3w-9kdm-41vx"));
    }
    let set_up = Operation::new(Tag::SignIn, "setUp", "Makes the first admin and signs in")
        .about(
            "Once, with the token that the server printed when it started without an admin. A \
             `role` in the body is not looked at.",
        )
        .takes::<FirstAdmin>(example)
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::Unauthenticated,
            ErrorCode::InvalidSetupToken,
            ErrorCode::AdminExists,
            ErrorCode::EmailTaken,
            ErrorCode::UsernameTaken,
            ErrorCode::RateLimited,
            ErrorCode::Overloaded,
            ErrorCode::Unavailable,
        ]);
    declare_first_factor(set_up, 201, "The first administrator was made")
}

/// Without a token nobody need be asked: an admin was there when the server started.
async fn is_open(setup: &Setup, store: &Store) -> Result<bool, ApiError> {
    Ok(setup.token().is_some() && !store.has_admin().await?)
}
