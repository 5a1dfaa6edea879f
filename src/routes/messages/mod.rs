//! `/api/chat/rooms/{room_id}/messages`: what was said, and saying something.

mod history;
mod post;
mod view;

use actix_web::web;

use super::get;

pub fn configure(app: &mut web::ServiceConfig) {
    app.service(
        web::resource("/api/chat/rooms/{room_id}/messages")
            .route(get().to(history::list_messages))
            .route(web::post().to(post::post_message)),
    );
}
