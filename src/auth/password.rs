//! Passwords: hashed with bcrypt, never on a thread that serves requests.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::anyhow;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::{domain::user::NewPassword, error::ApiError};

/// More waiting work than this is refused: whoever waits longer has given up.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The costs that bcrypt knows.
const COSTS: RangeInclusive<u32> = 4..=31;

/// The least of them: a millisecond.
const CHEAP: u32 = 4;

/// How many cheap hashes tell how quick this machine is.
const TRIALS: usize = 5;

/// Hashes and verifies passwords. Cloning shares the queue.
///
/// As many at once as there are cores less one, so that the rest of the server goes on.
#[derive(Clone)]
pub struct Hasher {
    shared: Arc<Shared>,
}

struct Shared {
    cost: u32,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
    max_wait: Duration,
    /// What the password of somebody who does not exist is compared with.
    nobody: String,
}

impl Hasher {
    /// Makes one for this machine. It hashes first, to see how long that takes: some milliseconds,
    /// because a start does not wait for what only a sign-in needs.
    ///
    /// # Errors
    /// A cost that bcrypt does not know.
    pub fn new(cost: u32) -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_limits(cost, cores.saturating_sub(1).max(1), MAX_WAIT)
    }

    fn with_limits(cost: u32, at_once: usize, max_wait: Duration) -> anyhow::Result<Self> {
        let nobody = nobodys_hash(cost)?;
        let one = time_of(cost)?.as_micros().max(1);
        let in_time = usize::try_from(max_wait.as_micros() / one).unwrap_or(usize::MAX);
        Ok(Self {
            shared: Arc::new(Shared {
                cost,
                permits: Arc::new(Semaphore::new(at_once)),
                waiting: AtomicUsize::new(0),
                max_waiting: in_time.saturating_mul(at_once).max(1),
                max_wait,
                nobody,
            }),
        })
    }

    /// Hashes a password that is to be set, if it is not too easy to guess.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`] with too much waiting work; the field `password` is refused.
    pub async fn hash(&self, password: NewPassword) -> Result<String, ApiError> {
        let cost = self.shared.cost;
        self.run(move || {
            password.check_guessable()?;
            bcrypt::non_truncating_hash(password.into_secret().expose_secret(), cost)
                .map_err(|error| ApiError::Internal(error.into()))
        })
        .await?
    }

    /// Whether `password` is the one that was hashed; `hash` is `None` for somebody who does not
    /// exist or has no password, which takes as long and is never true.
    ///
    /// # Errors
    /// [`ApiError::Overloaded`] with too much waiting work; a hash that is none.
    pub async fn verify(
        &self,
        password: SecretString,
        hash: Option<&str>,
    ) -> Result<bool, ApiError> {
        // bcrypt would compare the first 72 bytes only; no password that was set is longer.
        let possible = hash.is_some() && password.expose_secret().len() <= NewPassword::MAX_BYTES;
        let hash = match hash {
            Some(hash) if possible => hash.to_owned(),
            _ => self.shared.nobody.clone(),
        };
        self.run(move || bcrypt::verify(password.expose_secret(), &hash))
            .await?
            .map(|same| same && possible)
            .map_err(|error| ApiError::Internal(error.into()))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = {
            let place = Place::take(&self.shared).ok_or_else(too_much)?;
            let permit = self.shared.permits.clone().acquire_owned();
            let permit = tokio::time::timeout(self.shared.max_wait, permit).await;
            drop(place);
            permit
                .map_err(|_| too_much())?
                .map_err(|error| ApiError::Internal(error.into()))?
        };
        // The permit goes along: a caller who leaves does not stop the work, and the next must wait
        // for it.
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|error| ApiError::Internal(anyhow!(error)))
    }
}

/// A hash of this cost that no password has, without the time that making one takes: the cost is
/// not part of what is hashed, so what was made cheaply fits nothing any more.
fn nobodys_hash(cost: u32) -> Result<String, bcrypt::BcryptError> {
    if !COSTS.contains(&cost) {
        return Err(bcrypt::BcryptError::CostNotAllowed(cost));
    }
    let cheap = bcrypt::non_truncating_hash(uuid::Uuid::new_v4().as_bytes(), CHEAP)?;
    Ok(cheap.replacen(&format!("${CHEAP:02}$"), &format!("${cost:02}$"), 1))
}

/// How long one hash of this cost takes, from what cheap ones take: the least of some, because a
/// machine that happens to be busy now would be thought slow for ever.
fn time_of(cost: u32) -> Result<Duration, bcrypt::BcryptError> {
    let mut least = Duration::MAX;
    for _ in 0..TRIALS {
        let begun = Instant::now();
        bcrypt::non_truncating_hash(uuid::Uuid::new_v4().as_bytes(), CHEAP)?;
        least = least.min(begun.elapsed());
    }
    // One more of cost is twice the work.
    let times = 1_u32.checked_shl(cost.saturating_sub(CHEAP));
    Ok(least.saturating_mul(times.unwrap_or(u32::MAX)))
}

fn too_much() -> ApiError {
    ApiError::Overloaded {
        retry_after: MAX_WAIT,
    }
}

/// A place in the queue, given back when the caller got his turn or left.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(shared: &'a Shared) -> Option<Self> {
        let place = Self(&shared.waiting);
        let before = shared.waiting.fetch_add(1, Ordering::AcqRel);
        (before < shared.max_waiting).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use actix_web::ResponseError as _;
    use futures_util::{FutureExt as _, future::join_all};

    use super::*;

    const PASSWORD: &str = "Correct-Horse-1";

    fn password() -> NewPassword {
        NewPassword::parse(PASSWORD.into()).unwrap()
    }

    #[tokio::test]
    async fn the_right_password_and_no_other() {
        let hasher = Hasher::new(4).unwrap();
        let hash = hasher.hash(password()).await.unwrap();
        assert!(hash.starts_with("$2b$04$"), "{hash}");
        let verify = |text: &str| hasher.verify(text.into(), Some(&hash));
        assert!(verify(PASSWORD).await.unwrap());
        assert!(!verify("correct-horse-1").await.unwrap());
        assert!(!verify("").await.unwrap());
        let absent = hasher.verify(PASSWORD.into(), None).await.unwrap();
        assert!(!absent, "nobody has no password");
    }

    /// Otherwise the time of an answer would tell whether somebody exists.
    #[test]
    fn nobodys_password_costs_what_everybodys_does() {
        let hash = nobodys_hash(12).unwrap();
        assert!(hash.starts_with("$2b$12$"), "{hash}");
        let parts: bcrypt::HashParts = hash.parse().unwrap();
        assert_eq!(parts.get_cost(), 12);
        assert!(nobodys_hash(3).is_err() && nobodys_hash(32).is_err());
        assert_eq!(nobodys_hash(4).unwrap().len(), hash.len());
    }

    #[test]
    fn a_higher_cost_is_known_to_take_longer() {
        let (cheap, dear) = (time_of(4).unwrap(), time_of(12).unwrap());
        // A machine that is busy in between may blur it, but not by so much.
        assert!(dear > cheap * 20, "{cheap:?} and {dear:?}");
    }

    #[tokio::test]
    async fn a_common_password_is_not_hashed() {
        let hasher = Hasher::new(4).unwrap();
        for (text, name) in [("Password1", "ann"), ("Zanzibar9", "zanzibar")] {
            let common = NewPassword::parse(text.into()).unwrap().of([name]);
            let Err(ApiError::Invalid(wrong)) = hasher.hash(common).await else {
                panic!("{text} is taken")
            };
            let told: Vec<_> = wrong.iter().map(|w| (w.field, w.code)).collect();
            assert_eq!(told, [("password", "password_too_common")]);
        }
    }

    #[tokio::test]
    async fn a_long_password_is_not_compared_by_its_beginning() {
        let hasher = Hasher::new(4).unwrap();
        let longest = format!("Correct-Horse-1{}", "x".repeat(56));
        let hash = hasher
            .hash(NewPassword::parse(longest.as_str().into()).unwrap())
            .await
            .unwrap();
        assert!(
            hasher
                .verify(longest.as_str().into(), Some(&hash))
                .await
                .unwrap()
        );
        for more in ["x", "xx", "\0"] {
            let text = SecretString::from(format!("{longest}{more}"));
            assert!(!hasher.verify(text, Some(&hash)).await.unwrap(), "{more:?}");
        }
    }

    #[tokio::test]
    async fn the_thread_that_asks_goes_on_meanwhile() {
        let hasher = Hasher::new(9).unwrap();
        let mut hash = pin!(hasher.hash(password()));
        let mut turns = 0_u64;
        while hash.as_mut().now_or_never().is_none() {
            turns += 1;
            tokio::task::yield_now().await;
        }
        assert!(
            turns > 100,
            "only {turns} turns: it was hashed on this thread"
        );
    }

    #[tokio::test]
    async fn work_that_cannot_be_done_in_time_is_refused() {
        let hasher = Hasher::with_limits(4, 1, Duration::from_millis(1)).unwrap();
        let all = join_all((0..200).map(|_| hasher.hash(password()))).await;
        let refused: Vec<_> = all.iter().filter_map(|done| done.as_ref().err()).collect();
        assert!(
            !refused.is_empty() && refused.len() < 200,
            "{} refused",
            refused.len()
        );
        for error in refused {
            let problem = error.problem();
            assert_eq!(
                (error.status_code().as_u16(), problem.retry_after),
                (503, Some(MAX_WAIT))
            );
        }
        let unhurried = Hasher {
            shared: hasher.shared.clone(),
        };
        assert_eq!(
            unhurried.shared.waiting.load(Ordering::Acquire),
            0,
            "no place is lost"
        );
    }

    #[tokio::test]
    async fn who_leaves_the_queue_gives_his_place_back() {
        let hasher = Hasher::with_limits(4, 1, MAX_WAIT).unwrap();
        let only = hasher.shared.permits.clone().acquire_owned().await.unwrap();
        {
            let mut waiting = pin!(hasher.hash(password()));
            assert!(waiting.as_mut().now_or_never().is_none());
            assert_eq!(hasher.shared.waiting.load(Ordering::Acquire), 1);
        }
        assert_eq!(hasher.shared.waiting.load(Ordering::Acquire), 0);
        drop(only);
        assert!(hasher.hash(password()).await.is_ok());
    }
}
