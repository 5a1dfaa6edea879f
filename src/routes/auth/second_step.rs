//! The second step of a sign-in: a ticket for who proved a first factor, and what it is good for.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    device::known_to,
    signed_in::{
        Answer, FirstFactor, Proved, SignedIn, declare_cookie, declare_signed_in, open_login,
        refresh_hash,
    },
    step_up::told,
    two_factor::{CodeText, EnrollmentView, code, enrollment_example},
};
use crate::{
    auth::{Authenticator, Code, SecondFactor, SecondFactors, refusals::mark},
    clock,
    config::Config,
    domain::{Invalid, audit::Refusal, user::User},
    error::ApiError,
    limits::{Limits, tell},
    protocol::code::ErrorCode,
    routes::{
        Origins,
        api::{Operation, Tag, examples},
        by, client_address,
        input::{Body, Form, Given},
    },
    store::{NewTicket, Proof, SecondStep, Store, StoreError},
};

/// How long somebody may look for the telephone.
const LIFETIME: Duration = Duration::from_secs(300);

/// What a ticket that does not count is answered with.
const OVER: ApiError = ApiError::TicketEnded;

/// The answer to a first factor that is not enough.
#[derive(Serialize, ToSchema)]
pub struct SecondFactorNeeded {
    second_factor: SecondFactorStep,
    /// For people.
    message: &'static str,
}

/// How to go on.
#[derive(Serialize, ToSchema)]
struct SecondFactorStep {
    /// Stands for the first factor in the next request. It is no token.
    ticket: String,
    /// Seconds that the ticket lasts.
    expires_in: u64,
    /// What one may go on with: `totp` and `recovery_code`, or `enroll` for who must set up an app
    /// first.
    methods: &'static [SecondFactorMethod],
}

/// A way to take the second step.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SecondFactorMethod {
    Totp,
    RecoveryCode,
    Enroll,
}

/// Answers a first factor with a ticket for the second step.
///
/// # Errors
/// The store cannot keep the ticket.
pub async fn ask_second(
    user: &User,
    proved: FirstFactor,
    step: SecondStep,
    status: StatusCode,
    store: &Store,
) -> Result<HttpResponse, ApiError> {
    let mut random = [0_u8; 32];
    rand::fill(&mut random);
    let ticket = BASE64_URL_SAFE_NO_PAD.encode(random);
    let enrolls = step == SecondStep::Enroll;
    store
        .insert_ticket(NewTicket {
            hash: refresh_hash(&ticket),
            user_id: user.id,
            method: proved.method(),
            proved_password: match proved {
                FirstFactor::Password(hash) => Some(hash),
                FirstFactor::Registration | FirstFactor::OAuth(_) => None,
            },
            enrolls,
            expires_at: clock::now() + LIFETIME,
        })
        .await
        .map_err(|error| match error {
            StoreError::NotFound => ApiError::Unauthenticated("The account was just closed"),
            error => error.into(),
        })?;
    let methods: &[SecondFactorMethod] = if enrolls {
        &[SecondFactorMethod::Enroll]
    } else {
        &[SecondFactorMethod::Totp, SecondFactorMethod::RecoveryCode]
    };
    Ok(HttpResponse::build(status).json(SecondFactorNeeded {
        second_factor: SecondFactorStep {
            ticket,
            expires_in: LIFETIME.as_secs(),
            methods,
        },
        message: "Second factor required",
    }))
}

/// What the document says of every answer to a first factor: signed in, or a second step.
pub fn declare_first_factor(operation: Operation, status: u16, message: &str) -> Operation {
    let second = json!({
        "second_factor": {
            "ticket": examples::REFRESH_TOKEN,
            "expires_in": 300,
            "methods": ["totp", "recovery_code"],
        },
        "message": "Second factor required",
    });
    let operation = operation.answers_either::<SignedIn, SecondFactorNeeded>(
        status,
        "Signed in: send `token` as Bearer, and `refresh_token` to `/api/auth/refresh` when it has \
         run out. Or one step is missing: then there is `second_factor`, whose `ticket` goes to \
         `/api/auth/login/second`.",
        [
            ("signed_in", examples::signed_in(message)),
            ("second_factor", second),
        ],
    );
    declare_cookie(operation, status)
}

/// A ticket alone.
#[derive(Deserialize, ToSchema)]
pub struct EnrollForm {
    #[schema(value_type = String, required = true)]
    #[serde(default)]
    ticket: Given<String>,
}

/// `POST /api/auth/login/enroll`: an app for somebody whose role requires one.
#[tracing::instrument(skip_all)]
pub async fn enroll_by_ticket(
    body: Body<EnrollForm>,
    origins: web::Data<Origins>,
    store: web::Data<Store>,
    factors: web::Data<SecondFactors>,
) -> Result<web::Json<EnrollmentView>, ApiError> {
    let mut form = Form::default();
    let ticket = form.required("ticket", body.into_inner().ticket, Ok::<String, Invalid>);
    let hash = refresh_hash(&ticket.ok_or_else(|| form.into_error())?);
    let ticket = store.find_ticket(hash).await?;
    let ticket = ticket.filter(|ticket| ticket.enrolls).ok_or(OVER)?;
    let user = store.find_user(ticket.user_id).await?.ok_or(OVER)?;
    let (secret, sealed) = factors.generate(user.id)?;
    if !store.set_ticket_pending(hash, sealed).await? {
        return Err(OVER);
    }
    EnrollmentView::new(&secret, &origins, &user).map(web::Json)
}

pub fn declare_enroll_by_ticket() -> Operation {
    Operation::new(
        Tag::SignIn,
        "enrollByTicket",
        "Begins to set up an authenticator app while signing in",
    )
    .about(
        "For who got a ticket with the method `enroll`. The first code of the app then goes to \
         `/api/auth/login/second`.",
    )
    .takes::<EnrollForm>(json!({ "ticket": examples::REFRESH_TOKEN }))
    .answers::<EnrollmentView>(200, "What the app takes in.", enrollment_example())
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::TicketEnded,
        ErrorCode::Unavailable,
    ])
}

/// A ticket and the code.
#[derive(Deserialize, ToSchema)]
pub struct SecondStepForm {
    #[schema(value_type = String, required = true)]
    #[serde(default)]
    ticket: Given<String>,
    #[schema(value_type = CodeText, required = true)]
    #[serde(default)]
    code: Given<String>,
    /// The refresh token goes to the browser's keeping, not into the body.
    #[serde(default)]
    cookie: bool,
}

impl SecondStepForm {
    fn check(self) -> Result<([u8; 32], Code), ApiError> {
        let mut form = Form::default();
        let ticket = form.required("ticket", self.ticket, Ok::<String, Invalid>);
        let code = code(&mut form, self.code);
        match (ticket, code) {
            (Some(ticket), Some(code)) => form.check().map(|()| (refresh_hash(&ticket), code)),
            _ => Err(form.into_error()),
        }
    }
}

/// `POST /api/auth/login/second`: a ticket and a code for a login.
#[tracing::instrument(skip_all)]
pub async fn log_in_second(
    body: Body<SecondStepForm>,
    request: HttpRequest,
    config: web::Data<Config>,
    limits: web::Data<Limits>,
    store: web::Data<Store>,
    authenticator: web::Data<Authenticator>,
    factors: web::Data<SecondFactors>,
) -> Result<HttpResponse, ApiError> {
    let answer = Answer {
        status: StatusCode::OK,
        message: "Login successful",
        cookie: body.cookie,
    };
    let (hash, code) = body.into_inner().check()?;
    let Some(ticket) = store.attempt_ticket(hash).await? else {
        mark(&request, Refusal::TicketEnded, None);
        return Err(OVER);
    };
    let wrong = |error| {
        if matches!(error, ApiError::WrongCode) {
            mark(&request, Refusal::WrongCode, Some(ticket.user_id));
        }
        error
    };
    let by = by(&request, &config, None).proved(ticket.user_id, None);
    let mut proved = Proved::by(Proof::Ticket(hash), ticket.method);
    let second = if ticket.enrolls {
        let sealed = ticket.pending.ok_or(ApiError::WrongCode)?;
        let (totp, codes) = factors
            .confirm(ticket.user_id, sealed, &code)
            .map_err(wrong)?;
        store
            .enroll_by_ticket(hash, totp, &by)
            .await
            .map_err(|error| match error {
                StoreError::NotFound => OVER,
                error => error.into(),
            })?;
        proved.recovery_codes = codes.into_iter().map(|code| code.text).collect();
        SecondFactor::Totp
    } else {
        let user = ticket.user_id;
        let known = known_to(Some(user), &request, &config, &store).await?;
        let attempt = limits.second_factor(user, client_address(&request, &config), known)?;
        tell(&request, attempt.left());
        told(attempt, factors.spend(user, &code, &by).await).map_err(wrong)?
    };
    proved.second_factor = Some(second.as_str());
    let user = store.find_user(ticket.user_id).await?.ok_or(OVER)?;
    open_login(
        user,
        proved,
        &request,
        &config,
        &store,
        &authenticator,
        answer,
    )
    .await
}

pub fn declare_log_in_second() -> Operation {
    let body = json!({ "ticket": examples::REFRESH_TOKEN, "code": "492039" });
    let second = Operation::new(
        Tag::SignIn,
        "logInSecond",
        "Takes the second step of a sign-in",
    )
    .about(
        "The code of an authenticator app, or a recovery code. Each counts once. A ticket is \
             good for five codes; who sent too many wrong ones waits.",
    )
    .takes::<SecondStepForm>(body)
    .refuses(&[
        ErrorCode::ValidationFailed,
        ErrorCode::TicketEnded,
        ErrorCode::WrongCode,
        ErrorCode::RateLimited,
        ErrorCode::Unauthenticated,
        ErrorCode::Unavailable,
    ]);
    declare_signed_in(second, 200, "Login successful")
}
