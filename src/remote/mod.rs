//! A Parlor somewhere else, as its clients reach it: where it is, requests, and the socket's bytes.
//!
//! Written from RFC 6455 and RFC 9112 and not from the server's code, so that a fault of one is not
//! hidden by the same fault of the other.

pub mod frame;
pub mod http;
pub mod place;
pub mod socket;
pub mod stream;

pub use self::{
    frame::Frame,
    http::{Head, Reply},
    place::{Place, Trust},
    socket::{Event, Socket},
    stream::Stream,
};
