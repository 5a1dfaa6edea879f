//! `/api/chat/rooms/{room_id}/messages`: what was said, and saying something.

mod history;
mod post;
mod view;

use super::api::{Api, at};

pub fn configure(api: &mut Api) {
    api.add(
        at("/api/chat/rooms/{room_id}/messages")
            .get(history::list_messages, history::declare_list_messages)
            .post(post::post_message, post::declare_post_message),
    );
}
