//! Who does what a request asks for, for the audit log.

use actix_web::{HttpMessage, HttpRequest};
use tracing_actix_web::RequestId;

use super::client_address;
use crate::{
    auth::{Credential, Identity},
    config::Config,
    domain::audit::By,
};

/// Who asks, and from where.
pub fn by(request: &HttpRequest, config: &Config, identity: Option<&Identity>) -> By {
    let id = request.extensions().get::<RequestId>().map(|id| **id);
    let by = By::stranger(client_address(request, config), id);
    match identity {
        Some(identity) => {
            let mut by = by.proved(identity.user.id, identity.login());
            if let Credential::ApiToken(token) = identity.credential {
                by.token = Some(token.0);
            }
            by
        }
        None => by,
    }
}
