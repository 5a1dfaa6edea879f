use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::UserView;
use crate::{
    auth::{Require, SeeUsers},
    domain::{
        Invalid, ONE_LINE,
        policy::{Action, Principal, allows},
        user::Role,
    },
    error::ApiError,
    protocol::code::ErrorCode,
    routes::{
        api::{Operation, Tag, examples},
        input::{Form, flag, number},
    },
    store::{Store, UserQuery, UserSort},
};

/// The largest page of users.
const MAX_LIMIT: u32 = 100;
/// The longest search text, in characters: as long as the longest name.
const MAX_SEARCH: usize = 100;

/// The query as text, so that everything that is wrong with it is told at once.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    page: Option<String>,
    limit: Option<String>,
    q: Option<String>,
    sort: Option<String>,
    order: Option<String>,
    role: Option<String>,
    active: Option<String>,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
pub struct UserPage {
    data: Vec<UserView>,
    pagination: Pagination,
}

/// Where a page is among all.
#[derive(Serialize, ToSchema)]
struct Pagination {
    #[schema(minimum = 1)]
    page: u32,
    #[schema(minimum = 1, maximum = 100)]
    limit: u32,
    /// Users on all pages.
    #[schema(minimum = 0)]
    total: i64,
    #[schema(minimum = 0)]
    pages: i64,
}

/// `GET /api/users`: a page of users.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn list_users(
    user: Require<SeeUsers>,
    query: web::Query<ListQuery>,
    store: web::Data<Store>,
) -> Result<web::Json<UserPage>, ApiError> {
    let query = query.into_inner().read(&user)?;
    list_page(&user, &query, &store).await
}

pub fn declare_list_users() -> Operation {
    let role =
        json!({ "type": "string", "pattern": "^([a-z][a-z0-9_-]*)?$", "maxLength": Role::MAX });
    let list = Operation::new(Tag::Users, "listUsers", "Lists users");
    declare_page(list).query("role", role, "Only users of this role.")
}

/// `GET /api/users/role/{role}`: a page of users with one role.
#[tracing::instrument(skip_all, fields(user.id = %user.id))]
pub async fn list_users_of_role(
    user: Require<SeeUsers>,
    role: web::Path<String>,
    query: web::Query<ListQuery>,
    store: web::Data<Store>,
) -> Result<web::Json<UserPage>, ApiError> {
    let role = Some(role.into_inner());
    let query = ListQuery {
        role,
        ..query.into_inner()
    }
    .read(&user)?;
    list_page(&user, &query, &store).await
}

pub fn declare_list_users_of_role() -> Operation {
    let list = Operation::new(Tag::Users, "listUsersOfRole", "Lists users of one role");
    declare_page(list.path::<Role>("role", "The role.", "client"))
}

fn declare_page(list: Operation) -> Operation {
    let page = json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX, "default": 1 });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 20 });
    let text = json!({ "type": "string", "maxLength": MAX_SEARCH, "pattern": ONE_LINE });
    let one_of = |words: &[&str]| -> Value {
        json!({ "type": "string", "enum": words, "default": words.first() })
    };
    let sort = one_of(&["created_at", "username", "full_name", "email"]);
    list.about(
        "Only who has `users.contact` searches and sorts by e-mail address. How to reach a user is \
         told to that user and to them; for others `email` and `phone_number` are absent.",
    )
    .signed_in()
    .query("page", page, "Which page, from 1.")
    .query("limit", limit, "Users a page.")
    .query(
        "q",
        text,
        "A part of a name; with `users.contact` also of an e-mail address or telephone number.",
    )
    .query(
        "sort",
        sort,
        "By what. By `email` only with `users.contact`.",
    )
    .query("order", one_of(&["asc", "desc"]), "In which direction.")
    .query(
        "active",
        json!({ "type": "boolean" }),
        "Only users that are, or are not, active.",
    )
    .answers::<UserPage>(200, "A page of users.", examples::user_page())
    .refuses(&[ErrorCode::ValidationFailed, ErrorCode::Forbidden])
}

async fn list_page(
    viewer: &Principal,
    query: &UserQuery,
    store: &Store,
) -> Result<web::Json<UserPage>, ApiError> {
    // That nobody has a role is one thing, that there is no such role another.
    if let Some(role) = query.role.as_ref().filter(|role| !role.is_built_in())
        && store.find_role(role).await?.is_none()
    {
        return Err(Role::unknown().into());
    }
    let (users, total) = store.list_users(query).await?;
    let limit = i64::from(query.limit);
    Ok(web::Json(UserPage {
        data: users
            .into_iter()
            .map(|user| UserView::for_viewer(user, viewer))
            .collect(),
        pagination: Pagination {
            page: query.page,
            limit: query.limit,
            total,
            pages: total.saturating_add(limit - 1) / limit,
        },
    }))
}

impl ListQuery {
    /// Reads the query for somebody: addresses and telephone numbers are for admins to look in.
    fn read(self, viewer: &Principal) -> Result<UserQuery, ApiError> {
        let sees_contacts = allows(viewer, Action::SearchContacts);
        let mut form = Form::default();
        let page = number(&mut form, "page", self.page.as_deref(), 1..=u32::MAX, 1);
        let limit = number(&mut form, "limit", self.limit.as_deref(), 1..=MAX_LIMIT, 20);
        let sort = match self.sort.as_deref() {
            None | Some("" | "created_at") => UserSort::CreatedAt,
            Some("username") => UserSort::Username,
            Some("full_name") => UserSort::FullName,
            Some("email") => UserSort::Email,
            Some("phone_number") if !sees_contacts => {
                return Err(ApiError::Forbidden("Only admins sort by telephone number"));
            }
            Some(_) => {
                let message = "must be created_at, username, full_name or email";
                form.refuse(Invalid::new("sort", "invalid_sort", message));
                UserSort::CreatedAt
            }
        };
        let descending = match self.order.as_deref() {
            None | Some("" | "asc") => false,
            Some("desc") => true,
            Some(_) => {
                form.refuse(Invalid::new(
                    "order",
                    "invalid_order",
                    "must be asc or desc",
                ));
                false
            }
        };
        let role = self.role.filter(|role| !role.is_empty()).and_then(|role| {
            role.parse::<Role>()
                .map_err(|invalid| form.refuse(invalid))
                .ok()
        });
        let active = flag(&mut form, "active", self.active.as_deref());
        let text = self
            .q
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        if let Some(invalid) = text.as_deref().and_then(refuse_search) {
            form.refuse(invalid);
        }
        form.check()?;
        if sort == UserSort::Email && !sees_contacts {
            return Err(ApiError::Forbidden("Only admins sort by e-mail"));
        }
        if text.as_deref().is_some_and(is_address) && !sees_contacts {
            return Err(ApiError::Forbidden("Only admins search by e-mail"));
        }
        Ok(UserQuery {
            text,
            search_contacts: sees_contacts,
            role,
            active,
            sort,
            descending,
            page,
            limit,
        })
    }
}

/// A control character is in no name, and PostgreSQL refuses NUL in a text.
fn refuse_search(text: &str) -> Option<Invalid> {
    let refuse = |code, message: &str| Some(Invalid::new("q", code, message));
    if text.chars().count() > MAX_SEARCH {
        return refuse("too_long", "must have at most 100 characters");
    }
    if text.chars().any(char::is_control) {
        return refuse("control_character", "must not hold control characters");
    }
    None
}

/// Whether a search can only mean an e-mail address. `@ann` is how people write names.
fn is_address(text: &str) -> bool {
    text.chars().skip(1).any(|letter| letter == '@')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::user::User;

    fn viewer(role: Role) -> Principal {
        Principal::in_person(User::sample("ann", role).into())
    }

    fn read(query: &str, role: Role) -> Result<UserQuery, ApiError> {
        web::Query::<ListQuery>::from_query(query)
            .unwrap()
            .into_inner()
            .read(&viewer(role))
    }

    #[test]
    fn the_query_has_defaults_and_bounds() {
        let query = read("page=&limit=", Role::Client).unwrap();
        assert_eq!((query.page, query.limit, query.descending), (1, 20, false));
        assert!(!query.search_contacts && query.text.is_none());
        let wrong = "page=0&limit=101&sort=password&order=up&role=God&active=1&q=a%00";
        let Err(ApiError::Invalid(wrong)) = read(wrong, Role::Admin) else {
            panic!()
        };
        let fields: Vec<_> = wrong.iter().map(|wrong| wrong.field).collect();
        assert_eq!(
            fields,
            ["page", "limit", "sort", "order", "role", "active", "q"]
        );
    }

    #[test]
    fn only_admins_look_in_addresses() {
        for query in ["sort=email", "sort=phone_number", "q=ann@example.org"] {
            for role in [Role::Client, Role::Trainer] {
                assert!(
                    matches!(read(query, role), Err(ApiError::Forbidden(_))),
                    "{query}"
                );
            }
        }
        assert!(read("q=@ann", Role::Client).is_ok(), "that is a name");
        assert!(
            read("sort=email&q=ann@example.org", Role::Admin)
                .unwrap()
                .search_contacts
        );
    }
}
