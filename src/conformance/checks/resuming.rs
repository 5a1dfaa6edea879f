//! Coming back: exactly what was missed, or an honest no.

use serde_json::json;

use super::{Checked, Stage, holds};
use crate::conformance::{
    member::{Member, unique},
    report::Stop,
};

/// What is said while somebody is away.
const MISSED: usize = 30;
/// How often somebody comes and goes while others talk.
const ROUNDS: usize = 8;
/// The most messages a second that one user is assumed to say without a limit.
const UNLIMITED: u64 = 200;
/// The longest that filling a room may take.
const FILL_SECONDS: u64 = 90;

/// Messages to be said.
fn lines(what: &str, count: usize) -> Vec<(String, String)> {
    let line = |number| (unique("m"), format!("{what} {number}"));
    (0..count).map(line).collect()
}

fn rev_of(connected: &serde_json::Value) -> i64 {
    connected["rev"].as_i64().unwrap_or(0)
}

/// Joins behind `after`, which must resume, and hears until `rev`, all in order.
async fn resumes(member: &mut Member<'_>, after: i64, rev: i64) -> Checked<()> {
    let connected = member.join(Some(after)).await?;
    holds(connected["resumed"] == true, || {
        format!("after {after} is not resumed: {connected}")
    })?;
    member.heard.clear();
    if rev > after {
        member.hear_until(rev).await?;
        member.heard_in_order(after)?;
    }
    Ok(())
}

pub async fn resume(stage: &Stage) -> Checked {
    let mut talker = stage.joined(stage.user(0)?).await?;
    let mut away = stage.member(stage.user(1)?).await?;
    let after = rev_of(&away.join(None).await?);
    away.leave().await?;
    talker.say_all(&lines("missed", MISSED)).await?;
    let rev = talker.say("missed, the last").await?.rev;
    resumes(&mut away, after, rev).await?;
    let live = talker.say("live").await?.rev;
    away.hear_until(live).await?;
    away.heard_in_order(after)?;
    // On a new socket, too, and by the address alone.
    let mut back = stage.member(stage.user(1)?).await?;
    resumes(&mut back, after, live).await?;
    let user = stage.user(1)?;
    let path = format!("/ws/{}?token={}&after={after}", stage.room, user.token);
    let mut by_address = Member::new(stage, user, stage.open(&path, &[]).await?);
    let connected = by_address.wait_for("connected").await?;
    holds(connected["resumed"] == true, || {
        format!("?after={after} is not resumed: {connected}")
    })?;
    by_address.hear_until(live).await?;
    by_address.heard_in_order(after)?;
    let missed = rev - after;
    Ok(format!("{missed} missed messages three times, then live"))
}

pub async fn resume_live(stage: &Stage) -> Checked {
    let mut talker = stage.joined(stage.user(0)?).await?;
    let mut away = stage.member(stage.user(1)?).await?;
    let mut after = rev_of(&away.join(None).await?);
    let began = after;
    away.leave().await?;
    for round in 0..ROUNDS {
        let said = lines(&format!("round {round}"), MISSED);
        let talking = talker.say_all(&said);
        let coming = async {
            let mut member = stage.member(stage.user(1)?).await?;
            let connected = member.join(Some(after)).await?;
            holds(connected["resumed"] == true, || {
                format!("after {after} is not resumed: {connected}")
            })?;
            Ok::<_, Stop>(member)
        };
        let (acks, member) = tokio::join!(talking, coming);
        let (acks, mut member) = (acks?, member?);
        let last = acks.iter().map(|ack| ack.rev).max().unwrap_or(after);
        member.hear_until(last).await?;
        member.heard_in_order(after)?;
        after = member.heard.last().map_or(after, |said| said.rev);
    }
    let said = after - began;
    Ok(format!(
        "{ROUNDS} times in the middle of {MISSED} messages, {said} in all"
    ))
}

pub async fn resume_refused(stage: &Stage) -> Checked {
    let mut talker = stage.joined(stage.user(0)?).await?;
    let ack = talker.say("the head").await?;
    let mut member = stage.member(stage.user(1)?).await?;
    let connected = member.join(None).await?;
    let (rev, epoch) = (rev_of(&connected), connected["epoch"].clone());
    let rows = i64::try_from(stage.limit("resume_rows")).unwrap_or(i64::MAX);
    let whole = rev <= rows;
    for (after, epoch, resumed) in [
        (json!(rev), json!(null), true),
        (json!(rev), epoch.clone(), true),
        (json!(ack.rev - 1), json!("another"), false),
        (json!(rev + 1_000), json!(null), false),
        (json!(i64::MAX), epoch, false),
        (json!(null), json!(null), false),
        (json!(0), json!(null), whole),
    ] {
        let mut frame = json!({"type": "connect", "room_id": stage.room});
        for (name, value) in [("after", after), ("epoch", epoch)] {
            if !value.is_null() {
                frame[name] = value;
            }
        }
        member.send(&frame).await?;
        let told = member.wait_for("connected").await?;
        holds(told["resumed"] == resumed, || {
            format!("{frame} is answered by {told}")
        })?;
        // Nothing of a replay after a no, and the room is live.
        let from = told["rev"].as_i64().unwrap_or(0);
        let live = talker.say("live").await?.rev;
        member.heard.clear();
        if !resumed {
            member.hear_until(live).await?;
            member.heard_in_order(from)?;
        }
    }
    Ok("beyond the head, in another epoch and without after: resumed is false".to_owned())
}

pub async fn join_again(stage: &Stage) -> Checked {
    let mut witness = stage.joined(stage.another(0)?).await?;
    let mut member = stage.member(stage.another(1)?).await?;
    let after = rev_of(&member.join(None).await?);
    let rev = witness.say("join again").await?.rev;
    member.hear_until(rev).await?;
    let came = |frame: &serde_json::Value| {
        frame["type"] == "user_joined" && frame["user"]["id"] == member.user.id.as_str()
    };
    // The notice may have come before the ack, or is still to come.
    witness.until_pong().await?;
    for _ in 0..3 {
        resumes(&mut member, after, rev).await?;
    }
    let news = witness.until_pong().await?;
    let again = news.iter().filter(|frame| came(frame)).count();
    holds(again == 0, || {
        format!("a join again was announced {again} times")
    })?;
    Ok("replayed three times, announced never".to_owned())
}

pub async fn resume_limit(stage: &Stage) -> Checked {
    let rows = stage.limit("resume_rows");
    let users = u64::try_from(stage.users.len()).unwrap_or(1).max(1);
    let rate = match stage.limit("messages_per_second") {
        0 => UNLIMITED,
        rate => rate,
    };
    let seconds = rows / (rate * users);
    if rows == 0 || rows > 20_000 || seconds > FILL_SECONDS {
        return Err(Stop::Skipped(format!(
            "{rows} messages of {users} users would take {seconds} s"
        )));
    }
    let mut member = stage.member(stage.user(0)?).await?;
    let after = rev_of(&member.join(None).await?);
    member.leave().await?;
    let each = usize::try_from(rows / users + 1).unwrap_or(usize::MAX);
    let talking = (0..stage.users.len()).map(|number| async move {
        let mut talker = stage.joined(stage.user(number)?).await?;
        let acks = talker.say_all(&lines("far behind", each)).await?;
        Ok::<_, Stop>(acks.iter().map(|ack| ack.rev).max().unwrap_or(0))
    });
    let last = futures_util::future::try_join_all(talking).await?;
    let last = last.into_iter().max().unwrap_or(0);
    let connected = member.join(Some(after)).await?;
    let rev = rev_of(&connected);
    holds(connected["resumed"] == false, || {
        format!("{} rows behind is resumed: {connected}", rev - after)
    })?;
    let limit = i64::try_from(rows).unwrap_or(i64::MAX);
    let nearest = rev - limit;
    resumes(&mut member, nearest, rev.max(last)).await?;
    let behind = rev - after;
    Ok(format!(
        "{behind} rows behind is refused, {rows} behind is replayed whole"
    ))
}
