//! How a socket learns whose it is.

use serde_json::{Value, json};

use super::{Checked, Stage, holds};
use crate::{
    conformance::{
        member::{Member, closed_with},
        report::Stop,
        stage::{LIMIT, SOCKET},
    },
    protocol::code::{CloseCode, ErrorCode},
    remote::{Event, Socket},
};

/// How long a socket may stay without a token, by the protocol.
const AUTHORIZE: std::time::Duration = std::time::Duration::from_secs(10);

pub async fn sign_in(stage: &Stage) -> Checked {
    let user = stage.user(0)?;
    let bearer = format!("Bearer {}", user.token);
    let query = format!("{SOCKET}?token={}", user.token);
    let other = "/api/ws/chat";
    let room = format!("/ws/{}?token={}", stage.room, user.token);
    let protocols = format!("parlor.v1, bearer.{}", user.token);
    for (path, headers) in [
        (SOCKET, &[("Authorization", bearer.as_str())][..]),
        (other, &[("Authorization", &bearer)]),
        (&query, &[]),
        (SOCKET, &[("Sec-WebSocket-Protocol", &protocols)]),
        (&room, &[]),
    ] {
        let socket = stage.open(path, headers).await?;
        let mut member = Member::new(stage, user, socket);
        let greeting = member.wait_for("authenticated").await?;
        check_greeting(&greeting, &user.id)?;
        if path == room {
            let connected = member.wait_for("connected").await?;
            holds(connected["room_id"] == stage.room.as_str(), || {
                format!("/ws/{} joined another room: {connected}", stage.room)
            })?;
        }
    }
    check_selected(stage, &protocols).await?;
    let mut member = Member::new(stage, user, stage.open(SOCKET, &[]).await?);
    let frame = json!({"type": "authorization", "token": user.token, "ref": 1});
    for _ in 0..2 {
        member.send(&frame).await?;
        check_greeting(&member.wait_for("authenticated").await?, &user.id)?;
    }
    Ok("all four ways, on three addresses, and once more on an open socket".to_owned())
}

fn check_greeting(greeting: &Value, user: &str) -> Checked<()> {
    let limits = [
        "frame_bytes",
        "content_chars",
        "messages_per_second",
        "in_flight",
        "rooms",
        "resume_rows",
    ];
    let whole = greeting["user_id"] == user
        && greeting["protocol"] == 1
        && greeting["session_id"].is_string()
        && greeting["heartbeat_seconds"].is_u64()
        && limits.iter().all(|name| greeting["limits"][name].is_u64());
    holds(whole, || {
        format!("authenticated lacks something: {greeting}")
    })
}

/// The server selects `parlor.v1` and never echoes the token.
async fn check_selected(stage: &Stage, protocols: &str) -> Checked<()> {
    let headers = [("Sec-WebSocket-Protocol", protocols)];
    let opened = Socket::open(&stage.place, SOCKET, &headers, None).await;
    let selected = match opened {
        Ok(Ok((_, head))) => head.header("sec-websocket-protocol").map(str::to_owned),
        _ => return Err(Stop::Failed("no socket by subprotocol".to_owned())),
    };
    holds(selected.as_deref() == Some("parlor.v1"), || {
        let known = selected.is_some();
        format!("parlor.v1 is not selected (another protocol is: {known})")
    })
}

pub async fn bad_token(stage: &Stage) -> Checked {
    for (path, headers, status) in [
        (SOCKET, &[("Authorization", "Bearer nonsense")][..], 401),
        (&format!("{SOCKET}?token=nonsense"), &[], 401),
        (
            SOCKET,
            &[("Sec-WebSocket-Protocol", "parlor.v1, bearer.nonsense")],
            401,
        ),
        (
            SOCKET,
            &[("Sec-WebSocket-Protocol", "bearer.nonsense")],
            400,
        ),
    ] {
        let told = match stage.try_open(path, headers, None).await? {
            Ok(_) => 101,
            Err(reply) => {
                let body = reply.json();
                let shaped = body["error"] == true
                    && body["status"] == reply.head.status
                    && body["code"].is_string()
                    && body["request_id"].is_string();
                holds(shaped, || format!("an error of another shape: {reply}"))?;
                reply.head.status
            }
        };
        holds(told == status, || {
            format!("a bad token in {headers:?} {path} is answered by {told}, not by {status}")
        })?;
    }
    let user = stage.user(0)?;
    let mut member = Member::new(stage, user, stage.open(SOCKET, &[]).await?);
    member
        .send(&json!({"type": "authorization", "token": "nonsense"}))
        .await?;
    member.closed_as(CloseCode::BadToken, LIMIT).await?;
    Ok("401 three ways, 400 for the bearer alone, 4500 in a frame".to_owned())
}

pub async fn nobody(stage: &Stage) -> Checked {
    let user = stage.user(0)?;
    let mut member = Member::new(stage, user, stage.open(SOCKET, &[]).await?);
    for kind in ["connect", "message", "typing", "disconnect"] {
        let frame = json!({"type": kind, "room_id": stage.room, "content": "nobody"});
        member
            .refused(&frame.to_string(), ErrorCode::Unauthenticated)
            .await?;
    }
    let told = member.until_pong().await?;
    holds(told.is_empty(), || format!("nobody is told {told:?}"))?;
    Ok("four frames refused as unauthenticated".to_owned())
}

pub async fn silence(stage: &Stage) -> Checked {
    if stage.patience < AUTHORIZE {
        return Err(Stop::Skipped("takes 10 s".to_owned()));
    }
    let mut socket = stage.open(SOCKET, &[]).await?;
    let began = tokio::time::Instant::now();
    let end = began + AUTHORIZE + LIMIT;
    loop {
        match tokio::time::timeout_at(end, socket.next()).await {
            Ok(Event::Closed(number, reason)) => {
                let code = CloseCode::AuthorizationTimeout;
                closed_with((number, reason), code).map_err(Stop::Failed)?;
                return Ok(format!(
                    "closed after {:.1} s",
                    began.elapsed().as_secs_f32()
                ));
            }
            Ok(Event::Lost(why)) => {
                return Err(Stop::Failed(format!("lost without a close frame: {why}")));
            }
            Ok(_) => {}
            Err(_) => return Err(Stop::Failed("not closed within 40 s".to_owned())),
        }
    }
}
