//! The answer to everybody who proved who he is.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::USER_AGENT},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{cookie, device::Device, second_step::ask_second};
use crate::{
    auth::{Authenticator, IssuedToken},
    clock,
    config::Config,
    domain::{ids::LoginId, user::User},
    error::ApiError,
    limits::network,
    routes::{
        api::{Operation, examples},
        by, client_address,
        users::UserView,
    },
    store::{NewLogin, Proof, SecondStep, Store, StoreError},
};

/// A refresh token that was just made: 256 random bits. Only its hash is kept.
pub struct RefreshToken {
    text: String,
    pub hash: [u8; 32],
    pub expires_at: DateTime<Utc>,
}

impl RefreshToken {
    /// One that ends when it was not used for so long, or when its login ends.
    pub fn new(idle: Duration, ends_at: Option<DateTime<Utc>>) -> Self {
        let mut random = [0_u8; 32];
        rand::fill(&mut random);
        let text = BASE64_URL_SAFE_NO_PAD.encode(random);
        Self {
            hash: refresh_hash(&text),
            text,
            expires_at: clock::now() + idle,
        }
        .ending(ends_at)
    }

    /// The same, if its login ends earlier.
    pub fn ending(self, ends_at: Option<DateTime<Utc>>) -> Self {
        Self {
            expires_at: ends_at.map_or(self.expires_at, |ends_at| ends_at.min(self.expires_at)),
            ..self
        }
    }
}

/// What the store knows a refresh token by.
pub fn refresh_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// What who signed in is given.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    user: UserView,
    token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds that the token lasts.
    expires_in: u64,
    /// Absent if the browser keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    refresh_token: Option<String>,
    /// Shown this once, where a second factor was set up just now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    recovery_codes: Vec<String>,
    /// For people.
    message: &'static str,
}

/// How an answer to a sign-in differs from the others.
pub struct Answer {
    pub status: StatusCode,
    pub message: &'static str,
    /// The refresh token goes to the browser's keeping, not into the body.
    pub cookie: bool,
}

/// What somebody proved before a second factor is asked for.
pub enum FirstFactor {
    /// The password that has this hash.
    Password(String),
    /// A new account: who makes it chooses its password.
    Registration,
    /// The provider of this name vouched for the user.
    OAuth(String),
}

impl FirstFactor {
    /// As the audit log tells it.
    pub fn method(&self) -> String {
        match self {
            Self::Password(_) => "password".to_owned(),
            Self::Registration => "register".to_owned(),
            Self::OAuth(provider) => format!("oauth:{provider}"),
        }
    }
}

/// What somebody proved who gets a login.
pub struct Proved {
    /// What must still be so when the login is kept.
    pub proof: Proof,
    /// How the first factor was proved, as the audit log tells it.
    pub method: String,
    /// The kind of code that was the second factor, if there was one.
    pub second_factor: Option<&'static str>,
    /// Those of an app that was set up on the way, to be shown this once.
    pub recovery_codes: Vec<String>,
}

impl Proved {
    /// Something that needs no second factor.
    pub fn by(proof: Proof, method: String) -> Self {
        Self {
            proof,
            method,
            second_factor: None,
            recovery_codes: Vec::new(),
        }
    }
}

/// Lets in who proved a first factor, or asks for the second one.
///
/// Every way to sign in ends here but those that prove two factors at once; these call
/// [`open_login`].
///
/// # Errors
/// As [`open_login`].
pub async fn finish_sign_in(
    user: User,
    proved: FirstFactor,
    request: &HttpRequest,
    config: &Config,
    store: &Store,
    authenticator: &Authenticator,
    answer: Answer,
) -> Result<HttpResponse, ApiError> {
    let step = store.second_step_of(&user).await?;
    let method = proved.method();
    tracing::debug!(user.id = %user.id, method, ?step, "a first factor was proved");
    match step {
        SecondStep::None => {
            let proof = match proved {
                FirstFactor::Password(hash) => Proof::Password(hash),
                FirstFactor::Registration | FirstFactor::OAuth(_) => Proof::Other,
            };
            let proved = Proved::by(proof, method);
            open_login(user, proved, request, config, store, authenticator, answer).await
        }
        step => ask_second(&user, proved, step, answer.status, store).await,
    }
}

/// Opens a login for a user who proved to be one, and answers with its tokens.
///
/// # Errors
/// The store cannot keep the login.
pub async fn open_login(
    user: User,
    proved: Proved,
    request: &HttpRequest,
    config: &Config,
    store: &Store,
    authenticator: &Authenticator,
    answer: Answer,
) -> Result<HttpResponse, ApiError> {
    let by_ticket = matches!(proved.proof, Proof::Ticket(_));
    let login = LoginId::new();
    let ends_at = config
        .auth
        .login_lifetime
        .map(|lifetime| clock::now() + lifetime);
    let refresh = RefreshToken::new(config.auth.refresh_lifetime, ends_at);
    let device = request.headers().get(USER_AGENT);
    let address = client_address(request, config);
    let browser = answer.cookie.then(|| Device::of(request));
    store
        .insert_login(
            NewLogin {
                id: login,
                user_id: user.id,
                proof: proved.proof,
                device: device
                    .and_then(|device| device.to_str().ok())
                    .map(str::to_owned),
                address: Some(address.to_string()),
                network: Some(network(address).to_string()),
                device_hash: browser.as_ref().map(Device::hash),
                refresh_hash: refresh.hash,
                refresh_expires_at: refresh.expires_at,
                method: proved.method,
                second_factor: proved.second_factor,
            },
            &by(request, config, None),
        )
        .await
        .map_err(|error| match error {
            StoreError::NotFound => ApiError::Unauthenticated("The account was just closed"),
            StoreError::Outdated if by_ticket => ApiError::TicketEnded,
            error => error.into(),
        })?;
    let token = authenticator.issue(&user, login, ends_at)?;
    let mut response = answer.with(user, token, refresh, proved.recovery_codes);
    if let Some(browser) = browser {
        response
            .add_cookie(&browser.into_cookie())
            .map_err(|error| ApiError::Internal(error.into()))?;
    }
    Ok(response)
}

impl Answer {
    /// The response that hands over a login's tokens.
    pub fn with(
        self,
        user: User,
        issued: IssuedToken,
        refresh: RefreshToken,
        recovery_codes: Vec<String>,
    ) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        let refresh_token = if self.cookie {
            let left = refresh.expires_at - clock::now();
            let left = left.to_std().unwrap_or_default();
            response.cookie(cookie::refresh_cookie(refresh.text, left));
            None
        } else {
            Some(refresh.text)
        };
        response.json(SignedIn {
            user: UserView::own(user),
            token: issued.token,
            token_type: "Bearer",
            expires_in: issued.expires_in,
            refresh_token,
            recovery_codes,
            message: self.message,
        })
    }
}

/// What the document says of every answer that hands over a login's tokens.
pub fn declare_signed_in(operation: Operation, status: u16, message: &str) -> Operation {
    let operation = operation.answers::<SignedIn>(
        status,
        "Signed in. Send `token` as Bearer, and `refresh_token` to `/api/auth/refresh` when it has \
         run out.",
        examples::signed_in(message),
    );
    declare_cookie(operation, status)
}

/// What the document says of the cookie that may come with an answer.
pub fn declare_cookie(operation: Operation, status: u16) -> Operation {
    operation.answers_header(
        status,
        "Set-Cookie",
        "The refresh token, in a cookie that no script can read, for a page that asked for it.",
    )
}
