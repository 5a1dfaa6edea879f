//! Actors on other threads, whose mailboxes are large enough from the first moment on.

use actix::{dev::channel::channel, prelude::*};

/// Starts an actor on another thread with a mailbox for so many messages.
///
/// With actix's own `start_in_arbiter` it has 16 places until the other thread has begun with it,
/// however busy that is; what comes meanwhile would be refused.
pub fn start_in<A>(
    arbiter: &ArbiterHandle,
    capacity: usize,
    make: impl FnOnce() -> A + Send + 'static,
) -> Addr<A>
where
    A: Actor<Context = Context<A>>,
{
    let (sender, receiver) = channel(capacity);
    // A thread that is gone drops the receiver, and whoever sends hears that.
    arbiter.spawn_fn(move || {
        let context = Context::with_receiver(receiver);
        actix_web::rt::spawn(context.into_future(make()));
    });
    Addr::new(sender)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Counter(usize);

    impl Actor for Counter {
        type Context = Context<Self>;
    }

    #[derive(Message)]
    #[rtype(result = "usize")]
    struct One;

    impl Handler<One> for Counter {
        type Result = usize;

        fn handle(&mut self, _: One, _: &mut Self::Context) -> usize {
            self.0 += 1;
            self.0
        }
    }

    #[actix_web::test]
    async fn what_comes_before_the_thread_has_time_is_kept() {
        let arbiter = Arbiter::new();
        let (go_on, wait) = mpsc::channel();
        arbiter.spawn_fn(move || wait.recv().unwrap());
        let counter = start_in(&arbiter.handle(), 100, || Counter(0));
        for _ in 0..99 {
            counter.try_send(One).unwrap();
        }
        go_on.send(()).unwrap();
        assert_eq!(counter.send(One).await.unwrap(), 100);
    }
}
