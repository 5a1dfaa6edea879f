//! Who is asking: tokens, passwords, and what takes them back.

mod cache;
mod extractor;
mod identity;
pub mod password;
pub mod refusals;
pub mod revocation;
mod setup;
pub mod token;

pub use extractor::{Admin, AuthUser, MaybeUser, RequireRole, RequiredRole, Trainer, bearer};
pub use identity::{AuthError, Authenticator, Identity, IssuedToken};
pub use password::Hasher;
pub use refusals::Refusals;
pub use revocation::{Revocations, Revoked};
pub use setup::Setup;
pub use token::Keys;

#[cfg(test)]
mod tests;
