use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use utoipa::{ToSchema, openapi::RefOr};

use super::refusals;
use crate::{domain::ids::RoomId, protocol::code::ErrorCode};

/// The chapters of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    SignIn,
    Users,
    Rooms,
    Socket,
    Audit,
    Monitoring,
    Documents,
}

impl Tag {
    /// Each with its name and what it is about.
    pub const ALL: [(Self, &'static str, &'static str); 7] = [
        (
            Self::SignIn,
            "Signing in",
            "From a password to a token, and back.",
        ),
        (Self::Users, "Users", "Who there is, and who may change it."),
        (
            Self::Rooms,
            "Rooms and messages",
            "Where people talk, and what was said there.",
        ),
        (
            Self::Socket,
            "Socket",
            "Where messages come live. What is said there is described by `/api/asyncapi.json`.",
        ),
        (
            Self::Audit,
            "Audit",
            "Who did what to whom, and that nobody changed what is said of it.",
        ),
        (
            Self::Monitoring,
            "Monitoring",
            "For probes, balancers and Prometheus.",
        ),
        (
            Self::Documents,
            "Documents",
            "The interface, described for programs and people.",
        ),
    ];

    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(tag, ..)| *tag == self);
        found.map_or("", |(_, name, _)| name)
    }
}

/// What the document says of one method of one path.
///
/// It stands beside the handler: what the handler takes, what it answers, and each refusal.
pub struct Operation {
    id: &'static str,
    tag: Tag,
    summary: &'static str,
    description: String,
    security: Value,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: BTreeMap<String, Value>,
    refusals: BTreeSet<&'static str>,
    pub(super) schemas: BTreeMap<String, Value>,
}

impl Operation {
    /// An operation for everybody. `id` is its name in programs that are made from the document.
    pub fn new(tag: Tag, id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            description: format!("{summary}."),
            security: json!([]),
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            refusals: BTreeSet::new(),
            schemas: BTreeMap::new(),
        }
        .refuses(&[ErrorCode::Internal])
    }

    /// What more there is to say than the summary.
    pub fn about(mut self, text: &str) -> Self {
        self.description = text.to_owned();
        self
    }

    /// Only for who is signed in.
    pub fn signed_in(self) -> Self {
        self.secured(json!([{ "token": [] }])).refuses(&[
            ErrorCode::Unauthenticated,
            ErrorCode::Forbidden,
            ErrorCode::Unavailable,
        ])
    }

    /// For everybody, but who is signed in may do more.
    pub fn maybe_signed_in(self) -> Self {
        self.secured(json!([{}, { "token": [] }]))
            .refuses(&[ErrorCode::Unauthenticated, ErrorCode::Unavailable])
    }

    /// Proved in one of the ways of a list, as the document names them.
    pub fn secured(mut self, ways: Value) -> Self {
        self.security = ways;
        self
    }

    /// A part of the path that is a room's id.
    pub fn room(self) -> Self {
        let about = "The room's id.";
        self.path::<RoomId>("room_id", about, "general")
            .refuses(&[ErrorCode::BadRequest])
    }

    /// A part of the path.
    pub fn path<T: ToSchema>(mut self, name: &str, about: &str, example: &str) -> Self {
        let schema = self.schema::<T>();
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true,
            "description": about, "schema": schema, "example": example,
        }));
        self
    }

    /// A parameter of the query that may be left out. One that is there twice is refused.
    pub fn query(mut self, name: &str, schema: Value, about: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "query", "required": false,
            "description": about, "schema": schema,
        }));
        self.refuses(&[ErrorCode::BadRequest])
    }

    /// A header that may be left out.
    pub fn header<T: ToSchema>(mut self, name: &str, about: &str, example: &str) -> Self {
        let schema = self.schema::<T>();
        self.parameters.push(json!({
            "name": name, "in": "header", "required": false,
            "description": about, "schema": schema, "example": example,
        }));
        self
    }

    /// A body of JSON that must be there.
    pub fn takes<T: ToSchema>(self, example: Value) -> Self {
        self.body::<T>(true, example)
    }

    /// Says of a body that it must have one of these fields with a text, whichever.
    pub fn with_one_of<T: ToSchema>(mut self, fields: &[&str]) -> Self {
        let ways: Vec<Value> = fields
            .iter()
            .map(|field| {
                json!({ "required": [field], "properties": { *field: { "type": "string" } } })
            })
            .collect();
        let schema = self.schemas.get_mut(&*T::name());
        if let Some(schema) = schema.and_then(Value::as_object_mut) {
            schema.insert("anyOf".to_owned(), ways.into());
        }
        self
    }

    /// A body of JSON that may be left out.
    pub fn may_take<T: ToSchema>(self, example: Value) -> Self {
        self.body::<T>(false, example)
    }

    fn body<T: ToSchema>(mut self, required: bool, example: Value) -> Self {
        let schema = self.schema::<T>();
        self.body = Some(json!({
            "required": required,
            "content": { "application/json": { "schema": schema, "example": example } },
        }));
        self.refuses(&[
            ErrorCode::BadRequest,
            ErrorCode::RequestTimeout,
            ErrorCode::PayloadTooLarge,
            ErrorCode::UnsupportedMediaType,
        ])
    }

    /// An answer with a body of JSON.
    pub fn answers<T: ToSchema>(self, status: u16, about: &str, example: Value) -> Self {
        let mut this = self;
        let schema = this.schema::<T>();
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        this.answers_with(status, about, content)
    }

    /// An answer with a body of JSON that is one of two, which no body can be at once. Each example
    /// has its name.
    pub fn answers_either<A: ToSchema, B: ToSchema>(
        self,
        status: u16,
        about: &str,
        examples: [(&str, Value); 2],
    ) -> Self {
        let mut this = self;
        let schema = json!({ "oneOf": [this.schema::<A>(), this.schema::<B>()] });
        let examples: BTreeMap<&str, Value> = examples
            .into_iter()
            .map(|(name, value)| (name, json!({ "value": value })))
            .collect();
        let content = json!({ "application/json": { "schema": schema, "examples": examples } });
        this.answers_with(status, about, content)
    }

    /// An answer of text, of one of these kinds.
    pub fn answers_text(self, kinds: &[&str], about: &str, example: &str) -> Self {
        let content = json!({ "schema": { "type": "string" }, "example": example });
        let content: Map<String, Value> = kinds
            .iter()
            .map(|kind| ((*kind).to_owned(), content.clone()))
            .collect();
        self.answers_with(200, about, Value::Object(content))
    }

    /// The answer bears an `ETag`, and who sends it back is told when nothing has changed.
    pub fn cached(self) -> Self {
        let etag = "The name of this version; send it back as `If-None-Match`.";
        self.header::<String>(
            "If-None-Match",
            "The `ETag` of what one has.",
            "\"0123456789abcdef\"",
        )
        .answers_header(200, "ETag", etag)
        .answers_empty(304, "It is what you have.")
    }

    /// An answer that has a status and nothing more to say.
    pub fn answers_empty(self, status: u16, about: &str) -> Self {
        self.answers_with(status, about, Value::Null)
    }

    fn answers_with(mut self, status: u16, about: &str, content: Value) -> Self {
        let mut answer = json!({ "description": about, "headers": refusals::request_id() });
        if let (Some(answer), false) = (answer.as_object_mut(), content.is_null()) {
            answer.insert("content".to_owned(), content);
        }
        self.answers.insert(status.to_string(), answer);
        self
    }

    /// Says that an answer of this status may have a header beside the usual ones.
    pub fn answers_header(mut self, status: u16, name: &str, about: &str) -> Self {
        let headers = self
            .answers
            .get_mut(&status.to_string())
            .and_then(|answer| answer.get_mut("headers")?.as_object_mut());
        if let Some(headers) = headers {
            let header = json!({ "description": about, "schema": { "type": "string" } });
            headers.insert(name.to_owned(), header);
        }
        self
    }

    /// Why it may be refused. What each of the other steps brings need not be said again.
    pub fn refuses(mut self, codes: &[ErrorCode]) -> Self {
        self.refusals.extend(codes.iter().map(|code| code.as_str()));
        self
    }

    /// A refusal whose status is not the usual one of its code.
    pub fn refuses_with(mut self, status: u16, code: ErrorCode) -> Self {
        let answer = refusals::answer(status, &[code]);
        self.answers.insert(status.to_string(), answer);
        self
    }

    /// How the document refers to a type, which it then has among its schemas.
    fn schema<T: ToSchema>(&mut self) -> Value {
        // What has no name of ours says nothing more by having one.
        if matches!(&*T::name(), "String" | "Value") {
            return serde_json::to_value(T::schema()).unwrap_or_default();
        }
        let mut found: Vec<(String, RefOr<utoipa::openapi::Schema>)> =
            vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut found);
        for (name, schema) in found {
            let schema = serde_json::to_value(schema).unwrap_or_default();
            self.schemas.insert(name, schema);
        }
        json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
    }

    /// The codes with which it may be refused.
    pub(super) fn codes(&self) -> impl Iterator<Item = ErrorCode> {
        ErrorCode::ALL
            .iter()
            .copied()
            .filter(|code| self.refusals.contains(code.as_str()))
    }

    /// The operation as the document has it.
    pub(super) fn into_json(mut self) -> Value {
        let codes: Vec<ErrorCode> = self.codes().collect();
        for (status, refusal) in refusals::references(&codes) {
            self.answers.insert(status.to_string(), refusal);
        }
        let mut operation = json!({
            "operationId": self.id,
            "tags": [self.tag.name()],
            "summary": self.summary,
            "description": self.description,
            "security": self.security,
            "responses": self.answers,
        });
        if let Some(operation) = operation.as_object_mut() {
            if !self.parameters.is_empty() {
                operation.insert("parameters".to_owned(), self.parameters.into());
            }
            if let Some(body) = self.body {
                operation.insert("requestBody".to_owned(), body);
            }
        }
        operation
    }
}
