//! Who is asking: tokens, passwords, and what takes them back.

mod cache;
mod code;
mod extractor;
mod identity;
pub mod keys;
pub mod oauth;
mod passkeys;
pub mod password;
pub mod refusals;
mod reinstate;
pub mod revocation;
mod second_factor;
mod setup;
pub mod token;
mod totp;
mod vault;

pub use code::{Code, RecoveryCode};
pub use extractor::{
    Administer, AuthUser, Caller, ManageJobs, ManageRoles, ManageServiceTokens, MaybeUser,
    ReadAudit, ReadRooms, Require, RequiredAction, SeeStatistics, SeeUsers, bearer,
};
pub use identity::{AuthError, Authenticator, Credential, Identity, IssuedToken};
pub use keys::Keys;
pub use passkeys::{Answered, CeremonyError, Passkeys, Started as StartedCeremony};
pub use password::Hasher;
pub use refusals::Refusals;
pub use reinstate::reinstate;
pub use revocation::{Change, Revocations, Revoked};
pub use second_factor::{SecondFactor, SecondFactors};
pub use setup::Setup;
pub use totp::TotpSecret;
pub use vault::Vault;

#[cfg(test)]
mod tests;
