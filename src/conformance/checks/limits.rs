//! How much one may do.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use tokio::time::timeout;

use super::{Checked, Stage, holds};
use crate::{
    conformance::{
        member::{Member, closed_with, unique},
        report::Stop,
        stage::{LIMIT, SOCKET},
    },
    protocol::code::CloseCode,
    remote::{
        Event,
        frame::{PING, masked},
    },
};

/// Frames that are sent at most to be called flooding.
const FLOOD: usize = 30_000;
/// Sockets that are opened at most to be too many.
const SOCKETS: usize = 60;
/// Messages that are sent at most to be too many.
const MESSAGES: u64 = 1_000;

pub async fn rate_limit(stage: &Stage) -> Checked {
    let rate = stage.limit("messages_per_second");
    let burst = rate * 5 + rate;
    if rate == 0 || burst > MESSAGES {
        return Err(Stop::Skipped(format!(
            "messages_per_second is {rate} (0 is no limit)"
        )));
    }
    let mut member = stage.joined(stage.user(0)?).await?;
    let names: Vec<String> = (0..burst + 20).map(|_| unique("rate")).collect();
    let (mut acked, mut limited) = (0, BTreeSet::new());
    // A few ahead, so that the server has always something to read.
    for some in names.chunks(16) {
        for name in some {
            member.publish(name, "rate").await?;
        }
        for _ in some {
            let answer = |f: &Value| f["type"] == "ack" || f["type"] == "error";
            let frame = member.wait_until("the answer to a message", answer).await?;
            if frame["type"] == "ack" {
                acked += 1;
            } else if frame["code"] == "rate_limited" {
                holds(
                    frame["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0),
                    || format!("rate_limited does not say how long to wait: {frame}"),
                )?;
                let name = frame["client_message_id"].as_str().unwrap_or_default();
                limited.insert(name.to_owned());
            } else {
                holds(frame["code"] == "overloaded", || {
                    format!("refused by {frame}")
                })?;
            }
        }
    }
    if limited.is_empty() {
        return Err(Stop::Unlimited(format!("{acked} messages were all taken")));
    }
    let last = limited.iter().next_back().cloned().unwrap_or_default();
    let ack = member.say_as(&last, "rate").await?;
    holds(!ack.duplicate, || {
        "a refused message had been stored".to_owned()
    })?;
    let limited = limited.len();
    Ok(format!(
        "{acked} taken, {limited} refused and told when; one of these taken later"
    ))
}

pub async fn flood(stage: &Stage) -> Checked {
    if stage.limit("messages_per_second") == 0 {
        return Err(Stop::Skipped(
            "messages_per_second is 0, no limit".to_owned(),
        ));
    }
    let mut member = stage.member(stage.user(0)?).await?;
    let frames = masked(PING, b"").repeat(500);
    let mut sent = 0;
    while sent < FLOOD {
        // Whoever is being closed may be read no more.
        match timeout(LIMIT, member.socket.send_bytes(&frames)).await {
            Ok(Ok(())) => sent += 500,
            _ => break,
        }
        let some = Duration::from_millis(1);
        while let Ok(event) = timeout(some, member.socket.next()).await {
            match event {
                Event::Closed(number, reason) => {
                    closed_with((number, reason), CloseCode::Flooding).map_err(Stop::Failed)?;
                    return Ok(format!("closed at {sent} frames"));
                }
                Event::Lost(why) => {
                    let why = format!("lost at {sent} frames without a close frame: {why}");
                    return Err(Stop::Failed(why));
                }
                _ => {}
            }
        }
    }
    let ping = r#"{"type":"ping"}"#;
    // Whoever is being closed may be read no more.
    let _gone = timeout(LIMIT, member.socket.send(ping)).await;
    loop {
        match timeout(LIMIT, member.socket.next()).await {
            Ok(Event::Closed(number, reason)) => {
                closed_with((number, reason), CloseCode::Flooding).map_err(Stop::Failed)?;
                return Ok(format!("closed after {sent} frames"));
            }
            Ok(Event::Text(text)) if text.contains("\"pong\"") => {
                return Err(Stop::Unlimited(format!("{sent} frames were all taken")));
            }
            Ok(Event::Lost(why)) => {
                let why = format!("lost after {sent} frames without a close frame: {why}");
                return Err(Stop::Failed(why));
            }
            Ok(_) => {}
            Err(_) => return Err(Stop::Failed(format!("{sent} frames, and no answer"))),
        }
    }
}

pub async fn sockets_per_user(stage: &Stage) -> Checked {
    let user = stage.user(0)?;
    let bearer = format!("Bearer {}", user.token);
    let mut open = Vec::new();
    while open.len() < SOCKETS {
        let headers = [("Authorization", bearer.as_str())];
        let socket = match stage.try_open(SOCKET, &headers, None).await? {
            Ok(socket) => socket,
            Err(reply) => {
                holds(reply.head.status == 503, || format!("refused by {reply}"))?;
                return Err(Stop::Skipped(format!(
                    "the whole server takes no more than {} sockets now",
                    open.len()
                )));
            }
        };
        let mut member = Member::new(stage, user, socket);
        match timeout(LIMIT, member.socket.next()).await {
            Ok(Event::Text(_)) => open.push(member),
            Ok(Event::Closed(number, reason)) => {
                let code = CloseCode::TooManyConnections;
                closed_with((number, reason), code).map_err(Stop::Failed)?;
                return Ok(format!(
                    "{} sockets, and the next closed by 4504",
                    open.len()
                ));
            }
            Ok(other) => return Err(Stop::Failed(format!("a socket too many: {other:?}"))),
            Err(_) => return Err(Stop::Failed("a socket too many hears nothing".to_owned())),
        }
    }
    Err(Stop::Unlimited(format!(
        "{SOCKETS} sockets of one user were all taken"
    )))
}
