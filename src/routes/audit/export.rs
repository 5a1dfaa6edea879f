use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::Deserialize;
use serde_json::json;

use super::{
    list::{declare_time, time},
    view::{EntryView, example},
};
use crate::{
    auth::{ReadAudit, Require},
    config::Config,
    domain::audit::Act,
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag},
        by,
        input::Form,
    },
    store::{AuditQuery, Store},
};

/// Entries that are read and held at once.
const PAGE: i64 = 200;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ExportQuery {
    from: Option<String>,
    to: Option<String>,
}

/// `GET /api/audit/export`: the log as JSON lines, in its order, up to the entry that says that it
/// was exported.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn export_audit(
    user: Require<ReadAudit>,
    query: web::Query<ExportQuery>,
    request: HttpRequest,
    config: web::Data<Config>,
    store: web::Data<Store>,
) -> Result<HttpResponse, ApiError> {
    let mut form = Form::default();
    let query = AuditQuery {
        from: time(&mut form, "from", query.from.as_deref()),
        to: time(&mut form, "to", query.to.as_deref()),
        ..AuditQuery::default()
    };
    form.check()?;
    let by = by(&request, &config, Some(&user.user.0));
    let details = json!({ "from": query.from, "to": query.to });
    store.record(by, Act::AuditExport, None, details).await?;
    let last = store.audit_head().await?.seq;
    let lines = lines(store.get_ref().clone(), query, last);
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((
            "content-disposition",
            "attachment; filename=\"audit.jsonl\"",
        ))
        .streaming(lines))
}

pub fn declare_export_audit() -> Operation {
    let line = example().to_string();
    let export = Operation::new(Tag::Audit, "exportAudit", "Exports the audit log")
        .about(
            "For who has `audit.read`. One entry a line, as a search shows it, the oldest first. An export is \
             itself an act in the log, and the last line of one without `to`.",
        )
        .signed_in();
    declare_time(export)
        .answers_text(&["application/x-ndjson"], "The entries.", &line)
        .refuses(&[ErrorCode::ValidationFailed, ErrorCode::Forbidden])
}

/// The entries up to `last` as lines, a page at a time: the next is read when the client has taken
/// the one before.
fn lines(
    store: Store,
    query: AuditQuery,
    last: i64,
) -> impl Stream<Item = Result<Bytes, ApiError>> {
    let first = Some((store, query, 0));
    stream::try_unfold(first, move |state| async move {
        let Some((store, query, after)) = state else {
            return Ok(None);
        };
        let entries = store.audit_after(&query, after, PAGE).await?;
        let is_last_page = (entries.len() as i64) < PAGE;
        let mut text = Vec::with_capacity(entries.len() * 512);
        let mut reached = after;
        for entry in entries {
            reached = entry.entry.seq;
            if reached > last {
                break;
            }
            serde_json::to_writer(&mut text, &EntryView::new(entry))
                .map_err(|error| ApiError::Internal(error.into()))?;
            text.push(b'\n');
        }
        let more = !is_last_page && reached < last;
        let next = more.then_some((store, query, reached));
        Ok((!text.is_empty()).then(|| (Bytes::from(text), next)))
    })
}
