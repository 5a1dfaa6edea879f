//! `/api/users`: who there is, and who may change it.

mod create;
mod list;
mod read;
mod remove;
mod update;
mod view;

use actix_web::web;

use super::get;

pub use create::NewAccount;
pub use view::UserView;

/// Fixed names come before `{id}`, which would take them for ids.
pub fn configure(app: &mut web::ServiceConfig) {
    app.service(
        web::resource("/api/users")
            .route(get().to(list::list_users))
            .route(web::post().to(create::create_user)),
    )
    .service(web::resource("/api/users/me").route(get().to(read::show_self)))
    .service(web::resource("/api/users/statistics").route(get().to(read::show_statistics)))
    .service(web::resource("/api/users/role/{role}").route(get().to(list::list_users_of_role)))
    .service(
        web::resource("/api/users/{id}")
            .route(get().to(read::show_user))
            .route(web::put().to(update::update_user))
            .route(web::patch().to(update::update_user))
            .route(web::delete().to(remove::delete_user)),
    );
}
