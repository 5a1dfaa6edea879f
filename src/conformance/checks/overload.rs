//! More work than the server will queue.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::try_join_all;
use serde_json::json;
use tokio::time::timeout;

use super::{Checked, Stage, holds};
use crate::{
    conformance::{
        book::Ack,
        member::{Member, unique},
        report::Stop,
        stage::LIMIT,
    },
    remote::frame::{TEXT, masked},
};

/// Sockets that talk at once.
const SOCKETS: usize = 80;
/// What each of them says at once.
const EACH: usize = 40;
/// How long all of it may take.
const TOO_LONG: Duration = Duration::from_secs(300);

/// What became of the messages.
#[derive(Default)]
struct Outcome {
    acked: Vec<Ack>,
    overloaded: Vec<String>,
    limited: Vec<String>,
}

pub async fn overload(stage: &Stage) -> Checked {
    let mut witness = stage.member(stage.user(0)?).await?;
    let mut members = Vec::new();
    for number in 0..SOCKETS {
        members.push(stage.member(stage.user(number)?).await?);
    }
    // All are there before anybody speaks: else the first are done before the last have come.
    try_join_all(members.iter_mut().map(|member| member.join(None))).await?;
    let after = witness.join(None).await?["rev"].as_i64().unwrap_or(0);
    let talking = try_join_all(members.iter_mut().map(|member| talk(stage, member)));
    // The witness reads along, so as not to be slow.
    let outcomes = tokio::select! {
        outcomes = talking => outcomes?,
        stop = witness.wait_within(TOO_LONG, "the last answer", |_| false) => {
            stop?;
            return Err(Stop::Failed("the talkers are not answered".to_owned()));
        }
    };
    let mut all = Outcome::default();
    for outcome in outcomes {
        all.acked.extend(outcome.acked);
        all.overloaded.extend(outcome.overloaded);
        all.limited.extend(outcome.limited);
    }
    // By now everything that was said has its place, also what was called refused.
    let connected = stage.member(stage.user(1)?).await?.join(None).await?;
    let last = connected["rev"].as_i64().unwrap_or(after);
    if last > after {
        witness.hear_until(last).await?;
    }
    witness.heard.retain(|said| said.rev > after);
    witness.heard_in_order(after)?;
    check_heard(&witness, &all)?;
    let (acked, overloaded, limited) = (all.acked.len(), all.overloaded.len(), all.limited.len());
    match (overloaded, limited) {
        (0, 0) => Err(Stop::Unlimited(format!(
            "nobody was limited: {acked} messages of {SOCKETS} sockets at once were all taken"
        ))),
        (0, limited) => Err(Stop::Skipped(format!(
            "the users' own limit came first: {acked} taken, {limited} rate_limited"
        ))),
        (overloaded, _) => Ok(format!(
            "{acked} taken and heard, {overloaded} overloaded, {limited} rate_limited, all told"
        )),
    }
}

/// Says everything at once and reads the answers.
async fn talk(stage: &Stage, member: &mut Member<'_>) -> Checked<Outcome> {
    let mut names: BTreeMap<String, ()> = BTreeMap::new();
    let mut burst = Vec::new();
    for _ in 0..EACH {
        let name = unique("load");
        let frame = json!({
            "type": "message", "room_id": stage.room, "content": "load",
            "client_message_id": name,
        });
        burst.extend(masked(TEXT, frame.to_string().as_bytes()));
        names.insert(name, ());
    }
    match timeout(LIMIT, member.socket.send_bytes(&burst)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(Stop::Failed(format!("a burst is cut off: {error}"))),
        Err(_) => return Err(Stop::Failed("a burst is not read".to_owned())),
    }
    let mut outcome = Outcome::default();
    while !names.is_empty() {
        let left = format!("{} of {EACH} answers", names.len());
        // Whoever is told what others say is not kept waiting.
        let frame = member.wait_until(&left, |_| true).await?;
        if frame["type"] != "ack" && frame["type"] != "error" {
            continue;
        }
        let name = frame["client_message_id"].as_str().unwrap_or_default();
        if names.remove(name).is_none() {
            return Err(Stop::Failed(format!("an answer to nothing: {frame}")));
        }
        if frame["type"] == "ack" {
            let ack = Ack::read(&frame)?;
            stage.book.borrow_mut().keep(&ack)?;
            outcome.acked.push(ack);
            continue;
        }
        holds(
            frame["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0),
            || format!("a refusal does not say how long to wait: {frame}"),
        )?;
        match frame["code"].as_str() {
            Some("overloaded") => outcome.overloaded.push(name.to_owned()),
            Some("rate_limited") => outcome.limited.push(name.to_owned()),
            _ => return Err(Stop::Failed(format!("refused by {frame}"))),
        }
    }
    Ok(outcome)
}

/// What was refused was not said, and what was taken was.
fn check_heard(witness: &Member<'_>, all: &Outcome) -> Checked<()> {
    let heard: BTreeMap<_, _> = witness.heard.iter().map(|said| (said.seq, said)).collect();
    let missing = all
        .acked
        .iter()
        .filter(|ack| heard.get(&ack.seq).is_none_or(|said| said.id != ack.id))
        .count();
    holds(missing == 0, || {
        format!("{missing} acknowledged messages were not heard")
    })?;
    let refused: std::collections::BTreeSet<_> =
        all.overloaded.iter().chain(&all.limited).collect();
    let said = witness
        .heard
        .iter()
        .filter_map(|said| said.client_message_id.as_ref())
        .filter(|name| refused.contains(name))
        .count();
    holds(said == 0, || format!("{said} refused messages were heard"))
}
