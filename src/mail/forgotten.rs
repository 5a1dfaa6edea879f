//! Who forgot a password: a link for those who are there, and silence for the rest.

use futures_util::future::BoxFuture;

use crate::{
    domain::{
        job::{Job, Outcome},
        mail::{FORGOTTEN, Forgotten},
    },
    jobs::Handler,
    store::Store,
};

pub(super) struct Forgetful {
    store: Store,
    /// The most links for one address in an hour; 0 is no limit.
    per_hour: u32,
}

impl Forgetful {
    pub(super) fn new(store: Store, per_hour: u32) -> Self {
        Self { store, per_hour }
    }
}

impl Handler for Forgetful {
    fn attempt(&self, job: Job) -> BoxFuture<'static, Outcome> {
        let (store, per_hour) = (self.store.clone(), self.per_hour);
        Box::pin(async move {
            let request = serde_json::from_str::<Forgotten>(&job.payload);
            let Some(request) = request.ok().filter(|_| job.kind == FORGOTTEN) else {
                return Outcome::Dead("the request cannot be read".to_owned());
            };
            match store.send_reset(&job, request, per_hour).await {
                Ok(()) => Outcome::Done,
                Err(error) => Outcome::Retry(error.to_string()),
            }
        })
    }
}
