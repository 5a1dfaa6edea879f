use std::{
    cell::{Cell, RefCell},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    Error, HttpMessage as _,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::{Version, header::EXPECT},
    middleware::Next,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

/// What is read of a body that nobody wanted, in bytes; thrown away at once, it costs no memory.
const REST: usize = 1024 * 1024;

/// How long a client has to send it.
const WITHIN: Duration = Duration::from_secs(3);

/// For how many a worker thread waits at once: limits of requests do not count what a client, once
/// refused, leaves open.
const AT_ONCE: usize = 64;

/// Reads the rest of a body that the answer did not need, before the answer goes out.
///
/// Over HTTP/2 an answer in the middle of a body is followed by a reset of the stream (RFC 9113,
/// section 8.1), and some clients, such as curl 7.88, report the reset and not the answer.
pub async fn read_rest(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // Who asked whether to send his body has sent none.
    if request.version() != Version::HTTP_2 || request.headers().contains_key(EXPECT) {
        return next.call(request).await;
    }
    let body = Shared(Rc::new(RefCell::new(request.take_payload())));
    request.set_payload(Payload::from(body.clone().boxed_local()));
    let response = next.call(request).await?;
    if let Some(_turn) = Turn::take() {
        // Too late or too long: then the client must live with the reset.
        let _late = tokio::time::timeout(WITHIN, body.skip_rest()).await;
    }
    Ok(response)
}

thread_local! {
    static TURNS: Cell<usize> = const { Cell::new(AT_ONCE) };
}

/// One of a thread's bodies that are waited for.
struct Turn;

impl Turn {
    fn take() -> Option<Self> {
        let left = TURNS.get().checked_sub(1)?;
        TURNS.set(left);
        Some(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TURNS.set(TURNS.get() + 1);
    }
}

/// A body that stays when its request is gone.
#[derive(Clone)]
struct Shared(Rc<RefCell<Payload>>);

impl Shared {
    async fn skip_rest(self) {
        let mut rest = pin!(self);
        let mut skipped = 0;
        while skipped < REST
            && let Some(Ok(chunk)) = rest.next().await
        {
            skipped += chunk.len();
        }
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}
