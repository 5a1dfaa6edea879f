use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::LOCATION},
    web,
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use utoipa::ToSchema;

use super::{
    browser::{Browser, PATIENCE},
    failure::{self, COMPLETE},
    hash,
    local_path::LocalPath,
};
use crate::{
    auth::{
        AuthUser,
        oauth::{Providers, Secrets},
    },
    clock,
    config::Config,
    domain::ids::LoginId,
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag},
        auth::step_up::{Proof, StepUp, declare_proof},
        client_address,
        input::OptionalJson,
    },
    store::{OauthState, Store},
};

/// When to try again where too many sign-ins are under way.
const COME_BACK: std::time::Duration = std::time::Duration::from_secs(60);

/// Where to go once signed in.
#[derive(Deserialize)]
pub struct BeginQuery {
    return_to: Option<String>,
}

/// `GET /api/auth/oauth/{provider}`: sends the browser to a provider.
#[tracing::instrument(skip_all)]
pub async fn begin(
    provider: web::Path<String>,
    query: web::Query<BeginQuery>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
    providers: web::Data<Providers>,
) -> Result<HttpResponse, ApiError> {
    let address = client_address(&request, &config);
    tell(&request, limits.oauth(address)?);
    let return_to = query.into_inner().return_to;
    let return_to = return_to.filter(|path| !path.is_empty());
    let return_to = return_to.as_deref().map(LocalPath::parse).transpose()?;
    let browser = Browser::of(&request);
    let way = Way {
        browser: &browser,
        return_to,
        login: None,
    };
    match way.to(&provider, &providers, &store).await {
        Ok(url) => Ok(HttpResponse::build(StatusCode::FOUND)
            .insert_header((LOCATION, url.as_str()))
            .cookie(browser.cookie())
            .finish()),
        Err(error @ ApiError::NotFound(_)) => Err(error),
        Err(error) => failure::tell(&request, COMPLETE, error),
    }
}

pub fn declare_begin() -> Operation {
    let schema = json!({ "type": "string", "maxLength": 500 });
    let about = "The page to go to once signed in: a path of this server.";
    Operation::new(
        Tag::SignIn,
        "beginOauth",
        "Sends the browser to a provider to sign in there",
    )
    .about(
        "Google, GitHub and Facebook send it back to `/api/auth/oauth/callback`, an issuer to \
         `/api/auth/oauth/{provider}/callback`. What is sent along lasts ten minutes, counts once, \
         and in this browser alone.",
    )
    .path::<String>("provider", "The provider's name.", "github")
    .query("return_to", schema, about)
    .answers_empty(302, "The provider's page.")
    .answers_header(302, "Location", "The provider's address.")
    .answers_header(302, "Set-Cookie", "What binds the sign-in to the browser.")
    .answers_empty(
        303,
        "A page that says why the provider cannot be asked now.",
    )
    .answers_header(303, "Location", "The page, with `#error=unavailable`.")
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::NotFound,
        ErrorCode::RateLimited,
        ErrorCode::Overloaded,
        ErrorCode::Unavailable,
    ])
}

/// Where to send the browser.
#[derive(Serialize, ToSchema)]
#[schema(as = OauthLink)]
pub struct LinkView {
    url: String,
}

/// `POST /api/auth/oauth/{provider}/link`: where the caller goes to link his account there.
#[expect(clippy::too_many_arguments, reason = "an extractor each")]
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn link(
    user: AuthUser,
    provider: web::Path<String>,
    proof: OptionalJson<Proof>,
    step_up: StepUp,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
    providers: web::Data<Providers>,
) -> Result<HttpResponse, ApiError> {
    let address = client_address(&request, &config);
    tell(&request, limits.oauth(address)?);
    step_up.prove(&user, proof.0).await?;
    let browser = Browser::of(&request);
    let way = Way {
        browser: &browser,
        return_to: None,
        login: Some(user.login()),
    };
    let url = way.to(&provider, &providers, &store).await?;
    let view = LinkView { url: url.into() };
    Ok(HttpResponse::Ok().cookie(browser.cookie()).json(view))
}

pub fn declare_link() -> Operation {
    let url = "https://github.com/login/oauth/authorize?client_id=parlor&state=kR3x";
    let link = Operation::new(
        Tag::SignIn,
        "linkIdentity",
        "Begins to link the caller's account at a provider",
    )
    .about(
        "Send the browser to `url`. It comes back to `/profile#linked=` with the provider's name, \
         or `#error=` with what went wrong, and then signs in with the provider, too.",
    )
    .path::<String>("provider", "The provider's name.", "github")
    .signed_in()
    .answers::<LinkView>(200, "The provider's address.", json!({ "url": url }))
    .answers_header(200, "Set-Cookie", "What binds the link to the browser.")
    .refuses(&[ErrorCode::NotFound]);
    declare_proof(link)
}

/// A browser's way to a provider and back.
struct Way<'a> {
    browser: &'a Browser,
    return_to: Option<LocalPath>,
    /// Who asks for a link.
    login: Option<LoginId>,
}

impl Way<'_> {
    /// Keeps what comes back, and tells where to go.
    async fn to(self, name: &str, providers: &Providers, store: &Store) -> Result<Url, ApiError> {
        let provider = providers.find(name).ok_or(ApiError::NotFound("Provider"))?;
        let secrets = Secrets::random();
        let url = provider.authorize(&secrets).await?;
        let state = OauthState {
            hash: hash(&secrets.state),
            browser: self.browser.hash(),
            provider: provider.name().to_owned(),
            verifier: secrets.verifier,
            nonce: secrets.nonce,
            return_to: self.return_to.map(LocalPath::into_string),
            login: self.login,
            expires_at: clock::now() + TimeDelta::seconds(PATIENCE),
        };
        if store.insert_oauth_state(state).await? {
            Ok(url)
        } else {
            let retry_after = COME_BACK;
            Err(ApiError::Overloaded { retry_after })
        }
    }
}
