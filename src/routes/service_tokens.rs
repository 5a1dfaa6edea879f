//! `/api/admin/service-tokens`: tokens of programs that act for nobody but themselves.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    api::{Api, Operation, Tag, at, examples},
    auth::tokens::{self, TokenForm},
    by,
    input::{Body, Form, Given},
};
use crate::{
    auth::{ManageServiceTokens, Require, Revocations, Revoked},
    config::Config,
    domain::{
        Invalid,
        api_token::{ApiToken, TokenText},
        ids::{ApiTokenId, UserId},
        permission::{Permission, Permissions},
        policy::{Action, Principal, allows},
        user::{FullName, Role, User, UserKind, Username},
    },
    error::ApiError,
    protocol::code::ErrorCode,
    store::{Identifier, NewUser, Store, StoreError, Unique},
};

/// The most tokens that a list has.
const MAX_LISTED: i64 = 1_000;

const NO_MORE_THAN_ONESELF: ApiError =
    ApiError::Forbidden("A service may do no more than who makes its token");

pub fn configure(api: &mut Api) {
    api.add(
        at("/api/admin/service-tokens")
            .get(list_service_tokens, declare_list_service_tokens)
            .post(create_service_token, declare_create_service_token),
    )
    .add(
        at("/api/admin/service-tokens/{id}")
            .delete(delete_service_token, declare_delete_service_token),
    );
}

/// The account of a service.
#[derive(Serialize, ToSchema)]
#[schema(as = ServiceAccount)]
struct AccountView {
    id: UserId,
    username: String,
    full_name: String,
    role: Role,
    active: bool,
}

impl From<User> for AccountView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.profile.username.clone(),
            full_name: user.profile.full_name.clone(),
            role: user.role,
            active: user.active,
        }
    }
}

/// A token of a service; its text only in the answer that makes it.
#[derive(Serialize, ToSchema)]
#[schema(as = ServiceToken)]
struct ServiceTokenView {
    id: ApiTokenId,
    name: String,
    /// What it may do, as far as the account may.
    #[schema(value_type = Vec<Permission>)]
    scopes: Permissions,
    created_at: DateTime<Utc>,
    /// `null`: it does not end by itself.
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    /// To the minute.
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
    account: AccountView,
    /// To be sent as Bearer. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, pattern = "^parlor_[A-Za-z0-9_-]{43}$")]
    token: Option<String>,
}

impl ServiceTokenView {
    /// A token and its account, with its text if it was just made.
    fn new(token: ApiToken, account: User, text: Option<&TokenText>) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            account: account.into(),
            token: text.map(|text| text.expose().to_owned()),
        }
    }
}

/// Tokens of services.
#[derive(Serialize, ToSchema)]
struct ServiceTokenList {
    data: Vec<ServiceTokenView>,
}

/// `GET /api/admin/service-tokens`: the tokens of all services.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn list_service_tokens(
    user: Require<ManageServiceTokens>,
    store: web::Data<Store>,
) -> Result<web::Json<ServiceTokenList>, ApiError> {
    let listed = store.list_service_tokens(MAX_LISTED).await?;
    let view = |(token, account)| ServiceTokenView::new(token, account, None);
    let data = listed.into_iter().map(view);
    Ok(web::Json(ServiceTokenList {
        data: data.collect(),
    }))
}

fn declare_list_service_tokens() -> Operation {
    let about = "For who has `tokens.manage`.";
    Operation::new(Tag::Users, "listServiceTokens", "Lists tokens of services")
        .about(about)
        .signed_in()
        .answers::<ServiceTokenList>(
            200,
            "The newest first, 1,000 at most.",
            json!({ "data": [example()] }),
        )
}

fn example() -> Value {
    let mut example = tokens::example();
    if let Some(example) = example.as_object_mut() {
        let account = json!({
            "id": examples::USER_ID,
            "username": "importer",
            "full_name": "Nightly import",
            "role": "client",
            "active": true,
        });
        example.insert("account".to_owned(), account);
    }
    example
}

/// A token of a service, and the account as which it acts.
#[derive(Default, Deserialize, ToSchema)]
struct ServiceTokenForm {
    #[serde(flatten)]
    token: TokenForm,
    /// The service's account. It is made if nobody has this name; the account of a person will not
    /// do.
    #[schema(value_type = Username, required = true)]
    #[serde(default)]
    username: Given<String>,
    /// The name that others read, of an account that is made. The user name if it is absent.
    #[schema(value_type = Option<FullName>)]
    #[serde(default)]
    full_name: Given<String>,
    /// The role of an account that is made, `client` if it is absent. An account that is there must
    /// have it.
    #[schema(value_type = Option<Role>)]
    #[serde(default)]
    role: Given<String>,
}

/// A service's account as the request names it.
struct NamedAccount {
    username: Username,
    full_name: Option<FullName>,
    role: Option<Role>,
}

/// `POST /api/admin/service-tokens`: a token of a service, and its account if it is a new one.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn create_service_token(
    user: Require<ManageServiceTokens>,
    body: Body<ServiceTokenForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    let mut form = Form::default();
    let body = body.into_inner();
    let username = form.required("username", body.username, |text: String| {
        Username::parse(&text)
    });
    let full_name = form.optional("full_name", body.full_name, |text: String| {
        FullName::parse(&text)
    });
    let role = form.optional("role", body.role, |text: String| text.parse::<Role>());
    let (Some(token), Some(username)) = (body.token.check(&mut form), username) else {
        return Err(form.into_error());
    };
    form.check()?;
    if !allows(&user, Action::GiveServiceToken(token.scopes)) {
        return Err(NO_MORE_THAN_ONESELF);
    }
    let named = NamedAccount {
        username,
        full_name,
        role,
    };
    let by = by(&request, &config, Some(&user.user.0));
    let account = match find_account(&named, &store).await? {
        Some(account) => account,
        None => {
            let service = new_account(named, &user, &store).await?;
            store.insert_service(service, &by).await?
        }
    };
    if !allows(&user, Action::GiveServiceToken(account.permissions)) {
        return Err(NO_MORE_THAN_ONESELF);
    }
    let (token, text) = token.make(account.id, user.id);
    let made = store
        .insert_api_token(token, UserKind::Service, &by)
        .await
        .map_err(|error| match error {
            StoreError::NotFound => ApiError::NotFound("Service"),
            error => error.into(),
        })?;
    let view = ServiceTokenView::new(made, account, Some(&text));
    Ok(HttpResponse::Created().json(view))
}

/// The account of this name, if there is one. It must be a service's, and have the role.
async fn find_account(named: &NamedAccount, store: &Store) -> Result<Option<User>, ApiError> {
    let name = Identifier::Username(named.username.key());
    let Some(found) = store.find_credentials(&name).await? else {
        return Ok(None);
    };
    let account = found.user;
    if account.kind != UserKind::Service {
        return Err(StoreError::Conflict(Unique::Username).into());
    }
    if named
        .role
        .as_ref()
        .is_some_and(|role| *role != account.role)
    {
        let message = "is not the role of the account that is there";
        return Err(Invalid::new("role", "other_role", message).into());
    }
    Ok(Some(account))
}

/// A service's account to be.
async fn new_account(
    named: NamedAccount,
    maker: &Principal,
    store: &Store,
) -> Result<NewUser, ApiError> {
    let role = named.role.unwrap_or_default();
    let granted = store.find_role(&role).await?.ok_or_else(Role::unknown)?;
    if !allows(maker, Action::GiveServiceToken(granted.permissions)) {
        return Err(NO_MORE_THAN_ONESELF);
    }
    let full_name = match named.full_name {
        Some(full_name) => full_name,
        None => FullName::parse(named.username.as_str())?,
    };
    Ok(NewUser {
        id: UserId::new(),
        username: named.username,
        email: None,
        full_name,
        phone_number: None,
        password_hash: None,
        role,
    })
}

fn declare_create_service_token() -> Operation {
    let mut made = example();
    if let Some(made) = made.as_object_mut() {
        made.insert("token".to_owned(), examples::API_TOKEN.into());
        made.insert("last_used_at".to_owned(), Value::Null);
    }
    Operation::new(
        Tag::Users,
        "createServiceToken",
        "Makes a token of a service",
    )
    .about(
        "For who has `tokens.manage`, and everything that the service may. It acts as an \
             account of its own, which has neither a password nor an address and signs in nowhere; \
             the account is made with its first token. A service has 50 tokens at most.",
    )
    .signed_in()
    .takes::<ServiceTokenForm>(json!({
        "name": "Nightly import",
        "username": "importer",
        "scopes": ["messages.read", "messages.send"],
    }))
    .answers::<ServiceTokenView>(201, "The token; its text is shown this once.", made)
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::NotFound,
        ErrorCode::UsernameTaken,
        ErrorCode::EmailTaken,
        ErrorCode::TooMany,
    ])
}

/// `DELETE /api/admin/service-tokens/{id}`: revokes a token of a service, and closes its sockets.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
async fn delete_service_token(
    user: Require<ManageServiceTokens>,
    id: web::Path<ApiTokenId>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
    revocations: web::Data<Revocations>,
) -> Result<HttpResponse, ApiError> {
    let by = by(&request, &config, Some(&user.user.0));
    let deleted = store.delete_service_token(*id, &by).await;
    let user_id = deleted.map_err(|error| match error {
        StoreError::NotFound => ApiError::NotFound("Token"),
        error => error.into(),
    })?;
    revocations.announce(Revoked {
        user_id,
        login_id: None,
    });
    Ok(HttpResponse::NoContent().finish())
}

fn declare_delete_service_token() -> Operation {
    Operation::new(
        Tag::Users,
        "deleteServiceToken",
        "Revokes a token of a service",
    )
    .about(
        "For who has `tokens.manage`, and everything that the service may. The token is refused from \
         now on, and its sockets close; the service's account stays.",
    )
    .path::<ApiTokenId>("id", "The token's id.", examples::LOGIN_ID)
    .signed_in()
    .answers_empty(204, "The token is gone.")
    .refuses(&[
        ErrorCode::BadRequest,
        ErrorCode::Forbidden,
        ErrorCode::NotFound,
    ])
}
