//! What the checks were promised, to be compared with the history in the end.

use std::collections::BTreeMap;

use serde_json::Value;

use super::report::{Checked, Stop};

/// The answer to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    pub id: String,
    pub seq: i64,
    pub rev: i64,
    pub duplicate: bool,
}

impl Ack {
    /// Reads an `ack` frame, or a message that REST answered with.
    pub fn read(frame: &Value) -> Checked<Self> {
        let (Some(id), Some(seq), Some(rev)) = (
            frame["id"].as_str(),
            frame["seq"].as_i64(),
            frame["rev"].as_i64(),
        ) else {
            return Err(Stop::Failed(format!(
                "an ack lacks id, seq or rev: {frame}"
            )));
        };
        Ok(Self {
            id: id.to_owned(),
            seq,
            rev,
            duplicate: frame["duplicate"] == true,
        })
    }
}

/// A message that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub id: String,
    pub seq: i64,
    pub rev: i64,
    pub content: String,
    pub client_message_id: Option<String>,
}

impl Said {
    /// Reads a `message` frame, or a message of the history.
    pub fn read(frame: &Value) -> Checked<Self> {
        let whole = ["room_id", "sender_id", "sender_name", "created_at"]
            .iter()
            .all(|name| frame[name].is_string())
            && ["id", "username", "full_name"]
                .iter()
                .all(|name| frame["user"][name].is_string());
        match (
            frame["id"].as_str(),
            frame["seq"].as_i64(),
            frame["rev"].as_i64(),
            frame["content"].as_str(),
        ) {
            (Some(id), Some(seq), Some(rev), Some(content)) if whole => Ok(Self {
                id: id.to_owned(),
                seq,
                rev,
                content: content.to_owned(),
                client_message_id: frame["client_message_id"].as_str().map(str::to_owned),
            }),
            _ => Err(Stop::Failed(format!("a message lacks a field: {frame}"))),
        }
    }
}

/// Messages must come with `rev` and `seq` one by one, from behind `after` on.
pub fn in_order(heard: &[Said], after: i64) -> Checked<()> {
    let mut last = after;
    for said in heard {
        if said.rev != last + 1 {
            let what = match said.rev {
                rev if rev <= last => "was heard again or too late",
                _ => "was heard with a hole before it",
            };
            return Err(Stop::Failed(format!(
                "rev {} {what}, after {last}",
                said.rev
            )));
        }
        last = said.rev;
    }
    let numbers = heard.windows(2).all(|two| match two {
        [one, two] => two.seq == one.seq + 1,
        _ => true,
    });
    if numbers {
        Ok(())
    } else {
        Err(Stop::Failed("seq does not count one by one".to_owned()))
    }
}

/// Every `seq` and `id` that was acknowledged.
#[derive(Default)]
pub struct Book {
    pub acked: BTreeMap<i64, String>,
}

impl Book {
    /// Keeps an ack. One number stands for one message for ever.
    pub fn keep(&mut self, ack: &Ack) -> Checked<()> {
        let first = self.acked.entry(ack.seq).or_insert_with(|| ack.id.clone());
        if *first == ack.id {
            return Ok(());
        }
        let why = format!("seq {} was given to {first} and to {}", ack.seq, ack.id);
        Err(Stop::Failed(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(numbers: &[i64]) -> Vec<Said> {
        let one = |number: &i64| Said {
            id: number.to_string(),
            seq: *number,
            rev: *number,
            content: String::new(),
            client_message_id: None,
        };
        numbers.iter().map(one).collect()
    }

    #[test]
    fn holes_doubles_and_swaps_are_seen() {
        assert!(in_order(&said(&[4, 5, 6]), 3).is_ok());
        for wrong in [&[5, 6][..], &[4, 4], &[4, 6], &[5, 4], &[3, 4]] {
            assert!(in_order(&said(wrong), 3).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_number_is_given_once() {
        let mut book = Book::default();
        let ack = |id: &str| Ack {
            id: id.to_owned(),
            seq: 1,
            rev: 1,
            duplicate: false,
        };
        assert!(book.keep(&ack("a")).is_ok());
        assert!(book.keep(&ack("a")).is_ok(), "a repeat is the same message");
        assert!(book.keep(&ack("b")).is_err());
    }
}
