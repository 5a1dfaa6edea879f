//! What a server answered, and the promises that every answer keeps.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    what: String,
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// Keeps an answer once it has what every answer must have.
    pub fn new(what: String, status: u16, headers: HeaderMap, body: Bytes) -> Self {
        let answer = Self {
            what,
            status,
            headers,
            body,
        };
        answer.check_request_id();
        if answer.status >= 400 && !answer.what.starts_with("HEAD ") {
            answer.check_error();
        }
        answer
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The text of a header that stands there once.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a header of plain text"))
    }

    /// Every value of a header.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let values = self.headers.get_all(name).into_iter();
        values
            .map(|value| value.to_str().expect("a header of plain text"))
            .collect()
    }

    /// The id in `x-request-id`.
    pub fn request_id(&self) -> &str {
        self.header("x-request-id").unwrap_or_default()
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of UTF-8")
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{self} is no JSON: {error}"))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        if self.body.is_empty() {
            return Value::Null;
        }
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self}"
        );
        self.json()
    }

    /// The body of an error that must have this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self}");
        let body = self.json();
        assert_eq!(body["code"], code, "{self}");
        body
    }

    /// Checks a refusal for one field's sake, and that the field says why.
    #[track_caller]
    pub fn refused_field(self, field: &str, code: &str) {
        let text = self.to_string();
        let body = self.refused(400, "validation_failed");
        let named = body["fields"].as_array().is_some_and(|fields| {
            fields
                .iter()
                .any(|f| f["field"] == field && f["code"] == code)
        });
        assert!(named, "{field} {code} is not named in {text}");
    }

    #[track_caller]
    fn check_request_id(&self) {
        let id = self.header("x-request-id");
        let valid = id.is_some_and(|id| id.parse::<uuid::Uuid>().is_ok());
        assert!(valid, "a request id is missing: {self}");
    }

    /// Every error has one shape, whoever made it: a handler, an extractor or the framework.
    #[track_caller]
    fn check_error(&self) {
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self}"
        );
        let body = self.json();
        let text = |name: &str| body[name].as_str().is_some_and(|text| !text.is_empty());
        assert_eq!(body["error"], true, "{self}");
        assert_eq!(body["status"], self.status, "{self}");
        assert!(text("code") && text("message"), "{self}");
        assert_eq!(body["request_id"], self.request_id(), "{self}");
        if let Some(fields) = body.get("fields") {
            assert_eq!(self.status, 400, "only validation names fields: {self}");
            let fields = fields.as_array().expect("fields is a list");
            let whole = |f: &Value| {
                ["field", "code", "message"]
                    .iter()
                    .all(|n| f[n].is_string())
            };
            assert!(!fields.is_empty() && fields.iter().all(whole), "{self}");
        }
        if self.status == 401 {
            let challenge = self.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Bearer"), "{self}");
        }
        if self.status == 405 {
            assert!(self.header("allow").is_some(), "{self}");
        }
        if matches!(self.status, 429 | 503) {
            let wait = self.header("retry-after").map(str::parse::<u64>);
            assert!(matches!(wait, Some(Ok(1..))), "{self}");
        }
        assert_ne!(self.status, 500, "no input may be a fault of ours: {self}");
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, status, .. } = self;
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{what} → {status} {:?} {body}", self.headers)
    }
}
