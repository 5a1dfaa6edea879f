//! What the AsyncAPI document promises, held against every frame of every test.
//!
//! A frame of the server is in the document, or the test fails. A frame of a client is good by the
//! document if and only if the server does not refuse it as malformed. The server answers both a
//! ping and a malformed frame at once and in their order: so a refusal that comes must be for the
//! first frame that waits for one, and a pong may pass no frame that waits.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::Write,
    sync::{LazyLock, Mutex},
};

use jsonschema::Validator;
use parlor::protocol::{asyncapi, code::ErrorCode};
use serde_json::{Value, json};

use super::Answer;

/// The longest message that the server reads.
const MAX_MESSAGE: usize = 64 * 1024;

/// The codes of frames that are malformed.
const MALFORMED: [ErrorCode; 3] = [
    ErrorCode::InvalidFrame,
    ErrorCode::UnknownType,
    ErrorCode::InvalidContent,
];

/// The document, ready to check with.
struct Contract {
    /// By side and `type`.
    frames: HashMap<(String, String), Validator>,
    /// The reason by the number of the close code.
    reasons: HashMap<u64, Value>,
    refusals: HashSet<(u64, String)>,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let document = asyncapi::document("https://localhost");
    let components = &document["components"];
    let messages = components["messages"].as_object().expect("messages");
    let frames = messages.values().map(|message| {
        let schema = json!({"components": components, "$ref": message["payload"]["$ref"]});
        let validator = jsonschema::draft7::options()
            .should_validate_formats(true)
            .build(&schema)
            .expect("a schema");
        let side = text(&message["tags"][0]["name"]);
        ((side, text(&message["name"])), validator)
    });
    let channel = &document["channels"]["socket"];
    let closes = channel["x-close-codes"].as_array().expect("close codes");
    let reasons = closes
        .iter()
        .map(|code| (number(&code["number"]), code["reason"].clone()));
    let refusals = channel["x-refusals"].as_array().expect("refusals");
    let refusals = refusals
        .iter()
        .map(|refusal| (number(&refusal["status"]), text(&refusal["code"])));
    Contract {
        frames: frames.collect(),
        reasons: reasons.collect(),
        refusals: refusals.collect(),
    }
});

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

impl Contract {
    /// What is wrong with a frame of one side; nothing if it is in the document.
    fn fault(&self, side: &str, frame: &Value) -> Option<String> {
        let kind = frame["type"].as_str().unwrap_or_default();
        let Some(validator) = self.frames.get(&(side.to_owned(), kind.to_owned())) else {
            return Some(format!("no frame of the {side} is of the type {kind:?}"));
        };
        let fault = validator.validate(frame).err()?;
        Some(format!("{}: {fault}", fault.instance_path()))
    }
}

/// A frame of a client that has an answer to come.
enum Sent {
    Ping,
    /// The document does not have it.
    Bad(String),
    /// Text that this side cannot read, and the server perhaps can.
    Unread,
}

/// One socket's frames, both ways.
#[derive(Default)]
pub struct Watch {
    waiting: VecDeque<Sent>,
    /// The client sent a close frame: the server's has the same code, and no reason.
    said_goodbye: bool,
    ended: bool,
}

impl Watch {
    /// Takes note of a text message that goes to the server.
    pub fn sent(&mut self, message: &str) {
        let frame: Value = match serde_json::from_str(message) {
            Ok(frame) => frame,
            // The server skips what it does not know, however deep it is.
            Err(fault) if fault.to_string().contains("recursion") => {
                return self.waiting.push_back(Sent::Unread);
            }
            Err(_) => Value::Null,
        };
        let fault = CONTRACT.fault("client", &frame);
        if message.len() > MAX_MESSAGE {
            self.waiting.push_back(Sent::Unread);
        } else if fault.is_some() {
            self.waiting.push_back(Sent::Bad(message.to_owned()));
        } else {
            saw("client", frame["type"].as_str().unwrap_or_default());
            if frame["type"] == "ping" {
                self.waiting.push_back(Sent::Ping);
            }
        }
    }

    /// Takes note of a close frame that goes to the server.
    pub fn said_goodbye(&mut self) {
        self.said_goodbye = true;
    }

    /// Checks a text message of the server.
    pub fn heard(&mut self, message: &str) {
        let frame: Value = serde_json::from_str(message)
            .unwrap_or_else(|error| panic!("the server sends no JSON: {error}: {message}"));
        if let Some(fault) = CONTRACT.fault("server", &frame) {
            panic!("the document does not have this frame of the server: {fault}: {frame}");
        }
        saw("server", frame["type"].as_str().unwrap_or_default());
        if frame["type"] == "pong" {
            self.pong();
        }
        if frame["type"] == "error" {
            saw("error", frame["code"].as_str().unwrap_or_default());
            if MALFORMED.iter().any(|code| frame["code"] == code.as_str()) {
                self.refused(&frame);
            }
        }
    }

    fn pong(&mut self) {
        loop {
            match self.waiting.pop_front() {
                Some(Sent::Ping) => return,
                Some(Sent::Unread) => {}
                Some(Sent::Bad(frame)) => {
                    panic!("the server takes what the document does not have: {frame}")
                }
                None => panic!("a pong that answers no ping"),
            }
        }
    }

    fn refused(&mut self, error: &Value) {
        match self.waiting.pop_front() {
            Some(Sent::Bad(_) | Sent::Unread) => {}
            Some(Sent::Ping) => panic!("the server refuses a ping, or answers too early: {error}"),
            None => panic!("the server refuses what the document has: {error}"),
        }
    }

    /// Checks a close frame of the server.
    pub fn closed(&mut self, code: u16, reason: &str) {
        self.ended = true;
        if reason.is_empty() && self.said_goodbye {
            return saw("close", &code.to_string());
        }
        let documented = CONTRACT.reasons.get(&code.into());
        let documented = documented.unwrap_or_else(|| panic!("no close code {code} is documented"));
        assert_eq!(documented, reason, "the reason of {code}");
        saw("close", &code.to_string());
    }

    /// The connection is gone: what waits for an answer gets none.
    pub fn lost(&mut self) {
        self.ended = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.ended || std::thread::panicking() {
            return;
        }
        for sent in &self.waiting {
            if let Sent::Bad(frame) = sent {
                panic!("nobody has seen the server refuse {frame}");
            }
        }
    }
}

/// Checks an answer that refuses an upgrade.
pub fn refused(answer: &Answer) {
    let code = text(&answer.json()["code"]);
    let refusal = (u64::from(answer.status()), code);
    assert!(CONTRACT.refusals.contains(&refusal), "{answer}");
    saw("refusal", &format!("{} {}", refusal.0, refusal.1));
}

/// Everything that the document lists and a run of the tests must have seen, one a line.
pub fn listed() -> Vec<String> {
    let kinds = CONTRACT.frames.keys();
    let frames = kinds.map(|(side, kind)| format!("{side} {kind}"));
    let errors = ErrorCode::ALL.iter().filter(|code| code.is_of_frames());
    let errors = errors.map(|code| format!("error {}", code.as_str()));
    let closes = CONTRACT.reasons.keys().map(|code| format!("close {code}"));
    let refusals = CONTRACT.refusals.iter();
    let refusals = refusals.map(|(status, code)| format!("refusal {status} {code}"));
    let mut all: Vec<_> = frames.chain(errors).chain(closes).chain(refusals).collect();
    all.sort();
    all
}

/// The file in which a run of the tests notes what of the document it has seen.
#[expect(clippy::disallowed_methods, reason = "it is no setting of the server")]
pub fn seen_file() -> Option<String> {
    std::env::var("ASYNCAPI_SEEN").ok()
}

/// Notes that something of the document was seen, once.
fn saw(what: &str, name: &str) {
    static FILE: LazyLock<Option<String>> = LazyLock::new(seen_file);
    static SEEN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let Some(path) = FILE.as_deref() else { return };
    let line = format!("{what} {name}");
    let mut seen = SEEN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if !seen.contains(&line) {
        let mut file = std::fs::File::options();
        let mut file = file.append(true).create(true).open(path).expect("the file");
        writeln!(file, "{line}").expect("room for a line");
        seen.insert(line);
    }
}
