//! One who does not read.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::{Checked, Stage, holds};
use crate::{
    conformance::{
        book::{Said, in_order},
        member::{Member, closed_with, unique},
        report::Stop,
        stage::{LIMIT, SOCKET},
    },
    protocol::code::CloseCode,
    remote::{Event, Socket},
};

/// The slow reader's receive buffer, so that little is on the way.
const WINDOW: u32 = 4_096;
/// Said in one go before it is seen whether the reader was sent away; 16 KB each.
const ROUND: usize = 60;
/// Said at most: 32 MiB, more than any buffers on the way are thought to hold.
const MOST: usize = 2_040;
/// The longest time that one round may take.
const TOO_LONG: Duration = Duration::from_secs(60);
/// How long it takes until others hear that a lost user has left, and some more.
const GONE: Duration = Duration::from_secs(8);
/// How long a close frame is offered.
const OFFER: Duration = Duration::from_secs(10);
/// From here on everything that the kernels keep is full, and waiting makes sense.
const FULL: usize = 480;

pub async fn slow_reader(stage: &Stage) -> Checked {
    let slow = stage.another(stage.users.len().saturating_sub(1).max(1))?;
    let others: Vec<_> = stage
        .users
        .iter()
        .filter(|user| user.id != slow.id)
        .collect();
    let mut talkers = Vec::new();
    for user in &others {
        talkers.push(stage.joined(user).await?);
    }
    let (mut socket, after) = stalled(stage, &slow.token).await?;
    let (mut said, mut slowest, mut last) = (0, Duration::ZERO, after);
    let (mut gone, mut due, talked) = (false, FULL, Instant::now());
    while !gone && said < MOST {
        let began = Instant::now();
        let round = talkers
            .iter_mut()
            .map(|talker| round(talker, ROUND / others.len()));
        let rounds = try_join_all(round).await?;
        slowest = slowest.max(began.elapsed());
        said += rounds.len() * (ROUND / others.len());
        last = rounds
            .iter()
            .map(|(rev, _)| *rev)
            .max()
            .unwrap_or(last)
            .max(last);
        gone = left(&mut talkers, &slow.id, said >= due).await?;
        if said >= due {
            due *= 2;
        }
        if began.elapsed() > TOO_LONG {
            break;
        }
    }
    for talker in &mut talkers {
        talker.hear_until(last).await?;
        talker.heard.retain(|said| said.rev > after);
        talker.heard_in_order(after)?;
    }
    // The close frame cannot have been offered for longer than there was somebody to be slow.
    let in_time = talked.elapsed() < OFFER;
    let (heard, how) = read_out(stage, &mut socket, after).await?;
    if how == Ended::Open {
        let why = format!("{said} messages of 16 KB unread, and the socket is still open");
        return Err(Stop::Failed(why));
    }
    let cursor = heard.last().map_or(after, |said| said.rev);
    come_back(stage, cursor, last).await?;
    let (heard, slowest) = (heard.len(), slowest.as_secs_f32());
    match how {
        Ended::Reset if in_time => {
            return Err(Stop::Failed(
                "reset, without the close frame 4008".to_owned(),
            ));
        }
        Ended::Reset => {
            return Err(Stop::Skipped(
                "the reader was late for the close frame, and was reset".to_owned(),
            ));
        }
        _ => {}
    }
    Ok(format!(
        "closed by 4008 after {heard} of {said} messages and resumed; the others' slowest {ROUND} took \
         {slowest:.1} s"
    ))
}

/// A socket in the room that is not read from.
async fn stalled(stage: &Stage, token: &str) -> Checked<(Socket, i64)> {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str())];
    let opened = stage.try_open(SOCKET, &headers, Some(WINDOW)).await?;
    let refused = |reply| Stop::Failed(format!("the socket is refused: {reply}"));
    let mut socket = opened.map_err(refused)?;
    let frame = serde_json::json!({"type": "connect", "room_id": stage.room}).to_string();
    let lost = |error| Stop::Failed(format!("the slow socket is lost: {error}"));
    socket.send(&frame).await.map_err(lost)?;
    loop {
        match timeout(LIMIT, socket.next()).await {
            Ok(Event::Text(text)) => {
                let frame: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                if frame["type"] == "connected" {
                    return Ok((socket, frame["rev"].as_i64().unwrap_or(0)));
                }
            }
            Ok(Event::Ping | Event::Pong(_)) => {}
            other => return Err(Stop::Failed(format!("the slow socket is lost: {other:?}"))),
        }
    }
}

/// Says a lot; gives the last `rev`.
async fn round(talker: &mut Member<'_>, count: usize) -> Checked<(i64, usize)> {
    let long = "\u{1f600}".repeat(4_000);
    let said: Vec<_> = (0..count).map(|_| (unique("slow"), long.clone())).collect();
    let acks = talker.say_all(&said).await?;
    let rev = acks.iter().map(|ack| ack.rev).max().unwrap_or(0);
    // The contents are compared nowhere: what is kept of them is their place.
    talker
        .heard
        .iter_mut()
        .for_each(|said| said.content.clear());
    Ok((rev, acks.len()))
}

/// Whether the others heard that the slow one has left; waits for it when it is due.
async fn left(talkers: &mut [Member<'_>], user: &str, due: bool) -> Checked<bool> {
    let end = Instant::now() + if due { GONE } else { Duration::ZERO };
    let Some(first) = talkers.first_mut() else {
        return Ok(false);
    };
    loop {
        let mut gone = first.has_left(user);
        let until = Instant::now() + Duration::from_millis(100);
        first
            .listen_until(until, |frame| {
                gone |= frame["type"] == "user_left" && frame["user"]["id"] == user;
            })
            .await?;
        if gone || Instant::now() > end {
            return Ok(gone);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// By 4008.
    Told,
    /// Who does not read the close frame in time is reset.
    Reset,
    Open,
}

/// Reads what was on the way: it must be whole and in order.
async fn read_out(stage: &Stage, socket: &mut Socket, after: i64) -> Checked<(Vec<Said>, Ended)> {
    let mut heard = Vec::new();
    let ended = loop {
        match timeout(GONE, socket.next()).await {
            Ok(Event::Text(text)) => {
                let frame: Value = serde_json::from_str(&text)
                    .map_err(|_| Stop::Failed("the slow one read half a frame".to_owned()))?;
                if frame["type"] == "message" && frame["room_id"] == stage.room.as_str() {
                    let mut said = Said::read(&frame)?;
                    said.content.clear();
                    heard.push(said);
                }
            }
            Ok(Event::Ping | Event::Pong(_)) => {}
            Ok(Event::Closed(number, reason)) => {
                let code = CloseCode::SlowConsumer;
                closed_with((number, reason), code).map_err(Stop::Failed)?;
                break Ended::Told;
            }
            Ok(Event::Lost(_)) => break Ended::Reset,
            Err(_) => break Ended::Open,
        }
    };
    in_order(&heard, after)?;
    Ok((heard, ended))
}

/// The slow one comes back where he was, and misses nothing, if it is not too much.
async fn come_back(stage: &Stage, cursor: i64, last: i64) -> Checked<()> {
    let slow = stage.another(stage.users.len().saturating_sub(1))?;
    let mut back = stage.member(slow).await?;
    let connected = back.join(Some(cursor)).await?;
    let rows = i64::try_from(stage.limit("resume_rows")).unwrap_or(0);
    let near = connected["rev"].as_i64().unwrap_or(0) - cursor <= rows;
    holds(connected["resumed"] == near, || {
        format!("after {cursor} is answered by {connected}")
    })?;
    if near && last > cursor {
        back.hear_until(last).await?;
        back.heard_in_order(cursor)?;
    }
    Ok(())
}
