//! One connection: from its first bytes to its end.

use std::{
    io,
    pin::{Pin, pin},
    sync::atomic::Ordering,
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncWriteExt, split},
    time::{Instant, sleep_until, timeout},
};

use super::{
    Happening, Shared,
    faults::Dice,
    pipe::{Direction, Ended, Pipe},
    shadow::Shadow,
};
use crate::remote::{Stream, http::read_head};

/// How long a client may take for its request's head.
const HEAD: Duration = Duration::from_secs(30);
/// How long the server may take to be reached.
const REACH: Duration = Duration::from_secs(10);
/// How long one direction may go on when the other has ended.
const LAST: Duration = Duration::from_secs(60);
/// What is answered when it is not.
const UNREACHABLE: &[u8] =
    b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A connection on its way.
pub struct Tunnel<'a> {
    shared: &'a Shared,
    number: u64,
    dice: Dice,
    cut_at: Option<Instant>,
}

/// Both ends of it, and what was read of either already.
struct Ends {
    client: Stream,
    server: Stream,
    from_client: BytesMut,
    from_server: BytesMut,
}

/// A request's head as it goes on.
struct Request {
    bytes: Vec<u8>,
    upgrades: bool,
    /// Method and path, without the query, which may have a token in it.
    what: String,
}

impl<'a> Tunnel<'a> {
    pub fn new(shared: &'a Shared, number: u64) -> Self {
        Self {
            shared,
            number,
            dice: Dice::new(shared.seed, number, 0),
            cut_at: None,
        }
    }

    /// Serves the connection to its end.
    pub async fn run(mut self, client: Stream) {
        let (log, faults) = (&self.shared.log, &self.shared.faults);
        log.count(Happening::Connection);
        // All are thrown for every connection, so that what is set for one fault changes no other.
        let refuses = self.dice.hits(faults.refuse);
        let reorders = self.dice.hits(faults.reorder);
        let hold = self.dice.time(faults.reorder_wait);
        let limit = self.dice.time(faults.cut_after);
        self.cut_at = faults.cut_after.map(|_| Instant::now() + limit);
        if refuses {
            log.tell(self.number, Happening::Refusal, "refused");
            return client.reset_on_drop();
        }
        if reorders {
            self.hold(hold).await;
        }
        self.serve(client).await;
    }

    /// Waits for a later connection to reach the server. One waits at a time: else all would.
    async fn hold(&self, hold: Duration) {
        if self.shared.held.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut reached = self.shared.reached.subscribe();
        let overtaken = reached.wait_for(|number| *number > self.number);
        let overtaken = timeout(hold, overtaken).await.is_ok();
        self.shared.held.store(false, Ordering::Relaxed);
        let log = &self.shared.log;
        if overtaken {
            log.tell(
                self.number,
                Happening::Reordering,
                "overtaken by a later one",
            );
        } else {
            log.note(self.number, "held, and nobody came later");
        }
    }

    async fn serve(&self, mut client: Stream) {
        let mut received = BytesMut::new();
        let head = timeout(HEAD, read_head(&mut client, &mut received)).await;
        let Ok(Ok(head)) = head else {
            return;
        };
        let authority = self.shared.upstream.authority();
        let Some(request) = Request::read(&head, &authority) else {
            return self.shared.log.note(self.number, "no HTTP");
        };
        let reaching = self.reach(&request.bytes);
        let server = match timeout(REACH, reaching).await {
            Ok(Ok(server)) => server,
            failed => {
                let why = match failed {
                    Ok(Err(error)) => format!("the server is not reached: {error}"),
                    _ => "the server is not reached in time".to_owned(),
                };
                let log = &self.shared.log;
                log.tell(self.number, Happening::Unreachable, &why);
                let _gone = client.write_all(UNREACHABLE).await;
                let _gone = client.shutdown().await;
                return;
            }
        };
        let number = self.number;
        self.shared
            .reached
            .send_modify(|reached| *reached = number.max(*reached));
        let mut ends = Ends {
            client,
            server,
            from_client: received,
            from_server: BytesMut::new(),
        };
        if !request.upgrades {
            return self.pass(ends, false, None).await;
        }
        let Ok(answer) = read_head(&mut ends.server, &mut ends.from_server).await else {
            return;
        };
        if ends.client.write_all(&answer).await.is_err() {
            return;
        }
        if !answer.starts_with(b"HTTP/1.1 101") {
            return self.pass(ends, false, None).await;
        }
        let how = format!("socket {}", request.what);
        self.shared.log.tell(number, Happening::Socket, &how);
        let shadow = self.shadow(&request).await;
        self.pass(ends, true, shadow).await;
    }

    async fn reach(&self, head: &[u8]) -> io::Result<Stream> {
        let window = self.shared.faults.receive_buffer;
        let mut server = self.shared.upstream.connect(window).await?;
        server.write_all(head).await?;
        server.flush().await?;
        Ok(server)
    }

    /// The same socket once more, if that is to be.
    async fn shadow(&self, request: &Request) -> Option<Shadow> {
        let mut dice = Dice::new(self.shared.seed, self.number, 3);
        if !dice.hits(self.shared.faults.double_connections) {
            return None;
        }
        let log = &self.shared.log;
        match timeout(REACH, self.reach(&request.bytes)).await {
            Ok(Ok(stream)) => {
                log.tell(self.number, Happening::DoubledConnection, "opened twice");
                Some(Shadow::new(stream))
            }
            _ => {
                log.note(self.number, "could not be opened twice");
                None
            }
        }
    }

    /// Passes on in both directions, until both have ended or the connection is cut.
    async fn pass(&self, ends: Ends, frames: bool, shadow: Option<Shadow>) {
        let Ends {
            mut client,
            mut server,
            from_client,
            from_server,
        } = ends;
        let (client_reads, client_writes) = split(&mut client);
        let (server_reads, server_writes) = split(&mut server);
        let up = Pipe::new(self.shared, self.number, Direction::ToServer, frames);
        let down = Pipe::new(self.shared, self.number, Direction::ToClient, frames);
        let ended = {
            let mut up = pin!(up.run(client_reads, server_writes, from_client, shadow));
            let mut down = pin!(down.run(server_reads, client_writes, from_server, None));
            tokio::select! {
                ended = &mut up => last(ended, down).await,
                ended = &mut down => last(ended, up).await,
                () = self.deadline(), if frames => {
                    let log = &self.shared.log;
                    log.tell(self.number, Happening::Cut, "cut, its time was over");
                    Ended::Cut
                }
            }
        };
        if ended == Ended::Cut {
            client.reset_on_drop();
            server.reset_on_drop();
        }
    }

    async fn deadline(&self) {
        match self.cut_at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

/// What is left to do when one direction has ended.
async fn last(ended: Ended, other: Pin<&mut impl Future<Output = Ended>>) -> Ended {
    match ended {
        Ended::Cut => Ended::Cut,
        Ended::Over => timeout(LAST, other).await.unwrap_or(Ended::Cut),
    }
}

impl Request {
    /// Reads a head, and names another host in it. What is no upgrade asks for no second answer on
    /// the same connection, so that only its bytes need to be passed on.
    fn read(head: &[u8], authority: &str) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut request = httparse::Request::new(&mut headers);
        if !matches!(request.parse(head), Ok(httparse::Status::Complete(_))) {
            return None;
        }
        let (method, path) = (request.method?, request.path?);
        let named = |name: &str| {
            let same = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
            request.headers.iter().find(same).map(|header| header.value)
        };
        let upgrades = named("upgrade").is_some_and(|to| to.eq_ignore_ascii_case(b"websocket"));
        let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
        for header in request.headers.iter() {
            let name = header.name;
            let ours = name.eq_ignore_ascii_case("host")
                || (!upgrades && name.eq_ignore_ascii_case("connection"));
            if !ours {
                bytes.extend_from_slice(name.as_bytes());
                bytes.extend_from_slice(b": ");
                bytes.extend_from_slice(header.value);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        if !upgrades {
            bytes.extend_from_slice(b"Connection: close\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        let path = path.split('?').next().unwrap_or_default();
        Some(Self {
            bytes,
            upgrades,
            what: path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_names_the_server_and_hides_the_query() {
        let head = b"GET /ws/a?token=x HTTP/1.1\r\nhost: flaky\r\nUpgrade: WebSocket\r\n\
                     Connection: Upgrade\r\n\r\n";
        let request = Request::read(head, "chat.example.org").unwrap();
        assert!(request.upgrades);
        assert_eq!(request.what, "/ws/a");
        let text = String::from_utf8(request.bytes).unwrap();
        assert_eq!(
            text,
            "GET /ws/a?token=x HTTP/1.1\r\nHost: chat.example.org\r\nUpgrade: WebSocket\r\n\
             Connection: Upgrade\r\n\r\n"
        );
    }

    #[test]
    fn a_plain_request_is_the_last_on_its_connection() {
        let head = b"POST /x HTTP/1.1\r\nHost: flaky\r\nConnection: keep-alive\r\n\r\n";
        let request = Request::read(head, "there:1").unwrap();
        assert!(!request.upgrades);
        let text = String::from_utf8(request.bytes).unwrap();
        assert_eq!(
            text,
            "POST /x HTTP/1.1\r\nHost: there:1\r\nConnection: close\r\n\r\n"
        );
        assert!(Request::read(b"hello\r\n\r\n", "there").is_none());
    }
}
