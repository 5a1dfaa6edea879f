//! Routes of actix-web that do nothing: what HTTP itself costs. The answers are as long as Parlor's,
//! from the files that the runner names: `ME`, `PAGE` and `MESSAGE`.

use actix_web::{
    App, HttpResponse, HttpServer,
    http::header::ContentType,
    web::{Bytes, Data, Json, get, post, resource},
};
use serde::Deserialize;

struct Answers {
    me: Bytes,
    page: Bytes,
    message: Bytes,
}

#[derive(Deserialize)]
struct NewMessage {
    content: String,
}

async fn me(answers: Data<Answers>) -> HttpResponse {
    json(HttpResponse::Ok(), &answers.me)
}

async fn page(answers: Data<Answers>) -> HttpResponse {
    json(HttpResponse::Ok(), &answers.page)
}

async fn message(body: Json<NewMessage>, answers: Data<Answers>) -> HttpResponse {
    assert!(!body.content.is_empty());
    json(HttpResponse::Created(), &answers.message)
}

fn json(mut answer: actix_web::HttpResponseBuilder, body: &Bytes) -> HttpResponse {
    answer.content_type(ContentType::json()).body(body.clone())
}

fn file(name: &str) -> std::io::Result<Bytes> {
    let path = std::env::var(name).map_err(std::io::Error::other)?;
    Ok(Bytes::from(std::fs::read(path)?))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").map_err(std::io::Error::other)?;
    let port: u16 = port.parse().map_err(std::io::Error::other)?;
    let answers = Data::new(Answers {
        me: file("ME")?,
        page: file("PAGE")?,
        message: file("MESSAGE")?,
    });
    let messages = "/api/chat/rooms/{room}/messages";
    HttpServer::new(move || {
        App::new()
            .app_data(answers.clone())
            .service(resource("/api/users/me").route(get().to(me)))
            .service(
                resource(messages)
                    .route(get().to(page))
                    .route(post().to(message)),
            )
    })
    .workers(1)
    .bind(("127.0.0.1", port))?
    .run()
    .await
}
