//! Who is here.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Checked, Stage, holds};
use crate::{
    conformance::{member::Member, report::Stop, stage::LIMIT},
    remote::frame::{CLOSE, masked},
};

/// How long a lost user may stay away unannounced.
const GRACE: Duration = Duration::from_secs(5);

/// A witness in a room where nobody else of the users is any more, and how many are there.
///
/// Who was there a moment ago and lost his socket is still there for a while, and his coming back
/// is no news.
async fn witness(stage: &Stage) -> Checked<(Member<'_>, i64)> {
    let mut witness = stage.joined(stage.another(0)?).await?;
    let path = format!("/api/chat/rooms/{}/members", stage.room);
    let end = Instant::now() + GRACE + LIMIT;
    loop {
        let members = stage
            .told(Some(witness.user), ("GET", &path), None, 200)
            .await?;
        let here = members.to_string();
        let others = stage.users.iter().filter(|user| user.id != witness.user.id);
        if !others.clone().any(|user| here.contains(&user.id)) {
            witness.until_pong().await?;
            let count = members["data"].as_array().map_or(0, Vec::len);
            return Ok((witness, i64::try_from(count).unwrap_or(0)));
        }
        holds(Instant::now() < end, || {
            format!("users whose sockets are lost do not leave: {members}")
        })?;
        witness.listen(Duration::from_millis(250)).await?;
    }
}

/// Notices of one kind about one user.
fn about<'a>(kind: &'a str, user: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |frame| frame["type"] == kind && frame["user"]["id"] == user
}

pub async fn presence(stage: &Stage) -> Checked {
    let guest = stage.another(1)?;
    let (mut witness, before) = witness(stage).await?;
    let mut member = stage.joined(guest).await?;
    let notice = witness
        .wait_until("user_joined", about("user_joined", &guest.id))
        .await?;
    check_notice(&notice, "has joined the chat")?;
    // One more socket is the same user.
    let mut second = stage.member(guest).await?;
    let connected = second.join(None).await?;
    holds(connected["online"] == before + 1, || {
        format!("one more than {before} is online, not {connected}")
    })?;
    member.leave().await?;
    let news = witness.until_pong().await?;
    let left = |frame: &Value| about("user_left", &guest.id)(frame);
    let joined = |frame: &Value| about("user_joined", &guest.id)(frame);
    holds(
        !news.iter().any(|frame| left(frame) || joined(frame)),
        || "one of two sockets of a user was told as news".to_owned(),
    )?;
    for way in ["disconnect", "a clean close"] {
        if way == "disconnect" {
            second.leave().await?;
        } else {
            second.join(None).await?;
            witness.wait_until("user_joined", joined).await?;
            let bytes = masked(CLOSE, &1000_u16.to_be_bytes());
            let gone = |error| Stop::Failed(format!("a close cannot be sent: {error}"));
            second.socket.send_bytes(&bytes).await.map_err(gone)?;
        }
        let began = Instant::now();
        let notice = witness.wait_until("user_left", left).await?;
        check_notice(&notice, "has left the chat")?;
        let took = began.elapsed();
        holds(took < GRACE, || {
            format!("{way} was told after {:.1} s", took.as_secs_f32())
        })?;
    }
    let path = format!("/api/chat/rooms/{}/members", stage.room);
    let members = stage
        .told(Some(witness.user), ("GET", &path), None, 200)
        .await?;
    let here = members.to_string();
    holds(
        here.contains(&witness.user.id) && !here.contains(&guest.id),
        || format!("the members are {members}"),
    )?;
    Ok("joined once, left by disconnect and by a clean close".to_owned())
}

fn check_notice(notice: &Value, what: &str) -> Checked<()> {
    let text = |name: &str| notice[name].as_str().unwrap_or_default();
    let whole = text("content").ends_with(what)
        && text("sender_name") == "System"
        && text("sender_id") == "00000000-0000-0000-0000-000000000000"
        && !text("id").is_empty()
        && !text("created_at").is_empty()
        && notice.get("seq").is_none();
    holds(whole, || format!("a notice lacks something: {notice}"))
}

pub async fn lost(stage: &Stage) -> Checked {
    let guest = stage.another(1)?;
    let (mut witness, _) = witness(stage).await?;
    let member = stage.joined(guest).await?;
    witness
        .wait_until("user_joined", about("user_joined", &guest.id))
        .await?;
    let began = Instant::now();
    member.socket.cut();
    let back = stage.joined(guest).await?;
    let away = began.elapsed();
    // By the clock nothing comes now; the wait is as long as an announcement could take.
    let news = listen(&mut witness, GRACE + Duration::from_secs(1), &guest.id).await?;
    if away < GRACE / 2 {
        holds(news == 0, || {
            format!("away for {:.1} s was told as news", away.as_secs_f32())
        })?;
    }
    let began = Instant::now();
    back.socket.cut();
    witness
        .wait_within(GRACE + LIMIT, "user_left", about("user_left", &guest.id))
        .await?;
    let took = began.elapsed();
    holds(took + Duration::from_millis(500) > GRACE, || {
        format!("a lost socket was told after {:.1} s", took.as_secs_f32())
    })?;
    let took = took.as_secs_f32();
    Ok(format!(
        "back in time is no news; lost is told after {took:.1} s"
    ))
}

/// Counts what is told about a user in this time.
async fn listen(witness: &mut Member<'_>, time: Duration, user: &str) -> Checked<usize> {
    let end = Instant::now() + time;
    let mut news = 0;
    while Instant::now() < end {
        let some = Duration::from_millis(250);
        witness
            .listen_until(Instant::now() + some, |frame| {
                let notice = about("user_left", user)(frame) || about("user_joined", user)(frame);
                news += usize::from(notice);
            })
            .await?;
    }
    Ok(news)
}

pub async fn typing(stage: &Stage) -> Checked {
    let guest = stage.another(1)?;
    let mut witness = stage.joined(stage.another(0)?).await?;
    let mut member = stage.joined(guest).await?;
    let frame = json!({"type": "typing", "room_id": stage.room});
    member.send(&frame).await?;
    let told = witness
        .wait_until("typing", about("typing", &guest.id))
        .await?;
    holds(told["room_id"] == stage.room.as_str(), || {
        format!("typing is told of another room: {told}")
    })?;
    let own = member.until_pong().await?;
    holds(!own.iter().any(|frame| frame["type"] == "typing"), || {
        "the own typing is told".to_owned()
    })?;
    Ok("told to the other, not to oneself".to_owned())
}
