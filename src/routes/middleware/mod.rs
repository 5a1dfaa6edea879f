//! What happens around every request, whichever handler answers it.

mod answer;
mod count;
mod cross_origin;
mod limit;
mod refused;
mod rest;
mod span;

pub use answer::{AsItIs, finish_answer};
pub use count::{RequestLabels, count_request};
pub use cross_origin::cross_origin;
pub use limit::limit_request;
pub use refused::note_refusal;
pub use rest::read_rest;
pub use span::RequestSpan;
