//! What goes over the wire: the socket's frames, error codes and close codes.

pub mod code;
pub mod frame;
