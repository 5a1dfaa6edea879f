use actix_web::{
    HttpMessage, dev::ServiceResponse, http::StatusCode, http::header::AUTHORIZATION, web,
};

use super::RequestLabels;
use crate::{
    auth::refusals::{Key, Mark, Refusals},
    config::Config,
    domain::audit::Refusal,
    error::Problem,
    protocol::code::ErrorCode,
    routes::client_address,
};

/// Counts a refusal for the audit log, if this is one.
///
/// Here and not where each is made, so that none is forgotten; [`Mark`] says what the answer does
/// not tell.
pub fn note_refusal<B>(response: &ServiceResponse<B>, problem: &Problem) {
    let request = response.request();
    let mark = request.extensions().get::<Mark>().copied();
    let mark = mark.unwrap_or_default();
    let has_token = request.headers().contains_key(AUTHORIZATION);
    let (Some(kind), Some(refusals), Some(config)) = (
        kind(mark.kind, problem, has_token),
        request.app_data::<web::Data<Refusals>>(),
        request.app_data::<web::Data<Config>>(),
    ) else {
        return;
    };
    let address = client_address(request, config);
    let key = match (mark.user, mark.account) {
        (Some(user), _) => Key::User(user),
        (None, Some(account)) => Key::Account(account),
        (None, None) => Key::Network(address),
    };
    let labels = request.extensions().get::<RequestLabels>().cloned();
    let place = labels.map_or_else(
        || "unmatched".to_owned(),
        |labels| format!("{} {}", labels.method, labels.path),
    );
    refusals.note(kind, key, Some(address), &place);
}

/// Which refusal an error is; `None` for one that has nothing to do with rights.
fn kind(marked: Option<Refusal>, problem: &Problem, has_token: bool) -> Option<Refusal> {
    if problem.status.is_server_error() {
        return None;
    }
    match problem.code {
        ErrorCode::RateLimited => Some(Refusal::RateLimited),
        ErrorCode::RegistrationClosed => Some(Refusal::RegistrationClosed),
        ErrorCode::InvalidSetupToken => Some(Refusal::WrongSetupToken),
        ErrorCode::SecondFactorRequired => Some(Refusal::Forbidden),
        _ if marked.is_some() => marked,
        _ if problem.status == StatusCode::UNAUTHORIZED && has_token => Some(Refusal::BadToken),
        _ if problem.status == StatusCode::UNAUTHORIZED => Some(Refusal::Unauthenticated),
        _ if problem.status == StatusCode::FORBIDDEN => Some(Refusal::Forbidden),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ApiError;

    #[test]
    fn a_refusal_is_what_was_marked_or_what_the_answer_says() {
        let of = |marked, error: ApiError, has_token| kind(marked, &error.problem(), has_token);
        let unknown = || ApiError::Unauthenticated("x");
        let password = Some(Refusal::WrongPassword);
        assert_eq!(of(password, unknown(), false), password);
        assert_eq!(of(None, unknown(), true), Some(Refusal::BadToken));
        assert_eq!(of(None, unknown(), false), Some(Refusal::Unauthenticated));
        assert_eq!(
            of(None, ApiError::Forbidden("x"), true),
            Some(Refusal::Forbidden)
        );
        assert_eq!(
            of(None, ApiError::WrongSetupToken, true),
            Some(Refusal::WrongSetupToken)
        );
        for harmless in [
            ApiError::NotFound("x"),
            ApiError::Unavailable(anyhow::anyhow!("x")),
        ] {
            assert_eq!(of(None, harmless, true), None);
        }
    }
}
