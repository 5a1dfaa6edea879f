//! A small HTTP server: one request a connection.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HashMap<String, String>,
    pub form: HashMap<String, String>,
}

impl Asked {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What is answered.
pub enum Reply {
    Answer {
        status: u16,
        kind: &'static str,
        location: Option<String>,
        body: Vec<u8>,
    },
    /// Nothing, for as long as the client waits.
    Silence,
}

impl Reply {
    pub fn json(status: u16, value: &Value) -> Self {
        Self::Answer {
            status,
            kind: "application/json; charset=utf-8",
            location: None,
            body: value.to_string().into_bytes(),
        }
    }

    pub fn text(status: u16, text: &str) -> Self {
        Self::Answer {
            status,
            kind: "text/html",
            location: None,
            body: text.as_bytes().to_vec(),
        }
    }

    pub fn redirect(location: &str) -> Self {
        Self::Answer {
            status: 302,
            kind: "text/html",
            location: Some(location.to_owned()),
            body: Vec::new(),
        }
    }
}

/// A server on a port; it ends with this value.
pub struct Listener {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Listens on a port of this machine, 0 for a free one; with TLS as `localhost`.
    pub async fn start(
        port: u16,
        tls: Option<Arc<rustls::ServerConfig>>,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = match &tls {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        let tls = tls.map(TlsAcceptor::from);
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (noting, answer) = (asked.clone(), Arc::new(answer));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (noting, answer, tls) = (noting.clone(), answer.clone(), tls.clone());
                tokio::spawn(async move {
                    let answer = |request: &Asked| {
                        noting.lock().expect("no panic").push(request.clone());
                        answer(request)
                    };
                    // A client that does not believe us hangs up.
                    let _ = match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, answer).await,
                            Err(refused) => Err(refused),
                        },
                        None => serve(stream, answer).await,
                    };
                });
            }
        });
        Self { url, asked, task }
    }

    /// All that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: impl FnOnce(&Asked) -> Reply,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let request = loop {
        if let Some(request) = parse(&bytes) {
            break request;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    match answer(&request) {
        Reply::Silence => {
            // Until the client hangs up.
            while stream.read_buf(&mut bytes).await? > 0 {}
        }
        Reply::Answer {
            status,
            kind,
            location,
            body,
        } => {
            let location = location.map(|to| format!("location: {to}\r\n"));
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{}\
                 connection: close\r\n\r\n",
                body.len(),
                location.unwrap_or_default(),
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.shutdown().await?;
        }
    }
    Ok(())
}

/// The request, once all of it is there.
fn parse(bytes: &[u8]) -> Option<Asked> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?, first.next()?);
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").map(|length| length.parse());
    let length: usize = length.transpose().ok()?.unwrap_or(0);
    if body.len() < length {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = |text: &str| {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        pairs.into_owned().collect::<HashMap<_, _>>()
    };
    Some(Asked {
        method: method.to_owned(),
        path: path.to_owned(),
        query: pairs(query),
        headers,
        form: pairs(body),
    })
}
