use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    auth::{AuthUser, Revocations, Revoked},
    clock,
    config::Config,
    domain::{
        Invalid,
        api_token::{ApiToken, TokenName, TokenText},
        ids::{ApiTokenId, UserId},
        permission::{Permission, Permissions},
        policy::{Action, allows},
        user::UserKind,
    },
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        auth::step_up::{NOT_PROVED, Proof, StepUp},
        by,
        input::{Body, Form, Given},
    },
    store::{NewApiToken, Store, StoreError},
};

/// The longest that a token lasts which ends by itself.
const LONGEST: TimeDelta = TimeDelta::days(3_660);

/// A token; its text only in the answer that makes it.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiToken)]
pub struct TokenView {
    id: ApiTokenId,
    name: String,
    /// What it may do, as far as its owner may.
    #[schema(value_type = Vec<Permission>)]
    scopes: Permissions,
    created_at: DateTime<Utc>,
    /// `null`: it does not end by itself.
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    /// To the minute.
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
    /// To be sent as Bearer. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, pattern = "^parlor_[A-Za-z0-9_-]{43}$")]
    token: Option<String>,
}

impl TokenView {
    /// A token, with its text if it was just made.
    fn new(token: ApiToken, text: Option<&TokenText>) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            token: text.map(|text| text.expose().to_owned()),
        }
    }
}

/// The tokens of the caller.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiTokenList)]
pub struct TokenList {
    data: Vec<TokenView>,
}

/// `GET /api/auth/tokens`: the caller's API tokens.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn list_tokens(
    user: AuthUser,
    store: web::Data<Store>,
) -> Result<web::Json<TokenList>, ApiError> {
    let tokens = store.list_api_tokens(user.id).await?.into_iter();
    Ok(web::Json(TokenList {
        data: tokens.map(|token| TokenView::new(token, None)).collect(),
    }))
}

pub fn declare_list_tokens() -> Operation {
    Operation::new(Tag::SignIn, "listTokens", "Lists the caller's API tokens")
        .signed_in()
        .answers::<TokenList>(200, "The newest first.", json!({ "data": [example()] }))
}

pub fn example() -> Value {
    json!({
        "id": examples::LOGIN_ID,
        "name": "Nightly export",
        "scopes": ["messages.read"],
        "created_at": examples::TIME,
        "expires_at": null,
        "last_used_at": examples::TIME,
    })
}

/// What every token that is to be made has.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = ApiTokenForm)]
pub struct TokenForm {
    #[schema(value_type = TokenName, required = true)]
    #[serde(default)]
    name: Given<String>,
    #[schema(value_type = Vec<Permission>, required = true)]
    #[serde(default)]
    scopes: Given<Vec<String>>,
    /// In the future, ten years at most. Absent or `null`: it does not end by itself.
    #[schema(value_type = Option<DateTime<Utc>>)]
    #[serde(default)]
    expires_at: Given<DateTime<Utc>>,
}

/// A token of one's own to be, and what proves that it is the owner who makes it.
#[derive(Deserialize, ToSchema)]
pub struct OwnTokenForm {
    #[serde(flatten)]
    token: TokenForm,
    #[serde(flatten)]
    proof: Proof,
}

/// A token to be, as far as the request says.
pub struct CheckedToken {
    name: TokenName,
    pub scopes: Permissions,
    expires_at: Option<DateTime<Utc>>,
}

impl TokenForm {
    /// Checks every field; what is wrong is noted in `form`.
    pub fn check(self, form: &mut Form) -> Option<CheckedToken> {
        let name = form.required("name", self.name, |text: String| TokenName::parse(&text));
        let scopes = form.required("scopes", self.scopes, |names: Vec<String>| {
            Permissions::parse(&names)
        });
        let expires_at = form.optional("expires_at", self.expires_at, |end: DateTime<Utc>| {
            let now = clock::now();
            if (now..=now + LONGEST).contains(&end) {
                Ok(end)
            } else {
                let message = "must be in the future, and within ten years";
                Err(Invalid::new("expires_at", "out_of_range", message))
            }
        });
        Some(CheckedToken {
            name: name?,
            scopes: scopes?,
            expires_at,
        })
    }
}

impl CheckedToken {
    /// A token for the store, and its text for whoever asked.
    pub fn make(self, user_id: UserId, created_by: UserId) -> (NewApiToken, TokenText) {
        let mut random = [0; 32];
        rand::fill(&mut random);
        let text = TokenText::new(random);
        let token = NewApiToken {
            id: ApiTokenId::new(),
            user_id,
            name: self.name,
            hash: text.hash(),
            scopes: self.scopes,
            created_by,
            expires_at: self.expires_at.map(to_the_second),
        };
        (token, text)
    }
}

/// As exact as every database keeps it, and as anybody needs it.
fn to_the_second(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}

/// `POST /api/auth/tokens`: a token that does what its scopes name, as far as the caller may.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn create_token(
    user: AuthUser,
    body: Body<OwnTokenForm>,
    step_up: StepUp,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    let mut form = Form::default();
    let OwnTokenForm { token, proof } = body.into_inner();
    let Some(checked) = token.check(&mut form) else {
        return Err(form.into_error());
    };
    form.check()?;
    if !allows(&user, Action::GiveToken(checked.scopes)) {
        return Err(ApiError::Forbidden(
            "A token may do no more than who makes it",
        ));
    }
    // It outlasts the login, and whatever ends all logins.
    step_up.prove(&user, proof).await?;
    let (token, text) = checked.make(user.id, user.id);
    let by = by(&request, &config, Some(&user.0));
    let made = store
        .insert_api_token(token, UserKind::Person, &by)
        .await
        .map_err(|error| match error {
            StoreError::NotFound => ApiError::Unauthenticated("The account was just closed"),
            error => error.into(),
        })?;
    Ok(HttpResponse::Created().json(TokenView::new(made, Some(&text))))
}

pub fn declare_create_token() -> Operation {
    let mut made = example();
    if let Some(made) = made.as_object_mut() {
        made.insert("token".to_owned(), examples::API_TOKEN.into());
        made.insert("last_used_at".to_owned(), Value::Null);
    }
    Operation::new(Tag::SignIn, "createToken", "Makes an API token")
        .about(
            "For programs that act for the caller. It does what its scopes name and the caller \
             may, and acts as Bearer on REST and on the socket. It makes no tokens, and changes \
             neither passwords nor addresses, logins or second factors, whatever its scopes. A \
             user has 50 at most.",
        )
        .signed_in()
        .takes::<OwnTokenForm>(json!({
            "name": "Nightly export",
            "scopes": ["messages.read"],
            "password": examples::PASSWORD,
        }))
        .answers::<TokenView>(201, "The token; its text is shown this once.", made)
        .refuses(&[&[ErrorCode::TooMany], NOT_PROVED].concat())
}

/// `DELETE /api/auth/tokens/{id}`: revokes a token, and closes its sockets.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn delete_token(
    user: AuthUser,
    id: web::Path<ApiTokenId>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
    revocations: web::Data<Revocations>,
) -> Result<HttpResponse, ApiError> {
    let by = by(&request, &config, Some(&user.0));
    let deleted = store.delete_api_token(user.id, *id, &by).await;
    deleted.map_err(|error| match error {
        StoreError::NotFound => ApiError::NotFound("Token"),
        error => error.into(),
    })?;
    revocations.announce(Revoked {
        user_id: user.id,
        login_id: None,
    });
    Ok(HttpResponse::NoContent().finish())
}

pub fn declare_delete_token() -> Operation {
    Operation::new(Tag::SignIn, "deleteToken", "Revokes an API token")
        .about("It is refused from now on, and its sockets close.")
        .path::<ApiTokenId>("id", "The token's id.", examples::LOGIN_ID)
        .signed_in()
        .answers_empty(204, "The token is gone.")
        .refuses(&[ErrorCode::BadRequest, ErrorCode::NotFound])
}
