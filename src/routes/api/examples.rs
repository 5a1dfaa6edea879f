//! One small world from which every example of the document is taken.

use serde_json::{Value, json};

pub const REQUEST_ID: &str = "01a1fd05-a467-7428-8dec-938c1fbeeb98";
pub const USER_ID: &str = "01a1fd03-d108-7375-ac3c-9d139cc21a53";
pub const LOGIN_ID: &str = "01a1fd03-d108-7376-ac3c-9d139cc21a54";
pub const MESSAGE_ID: &str = "01a1fd05-a430-7570-92bf-3dc1fc7c8e8d";
pub const PASSWORD: &str = "Analytical1";
pub const REFRESH_TOKEN: &str = "JqWn2yVgmS4Xk0cU1zq9bHf3tLr8oPd5eIa7wYxN6Mg";
/// Head, claims and signature, with something readable in their places.
pub const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJuYW1lIjoiYWRhIn0.c2lnbmF0dXJl";
/// As long as one is, and readable.
pub const API_TOKEN: &str = "parlor_JqWn2yVgmS4Xk0cU1zq9bHf3tLr8oPd5eIa7wYxN6Mg";
pub const TIME: &str = "2026-11-21T07:32:47.792933Z";

/// A user as that user and admins see it.
pub fn user() -> Value {
    json!({
        "id": USER_ID,
        "username": "ada",
        "email": "ada@example.org",
        "email_verified": true,
        "full_name": "Ada Lovelace",
        "phone_number": "+44 20 7946 0000",
        "bio": null,
        "avatar_url": null,
        "role": "client",
        "kind": "person",
        "active": true,
        "created_at": TIME,
        "updated_at": TIME,
    })
}

/// What asks for that user's account.
pub fn new_account() -> Value {
    json!({
        "username": "ada",
        "email": "ada@example.org",
        "password": PASSWORD,
        "full_name": "Ada Lovelace",
        "phone_number": "+44 20 7946 0000",
    })
}

/// A page of one user.
pub fn user_page() -> Value {
    json!({
        "data": [user()],
        "pagination": { "page": 1, "limit": 20, "total": 1, "pages": 1 },
    })
}

/// What who signed in is given.
pub fn signed_in(message: &str) -> Value {
    json!({
        "user": user(),
        "token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 86_400,
        "refresh_token": REFRESH_TOKEN,
        "message": message,
    })
}

/// What a room's members see of the user.
pub fn profile() -> Value {
    json!({ "id": USER_ID, "username": "ada", "full_name": "Ada Lovelace" })
}

/// A message of that user.
pub fn message() -> Value {
    json!({
        "id": MESSAGE_ID,
        "room_id": "general",
        "seq": 3,
        "rev": 3,
        "sender_id": USER_ID,
        "sender_name": "Ada Lovelace",
        "user_id": USER_ID,
        "user": profile(),
        "content": "The engine weaves algebraic patterns.",
        "created_at": TIME,
        "client_message_id": "ada-1",
    })
}
