use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::UserView;
use crate::{
    auth::{Hasher, MaybeUser},
    config::Config,
    domain::{
        ids::UserId,
        permission::Permissions,
        policy::{Action, allows},
        user::{Email, FullName, NewPassword, PhoneNumber, Role, Username},
    },
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        by, client_address,
        input::{Body, Form, Given},
    },
    store::{NewUser, Store},
};

/// Why an account may not be made.
pub const REFUSALS: [ErrorCode; 7] = [
    ErrorCode::ValidationFailed,
    ErrorCode::Forbidden,
    ErrorCode::RegistrationClosed,
    ErrorCode::EmailTaken,
    ErrorCode::UsernameTaken,
    ErrorCode::RateLimited,
    ErrorCode::Overloaded,
];

/// The body that asks for a new account.
#[derive(Default, Deserialize, ToSchema)]
pub struct NewAccount {
    #[schema(value_type = Username, required = true)]
    #[serde(default)]
    username: Given<String>,
    #[schema(value_type = Email, required = true)]
    #[serde(default)]
    email: Given<String>,
    #[schema(value_type = NewPassword, required = true)]
    #[serde(default)]
    password: Given<String>,
    #[schema(value_type = FullName, required = true)]
    #[serde(default)]
    full_name: Given<String>,
    #[schema(value_type = Option<PhoneNumber>)]
    #[serde(default)]
    phone_number: Given<String>,
    /// Only who has `users.write` gives another one than `client`.
    #[schema(value_type = Option<Role>)]
    #[serde(default)]
    role: Given<String>,
}

/// An account whose every field is valid, and whose password is still to be hashed.
pub struct CheckedAccount {
    username: Username,
    email: Email,
    password: NewPassword,
    full_name: FullName,
    phone_number: Option<PhoneNumber>,
    pub role: Role,
}

/// `POST /api/users`: an account for oneself, or by an admin for somebody else.
#[tracing::instrument(skip_all)]
pub async fn create_user(
    caller: MaybeUser,
    body: Body<NewAccount>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    hasher: web::Data<Hasher>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    let caller = caller.0;
    let may = |granted| {
        let who = caller.as_deref();
        who.is_some_and(|who| allows(who, Action::CreateUser(granted)))
    };
    let may_manage = may(Permissions::NONE);
    if !may_manage && !config.auth.registration_open {
        return Err(ApiError::RegistrationClosed);
    }
    let account = body.into_inner().check()?;
    if may_manage {
        let role = store.find_role(&account.role).await?;
        if !may(role.ok_or_else(Role::unknown)?.permissions) {
            return Err(ApiError::Forbidden(
                "Nobody gives a role that may do more than he",
            ));
        }
    } else if account.role != Role::Client {
        return Err(ApiError::Forbidden("You may not give roles"));
    }
    if !may_manage {
        let address = client_address(&request, &config);
        tell(&request, limits.registration(address)?);
    }
    // Whoever registers does so as a stranger, signed in or not.
    let by = by(&request, &config, caller.as_ref().filter(|_| may_manage));
    let user = store.insert_user(account.hash(&hasher).await?, &by).await?;
    Ok(HttpResponse::Created().json(UserView::own(user)))
}

pub fn declare_create_user() -> Operation {
    Operation::new(Tag::Users, "createUser", "Makes an account")
        .about(
            "Anybody makes an account of his own, of role `client`, unless registration is \
             closed; who has `users.write` makes accounts of every role that may do no more than \
             he.",
        )
        .maybe_signed_in()
        .takes::<NewAccount>(examples::new_account())
        .answers::<UserView>(201, "The new user.", examples::user())
        .refuses(&REFUSALS)
}

impl NewAccount {
    /// Checks every field.
    ///
    /// # Errors
    /// All that are wrong.
    pub fn check(self) -> Result<CheckedAccount, ApiError> {
        let mut form = Form::default();
        let username = form.required("username", self.username, |text: String| {
            Username::parse(&text)
        });
        let email = form.required("email", self.email, |text: String| Email::parse(&text));
        let password = form.required("password", self.password, |text: String| {
            NewPassword::parse(SecretString::from(text))
        });
        let full_name = form.required("full_name", self.full_name, |text: String| {
            FullName::parse(&text)
        });
        let phone_number = form.optional("phone_number", self.phone_number, |text: String| {
            PhoneNumber::parse(&text)
        });
        let role = form.optional("role", self.role, |text: String| text.parse::<Role>());
        match (username, email, password, full_name) {
            (Some(username), Some(email), Some(password), Some(full_name)) => {
                form.check().map(|()| CheckedAccount {
                    username,
                    email,
                    password,
                    full_name,
                    phone_number,
                    role: role.unwrap_or_default(),
                })
            }
            _ => Err(form.into_error()),
        }
    }
}

impl CheckedAccount {
    /// Hashes the password, off the worker threads.
    ///
    /// # Errors
    /// Too many passwords wait to be hashed.
    pub async fn hash(self, hasher: &Hasher) -> Result<NewUser, ApiError> {
        let names = [
            self.username.as_str(),
            self.email.as_str(),
            self.full_name.as_str(),
        ];
        let password = self.password.of(names);
        Ok(NewUser {
            id: UserId::new(),
            username: self.username,
            email: Some(self.email),
            full_name: self.full_name,
            phone_number: self.phone_number,
            password_hash: Some(hasher.hash(password).await?),
            role: self.role,
        })
    }
}
