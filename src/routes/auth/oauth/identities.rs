use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    auth::{AuthUser, oauth::Providers},
    config::Config,
    domain::ids::IdentityId,
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        auth::step_up::{Proof, StepUp, declare_proof},
        by,
        input::OptionalJson,
    },
    store::{LinkedIdentity, Store, StoreError},
};

/// An account somewhere else that the caller signs in with.
#[derive(Serialize, ToSchema)]
#[schema(as = Identity)]
pub struct IdentityView {
    id: IdentityId,
    provider: String,
    /// The provider's name for people.
    label: String,
    /// What the caller is called there.
    #[schema(required = true)]
    name: Option<String>,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
}

impl IdentityView {
    pub fn new(identity: LinkedIdentity, providers: &Providers) -> Self {
        let provider = providers.find(&identity.provider);
        let label = provider.map_or(identity.provider.as_str(), |provider| provider.label());
        Self {
            id: identity.id,
            label: label.to_owned(),
            provider: identity.provider,
            name: identity.name,
            created_at: identity.created_at,
            last_used_at: identity.last_used_at,
        }
    }
}

pub fn example() -> Value {
    json!({
        "id": examples::LOGIN_ID,
        "provider": "github",
        "label": "GitHub",
        "name": "ada",
        "created_at": examples::TIME,
        "last_used_at": examples::TIME,
    })
}

/// The accounts somewhere else that the caller signs in with.
#[derive(Serialize, ToSchema)]
pub struct IdentityList {
    data: Vec<IdentityView>,
}

/// `GET /api/auth/identities`: the accounts somewhere else that the caller signs in with.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn list_identities(
    user: AuthUser,
    store: web::Data<Store>,
    providers: web::Data<Providers>,
) -> Result<web::Json<IdentityList>, ApiError> {
    let identities = store.list_identities(user.id).await?;
    let view = |identity| IdentityView::new(identity, &providers);
    Ok(web::Json(IdentityList {
        data: identities.into_iter().map(view).collect(),
    }))
}

pub fn declare_list_identities() -> Operation {
    Operation::new(
        Tag::SignIn,
        "listIdentities",
        "Lists the accounts at providers that the caller signs in with",
    )
    .signed_in()
    .answers::<IdentityList>(
        200,
        "The oldest link first, 20 at most.",
        json!({ "data": [example()] }),
    )
}

/// `POST /api/auth/identities/{id}/remove`: the caller no longer signs in with it.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn remove_identity(
    user: AuthUser,
    identity: web::Path<IdentityId>,
    proof: OptionalJson<Proof>,
    step_up: StepUp,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    step_up.prove(&user, proof.0).await?;
    let by = by(&request, &config, Some(&user.0));
    let removed = store.unlink_identity(user.id, *identity, &by).await;
    removed.map_err(|error| match error {
        StoreError::NotFound => ApiError::NotFound("Identity"),
        error => error.into(),
    })?;
    Ok(HttpResponse::NoContent().finish())
}

pub fn declare_remove_identity() -> Operation {
    let remove = Operation::new(
        Tag::SignIn,
        "removeIdentity",
        "Takes away an account at a provider that the caller signs in with",
    )
    .about("The last way to sign in stays: `last_way_in`.")
    .path::<IdentityId>("id", "The identity's id.", examples::LOGIN_ID)
    .signed_in()
    .answers_empty(204, "The caller no longer signs in with it.")
    .refuses(&[ErrorCode::NotFound, ErrorCode::LastWayIn]);
    declare_proof(remove)
}
