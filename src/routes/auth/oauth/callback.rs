use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use chrono::TimeDelta;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::{
    browser::Browser,
    failure::{self, COMPLETE, PROFILE, go_on},
    hash,
    identities::{IdentityView, example},
};
use crate::{
    auth::{
        Authenticator,
        oauth::{Provider, Providers, Returned, random_text},
    },
    clock,
    config::Config,
    domain::{
        audit::By,
        ids::{LoginId, UserId},
        user::User,
    },
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag},
        auth::{
            second_step::declare_first_factor,
            signed_in::{Answer, FirstFactor, finish_sign_in},
        },
        by, client_address,
    },
    store::{Entry, LinkedIdentity, OauthCode, OauthState, Store, StoreError},
};

/// How long the page has to exchange its code, in seconds.
const CODE_LASTS: i64 = 60;

/// The longest of what providers send back, in bytes.
const MAX_PARAMETER: usize = 4096;

/// What a provider sends back with the browser (RFC 6749, section 4.1.2; RFC 9207).
#[derive(Default, Deserialize)]
pub struct CallbackQuery {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// What a sign-in came to.
enum Arrived {
    SignedIn {
        user: Box<User>,
        state: Box<OauthState>,
    },
    Linked {
        identity: LinkedIdentity,
    },
}

/// `GET /api/auth/oauth/callback` and `/api/auth/oauth/{provider}/callback`: the browser comes back
/// from a provider.
#[tracing::instrument(skip_all)]
pub async fn come_back(
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
    providers: web::Data<Providers>,
    authenticator: web::Data<Authenticator>,
) -> Result<HttpResponse, ApiError> {
    // A query that cannot be read is one without a state.
    let query = web::Query::<CallbackQuery>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let state = match limits.oauth(client_address(&request, &config)) {
        Ok(counted) => {
            tell(&request, counted);
            take_state(&request, query.state.as_deref(), &store).await
        }
        Err(exhausted) => Err(exhausted.into()),
    };
    let state = match state {
        Ok(state) => state,
        Err(error) => return failure::tell(&request, COMPLETE, error),
    };
    let page = if state.login.is_some() {
        PROFILE
    } else {
        COMPLETE
    };
    let may_register = config.auth.registration_open;
    let by = by(&request, &config, None);
    let own = request.match_info().get("provider");
    match arrive(query, own, state, may_register, &by, &store, &providers).await {
        Err(error) => failure::tell(&request, page, error),
        Ok(Arrived::Linked { identity }) if failure::asks_for_json(&request) => {
            Ok(HttpResponse::Created().json(IdentityView::new(identity, &providers)))
        }
        Ok(Arrived::Linked { identity }) => Ok(go_on(page, &[("linked", &identity.provider)])),
        Ok(Arrived::SignedIn { user, state }) if failure::asks_for_json(&request) => {
            let answer = Answer {
                status: StatusCode::OK,
                message: "Login successful",
                cookie: false,
            };
            finish_sign_in(
                *user,
                FirstFactor::OAuth(state.provider),
                &request,
                &config,
                &store,
                &authenticator,
                answer,
            )
            .await
        }
        Ok(Arrived::SignedIn { user, state }) => match give_code(user.id, &state, &store).await {
            Ok(code) => {
                let place = state.return_to.as_deref();
                let mut known = vec![("code", code.as_str())];
                known.extend(place.map(|place| ("return_to", place)));
                Ok(go_on(page, &known))
            }
            Err(error) => failure::tell(&request, page, error),
        },
    }
}

pub fn declare_come_back() -> Operation {
    declare(Operation::new(
        Tag::SignIn,
        "endOauth",
        "Takes a browser back from Google, GitHub or Facebook",
    ))
}

pub fn declare_come_back_from_one() -> Operation {
    let operation = Operation::new(
        Tag::SignIn,
        "endOauthOfProvider",
        "Takes a browser back from an issuer",
    );
    declare(operation.path::<String>("provider", "The issuer's name.", "company"))
}

fn declare(operation: Operation) -> Operation {
    let text = || json!({ "type": "string" });
    let come_back = operation.about(
        "What began with another provider than those that send browsers here is refused. A browser \
         is sent on to `/sign-in/complete#code=…`, or `#error=` with one of `denied`, `expired`, \
         `failed`, `email_in_use`, `registration_closed`, `inactive`, `rate_limited`, `too_many` \
         and `unavailable`; after a link to `/profile`, with `#linked=` or `#error=`. Who accepts \
         `application/json` and not `text/html` is answered as by a login.",
    )
    .query("code", text(), "What the provider is asked with.")
    .query("state", text(), "What was sent along.")
    .query("iss", text(), "Which issuer sends it (RFC 9207).")
    .query("error", text(), "Why the provider does not tell.")
    .answers_empty(303, "The page that goes on.")
    .answers_header(303, "Location", "Its address.")
    .answers::<IdentityView>(201, "The account there is linked.", example())
    .refuses(&[
        ErrorCode::OauthExpired,
        ErrorCode::Unauthenticated,
        ErrorCode::OauthDenied,
        ErrorCode::OauthFailed,
        ErrorCode::RegistrationClosed,
        ErrorCode::EmailInUse,
        ErrorCode::IdentityTaken,
        ErrorCode::TooMany,
        ErrorCode::RateLimited,
        ErrorCode::Unavailable,
    ]);
    declare_first_factor(come_back, 200, "Login successful")
}

/// What was kept when the sign-in began in this browser. It is gone then.
async fn take_state(
    request: &HttpRequest,
    state: Option<&str>,
    store: &Store,
) -> Result<OauthState, ApiError> {
    let (Some(browser), Some(state)) = (Browser::known(request), state) else {
        return Err(failure::EXPIRED);
    };
    let taken = store.take_oauth_state(hash(state), browser.hash()).await?;
    taken.ok_or(failure::EXPIRED)
}

/// Asks the provider who came, and finds, makes or links the account.
///
/// `own` names the provider whose address the browser came to, unless that is the shared one.
async fn arrive(
    query: CallbackQuery,
    own: Option<&str>,
    state: OauthState,
    may_register: bool,
    by: &By,
    store: &Store,
    providers: &Providers,
) -> Result<Arrived, ApiError> {
    // Which provider it is says the state, not the request: one provider's code is never shown to
    // another. It may have been taken out of the settings meanwhile.
    let provider = providers.find(&state.provider).ok_or(failure::EXPIRED)?;
    // Another provider sent the browser here: the code is for nobody.
    if !provider.sends_back_to(own) {
        let provider = provider.name();
        tracing::warn!(
            provider,
            "a browser came back at another provider's address"
        );
        return Err(failure::FAILED);
    }
    provider.check_iss(query.iss.as_deref()).await?;
    if let Some(error) = query.error {
        return Err(refusal(provider, &error));
    }
    let code = query
        .code
        .filter(|code| !code.is_empty() && code.len() <= MAX_PARAMETER);
    let returned = Returned {
        code: SecretString::from(code.ok_or(failure::FAILED)?),
        nonce: state.nonce.clone(),
        verifier: state.verifier.clone(),
    };
    let person = provider.person(returned).await?;
    if let Some(login) = state.login {
        let user = owner(login, store).await?;
        let by = by.proved(user, Some(login));
        let identity = store
            .link_identity(user, provider.name(), person, &by)
            .await
            .map_err(|error| match error {
                // The account was closed, or the login ended, while the provider was asked.
                StoreError::NotFound | StoreError::Ended => failure::EXPIRED,
                error => error.into(),
            })?;
        return Ok(Arrived::Linked { identity });
    }
    let entry = store
        .enter(provider.name(), person, may_register, by)
        .await?;
    match entry {
        Entry::In(user) => Ok(Arrived::SignedIn {
            user,
            state: Box::new(state),
        }),
        Entry::Inactive => Err(failure::INACTIVE),
        Entry::EmailInUse => Err(failure::EMAIL_IN_USE),
        Entry::RegistrationClosed => Err(ApiError::RegistrationClosed),
    }
}

/// Why a provider sent the browser back without a code.
fn refusal(provider: &Provider, error: &str) -> ApiError {
    match error {
        "access_denied" | "login_required" | "consent_required" | "interaction_required" => {
            failure::DENIED
        }
        "server_error" | "temporarily_unavailable" => {
            ApiError::Unavailable(anyhow::anyhow!("{} says {error}", provider.name()))
        }
        error => {
            let error: String = error.escape_debug().take(80).collect();
            tracing::warn!(provider = provider.name(), error, "a provider refused");
            failure::FAILED
        }
    }
}

/// Who asked for a link, if he has not signed out meanwhile.
async fn owner(login: LoginId, store: &Store) -> Result<UserId, ApiError> {
    let user = store.find_active_login(login).await?;
    Ok(user.ok_or(failure::EXPIRED)?.id)
}

/// A code that this browser exchanges for a login of the user.
async fn give_code(user: UserId, state: &OauthState, store: &Store) -> Result<String, ApiError> {
    let code = random_text();
    store
        .insert_oauth_code(OauthCode {
            hash: hash(&code),
            browser: state.browser,
            user_id: user,
            provider: state.provider.clone(),
            expires_at: clock::now() + TimeDelta::seconds(CODE_LASTS),
        })
        .await?;
    Ok(code)
}
