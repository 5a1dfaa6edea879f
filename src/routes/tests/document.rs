//! The document of the REST API, held against the routes that answer.

use std::collections::BTreeSet;

use actix_web::{http::Method, test::TestRequest};
use serde_json::Value;

use super::{answer, api};
use crate::{protocol::code::ErrorCode, routes::api::document};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(METHODS.contains(&method.as_str()), "{path} {method}");
            found.push((path.clone(), method.clone(), operation));
        }
    }
    assert!(found.len() > 25, "the routes are found");
    found
}

/// A path with something in the places of its parameters.
fn address(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "x" } else { part }.to_owned();
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// The other direction needs no test: `Api` takes no route without its declaration, and
/// `tests/api/layers.rs` sees that routes come in no other way.
#[actix_web::test]
async fn every_path_of_the_document_answers_to_just_its_methods() {
    let document = document(&api());
    for (path, item) in document["paths"].as_object().unwrap() {
        let mut expected: BTreeSet<String> = item
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        if expected.contains("GET") {
            expected.insert("HEAD".to_owned());
        }
        let brew = Method::from_bytes(b"BREW").unwrap();
        let refused = answer(TestRequest::with_uri(&address(path)).method(brew)).await;
        assert_eq!(refused.status, 405, "{path}");
        let allowed = refused.header("allow").unwrap_or_default().split(", ");
        let allowed: BTreeSet<String> = allowed.map(str::to_owned).collect();
        assert_eq!(allowed, expected, "{path}");
    }
}

#[test]
fn every_operation_is_told_whole() {
    let document = document(&api());
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let what = format!("{method} {path}");
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{name} is there twice");
        for text in ["summary", "description"] {
            assert!(
                operation[text].as_str().is_some_and(|text| text.len() > 8),
                "{what}"
            );
        }
        let wanted: BTreeSet<&str> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let parameters = operation["parameters"].as_array();
        let told: BTreeSet<&str> = parameters
            .iter()
            .flat_map(|parameters| parameters.iter())
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert_eq!(told, wanted, "{what}");
        let answers = operation["responses"].as_object().unwrap();
        assert!(
            answers.keys().any(|status| status.as_str() < "400"),
            "{what}"
        );
        assert!(answers.contains_key("500"), "{what}");
        for (status, answer) in answers {
            check_examples(answer, &format!("{what} {status}"));
        }
        check_examples(&operation["requestBody"], &what);
    }
}

/// Every body has an example.
fn check_examples(told: &Value, what: &str) {
    for content in told["content"]
        .as_object()
        .into_iter()
        .flat_map(|all| all.values())
    {
        let has_one = content.get("example").is_some() || content.get("examples").is_some();
        assert!(has_one && content.get("schema").is_some(), "{what}");
    }
}

#[test]
fn every_error_code_of_http_is_the_answer_of_some_operation() {
    let document = document(&api());
    let answers = document["components"]["responses"].to_string();
    for code in ErrorCode::ALL {
        let is_told = answers.contains(&format!("\"{}\"", code.as_str()));
        // No operation of the document is asked for with a wrong method.
        let anywhere = *code == ErrorCode::MethodNotAllowed || code.is_of_frames();
        assert!(is_told || anywhere, "{code:?}");
        let table = document["info"]["description"].as_str().unwrap();
        let frames_alone = code.is_of_frames() && !is_told;
        assert!(
            frames_alone || table.contains(&format!("`{}`", code.as_str())),
            "{code:?}"
        );
    }
}

/// What is told to clients names nothing of the code, and means one thing by one name.
#[test]
fn schemas_speak_to_clients() {
    let document = document(&api());
    let text = document.to_string();
    for word in ["crate::", "super::", "Self::", "[`"] {
        assert!(!text.contains(word), "{word} is in the document");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert!(schemas.len() > 30);
    for (name, schema) in schemas {
        assert!(
            schema["description"].is_string(),
            "{name} has no description"
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document(&api());
    let mut waiting = vec![&document];
    let mut found = 0;
    while let Some(value) = waiting.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').expect("within the document");
            assert!(document.pointer(pointer).is_some(), "{reference}");
            found += 1;
        }
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(items) => waiting.extend(items.values()),
            _ => {}
        }
    }
    assert!(found > 50, "{found} references");
}
