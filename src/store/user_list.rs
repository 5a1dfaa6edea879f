//! Users: searching, sorting and counting them.

use std::collections::BTreeMap;

use sqlx::{Database, QueryBuilder};

use super::{
    Store, StoreError,
    backend::on_reader,
    rows::{self, UserRow, unreadable, user_columns},
};
use crate::domain::{
    fold_case,
    user::{Role, User},
};

/// Which users, in which order, and which page of them.
#[derive(Clone, Debug)]
pub struct UserQuery {
    /// Stands anywhere in the user name or the full name, whatever its case.
    pub text: Option<String>,
    /// `text` may also stand in the e-mail address or the telephone number.
    pub search_contacts: bool,
    pub role: Option<Role>,
    pub active: Option<bool>,
    pub sort: UserSort,
    pub descending: bool,
    /// From 1.
    pub page: u32,
    pub limit: u32,
}

/// What users are sorted by; equal ones by id. Names and addresses by their folded form; who has no
/// address stands at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserSort {
    #[default]
    CreatedAt,
    Username,
    FullName,
    Email,
}

/// How many there are; deleted users apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Of every role, those that nobody has too.
    pub by_role: BTreeMap<Role, i64>,
    pub totals: Totals,
}

/// How many there are, whatever their roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Totals {
    pub total: i64,
    pub active: i64,
    pub inactive: i64,
    pub messages: i64,
    pub rooms: i64,
}

/// The longest text that can stand in anything searched, with room for folding; SQLite refuses far
/// longer patterns.
const LONGEST_TEXT: usize = 1000;

/// What a text looks like as a pattern that finds it anywhere; `None` if it stands nowhere.
fn pattern(text: &str) -> Option<String> {
    // No stored text has a zero byte, and PostgreSQL refuses a parameter with one.
    if text.len() > LONGEST_TEXT || text.contains('\0') {
        return None;
    }
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in fold_case(text).chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    Some(pattern)
}

impl UserQuery {
    fn push_order<DB: Database>(&self, query: &mut QueryBuilder<DB>) {
        query.push(match (self.sort, self.descending) {
            (UserSort::CreatedAt, false) => " ORDER BY u.created_at, u.id",
            (UserSort::CreatedAt, true) => " ORDER BY u.created_at DESC, u.id DESC",
            (UserSort::Username, false) => " ORDER BY u.username_key, u.id",
            (UserSort::Username, true) => " ORDER BY u.username_key DESC, u.id DESC",
            (UserSort::FullName, false) => " ORDER BY u.full_name_key, u.id",
            (UserSort::FullName, true) => " ORDER BY u.full_name_key DESC, u.id DESC",
            (UserSort::Email, false) => " ORDER BY u.email_key NULLS LAST, u.id",
            (UserSort::Email, true) => " ORDER BY u.email_key DESC NULLS LAST, u.id DESC",
        });
    }

    fn offset(&self) -> i64 {
        i64::from(self.page.max(1) - 1).saturating_mul(i64::from(self.limit))
    }
}

/// Adds the conditions of a search; a macro because each database has its own builder.
macro_rules! push_filter {
    ($sql:ident, $query:expr, $pattern:expr) => {
        $sql.push(" FROM users u WHERE u.deleted_at IS NULL");
        if let Some(pattern) = $pattern {
            $sql.push(" AND (u.username_key LIKE ")
                .push_bind(pattern)
                .push(r" ESCAPE '\' OR u.full_name_key LIKE ")
                .push_bind(pattern);
            if $query.search_contacts {
                $sql.push(r" ESCAPE '\' OR u.email_key LIKE ")
                    .push_bind(pattern)
                    .push(r" ESCAPE '\' OR u.phone_number LIKE ")
                    .push_bind(pattern);
            }
            $sql.push(r" ESCAPE '\')");
        }
        if let Some(role) = &$query.role {
            $sql.push(" AND u.role = ").push_bind(role.as_str());
        }
        if let Some(active) = $query.active {
            $sql.push(" AND u.active = ").push_bind(active);
        }
    };
}

impl Store {
    /// One page of users, and how many there are on all pages.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list_users(&self, query: &UserQuery) -> Result<(Vec<User>, i64), StoreError> {
        let text = query.text.as_deref().filter(|text| !text.is_empty());
        let pattern = text.map(pattern);
        if pattern == Some(None) {
            return Ok((Vec::new(), 0));
        }
        let pattern = pattern.flatten();
        let pattern = pattern.as_deref();
        self.read("select", "users", async {
            on_reader!(self, db => {
                let mut sql = QueryBuilder::new("SELECT count(*)");
                push_filter!(sql, query, pattern);
                let total: i64 = sql.build_query_scalar().fetch_one(db).await?;
                let mut sql = QueryBuilder::new(concat!("SELECT ", user_columns!()));
                push_filter!(sql, query, pattern);
                query.push_order(&mut sql);
                sql.push(" LIMIT ").push_bind(i64::from(query.limit));
                sql.push(" OFFSET ").push_bind(query.offset());
                let page: Vec<UserRow> = sql.build_query_as().fetch_all(db).await?;
                Ok((rows::all(page)?, total))
            })
        })
        .await
    }

    /// Counts users, rooms and messages.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn statistics(&self) -> Result<Statistics, StoreError> {
        // A room's seq has no hole, so the heads tell how many messages there are without a look at
        // any of them.
        const SQL: &str = "SELECT count(*) AS total,
                count(CASE WHEN active THEN 1 END) AS active,
                count(CASE WHEN NOT active THEN 1 END) AS inactive,
                (SELECT CAST(COALESCE(SUM(last_seq), 0) AS BIGINT) FROM chat_rooms) AS messages,
                (SELECT count(*) FROM chat_rooms) AS rooms
            FROM users WHERE deleted_at IS NULL";
        const BY_ROLE: &str = "SELECT r.name, count(u.id) FROM roles r
            LEFT JOIN users u ON u.role = r.name AND u.deleted_at IS NULL
            GROUP BY r.name";
        self.read("select", "users", async {
            let (totals, rows): (Totals, Vec<(String, i64)>) = on_reader!(self, db => {
                let totals = sqlx::query_as(SQL).fetch_one(db).await?;
                (totals, sqlx::query_as(BY_ROLE).fetch_all(db).await?)
            });
            let read =
                |(name, count): (String, i64)| Ok((name.parse().map_err(unreadable)?, count));
            let by_role = rows
                .into_iter()
                .map(read)
                .collect::<Result<_, StoreError>>()?;
            Ok(Statistics { by_role, totals })
        })
        .await
    }
}
