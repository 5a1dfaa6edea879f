//! A server that says again what it hears, made of Parlor's own sockets: upgrade, frame reader,
//! outbox and connection. Suites of WebSocket cases ask for an echo, and a chat has none to give.
//!
//!     cargo run --example echo -- 127.0.0.1:9001

#![expect(
    clippy::print_stdout,
    reason = "the script that starts it waits for its line"
)]

use std::{convert::Infallible, io, net::TcpListener, rc::Rc, time::Duration};

use actix::{Actor, ActorContext, StreamHandler};
use actix_codec::{Framed, FramedParts};
use actix_http::{
    HttpService, Request, Response, h1,
    ws::{Codec, Message, ProtocolError},
};
use actix_server::Server;
use actix_service::fn_service;
use actix_web::rt::net::TcpStream;
use actix_web_actors::ws::WebsocketContext;
use parlor::{
    chat::socket::{Connection, FrameReader, Heard, Incoming, MAX_MESSAGE, Outbox, accept},
    metrics::Metrics,
    protocol::frame,
};

/// How long a peer may take to read its close frame.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

struct Echo {
    outbox: Rc<Outbox>,
    incoming: Incoming,
}

impl Actor for Echo {
    type Context = WebsocketContext<Self>;
}

impl StreamHandler<Result<Message, ProtocolError>> for Echo {
    fn handle(&mut self, item: Result<Message, ProtocolError>, context: &mut Self::Context) {
        if !self.outbox.is_open() {
            return;
        }
        match self.incoming.take(item, self.outbox.pace().end()) {
            Heard::Nothing => return,
            Heard::Text(text) => return self.outbox.push(frame::plain_text(&text)),
            Heard::Ping(payload) => return self.outbox.push(frame::pong(&payload)),
            Heard::Goodbye(code) => self.outbox.close_echo(code),
            Heard::Fault(code) => self.outbox.close(code),
            Heard::Gone => {}
        }
        context.stop();
    }
}

fn open(metrics: &Metrics, request: &Request, parts: FramedParts<TcpStream, h1::Codec>) {
    let Ok(head) = accept(request, "echo") else {
        return;
    };
    let outbox = Rc::new(Outbox::new(Box::new(parts.io), metrics.clone()));
    outbox.push(head.into());
    let reader = FrameReader::new(outbox.clone(), &parts.read_buf);
    let echo = Echo {
        outbox: outbox.clone(),
        incoming: Incoming::default(),
    };
    let codec = Codec::new().max_size(MAX_MESSAGE);
    let session = WebsocketContext::with_codec(echo, reader, codec);
    actix_web::rt::spawn(Connection::new(outbox, session, CLOSE_WITHIN, ()));
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0"))?;
    listener.set_nonblocking(true)?;
    println!("echo at {}", listener.local_addr()?);
    let metrics = Metrics::new().map_err(io::Error::other)?;
    let server = Server::build()
        .workers(1)
        .listen("echo", listener, move || {
            let metrics = metrics.clone();
            let upgrade = fn_service(
                move |(request, framed): (Request, Framed<TcpStream, h1::Codec>)| {
                    open(&metrics, &request, framed.into_parts());
                    async { Ok::<_, Infallible>(()) }
                },
            );
            HttpService::build()
                .upgrade(upgrade)
                .finish(fn_service(|_: Request| async {
                    Ok::<_, Infallible>(Response::not_found())
                }))
                .tcp()
        })?;
    server.run().await
}
