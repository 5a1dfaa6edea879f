//! `/api/users`: who there is, and who may change it.

mod create;
mod list;
mod read;
mod remove;
mod update;
mod view;

use super::api::{Api, at};

pub use create::{NewAccount, REFUSALS as REFUSALS_OF_NEW};
pub use view::UserView;

/// Fixed names come before `{id}`, which would take them for ids.
pub fn configure(api: &mut Api) {
    api.add(
        at("/api/users")
            .get(list::list_users, list::declare_list_users)
            .post(create::create_user, create::declare_create_user),
    )
    .add(at("/api/users/me").get(read::show_self, read::declare_show_self))
    .add(at("/api/users/statistics").get(read::show_statistics, read::declare_show_statistics))
    .add(
        at("/api/users/role/{role}")
            .get(list::list_users_of_role, list::declare_list_users_of_role),
    )
    .add(
        at("/api/users/{id}")
            .get(read::show_user, read::declare_show_user)
            .put(update::update_user, update::declare_replace_user)
            .patch(update::update_user, update::declare_update_user)
            .delete(remove::delete_user, remove::declare_delete_user),
    );
}
