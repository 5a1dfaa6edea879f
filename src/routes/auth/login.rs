use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use secrecy::SecretString;
use serde::Deserialize;

use super::signed_in::{Answer, open_login};
use crate::{
    auth::{Authenticator, Hasher},
    config::Config,
    domain::{
        Invalid,
        user::{Email, Username},
    },
    error::ApiError,
    limits::Limits,
    routes::{
        client_address,
        input::{Body, Form, Given},
    },
    store::{Identifier, Store},
};

/// Unknown user, wrong password, switched off: a stranger is not told which.
const REFUSED: ApiError = ApiError::Unauthenticated("Wrong name or password");

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct LoginForm {
    email: Given<String>,
    username: Given<String>,
    password: Given<String>,
    cookie: bool,
}

/// `POST /api/auth/login`: a token for who knows the password.
#[tracing::instrument(skip_all)]
pub async fn log_in(
    body: Body<LoginForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    hasher: web::Data<Hasher>,
    store: web::Data<Store>,
    authenticator: web::Data<Authenticator>,
) -> Result<HttpResponse, ApiError> {
    let cookie = body.cookie;
    let (name, password) = body.into_inner().check()?;
    let found = match identifier(&name) {
        Some(identifier) => store.find_credentials(&identifier).await?,
        None => None,
    };
    // By id, or each of an account's two names would have attempts of its own.
    let account = found
        .as_ref()
        .map_or(name, |found| found.user.id.to_string());
    limits
        .login(&account, client_address(&request, &config))
        .map_err(|retry_after| ApiError::RateLimited { retry_after })?;
    // Hashing comes before any decision, or the time would tell who has an account.
    let hash = found
        .as_ref()
        .and_then(|found| found.password_hash.as_deref());
    let matches = hasher.verify(password, hash).await?;
    let user = found
        .map(|found| found.user)
        .filter(|user| matches && user.active);
    let user = user.ok_or(REFUSED)?;

    let answer = Answer {
        status: StatusCode::OK,
        message: "Login successful",
        cookie,
    };
    open_login(user, &request, &config, &store, &authenticator, answer).await
}

impl LoginForm {
    fn check(self) -> Result<(String, SecretString), ApiError> {
        let mut form = Form::default();
        let given = if matches!(self.email, Given::Absent | Given::Null) {
            self.username
        } else {
            self.email
        };
        if matches!(given, Given::Absent | Given::Null) {
            form.refuse(Invalid::new("email", "required", "or username is required"));
        }
        let name = form.optional("email", given, Ok::<String, Invalid>);
        let password = form.required("password", self.password, |text: String| {
            Ok(SecretString::from(text))
        });
        match (name, password) {
            (Some(name), Some(password)) => Ok((name, password)),
            _ => Err(form.into_error()),
        }
    }
}

/// Whom a name can mean: no user name has an `@`. A name that nobody can have means nobody.
fn identifier(name: &str) -> Option<Identifier> {
    if name.contains('@') {
        Email::parse(name)
            .ok()
            .map(|email| Identifier::Email(email.key()))
    } else {
        Username::parse(name)
            .ok()
            .map(|name| Identifier::Username(name.key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<String, ApiError> {
        let form: LoginForm = serde_json::from_str(json).unwrap();
        form.check().map(|(name, _)| name)
    }

    #[test]
    fn one_signs_in_by_either_name() {
        assert_eq!(
            check(r#"{"username": "Ann", "password": "x"}"#).unwrap(),
            "Ann"
        );
        assert_eq!(
            check(r#"{"email": "a@x.org", "password": "x"}"#).unwrap(),
            "a@x.org"
        );
        let Err(ApiError::Invalid(wrong)) = check("{}") else {
            panic!("both are missing")
        };
        assert_eq!(wrong.len(), 2);
    }

    #[test]
    fn a_name_that_nobody_can_have_means_nobody() {
        assert_eq!(identifier("Ann"), Some(Identifier::Username("ann".into())));
        assert_eq!(
            identifier("A@X.org"),
            Some(Identifier::Email("a@x.org".into()))
        );
        for bad in ["", "a\0b", "a\0@x.org", "deleted"] {
            assert_eq!(identifier(bad), None, "{bad:?}");
        }
    }
}
