//! `/api/auth`: from a password to a token, and back.

mod cookie;
mod login;
mod logout;
mod refresh;
mod register;
mod signed_in;
mod validate;

use actix_web::web;

pub fn configure(app: &mut web::ServiceConfig) {
    let post = web::post;
    app.service(web::resource("/api/auth/register").route(post().to(register::register)))
        .service(web::resource("/api/auth/login").route(post().to(login::log_in)))
        .service(web::resource("/api/auth/refresh").route(post().to(refresh::refresh)))
        .service(web::resource("/api/auth/logout").route(post().to(logout::log_out)))
        .service(web::resource("/api/auth/validate").route(post().to(validate::validate)));
}
