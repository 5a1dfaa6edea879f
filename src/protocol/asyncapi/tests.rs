use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::document;
use crate::protocol::{
    client::parse,
    code::{CloseCode, ErrorCode},
};

/// Checks payloads against what a document says of one side.
fn validator(document: &Value, side: &str) -> Validator {
    let messages = document["components"]["messages"].as_object().unwrap();
    let payloads = messages
        .iter()
        .filter(|(name, _)| name.starts_with(side))
        .map(|(_, message)| message["payload"].clone());
    let schema = json!({
        "components": document["components"],
        "oneOf": payloads.collect::<Vec<_>>(),
    });
    jsonschema::draft7::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

#[test]
fn every_frame_has_an_example_that_its_schema_takes() {
    let document = document("https://chat.example.org");
    let messages = document["components"]["messages"].as_object().unwrap();
    assert_eq!(messages.len(), 19, "{:?}", messages.keys());
    for side in ["client", "server"] {
        let validator = validator(&document, side);
        for (name, message) in messages {
            if !name.starts_with(side) {
                continue;
            }
            let payload = &message["examples"][0]["payload"];
            assert_eq!(payload["type"], message["name"], "{name}");
            let wrong: Vec<_> = validator.iter_errors(payload).collect();
            assert!(wrong.is_empty(), "{name}: {wrong:?}");
            assert_ne!(message["summary"], "", "{name}");
        }
    }
}

/// Whoever adds a field to a frame of the server adds it to the document, or is found out.
#[test]
fn the_server_sends_nothing_that_is_not_in_the_document() {
    let document = document("https://chat.example.org");
    let validator = validator(&document, "server");
    let pong = json!({"type": "pong", "server_time": "2026-11-21T07:34:09.5Z"});
    assert!(validator.is_valid(&pong));
    for (name, value) in [
        ("more", json!(1)),
        ("ref", json!(null)),
        ("ref", json!("x".repeat(65))),
        ("server_time", json!("today")),
        ("type", json!("dance")),
    ] {
        let mut frame = pong.clone();
        frame[name] = value;
        assert!(!validator.is_valid(&frame), "{frame}");
    }
    let profile = &document["components"]["schemas"]["Profile"];
    assert_eq!(profile["additionalProperties"], false);
}

#[test]
fn the_codes_are_those_of_the_socket() {
    let document = document("http://localhost:8080");
    assert_eq!(document["servers"]["parlor"]["protocol"], "ws");
    assert_eq!(document["servers"]["parlor"]["host"], "localhost:8080");
    let codes = &document["components"]["schemas"]["ErrorCode"]["enum"];
    let codes: Vec<_> = codes.as_array().unwrap().iter().collect();
    assert!(codes.contains(&&json!("token_expiring")));
    assert!(!codes.contains(&&json!(ErrorCode::EmailTaken.as_str())));
    let closes = document["channels"]["room"]["x-close-codes"].clone();
    assert_eq!(closes.as_array().unwrap().len(), CloseCode::ALL.len());
    let reason = json!({
        "components": document["components"],
        "$ref": "#/components/schemas/CloseReason",
    });
    let reason = jsonschema::draft7::new(&reason).unwrap();
    for code in CloseCode::ALL {
        let json: Value = serde_json::from_str(&code.reason()).unwrap();
        assert!(reason.is_valid(&json), "{code:?}");
    }
    assert!(
        !reason.is_valid(&json!({"code": "shutdown"})),
        "retry_ms is missing"
    );
}

/// What may stand in a field, mostly near what a frame wants there.
fn field() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-z0-9-]{0,66}",
        "[ -~]{0,66}",
        "\\PC{0,70}",
        "[ \\t\\n\\u{a0}\\u{85}\\u{2003}\\u{3000}\\u{feff}]{0,3}",
        any::<String>(),
        Just("general".to_owned()),
        Just("019aa001-0000-7000-8000-000000000001".to_owned()),
        Just("019AA001-0000-7000-8000-000000000001".to_owned()),
        Just("019aa0010000700080000000000000001".to_owned()),
        Just("{019aa001-0000-7000-8000-000000000001}".to_owned()),
        Just("x".repeat(4000)),
        Just("ä".repeat(4000)),
        Just("ä".repeat(4001)),
    ];
    prop_oneof![
        6 => text.prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => (-9i64..9).prop_map(|whole| json!(whole as f64)),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(json!([1, {}])),
        1 => Just(json!({"a": []})),
    ]
}

fn frame() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![
        8 => prop::sample::select(vec![
            "authorization", "connect", "message", "disconnect", "typing", "ping",
        ]).prop_map(Value::from),
        1 => field(),
    ];
    let names = prop::sample::select(vec![
        "ref",
        "token",
        "room_id",
        "user_id",
        "content",
        "client_message_id",
        "after",
        "epoch",
        "more",
    ]);
    let good = prop::collection::hash_map(names.clone(), Just(()), 0..9);
    let other = prop::collection::hash_map(names, field(), 0..4);
    (kind, good, other).prop_map(|(kind, good, other)| {
        let mut frame = json!({"type": kind});
        for name in good.into_keys() {
            frame[name] = match name {
                "room_id" => json!("general"),
                "user_id" => json!("019aa001-0000-7000-8000-000000000001"),
                "after" => json!(3),
                _ => json!("fine"),
            };
        }
        for (name, value) in other {
            frame[name] = value;
        }
        frame
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The document refuses what the server refuses, and nothing else.
    #[test]
    fn the_document_and_the_parser_agree(frame in frame()) {
        thread_local! {
            static CLIENT: Validator = validator(&document("https://chat.example.org"), "client");
        }
        let documented = CLIENT.with(|client| client.is_valid(&frame));
        let parsed = parse(&frame.to_string());
        prop_assert_eq!(documented, parsed.is_ok(), "{} {:?}", frame, parsed);
    }

    /// What a client writes with these types is what the server reads.
    #[test]
    fn a_frame_that_was_read_is_written_and_read_again(frame in frame()) {
        if let Ok((read, _)) = parse(&frame.to_string()) {
            let written = serde_json::to_string(&read).unwrap();
            let (again, _) = parse(&written).unwrap();
            prop_assert_eq!(read, again);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        if let Err(bad) = parse(&text) {
            prop_assert!(!bad.message.is_empty());
        }
    }

    /// Whatever is left out or put in between, it is an answer and no panic.
    #[test]
    fn a_frame_with_bytes_changed_is_read_or_refused(
        frame in frame(),
        at in any::<prop::sample::Index>(),
        with in "\\PC{0,3}",
    ) {
        let text = frame.to_string();
        let at = at.index(text.len());
        if let (Some(before), Some(after)) = (text.get(..at), text.get(at + 1..)) {
            let _read = parse(&format!("{before}{with}{after}"));
        }
    }
}
