//! Guards: what a handler's signature asks of its caller.

use std::{marker::PhantomData, ops::Deref};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HeaderMap},
    web,
};
use anyhow::anyhow;
use futures_util::future::LocalBoxFuture;

use super::{
    Authenticator, Identity,
    refusals::{mark, mark_user},
};
use crate::{
    domain::{
        audit::Refusal,
        ids::LoginId,
        policy::{Action, Principal, allows},
    },
    error::ApiError,
    limits::{Limits, tell},
};

/// Whoever makes the request: a person who signed in, or a program with an API token.
///
/// Put it first in a handler: extractors run in order, and a refusal is ready before anything reads
/// the body.
#[derive(Clone, Debug)]
pub struct Caller(pub Identity);

impl Deref for Caller {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0.principal
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let identity = identify(&request).await?;
            let nobody = ApiError::Unauthenticated("Sign in first: send a token as Bearer");
            identity.map(Self).ok_or_else(|| {
                mark(&request, Refusal::NoToken, None);
                nobody
            })
        })
    }
}

/// The person making the request, signed in: an API token will not do, whatever its scopes.
///
/// Whatever manages the ways into an account asks for this one.
#[derive(Clone, Debug)]
pub struct AuthUser(pub Identity, LoginId);

impl AuthUser {
    /// The login whose token was shown.
    #[must_use]
    pub const fn login(&self) -> LoginId {
        self.1
    }
}

impl Deref for AuthUser {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0.principal
    }
}

impl TryFrom<Caller> for AuthUser {
    type Error = ApiError;

    fn try_from(Caller(identity): Caller) -> Result<Self, ApiError> {
        match identity.login() {
            Some(login) => Ok(Self(identity, login)),
            None => Err(ApiError::Forbidden("An API token may not do this; sign in")),
        }
    }
}

impl FromRequest for AuthUser {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        Box::pin(async move { caller.await?.try_into() })
    }
}

/// The person making the request, or nobody if there is no `Authorization` at all. A token that is
/// refused is an error here, too.
#[derive(Clone, Debug)]
pub struct MaybeUser(pub Option<Identity>);

impl FromRequest for MaybeUser {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { identify(&request).await.map(Self) })
    }
}

/// An action as a type, so that a signature can name it.
pub trait RequiredAction: 'static {
    /// What the policy must allow.
    const ACTION: Action;
}

macro_rules! required {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl RequiredAction for $name {
                const ACTION: Action = Action::$name;
            }
        )+
    };
}

required! {
    /// Who may see the list of users.
    SeeUsers,
    /// Who may see rooms and read in them.
    ReadRooms,
    /// Who may see how many there are of everything.
    SeeStatistics,
    /// Who may make, change and delete roles.
    ManageRoles,
    /// Who may make, see and revoke the tokens of services.
    ManageServiceTokens,
    /// Who may read the audit log.
    ReadAudit,
    /// Who may see, repeat and drop jobs that failed.
    ManageJobs,
    /// Who may read the server's metrics.
    Administer,
}

/// Whoever makes the request, whom the policy allows `A`.
#[derive(Clone, Debug)]
pub struct Require<A> {
    pub user: Caller,
    action: PhantomData<A>,
}

impl<A> Deref for Require<A> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.user
    }
}

impl<A: RequiredAction> FromRequest for Require<A> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let user = Caller::from_request(request, payload);
        Box::pin(async move {
            let user = user.await?;
            if allows(&user, A::ACTION) {
                let action = PhantomData;
                Ok(Self { user, action })
            } else {
                Err(ApiError::Forbidden("Your role does not allow this"))
            }
        })
    }
}

async fn identify(request: &HttpRequest) -> Result<Option<Identity>, ApiError> {
    if !request.headers().contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let token = bearer(request.headers()).ok_or(ApiError::Unauthenticated(
        "Authorization must be Bearer and a token",
    ))?;
    let authenticator = request
        .app_data::<web::Data<Authenticator>>()
        .ok_or_else(|| ApiError::Internal(anyhow!("the app has no Authenticator")))?;
    match authenticator.authenticate(token).await {
        Ok(identity) => {
            mark_user(request, identity.user.id);
            if let Some(limits) = request.app_data::<web::Data<Limits>>() {
                tell(request, limits.request(identity.credential_id())?);
            }
            Ok(Some(identity))
        }
        Err(error) => {
            if let Some(kind) = error.refusal() {
                mark(request, kind, None);
            }
            Err(error.into())
        }
    }
}

/// The bearer token in `Authorization`; `None` if there is none, another scheme, or more than one.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION);
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn one_token_and_no_other_scheme() {
        assert_eq!(read(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["bEARER  abc "]).as_deref(), Some("abc"));
        for bad in [
            &["abc"][..],
            &["Basic abc"],
            &["Bearer "],
            &["Bearer a", "Bearer b"],
            &[],
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
