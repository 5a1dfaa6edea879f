use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};

use super::RequestLabels;

/// The span that puts a request's id on each of its log lines.
///
/// It names the route by its pattern and never the query, because tokens travel there.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let labels = RequestLabels::of(request);
        let id = request.extensions().get::<RequestId>().copied();
        // At the level of errors, so that a filter that lets them pass does not drop their id.
        let span = tracing::error_span!(
            "request",
            request_id = id.map(tracing::field::display),
            method = labels.method,
            route = %labels.path,
        );
        request.extensions_mut().insert(labels);
        span
    }

    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}
