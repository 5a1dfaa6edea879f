use actix_web::web;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::view::{EntryView, HASH, example};
use crate::{
    auth::{ReadAudit, Require},
    domain::{Invalid, ONE_LINE, audit::Hash, ids::UserId},
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        input::{Form, number},
    },
    store::{AuditQuery, Store},
};

/// The largest page of entries.
const MAX_LIMIT: i64 = 200;
/// The longest id that is searched for.
const MAX_TARGET: usize = 200;

/// What `act` is: a whole word, or what stands before the dot.
const ACT: &str = r"^[a-z_]{1,40}(\.[a-z_]{1,40})?$";

/// The query as text, so that everything that is wrong with it is told at once.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    actor: Option<String>,
    act: Option<String>,
    target: Option<String>,
    from: Option<String>,
    to: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditPage {
    /// The newest first.
    data: Vec<EntryView>,
    /// There are older ones; ask with the last `seq` as `before`.
    has_more: bool,
    head: AuditHeadView,
}

/// Where the log stands. Note it elsewhere: `parlor audit verify --head HASH` tells whether it is
/// still in the log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditHead)]
struct AuditHeadView {
    /// The number of the last entry; 0 if there is none.
    #[schema(minimum = 0)]
    seq: i64,
    #[schema(value_type = String, min_length = 64, max_length = 64)]
    hash: Hash,
}

/// `GET /api/audit`: what was done, the newest first.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn list_audit(
    user: Require<ReadAudit>,
    query: web::Query<ListQuery>,
    store: web::Data<Store>,
) -> Result<web::Json<AuditPage>, ApiError> {
    let (query, before, limit) = query.into_inner().read()?;
    let mut entries = store.audit_before(&query, before, limit + 1).await?;
    let has_more = entries.len() as i64 > limit;
    entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let head = store.audit_head().await?;
    Ok(web::Json(AuditPage {
        data: entries.into_iter().map(EntryView::new).collect(),
        has_more,
        head: AuditHeadView {
            seq: head.seq,
            hash: head.hash,
        },
    }))
}

pub fn declare_list_audit() -> Operation {
    let page = json!({
        "data": [example()],
        "has_more": false,
        "head": { "seq": 4711, "hash": HASH },
    });
    let list = Operation::new(Tag::Audit, "listAudit", "Searches the audit log")
        .about(
            "For who has `audit.read`. Every condition must hold; the newest entries come first.",
        )
        .signed_in()
        .query(
            "actor",
            or_empty(json!({ "type": "string", "format": "uuid" })),
            "Only what this user did.",
        )
        .query(
            "act",
            or_empty(json!({ "type": "string", "pattern": ACT, "example": "user.role" })),
            "Only this act, or all whose word begins so: `user` finds `user.create`.",
        )
        .query(
            "target",
            json!({ "type": "string", "maxLength": MAX_TARGET, "pattern": ONE_LINE }),
            "Only what was done to whom, or what, has this id.",
        )
        .query(
            "before",
            json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX }),
            "Only entries with a smaller `seq`.",
        )
        .query(
            "limit",
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50 }),
            "Entries a page.",
        );
    declare_time(list)
        .answers::<AuditPage>(200, "A page of entries.", page)
        .refuses(&[ErrorCode::ValidationFailed, ErrorCode::Forbidden])
}

/// Declares `from` and `to`.
pub fn declare_time(operation: Operation) -> Operation {
    let time = json!({ "type": "string", "format": "date-time", "example": examples::TIME });
    let time = or_empty(time);
    operation
        .query("from", time.clone(), "Only from this time on.")
        .query("to", time, "Only before this time.")
}

/// What a form sends that was not filled in counts as nothing.
fn or_empty(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "string", "maxLength": 0 }] })
}

impl ListQuery {
    fn read(self) -> Result<(AuditQuery, i64, i64), ApiError> {
        let mut form = Form::default();
        let actor = given(self.actor.as_deref()).and_then(|text| {
            let id = text.parse::<UserId>();
            id.map_err(|_| form.refuse(Invalid::new("actor", "invalid_id", "must be a user's id")))
                .ok()
        });
        let act = given(self.act.as_deref()).and_then(|text| {
            if is_act(text) {
                return Some(text.to_owned());
            }
            let message = "must be a word such as user or user.create";
            form.refuse(Invalid::new("act", "invalid_act", message));
            None
        });
        let target = given(self.target.as_deref()).and_then(|text| {
            if text.chars().count() <= MAX_TARGET && !text.chars().any(char::is_control) {
                return Some(text.to_owned());
            }
            form.refuse(Invalid::new("target", "invalid_id", "must be an id"));
            None
        });
        let query = AuditQuery {
            actor,
            act,
            target,
            from: time(&mut form, "from", self.from.as_deref()),
            to: time(&mut form, "to", self.to.as_deref()),
        };
        let before = self.before.as_deref();
        let before = number(&mut form, "before", before, 1..=i64::MAX, i64::MAX);
        let limit = number(&mut form, "limit", self.limit.as_deref(), 1..=MAX_LIMIT, 50);
        form.check().map(|()| (query, before, limit))
    }
}

/// What stands in a query; empty is nothing.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// A time of the query.
pub fn time(form: &mut Form, field: &'static str, text: Option<&str>) -> Option<DateTime<Utc>> {
    let text = given(text)?;
    let Ok(time) = DateTime::parse_from_rfc3339(text) else {
        let message = "must be a time of RFC 3339, such as 2026-11-21T07:32:47Z";
        form.refuse(Invalid::new(field, "invalid_time", message));
        return None;
    };
    Some(time.to_utc())
}

/// Whether a text is as [`ACT`] says.
fn is_act(text: &str) -> bool {
    let is_word = |word: &str| {
        (1..=40).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    match text.split_once('.') {
        Some((about, done)) => is_word(about) && is_word(done),
        None => is_word(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let text = |text: &str| Some(text.to_owned());
        let query = ListQuery {
            actor: text("ann"),
            act: text("User"),
            target: text("a\0"),
            from: text("yesterday"),
            to: text("2026-11-21"),
            before: text("0"),
            limit: text("201"),
        };
        let Err(ApiError::Invalid(wrong)) = query.read() else {
            panic!("it must be refused")
        };
        let fields: Vec<_> = wrong.iter().map(|wrong| wrong.field).collect();
        assert_eq!(
            fields,
            ["actor", "act", "target", "from", "to", "before", "limit"]
        );
    }

    #[test]
    fn an_act_is_a_word_or_its_beginning() {
        for good in ["user", "user.create", "login.refresh_reuse"] {
            assert!(is_act(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "user.",
            ".create",
            "user.create.x",
            "user create",
            "é",
        ] {
            assert!(!is_act(bad), "{bad}");
        }
    }
}
