//! Order, repeats and what is kept.

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::{Checked, Stage, holds};
use crate::{
    conformance::{
        book::{Ack, Said, in_order},
        member::{Member, unique},
        report::Stop,
    },
    protocol::code::ErrorCode,
};

/// Members who talk at once.
const TALKERS: usize = 4;
/// What each of them says.
const EACH: usize = 25;
/// Repeats in the same moment.
const ROUNDS: usize = 10;

pub async fn order(stage: &Stage) -> Checked {
    let mut members = Vec::new();
    for number in 0..TALKERS {
        members.push(stage.member(stage.user(number)?).await?);
    }
    let mut after = 0;
    for member in &mut members {
        after = member.join(None).await?["rev"].as_i64().unwrap_or(0);
    }
    let talking = members
        .iter_mut()
        .enumerate()
        .map(|(who, member)| async move {
            let said: Vec<_> = (0..EACH)
                .map(|number| (unique("m"), format!("order {who} {number}")))
                .collect();
            let acks = member.say_all(&said).await?;
            Ok::<_, Stop>(acks.into_iter().zip(said).collect::<Vec<_>>())
        });
    let acked: Vec<(Ack, (String, String))> = try_join_all(talking).await?.concat();
    let last = acked.iter().map(|(ack, _)| ack.rev).max().unwrap_or(after);
    for member in &mut members {
        member.hear_until(last).await?;
        member.heard.retain(|said| said.rev > after);
        member.heard_in_order(after)?;
    }
    let mut all = members.iter().map(|member| &member.heard);
    let first = all.next().cloned().unwrap_or_default();
    // Somebody may say more in a room that was named.
    let same = |heard: &Vec<Said>| heard.iter().zip(&first).all(|(one, two)| one == two);
    holds(all.all(same), || {
        "two members heard another order".to_owned()
    })?;
    for (ack, (name, content)) in &acked {
        check_heard(&first, ack, name, content)?;
    }
    check_history(stage, &first, after).await?;
    let members = members.len();
    Ok(format!(
        "{members} members heard {} messages alike",
        first.len()
    ))
}

/// What was acknowledged was heard under the same number, by the same name, as it was said.
fn check_heard(heard: &[Said], ack: &Ack, name: &str, content: &str) -> Checked<()> {
    let said = heard.iter().find(|said| said.id == ack.id);
    let said = said.ok_or_else(|| {
        Stop::Failed(format!(
            "the message acknowledged as seq {} was not heard",
            ack.seq
        ))
    })?;
    let same = (said.seq, said.rev) == (ack.seq, ack.rev)
        && said.client_message_id.as_deref() == Some(name)
        && said.content == content;
    holds(same, || {
        format!("acknowledged as {ack:?} and heard as {said:?}")
    })
}

/// The history over REST is what was heard, by either cursor.
async fn check_history(stage: &Stage, heard: &[Said], after: i64) -> Checked<()> {
    let (Some(first), Some(last)) = (heard.first(), heard.last()) else {
        return Err(Stop::Failed("nothing was heard".to_owned()));
    };
    let end = last.seq + 1;
    for query in [
        format!("after={}&limit=200", first.seq - 1),
        format!("before={end}&limit={}", heard.len()),
    ] {
        let page = stage.history(&query).await?;
        let page: Vec<Said> = messages(&page)?;
        let same = page.iter().take(heard.len()).eq(heard);
        holds(same, || {
            format!("the history of {query} is not what was heard after {after}")
        })?;
    }
    let both = format!("/api/chat/rooms/{}/messages?after=1&before=2", stage.room);
    let user = Some(stage.user(0)?);
    stage.told(user, ("GET", &both), None, 400).await?;
    Ok(())
}

fn messages(page: &Value) -> Checked<Vec<Said>> {
    let data = page["data"].as_array();
    let data = data.ok_or_else(|| Stop::Failed("the history has no data".to_owned()))?;
    data.iter().map(Said::read).collect()
}

pub async fn duplicates(stage: &Stage) -> Checked {
    let user = stage.user(0)?;
    let (mut one, mut two) = (stage.joined(user).await?, stage.joined(user).await?);
    let mut witness = stage.member(stage.user(1)?).await?;
    let after = witness.join(None).await?["rev"].as_i64().unwrap_or(0);
    let name = unique("again");
    let first = one.say_as(&name, "again").await?;
    holds(!first.duplicate, || {
        "the first is called a duplicate".to_owned()
    })?;
    let mut last = first.rev;
    for member in [&mut one, &mut two] {
        same(&first, &member.say_as(&name, "again").await?, true)?;
    }
    let path = format!("/api/chat/rooms/{}/messages", stage.room);
    let body = json!({"content": "again", "client_message_id": name});
    let told = stage
        .told(Some(user), ("POST", &path), Some(&body), 200)
        .await?;
    same(&first, &Ack::read(&told)?, false)?;
    for _ in 0..ROUNDS {
        last = last.max(at_once(stage, &mut one, &mut two, &path).await?);
    }
    witness.hear_until(last).await?;
    witness.heard.retain(|said| said.rev > after);
    witness.heard_in_order(after)?;
    let named = |said: &&Said| said.client_message_id.as_ref() == Some(&name);
    let times = witness.heard.iter().filter(named).count();
    holds(times == 1, || {
        format!("a message sent four times was heard {times} times")
    })?;
    Ok(format!(
        "1 message sent 4 times, {ROUNDS} sent 3 times at once: each stored once"
    ))
}

/// The same message over two sockets and REST in the same moment; gives its `rev`.
async fn at_once(
    stage: &Stage,
    one: &mut Member<'_>,
    two: &mut Member<'_>,
    path: &str,
) -> Checked<i64> {
    let name = unique("once");
    let body = json!({"content": name, "client_message_id": name});
    let (one, two, rest) = tokio::join!(
        one.say_as(&name, &name),
        two.say_as(&name, &name),
        stage.ask_patiently(Some(stage.user(0)?), "POST", path, Some(&body)),
    );
    let (one, two) = (one?, two?);
    let rest = rest.map_err(|error| Stop::Failed(format!("POST {path}: {error}")))?;
    let firsts = [!one.duplicate, !two.duplicate, rest.head.status == 201];
    let firsts = firsts.into_iter().filter(|first| *first).count();
    holds(firsts == 1, || {
        format!("{firsts} of three at once are called the first")
    })?;
    let rest = Ack::read(&rest.json())?;
    same(&one, &two, two.duplicate)?;
    same(&one, &rest, false)?;
    Ok(one.rev)
}

fn same(first: &Ack, again: &Ack, duplicate: bool) -> Checked<()> {
    let same = (&first.id, first.seq, first.rev) == (&again.id, again.seq, again.rev);
    holds(same && again.duplicate == duplicate, || {
        format!("{first:?} sent again is answered by {again:?}")
    })
}

pub async fn conflict(stage: &Stage) -> Checked {
    let user = stage.user(0)?;
    let mut member = stage.joined(user).await?;
    let name = unique("conflict");
    member.say_as(&name, "one").await?;
    let other = json!({
        "type": "message", "room_id": stage.room, "content": "two", "client_message_id": name,
    });
    let code = ErrorCode::ClientMessageIdConflict;
    let error = member.refused(&other.to_string(), code).await?;
    holds(error["client_message_id"] == name.as_str(), || {
        format!("the conflict does not say of which message: {error}")
    })?;
    let path = format!("/api/chat/rooms/{}/messages", stage.room);
    let body = json!({"content": "two", "client_message_id": name});
    let told = stage
        .told(Some(user), ("POST", &path), Some(&body), 409)
        .await?;
    holds(told["code"] == code.as_str(), || format!("409, but {told}"))?;
    let page = stage.history("limit=10").await?;
    let said = messages(&page)?;
    let mine: Vec<_> = said
        .iter()
        .filter(|said| said.client_message_id.as_ref() == Some(&name))
        .collect();
    let kept = mine.len() == 1 && mine.iter().all(|said| said.content == "one");
    holds(kept, || format!("the history has {mine:?}"))?;
    Ok("refused on the socket and by 409; the first stands".to_owned())
}

pub async fn kept(stage: &Stage) -> Checked {
    let acked = stage.book.borrow().acked.clone();
    let (Some(first), Some(last)) = (acked.keys().next(), acked.keys().next_back()) else {
        return Err(Stop::Skipped("nothing was acknowledged before".to_owned()));
    };
    let (mut after, mut found) = (first - 1, 0);
    while after < *last {
        let page = stage.history(&format!("after={after}&limit=200")).await?;
        let page = messages(&page)?;
        in_order(&page, page.first().map_or(0, |said| said.rev - 1))?;
        let Some(end) = page.last() else {
            return Err(Stop::Failed(format!(
                "the history ends at {after}, not {last}"
            )));
        };
        for said in &page {
            match acked.get(&said.seq) {
                Some(id) if *id == said.id => found += 1,
                Some(_) => {
                    return Err(Stop::Failed(format!(
                        "another message has seq {}",
                        said.seq
                    )));
                }
                None => {}
            }
        }
        after = end.seq;
    }
    let lost = acked.len() - found;
    holds(lost == 0, || {
        format!("{lost} of {} are not in the history", acked.len())
    })?;
    Ok(format!(
        "{found} acknowledged messages are in the history; no crash was tried"
    ))
}
