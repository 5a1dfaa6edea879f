//! What ends a socket, and by which number.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::{Checked, Stage, holds};
use crate::{
    conformance::{
        member::{Member, closed_with},
        report::Stop,
        stage::LIMIT,
    },
    protocol::code::CloseCode,
    remote::{
        Event,
        frame::{BINARY, CLOSE, LAST, MORE, PING, TEXT, TEXT_BEGINS, claim, masked, unmasked},
    },
};

pub async fn protocol_error(stage: &Stage) -> Checked {
    let begun = masked(TEXT_BEGINS, b"{");
    let cases = [
        ("no mask", unmasked(TEXT, b"{}")),
        ("a reserved bit", masked(TEXT | 0x40, b"{}")),
        ("an unknown kind", masked(0x83, b"{}")),
        ("an unknown control frame", masked(0x8b, b"")),
        ("the end of what did not begin", masked(LAST, b"{}")),
        (
            "a message inside another",
            [begun, masked(TEXT, b"{}")].concat(),
        ),
        ("a ping in pieces", masked(PING & 0x0f, b"")),
        ("a ping over 125 bytes", masked(PING, &[0; 126])),
        ("half a close code", masked(CLOSE, &[3])),
    ];
    each_closes(stage, &cases, CloseCode::ProtocolError).await
}

pub async fn binary(stage: &Stage) -> Checked {
    let cases = [
        ("a binary message", masked(BINARY, b"{}")),
        ("an empty binary message", masked(BINARY, b"")),
        ("the beginning of one", masked(BINARY & 0x0f, b"{")),
    ];
    each_closes(stage, &cases, CloseCode::Unsupported).await
}

pub async fn not_utf8(stage: &Stage) -> Checked {
    let begun = masked(TEXT_BEGINS, b"{\"a\":\"\xc3");
    let cases = [
        ("a byte that is never UTF-8", masked(TEXT, b"\"\xff\"")),
        ("a surrogate", masked(TEXT, b"\xed\xa0\x80")),
        (
            "half a letter in pieces",
            [begun, masked(LAST, b"\"}")].concat(),
        ),
    ];
    each_closes(stage, &cases, CloseCode::InvalidText).await
}

pub async fn too_large(stage: &Stage) -> Checked {
    let half = vec![b' '; 40 * 1024];
    let begun = masked(TEXT_BEGINS, &half);
    let cases = [
        ("a byte over 64 KiB", masked(TEXT, &[b' '; 64 * 1024 + 1])),
        (
            "as much in two pieces",
            [begun.clone(), masked(LAST, &half)].concat(),
        ),
        (
            "in pieces without end",
            [begun, masked(MORE, &half)].concat(),
        ),
        ("a claim of a tebibyte", claim(TEXT, 1 << 40)),
        ("a claim of all there is", claim(TEXT, u64::MAX)),
    ];
    each_closes(stage, &cases, CloseCode::TooLarge).await
}

async fn each_closes(stage: &Stage, cases: &[(&str, Vec<u8>)], code: CloseCode) -> Checked {
    for (what, bytes) in cases {
        let mut member = stage.member(stage.user(0)?).await?;
        // The server may close before it has read everything.
        let _gone = timeout(LIMIT, member.socket.send_bytes(bytes)).await;
        if let Err(Stop::Failed(why)) = member.closed_as(code, LIMIT).await {
            return Err(Stop::Failed(format!("{what}: {why}")));
        }
    }
    let count = cases.len();
    Ok(format!(
        "{count} ways, each closed by {} {}",
        code.number(),
        code.as_str()
    ))
}

pub async fn close_echo(stage: &Stage) -> Checked {
    let codes = [Some(1000), Some(1001), Some(3000), Some(4999), None];
    for code in codes {
        let mut member = stage.member(stage.user(0)?).await?;
        let payload = code.map_or_else(Vec::new, |code: u16| code.to_be_bytes().to_vec());
        let gone = |error| Stop::Failed(format!("a close cannot be sent: {error}"));
        member
            .socket
            .send_bytes(&masked(CLOSE, &payload))
            .await
            .map_err(gone)?;
        let answered = close_of(&mut member).await?;
        holds(answered == code, || {
            format!("a close with {code:?} is answered by {answered:?}")
        })?;
    }
    Ok(format!("{} codes", codes.len()))
}

async fn close_of(member: &mut Member<'_>) -> Checked<Option<u16>> {
    loop {
        match timeout(LIMIT, member.socket.next()).await {
            Ok(Event::Closed(code, _)) => return Ok(code),
            Ok(Event::Lost(why)) => {
                return Err(Stop::Failed(format!("a close is not answered: {why}")));
            }
            Ok(_) => {}
            Err(_) => return Err(Stop::Failed("a close is not answered".to_owned())),
        }
    }
}

pub async fn heartbeat(stage: &Stage) -> Checked {
    let beat = stage.heartbeat;
    if beat.is_zero() {
        return Err(Stop::Skipped("the server tells no heartbeat".to_owned()));
    }
    let needed = beat * 3;
    if stage.patience < needed {
        let (needed, patience) = (needed.as_secs(), stage.patience.as_secs());
        return Err(Stop::Skipped(format!(
            "takes up to {needed} s, and --patience is {patience}"
        )));
    }
    let mut member = stage.member(stage.user(0)?).await?;
    member.socket.answers_pings = false;
    let began = Instant::now();
    let (mut pings, end) = (0, began + needed + LIMIT);
    loop {
        match timeout_at(end, member.socket.next()).await {
            Ok(Event::Ping) => pings += 1,
            Ok(Event::Closed(number, reason)) => {
                closed_with((number, reason), CloseCode::NoPong).map_err(Stop::Failed)?;
                break;
            }
            Ok(Event::Lost(why)) => {
                return Err(Stop::Failed(format!("lost without a close frame: {why}")));
            }
            Ok(_) => {}
            Err(_) => return Err(Stop::Failed(format!("{pings} pings, and no close"))),
        }
    }
    let took = began.elapsed();
    holds(pings > 0, || "closed without a ping".to_owned())?;
    // A clock may be a little behind the other.
    holds(took + Duration::from_millis(500) > beat * 2, || {
        format!(
            "closed after {:.1} s, within two heartbeats",
            took.as_secs_f32()
        )
    })?;
    let took = took.as_secs_f32();
    Ok(format!(
        "{pings} pings, closed after {took:.1} s without an answer"
    ))
}
