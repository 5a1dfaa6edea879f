//! What goes over the wire: the socket's frames, error codes and close codes.

pub mod asyncapi;
pub mod client;
pub mod code;
pub mod frame;
pub mod server;

/// The version of the socket protocol that this server speaks.
pub const VERSION: u32 = 1;
