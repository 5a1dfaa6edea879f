//! Schemas of frames, from what their types say of themselves.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::Side;

/// Where named schemas stand in a document.
const PREFIX: &str = "#/components/schemas/";

/// The schemas of one document, by name.
#[derive(Default)]
pub struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// Adds the schema of each frame, and those that they name; gives the frames' types.
    ///
    /// The server never sends what is not in the schema, nor null; clients may send more fields,
    /// which are ignored.
    pub fn add_frames<T: ToSchema>(&mut self, side: Side) -> Vec<String> {
        let mut named = Vec::new();
        T::schemas(&mut named);
        let named = named
            .into_iter()
            .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()));
        let named: BTreeMap<String, Value> = named.collect();
        let frames = serde_json::to_value(T::schema()).unwrap_or_default();
        let mut kinds = Vec::new();
        for frame in items(&frames, "oneOf") {
            let mut object = Object::default();
            object.gather(frame, &named);
            let kind = object.take_kind();
            if side == Side::Client {
                object.properties.insert("ref".into(), client_reference());
            }
            let mut frame = object.into_schema();
            if side == Side::Server {
                close(&mut frame);
            }
            self.add_named(&frame, &named, side);
            self.0.insert(side.name(&kind), bounded(frame));
            kinds.push(kind);
        }
        kinds
    }

    /// Adds what a schema names, and what that names.
    fn add_named(&mut self, schema: &Value, named: &BTreeMap<String, Value>, side: Side) {
        for name in names(schema) {
            let (false, Some(found)) = (self.0.contains_key(name), named.get(name)) else {
                continue;
            };
            let mut found = found.clone();
            if side == Side::Server {
                close(&mut found);
            }
            self.0.insert(name.to_owned(), bounded(found.clone()));
            self.add_named(&found, named, side);
        }
    }

    /// Puts a schema in the place of the one that has this name.
    pub fn replace(&mut self, name: &str, schema: Value) {
        self.0.insert(name.to_owned(), schema);
    }

    /// What a schema says it is for.
    pub fn about(&self, name: &str) -> &str {
        let schema = self.0.get(name);
        schema
            .and_then(|schema| schema.get("description")?.as_str())
            .unwrap_or_default()
    }

    /// All of them, by name.
    pub fn into_map(self) -> Map<String, Value> {
        self.0.into_iter().collect()
    }
}

/// The `ref` of a client's frame. A text may be longer than what is echoed.
fn client_reference() -> Value {
    json!({
        "type": ["string", "integer", "null"],
        "description": "Echoed in the direct reply, but for a text of more than 64 characters.",
        "minimum": i64::MIN,
        "maximum": i64::MAX,
    })
}

/// The parts of an object joined into one, since `additionalProperties` sees its own part only.
#[derive(Default)]
struct Object {
    properties: Map<String, Value>,
    required: Vec<Value>,
    about: Option<Value>,
}

impl Object {
    fn gather(&mut self, schema: &Value, named: &BTreeMap<String, Value>) {
        if let Some(found) = name(schema).and_then(|name| named.get(name)) {
            self.gather(found, named);
        }
        for part in items(schema, "allOf") {
            self.gather(part, named);
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            self.properties.insert(name.clone(), property.clone());
        }
        self.required.extend(items(schema, "required").cloned());
        // What stands outside says what the frame is for.
        if let Some(about) = schema.get("description") {
            self.about = Some(about.clone());
        }
    }

    /// The `type` that frames of this form have, which becomes a constant.
    fn take_kind(&mut self) -> String {
        let kind = self.properties.get("type");
        let kind = kind.and_then(|kind| kind.get("enum")?.get(0)?.as_str());
        let kind = kind.unwrap_or_default().to_owned();
        self.properties
            .insert("type".into(), json!({"const": kind}));
        kind
    }

    fn into_schema(self) -> Value {
        json!({
            "type": "object",
            "description": self.about,
            "properties": self.properties,
            "required": self.required,
        })
    }
}

/// Lets an object have no other properties, and no null in those that it has.
fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(forbid_null);
        object.insert("additionalProperties".into(), false.into());
    }
}

/// An optional field is left out, never null: `Option` says so of itself wherever it is written.
fn forbid_null(property: &mut Value) {
    let is_null = |kind: &Value| kind == "null" || kind.get("type").is_some_and(|t| t == "null");
    for list in ["type", "oneOf"] {
        let Some(Value::Array(kinds)) = property.get_mut(list) else {
            continue;
        };
        kinds.retain(|kind| !is_null(kind));
        if let [only] = kinds.as_mut_slice() {
            let only = only.take();
            match property.get_mut(list) {
                Some(kind) if list == "type" => *kind = only,
                _ => *property = only,
            }
        }
    }
}

/// A UUID's usual form.
const UUID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";

/// Says the bounds of 64-bit numbers and the form of UUIDs: draft 7 of JSON Schema, which AsyncAPI
/// builds on, does not check these `format`s.
fn bounded(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(object) => {
            match object.get("format").and_then(Value::as_str) {
                Some("int64") => {
                    object.entry("minimum").or_insert(i64::MIN.into());
                    object.entry("maximum").or_insert(i64::MAX.into());
                }
                Some("uuid") => {
                    object.insert("pattern".into(), UUID.into());
                }
                _ => {}
            }
            for value in object.values_mut() {
                *value = bounded(value.take());
            }
        }
        Value::Array(values) => {
            for value in values {
                *value = bounded(value.take());
            }
        }
        _ => {}
    }
    schema
}

/// The name of the schema that this one stands for.
fn name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(PREFIX)
}

/// Every name in a schema.
fn names(schema: &Value) -> Vec<&str> {
    let mut found: Vec<&str> = name(schema).into_iter().collect();
    match schema {
        Value::Object(object) => found.extend(object.values().flat_map(names)),
        Value::Array(values) => found.extend(values.iter().flat_map(names)),
        _ => {}
    }
    found
}

/// The items of a list in a schema.
fn items<'a>(schema: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    let items = schema.get(list).and_then(Value::as_array);
    items.into_iter().flatten()
}
