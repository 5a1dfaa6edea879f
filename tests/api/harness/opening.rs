//! How a socket is opened.

use std::collections::VecDeque;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::json;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    Connector, client_async_tls_with_config,
    tungstenite::{Error, client::IntoClientRequest, handshake::client::Request},
};

use super::{Answer, LIMIT, Site, Socket, contract};

/// Where the token of a socket goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The `Authorization` header of the upgrade.
    Header,
    /// `?token=`
    Query,
    /// The subprotocols `parlor.v1` and `bearer.<token>`.
    Subprotocol,
    /// The first frame.
    Frame,
}

/// A socket that has yet to be opened.
#[derive(Clone)]
pub struct Opening {
    site: Site,
    path: String,
    token: Option<String>,
    proof: Proof,
    headers: Vec<(HeaderName, String)>,
}

impl Opening {
    /// A socket of nobody on `/api/chat/ws`.
    pub fn new(site: Site) -> Self {
        Self {
            site,
            path: "/api/chat/ws".to_owned(),
            token: None,
            proof: Proof::Header,
            headers: Vec::new(),
        }
    }

    /// Whose socket it is.
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Where the token goes; the header unless said.
    pub fn by(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }

    /// Another path, with its query.
    pub fn path(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    /// One more header.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Opens the socket, waits until the server knows who it is, and joins a room.
    pub async fn joined(self, room: &str) -> Socket {
        let mut socket = self.ready().await;
        socket.join(room).await;
        socket
    }

    /// Opens the socket and waits until the server knows who it is.
    pub async fn ready(self) -> Socket {
        let mut socket = self.open().await;
        socket.wait_for("authenticated").await;
        socket
    }

    /// Opens the socket; nothing has been read from it.
    pub async fn open(self) -> Socket {
        let authorization = (self.proof == Proof::Frame).then(|| self.token.clone());
        let mut socket = match self.connect().await {
            Ok((socket, _)) => socket,
            Err(answer) => panic!("the socket is refused: {answer}"),
        };
        if let Some(Some(token)) = authorization {
            let frame = json!({"type": "authorization", "token": token});
            socket.send(&frame).await;
        }
        socket
    }

    /// Tries to open the socket and gives the answer, 101 if it is open.
    pub async fn answer(self) -> Answer {
        match self.connect().await {
            Ok((_, answer)) | Err(answer) => answer,
        }
    }

    /// Opens the socket if the server is there and takes it now.
    pub async fn attempt(self) -> Option<Socket> {
        match self.try_connect().await {
            Ok(Ok((socket, _))) => Some(socket),
            Ok(Err(refusal)) if refusal.status() == 503 => None,
            Ok(Err(refusal)) => panic!("the socket is refused: {refusal}"),
            Err(_) => None,
        }
    }

    async fn connect(self) -> Result<(Socket, Answer), Answer> {
        match self.try_connect().await {
            Ok(answer) => answer,
            Err(error) => panic!("{error}"),
        }
    }

    /// The outer error is that no answer came.
    async fn try_connect(self) -> Result<Result<(Socket, Answer), Answer>, String> {
        let request = self.upgrade();
        let what = format!("WS {}", self.path);
        let connecting = async {
            let tcp = TcpStream::connect(("127.0.0.1", self.site.port)).await?;
            tcp.set_nodelay(true)?;
            let tls = self.site.tls.clone();
            let connector = tls.map_or(Connector::Plain, Connector::Rustls);
            client_async_tls_with_config(request, tcp, None, Some(connector)).await
        };
        let (status, headers, body, stream) = match timeout(LIMIT, connecting).await {
            Ok(Ok((stream, response))) => {
                let (head, _) = response.into_parts();
                (head.status, head.headers, None, Some(stream))
            }
            Ok(Err(Error::Http(response))) => {
                let (head, body) = response.into_parts();
                (head.status, head.headers, body, None)
            }
            Ok(Err(error)) => return Err(format!("{what}: {error}")),
            Err(_) => return Err(format!("{what}: no answer")),
        };
        let body = whole(body.unwrap_or_default(), &headers);
        let answer = Answer::new(what, status.as_u16(), headers, body);
        match stream {
            Some(stream) => Ok(Ok((Socket::new(stream, VecDeque::new()), answer))),
            None => {
                contract::refused(&answer);
                Ok(Err(answer))
            }
        }
    }

    fn upgrade(&self) -> Request {
        let mut url = format!("{}{}", self.site.url.replacen("http", "ws", 1), self.path);
        let token = self.token.as_deref().unwrap_or_default();
        if self.proof == Proof::Query {
            let separator = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{separator}token={token}");
        }
        let mut request = url.into_client_request().expect("a request");
        let mut set = |name: &str, value: &str| {
            let name: HeaderName = name.parse().expect("a header's name");
            request
                .headers_mut()
                .append(name, value.parse().expect("a header's value"));
        };
        match self.proof {
            Proof::Header if self.token.is_some() => {
                set("authorization", &format!("Bearer {token}"));
            }
            Proof::Subprotocol => {
                set(
                    "sec-websocket-protocol",
                    &format!("parlor.v1, bearer.{token}"),
                );
            }
            _ => {}
        }
        for (name, value) in &self.headers {
            set(name.as_str(), value);
        }
        request
    }
}

/// The body of a refusal, up to where its head says it ends.
fn whole(mut body: Vec<u8>, headers: &HeaderMap) -> Bytes {
    let length = headers.get("content-length");
    if let Some(length) = length.and_then(|value| value.to_str().ok()?.parse().ok()) {
        body.truncate(length);
    }
    body.into()
}
