use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Ceremony, credential_example};
use crate::{
    auth::{Authenticator, Passkeys, refusals::mark},
    config::Config,
    domain::{Invalid, audit::Refusal},
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        auth::signed_in::{Answer, Proved, declare_signed_in, open_login},
        client_address,
        input::{Body, Form, Given},
    },
    store::{Proof, Store, StoreError, UsedCeremony},
};

/// Ran out, unknown passkey, wrong signature: a stranger is not told which.
const REFUSED: ApiError = ApiError::Unauthenticated("This passkey does not sign in; try again");

/// `POST /api/auth/passkeys/login/start`: what the browser is to have signed.
#[tracing::instrument(skip_all)]
pub async fn start_login(
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    passkeys: web::Data<Passkeys>,
) -> Result<web::Json<Ceremony>, ApiError> {
    tell(&request, limits.oauth(client_address(&request, &config))?);
    Ok(web::Json(passkeys.start_login()?.into()))
}

pub fn declare_start() -> Operation {
    let options = json!({
        "publicKey": {
            "challenge": examples::REFRESH_TOKEN,
            "rpId": "chat.example.org",
            "allowCredentials": [],
            "userVerification": "required",
        },
    });
    Operation::new(
        Tag::SignIn,
        "startPasskeyLogin",
        "Begins to sign in with a passkey",
    )
    .about("Nobody says who he is: the authenticator does, when it has verified its owner.")
    .answers::<Ceremony>(
        200,
        "What to ask the authenticator for.",
        json!({ "ceremony": "AWl2aW5n", "options": options }),
    )
    .refuses(&[ErrorCode::PasskeysUnavailable, ErrorCode::RateLimited])
}

/// What the authenticator signed.
#[derive(Deserialize, ToSchema)]
pub struct SignedPasskey {
    #[schema(value_type = String, required = true)]
    #[serde(default)]
    ceremony: Given<String>,
    /// The browser's credential as its `toJSON` gives it.
    #[schema(value_type = Object, required = true)]
    #[serde(default)]
    credential: Given<Value>,
    /// The refresh token goes to the browser's keeping, not into the body.
    #[serde(default)]
    cookie: bool,
}

impl SignedPasskey {
    fn check(self) -> Result<(String, Value), ApiError> {
        let mut form = Form::default();
        let ceremony = form.required("ceremony", self.ceremony, Ok::<String, Invalid>);
        let credential = form.required("credential", self.credential, Ok::<Value, Invalid>);
        match (ceremony, credential) {
            (Some(ceremony), Some(credential)) => form.check().map(|()| (ceremony, credential)),
            _ => Err(form.into_error()),
        }
    }
}

/// `POST /api/auth/passkeys/login/finish`: a token for who has the passkey.
///
/// The authenticator has verified its owner, so this is both factors at once.
#[tracing::instrument(skip_all)]
pub async fn finish_login(
    body: Body<SignedPasskey>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
    authenticator: web::Data<Authenticator>,
    passkeys: web::Data<Passkeys>,
) -> Result<HttpResponse, ApiError> {
    let answer = Answer {
        status: StatusCode::OK,
        message: "Login successful",
        cookie: body.cookie,
    };
    let (ceremony, credential) = body.into_inner().check()?;
    tell(&request, limits.oauth(client_address(&request, &config))?);
    let refused = |account| {
        mark(&request, Refusal::BadPasskey, account);
        REFUSED
    };
    let (user, id) = Passkeys::identify(&credential).map_err(|_| refused(None))?;
    let kept = store.find_passkey(&id).await?;
    let kept = kept.filter(|kept| kept.user_id == user);
    let kept = kept.ok_or_else(|| refused(None))?;
    let signed = passkeys
        .finish_login(&ceremony, credential, &kept.credential)
        .map_err(|_| refused(Some(user)))?;
    let used = UsedCeremony::from(&signed);
    let proof = Proof::Passkey(kept.id);
    store
        .use_passkey(kept, signed.result, used)
        .await
        .map_err(|error| match error {
            StoreError::NotFound => refused(Some(user)),
            error => error.into(),
        })?;
    let user = store.find_user(user).await?.filter(|user| user.active);
    let user = user.ok_or_else(|| refused(None))?;
    open_login(
        user,
        Proved::by(proof, "passkey".to_owned()),
        &request,
        &config,
        &store,
        &authenticator,
        answer,
    )
    .await
}

pub fn declare_finish() -> Operation {
    let body = json!({
        "ceremony": "AWl2aW5n",
        "credential": credential_example(json!({
            "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
            "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ",
            "signature": "MEUCIQDx",
            "userHandle": "AaH9A9EIc3WsPJ0TnMIaUw",
        })),
    });
    let finish = Operation::new(Tag::SignIn, "finishPasskeyLogin", "Signs in with a passkey")
        .about("No code is asked for: the authenticator has verified its owner.")
        .takes::<SignedPasskey>(body)
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::Unauthenticated,
            ErrorCode::RateLimited,
            ErrorCode::Unavailable,
        ]);
    declare_signed_in(finish, 200, "Login successful")
}
