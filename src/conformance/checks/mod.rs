//! The checks, in the order that they are tried.

mod accounts;
mod closing;
mod conversation;
mod frames;
mod limits;
mod messages;
mod overload;
mod presence;
mod resuming;
mod signing_in;
mod slow;

use futures_util::future::LocalBoxFuture;

use super::{
    report::{Checked, Stop},
    stage::Stage,
};

/// One thing that a client may rely on.
pub struct Check {
    pub name: &'static str,
    /// What is promised.
    pub promise: &'static str,
    pub(super) run: for<'a> fn(&'a Stage) -> LocalBoxFuture<'a, Checked>,
}

macro_rules! checks {
    ($($name:literal, $promise:literal => $run:path;)+) => {
        /// Every check there is.
        pub const CHECKS: &[Check] = &[$(Check {
            name: $name,
            promise: $promise,
            run: |stage| Box::pin($run(stage)),
        }),+];
    };
}

checks! {
    "sign-in", "a token is taken from the header, the query, a subprotocol or the first frame"
        => signing_in::sign_in;
    "bad-token", "a bad token is told: 401 in the request, 4500 in a frame, 400 without parlor.v1"
        => signing_in::bad_token;
    "nobody", "nothing is done for who has sent no token yet"
        => signing_in::nobody;
    "silence", "who sends no token is closed with 4502"
        => signing_in::silence;
    "references", "the direct reply to a frame has its ref"
        => frames::references;
    "bad-frames", "a frame that makes no sense is refused by its code, and the socket stays open"
        => frames::bad_frames;
    "ten-bad-frames", "ten frames that are no JSON end the socket with 4501"
        => frames::ten_bad_frames;
    "fragments", "a message may come in pieces with pings between, up to 64 KiB"
        => frames::fragments;
    "protocol-error", "bytes that are no frames end the socket with 1002"
        => closing::protocol_error;
    "binary", "a binary message ends the socket with 1003"
        => closing::binary;
    "not-utf8", "text that is not UTF-8 ends the socket with 1007"
        => closing::not_utf8;
    "too-large", "a message over 64 KiB ends the socket with 1009"
        => closing::too_large;
    "close-echo", "a client's close is answered with its code"
        => closing::close_echo;
    "order", "everyone hears the same order, rev and seq counting one by one, and after the ack"
        => messages::order;
    "duplicates", "a message sent again over any path is the first one"
        => messages::duplicates;
    "conflict", "the same client_message_id with other content is a conflict"
        => messages::conflict;
    "resume", "connect with after gives what was missed, then goes on live"
        => resuming::resume;
    "resume-live", "a resume while others talk has no hole and no double"
        => resuming::resume_live;
    "resume-refused", "a resume that cannot be whole says so"
        => resuming::resume_refused;
    "join-again", "connect on a joined room is answered and replayed again, and is no news"
        => resuming::join_again;
    "conversation", "members who lose their sockets and come back miss and double nothing"
        => conversation::conversation;
    "presence", "who joins and leaves is told at once, by user and not by socket"
        => presence::presence;
    "lost", "a user whose socket is lost and who comes back is no news; else he has left"
        => presence::lost;
    "typing", "typing is told to the others"
        => presence::typing;
    "rate-limit", "beyond messages_per_second comes rate_limited and how long to wait"
        => limits::rate_limit;
    "flood", "who sends far more frames than anybody can mean is closed with 4029"
        => limits::flood;
    "sockets-per-user", "a socket too many of one user is closed with 4504"
        => limits::sockets_per_user;
    "overload", "what the server has no room for is refused and told, and burns no number"
        => overload::overload;
    "slow-reader", "one who does not read is closed with 4008 and resumes; others do not wait"
        => slow::slow_reader;
    "resume-limit", "who is further behind than resume_rows is told so"
        => resuming::resume_limit;
    "logout", "a login that ends closes its sockets with 4500, and no others"
        => accounts::logout;
    "deleted", "a deleted account closes its sockets with 4503"
        => accounts::deleted;
    "expiry", "a token that ends is announced by token_expiring and closed with 4003"
        => accounts::expiry;
    "heartbeat", "the server pings; who does not answer is closed with 4012"
        => closing::heartbeat;
    "kept", "everything that was acknowledged is in the history, once and in its place"
        => messages::kept;
    "operator", "4000, 4001, 4002, and what a crash leaves"
        => operator;
}

/// What nobody but who runs the server can bring about.
async fn operator(_: &Stage) -> Checked {
    Err(Stop::Skipped(
        "only who runs the server can stop it, kill it or take its database away".to_owned(),
    ))
}

/// The checks of these names, in their own order; all if there are none.
pub fn named(names: &[String]) -> anyhow::Result<Vec<&'static Check>> {
    let unknown = names
        .iter()
        .find(|name| !CHECKS.iter().any(|check| check.name == name.as_str()));
    if let Some(name) = unknown {
        let known: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
        anyhow::bail!("there is no check {name:?}, but {}", known.join(", "));
    }
    let wanted = |check: &&Check| names.is_empty() || names.iter().any(|name| name == check.name);
    Ok(CHECKS.iter().filter(wanted).collect())
}

/// A promise that is kept, or the words for it being broken.
fn holds(so: bool, otherwise: impl FnOnce() -> String) -> Checked<()> {
    if so {
        Ok(())
    } else {
        Err(Stop::Failed(otherwise()))
    }
}
