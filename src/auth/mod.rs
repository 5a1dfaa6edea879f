//! Who is asking: tokens, passwords, and what takes them back.

pub mod password;
pub mod token;
