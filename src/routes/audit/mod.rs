//! `/api/audit`: who did what to whom, for admins.

mod export;
mod list;
mod view;

use super::api::{Api, at};

pub fn configure(api: &mut Api) {
    api.add(at("/api/audit").get(list::list_audit, list::declare_list_audit))
        .add(at("/api/audit/export").get(export::export_audit, export::declare_export_audit));
}
