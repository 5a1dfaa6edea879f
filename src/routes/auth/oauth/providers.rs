use actix_web::web;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    auth::oauth::{Provider, Providers},
    routes::api::{Operation, Tag},
};

/// Somebody whom one can sign in with.
#[derive(Serialize, ToSchema)]
#[schema(as = Provider)]
pub struct ProviderView {
    name: String,
    /// What people read on the button.
    label: String,
    /// Where the button leads.
    url: String,
}

impl ProviderView {
    pub fn of(provider: &Provider) -> Self {
        Self {
            name: provider.name().to_owned(),
            label: provider.label().to_owned(),
            url: format!("/api/auth/oauth/{}", provider.name()),
        }
    }
}

/// Whom one can sign in with.
#[derive(Serialize, ToSchema)]
pub struct ProviderList {
    data: Vec<ProviderView>,
}

/// `GET /api/auth/oauth/providers`: whom one can sign in with.
#[tracing::instrument(skip_all)]
pub async fn list_providers(providers: web::Data<Providers>) -> web::Json<ProviderList> {
    let data = providers.iter().map(ProviderView::of).collect();
    web::Json(ProviderList { data })
}

pub fn declare_list_providers() -> Operation {
    let github = json!({ "name": "github", "label": "GitHub", "url": "/api/auth/oauth/github" });
    Operation::new(
        Tag::SignIn,
        "listProviders",
        "Lists the providers that one can sign in with",
    )
    .answers::<ProviderList>(200, "Those that are set.", json!({ "data": [github] }))
}
