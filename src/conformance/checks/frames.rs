//! What a frame may be, and what is said of one that is none.

use serde_json::{Value, json};

use super::{Checked, Stage, holds};
use crate::{
    conformance::{member::unique, report::Stop, stage::LIMIT},
    protocol::code::{CloseCode, ErrorCode},
    remote::{
        Event,
        frame::{LAST, MORE, PING, TEXT, TEXT_BEGINS, masked},
    },
};

pub async fn references(stage: &Stage) -> Checked {
    let mut member = stage.member(stage.user(0)?).await?;
    let room = &stage.room;
    let content = "references";
    for (mark, kind) in [(json!("text"), "text"), (json!(7), "number")] {
        let name = unique("m");
        for (frame, answer) in [
            (json!({"type": "connect", "room_id": room}), "connected"),
            (
                json!({
                    "type": "message", "room_id": room, "content": content,
                    "client_message_id": name,
                }),
                "ack",
            ),
            (json!({"type": "ping"}), "pong"),
            (json!({"type": "dance"}), "error"),
            (
                json!({"type": "disconnect", "room_id": room}),
                "disconnected",
            ),
        ] {
            let mut frame = frame;
            frame["ref"] = mark.clone();
            member.send(&frame).await?;
            let reply = member.wait_for(answer).await?;
            holds(reply["ref"] == mark, || {
                format!("{answer} has not the {kind} that was the ref: {reply}")
            })?;
            let timed = answer != "pong" || is_time(&reply["server_time"]);
            holds(timed, || format!("a pong tells no time: {reply}"))?;
        }
    }
    Ok("connected, ack, pong, error and disconnected, by text and by number".to_owned())
}

fn is_time(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

pub async fn bad_frames(stage: &Stage) -> Checked {
    use ErrorCode::{InvalidContent, InvalidFrame, NotConnected, NotFound, UnknownType};
    let mut member = stage.member(stage.user(0)?).await?;
    let room = &stage.room;
    let long = "x".repeat(4_001);
    let name = "x".repeat(65);
    let outside = json!({"type": "message", "room_id": room, "content": "not joined"});
    member.refused(&outside.to_string(), NotConnected).await?;
    member.join(None).await?;
    let said = |content: &str| json!({"type": "message", "room_id": room, "content": content});
    let mut count = 1;
    for (frame, code) in [
        (json!([1]), InvalidFrame),
        (json!({}), InvalidFrame),
        (json!({"type": "dance"}), UnknownType),
        (json!({"type": "connect"}), InvalidFrame),
        (json!({"type": "connect", "room_id": 5}), InvalidFrame),
        (
            json!({"type": "connect", "room_id": room, "after": -1}),
            InvalidFrame,
        ),
        (
            json!({"type": "connect", "room_id": "conformance-nowhere"}),
            NotFound,
        ),
        (json!({"type": "message", "room_id": room}), InvalidFrame),
        (said(" \n"), InvalidContent),
        (said(&long), InvalidContent),
        (said("\u{7}"), InvalidContent),
        (
            json!({
                "type": "message", "room_id": room, "content": "x", "client_message_id": name,
            }),
            InvalidFrame,
        ),
    ] {
        member.refused(&frame.to_string(), code).await?;
        count += 1;
    }
    let other = json!({
        "type": "connect", "room_id": room, "user_id": "01900000-0000-7000-8000-000000000000",
    });
    member
        .refused(&other.to_string(), ErrorCode::Forbidden)
        .await?;
    // What is not known is ignored.
    let more = json!({"type": "ping", "ref": "more", "new": {"x": [1]}});
    member.send(&more).await?;
    let meant = |frame: &Value| frame["type"] == "pong" && frame["ref"] == "more";
    member.wait_until("a pong", meant).await?;
    Ok(format!("{} frames refused one by one", count + 1))
}

pub async fn ten_bad_frames(stage: &Stage) -> Checked {
    let mut member = stage.member(stage.user(0)?).await?;
    for number in 1..10 {
        let refused = member.refused("this is no JSON", ErrorCode::InvalidFrame);
        refused.await.map_err(|stop| match stop {
            Stop::Failed(why) => Stop::Failed(format!("at number {number}: {why}")),
            other => other,
        })?;
    }
    member.send_text("the tenth").await?;
    member.closed_as(CloseCode::BadFrames, LIMIT).await?;
    Ok("nine refused, the tenth closed the socket".to_owned())
}

pub async fn fragments(stage: &Stage) -> Checked {
    let mut member = stage.joined(stage.user(0)?).await?;
    let content = unique("in pieces: äöü");
    let text = json!({
        "type": "message", "room_id": stage.room, "content": content,
        "client_message_id": content.replace("in pieces: äöü", "f"),
    });
    let text = text.to_string();
    let mut bytes = masked(TEXT_BEGINS, &[]);
    for (number, byte) in text.bytes().enumerate() {
        bytes.extend(masked(MORE, &[byte]));
        if number.is_multiple_of(10) {
            bytes.extend(masked(PING, &[byte]));
        }
    }
    bytes.extend(masked(LAST, &[]));
    let pings = text.len().div_ceil(10);
    let gone = |error| Stop::Failed(format!("the pieces cannot be sent: {error}"));
    member.socket.send_bytes(&bytes).await.map_err(gone)?;
    let (mut pongs, mut heard) = (Vec::new(), false);
    while pongs.len() < pings || !heard {
        match tokio::time::timeout(LIMIT, member.socket.next()).await {
            Ok(Event::Pong(payload)) => pongs.extend(payload),
            Ok(Event::Text(text)) => heard |= text.contains(&content),
            Ok(Event::Ping) => {}
            Ok(end) => return Err(Stop::Failed(format!("the pieces ended in {end:?}"))),
            Err(_) => {
                let why = format!("{} of {pings} pongs; heard: {heard}", pongs.len());
                return Err(Stop::Failed(why));
            }
        }
    }
    let expected: Vec<u8> = text.bytes().step_by(10).collect();
    holds(pongs == expected, || {
        "a ping is not answered with what it carried".to_owned()
    })?;
    whole(stage).await?;
    Ok(format!(
        "{} pieces with {pings} pings, and 64 KiB at once",
        text.len()
    ))
}

/// The longest message that is allowed.
async fn whole(stage: &Stage) -> Checked<()> {
    let mut member = stage.member(stage.user(0)?).await?;
    let mut ping = json!({"type": "ping", "ref": "whole"}).to_string();
    ping.extend(std::iter::repeat_n(' ', 64 * 1024 - ping.len()));
    let halves = ping.as_bytes().split_at(50_000);
    let pieces = [masked(TEXT_BEGINS, halves.0), masked(LAST, halves.1)].concat();
    for bytes in [masked(TEXT, ping.as_bytes()), pieces] {
        let gone = |error| Stop::Failed(format!("64 KiB cannot be sent: {error}"));
        member.socket.send_bytes(&bytes).await.map_err(gone)?;
        member.wait_for("pong").await?;
    }
    Ok(())
}
