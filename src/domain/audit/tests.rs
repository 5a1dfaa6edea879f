use serde_json::json;

use super::*;

fn entry() -> Entry {
    let user = UserId(Uuid::from_u128(1));
    let by = By::stranger([192, 0, 2, 7].into(), Some(Uuid::from_u128(3)))
        .proved(user, Some(LoginId(Uuid::from_u128(2))));
    let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::microseconds(1_500_000);
    let details = json!({ "device": "Ä" });
    Entry::new(
        (7, at),
        &by,
        Act::LoginOpen.as_str(),
        Some(Target::user(user)),
        &details,
    )
}

#[test]
fn the_sealed_bytes_are_these_for_ever() {
    let zeros = "0".repeat(64);
    let expected = format!(
        "14:parlor audit 1,64:{zeros},1:7,27:1970-01-01T00:00:01.500000Z,3:api,\
         36:00000000-0000-0000-0000-000000000001,36:00000000-0000-0000-0000-000000000002,-,\
         10:login.open,4:user,36:00000000-0000-0000-0000-000000000001,9:192.0.2.7,\
         36:00000000-0000-0000-0000-000000000003,15:{{\"device\":\"Ä\"}},"
    );
    let bytes = entry().canonical(&Hash::ZERO);
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn every_column_is_sealed() {
    let changes: [fn(&mut Entry); 12] = [
        |entry| entry.seq += 1,
        |entry| entry.at += chrono::TimeDelta::microseconds(1),
        |entry| entry.via.clear(),
        |entry| entry.actor_id = None,
        |entry| entry.login_id = None,
        |entry| entry.token_id = Some(Uuid::nil()),
        |entry| entry.act.push('x'),
        |entry| entry.target_kind = None,
        |entry| entry.target_id = None,
        |entry| entry.address = None,
        |entry| entry.request_id = None,
        |entry| entry.details.push(' '),
    ];
    let mut seals = vec![entry().seal(&Hash::ZERO), entry().seal(&Hash([1; 32]))];
    for change in changes {
        let mut changed = entry();
        change(&mut changed);
        seals.push(changed.seal(&Hash::ZERO));
    }
    let all: std::collections::HashSet<_> = seals.iter().collect();
    assert_eq!(all.len(), seals.len());
}

#[test]
fn a_text_moved_into_the_next_column_is_another_entry() {
    let mut moved = entry();
    moved.target_id = None;
    moved.address = Some("36:x,".into());
    let mut other = entry();
    other.target_id = Some("36:x,".into());
    other.address = None;
    assert_ne!(moved.seal(&Hash::ZERO), other.seal(&Hash::ZERO));
}

#[test]
fn a_hash_is_read_as_it_is_written() {
    let hash = entry().seal(&Hash::ZERO);
    assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
    for bad in [
        "",
        "0",
        &"0".repeat(63),
        &"0".repeat(66),
        &"g".repeat(64),
        &"é".repeat(64),
    ] {
        assert_eq!(Hash::parse(bad), None, "{bad:?}");
    }
}

#[test]
fn no_two_acts_share_a_word() {
    let acts = Act::ALL.iter().map(|act| act.as_str());
    let refusals = Refusal::ALL.iter().map(|refusal| refusal.as_str());
    let words: std::collections::HashSet<_> = acts.chain(refusals).collect();
    assert_eq!(words.len(), Act::ALL.len() + Refusal::ALL.len());
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    for word in words {
        let (about, done) = word.split_once('.').unwrap();
        assert!(is_word(about) && is_word(done), "{word}");
    }
}
