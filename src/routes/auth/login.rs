use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    device::known_to,
    second_step::declare_first_factor,
    signed_in::{Answer, FirstFactor, finish_sign_in},
};
use crate::{
    auth::{Authenticator, Hasher, refusals::mark},
    config::Config,
    domain::{
        Invalid,
        audit::Refusal,
        user::{Email, Username},
    },
    error::ApiError,
    limits::{Known, Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        client_address,
        input::{Body, Form, Given},
    },
    store::{Identifier, Store},
};

/// Unknown user, wrong password, switched off: a stranger is not told which.
const REFUSED: ApiError = ApiError::Unauthenticated("Wrong name or password");

/// A name and the password. One of the two names must be there.
#[derive(Default, Deserialize, ToSchema)]
pub struct LoginForm {
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    email: Given<String>,
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    username: Given<String>,
    #[schema(value_type = String, required = true)]
    #[serde(default)]
    password: Given<String>,
    /// The refresh token goes to the browser's keeping, not into the body.
    #[serde(default)]
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
    let account_id = found.as_ref().map(|found| found.user.id);
    let known = known_to(account_id, &request, &config, &store).await?;
    // A stranger who tried one name, and then saw less left for the other, would know that both are
    // one's. Where the account is known its two names have no attempts of their own.
    let account = match account_id {
        Some(id) if known != Known::No => id.to_string(),
        _ => name,
    };
    let attempt = limits.login(&account, client_address(&request, &config), known)?;
    tell(&request, attempt.left());
    // Hashing comes before any decision, or the time would tell who has an account.
    let hash = found
        .as_ref()
        .and_then(|found| found.password_hash.as_deref());
    let matches = hasher.verify(password, hash).await?;
    let proved = found
        .filter(|found| matches && found.user.active)
        .and_then(|found| Some((found.user, found.password_hash?)));
    let Some((user, hash)) = proved else {
        mark(&request, Refusal::WrongPassword, account_id);
        attempt.failed();
        return Err(REFUSED);
    };
    attempt.succeeded();

    let answer = Answer {
        status: StatusCode::OK,
        message: "Login successful",
        cookie,
    };
    finish_sign_in(
        user,
        FirstFactor::Password(hash),
        &request,
        &config,
        &store,
        &authenticator,
        answer,
    )
    .await
}

pub fn declare_log_in() -> Operation {
    let body = json!({ "email": "ada@example.org", "password": examples::PASSWORD });
    let log_in = Operation::new(Tag::SignIn, "logIn", "Signs in with a password")
        .about("Unknown user, wrong password, inactive user: one and the same answer.")
        .takes::<LoginForm>(body)
        .with_one_of::<LoginForm>(&["email", "username"])
        .refuses(&[
            ErrorCode::ValidationFailed,
            ErrorCode::Unauthenticated,
            ErrorCode::RateLimited,
            ErrorCode::Overloaded,
            ErrorCode::Unavailable,
        ]);
    declare_first_factor(log_in, 200, "Login successful")
}

impl LoginForm {
    fn check(self) -> Result<(String, SecretString), ApiError> {
        let mut form = Form::default();
        let has_neither = [&self.email, &self.username]
            .iter()
            .all(|given| matches!(given, Given::Absent | Given::Null));
        if has_neither {
            form.refuse(Invalid::new("email", "required", "or username is required"));
        }
        let email = form.optional("email", self.email, Ok::<String, Invalid>);
        let username = form.optional("username", self.username, Ok::<String, Invalid>);
        let password = form.required("password", self.password, |text: String| {
            Ok(SecretString::from(text))
        });
        match (email.or(username), password) {
            (Some(name), Some(password)) => form.check().map(|()| (name, password)),
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
    fn a_name_of_the_wrong_type_is_refused_beside_a_right_one_too() {
        for (json, field) in [
            (
                r#"{"email": "a@x.org", "username": {}, "password": "x"}"#,
                "username",
            ),
            (
                r#"{"email": 7, "username": "Ann", "password": "x"}"#,
                "email",
            ),
        ] {
            let Err(ApiError::Invalid(wrong)) = check(json) else {
                panic!("{json} is taken")
            };
            let told: Vec<_> = wrong
                .iter()
                .map(|wrong| (wrong.field, wrong.code))
                .collect();
            assert_eq!(told, [(field, "wrong_type")]);
        }
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
