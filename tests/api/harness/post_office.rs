//! A mail server that keeps what it gets, and fails as it is told.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use parlor::config::{SmtpConfig, SmtpTls};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use super::LIMIT;

/// What the server does with one message instead of taking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Answers the recipient with this code.
    Recipient(u16),
    /// Answers the message with this code.
    Message(u16),
    /// Takes the message, and hangs up without saying so.
    LostAnswer,
    /// Takes the message, and says nothing more.
    NoAnswer,
    /// Hangs up before it greets.
    HangsUp,
    /// Greets, and says nothing more.
    Silent,
}

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Mail {
    pub from: String,
    pub to: String,
    /// Head and body, with lines that end in `\n`.
    pub text: String,
}

impl Mail {
    /// A header that stands there once, with its folded lines joined.
    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let found = self.headers(name);
        assert_eq!(found.len(), 1, "{name} stands once in\n{}", self.text);
        found[0].clone()
    }

    /// Every header of a name.
    pub fn headers(&self, name: &str) -> Vec<String> {
        let (head, _) = self.text.split_once("\n\n").expect("a head and a body");
        let lines = head.replace("\n ", " ");
        let lines = lines.lines().filter_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        });
        lines.collect()
    }

    /// The part of this kind, decoded.
    #[track_caller]
    pub fn part(&self, kind: &str) -> String {
        let content_type = self.header("Content-Type");
        let (_, boundary) = content_type.split_once("boundary=").expect("a boundary");
        let boundary = format!("--{}", boundary.trim_matches('"'));
        let part = self
            .text
            .split(&boundary)
            .find(|part| part.contains(&format!("Content-Type: {kind}")));
        let part = part.unwrap_or_else(|| panic!("no {kind} in\n{}", self.text));
        let (head, body) = part
            .trim_start()
            .split_once("\n\n")
            .expect("a part has a head");
        if head.contains("quoted-printable") {
            unquoted(body)
        } else if head.contains("base64") {
            let body: String = body.split_whitespace().collect();
            String::from_utf8(BASE64_STANDARD.decode(body).expect("base64")).expect("UTF-8")
        } else {
            body.to_owned()
        }
    }

    /// The secret of the link to a page, such as `verify`; it is the same in both parts.
    #[track_caller]
    pub fn token(&self, page: &str) -> String {
        let mark = format!("/{page}#token=");
        let of = |text: &str| {
            let (_, rest) = text.split_once(&mark)?;
            let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
            Some(rest[..end].to_owned())
        };
        let plain = of(&self.part("text/plain")).expect("a link in the plain part");
        assert_eq!(of(&self.part("text/html")).as_ref(), Some(&plain));
        plain
    }
}

fn unquoted(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.bytes());
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next().expect("hex"), rest.next().expect("hex")];
            let digits = std::str::from_utf8(&digits).expect("hex");
            bytes.push(u8::from_str_radix(digits, 16).expect("hex"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// The server; it ends with this value.
pub struct PostOffice {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    mails: Mutex<Vec<Mail>>,
    troubles: Mutex<VecDeque<Trouble>>,
    /// Connections that came, and mails that were taken.
    changed: watch::Sender<(usize, usize)>,
}

impl PostOffice {
    /// One that listens.
    pub async fn open() -> Self {
        let mut office = Self::closed(0).await;
        office.reopen().await;
        office
    }

    /// One that has a port, and does not listen yet.
    pub async fn closed(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("a port");
        Self {
            address: listener.local_addr().expect("an address"),
            shared: Arc::new(Shared {
                mails: Mutex::default(),
                troubles: Mutex::default(),
                changed: watch::Sender::new((0, 0)),
            }),
            accepting: None,
        }
    }

    /// Listens where it did before.
    pub async fn reopen(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("its port");
        let shared = self.shared.clone();
        self.accepting = Some(tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                shared.changed.send_modify(|(came, _)| *came += 1);
                let shared = shared.clone();
                // A client that goes away in the middle is none of the test's business.
                tokio::spawn(async move { drop(shared.serve(stream).await) });
            }
        }));
    }

    /// What a server sets to use it.
    pub fn config(&self) -> SmtpConfig {
        SmtpConfig {
            host: "127.0.0.1".to_owned(),
            port: self.port(),
            tls: SmtpTls::None,
            login: None,
            ca_path: None,
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Has trouble with the next message; again, with the one after it.
    pub fn next_fails(&self, trouble: Trouble) {
        self.shared.troubles().push_back(trouble);
    }

    /// Everything that came.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().expect("no panic").clone()
    }

    /// The first `count` mails, when they are there.
    pub async fn received(&self, count: usize) -> Vec<Mail> {
        self.reaches(|(_, taken)| taken >= count).await;
        self.mails()
    }

    /// The newest mail to somebody whose subject begins like this, when it is there.
    pub async fn mail_to(&self, to: &str, subject: &str) -> Mail {
        let mut changed = self.shared.changed.subscribe();
        let found = tokio::time::timeout(LIMIT, async {
            loop {
                changed.borrow_and_update();
                let mails = self.mails();
                let found = mails
                    .iter()
                    .rev()
                    .find(|mail| mail.to == to && mail.header("Subject").starts_with(subject));
                if let Some(mail) = found {
                    return mail.clone();
                }
                changed.changed().await.expect("the office is there");
            }
        });
        match found.await {
            Ok(mail) => mail,
            Err(_) => panic!("no {subject:?} to {to} among {:#?}", self.mails()),
        }
    }

    /// Waits until so many connections have come.
    pub async fn called(&self, count: usize) {
        self.reaches(|(came, _)| came >= count).await;
    }

    async fn reaches(&self, so: impl Fn((usize, usize)) -> bool) {
        let mut changed = self.shared.changed.subscribe();
        let waiting = changed.wait_for(|numbers| so(*numbers));
        let waited = tokio::time::timeout(LIMIT, waiting).await;
        match waited {
            Ok(Ok(_)) => {}
            _ => panic!("the mails do not come: {:#?}", self.mails()),
        }
    }
}

impl Drop for PostOffice {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

impl Shared {
    fn troubles(&self) -> std::sync::MutexGuard<'_, VecDeque<Trouble>> {
        self.troubles.lock().expect("no panic")
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let trouble = self.troubles().pop_front();
        let mut stream = BufReader::new(stream);
        if trouble == Some(Trouble::HangsUp) {
            return Ok(());
        }
        say(&mut stream, "220 post.example ESMTP").await?;
        let (mut from, mut to) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if trouble == Some(Trouble::Silent) {
                continue;
            }
            let (verb, rest) = line
                .trim_end()
                .split_once([' ', ':'])
                .unwrap_or((line.trim_end(), ""));
            let path = |text: &str| {
                let (_, path) = text.split_once('<').expect("a path");
                path.split('>').next().unwrap_or_default().to_owned()
            };
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => say(&mut stream, "250-post.example\r\n250 8BITMIME").await?,
                "MAIL" => {
                    from = path(rest);
                    say(&mut stream, "250 OK").await?;
                }
                "RCPT" => match trouble {
                    Some(Trouble::Recipient(code)) => {
                        say(&mut stream, &format!("{code} not to <{}>", path(rest))).await?;
                    }
                    _ => {
                        to = path(rest);
                        say(&mut stream, "250 OK").await?;
                    }
                },
                "DATA" => {
                    say(&mut stream, "354 go ahead").await?;
                    let text = message(&mut stream).await?;
                    if let Some(Trouble::Message(code)) = trouble {
                        // As a filter does that quotes what it does not like.
                        let links = text.lines().find(|line| line.contains("#token="));
                        let line = format!("{code} not {}", links.unwrap_or_default());
                        say(&mut stream, &line).await?;
                        continue;
                    }
                    let mail = Mail {
                        from: from.clone(),
                        to: to.clone(),
                        text,
                    };
                    self.mails.lock().expect("no panic").push(mail);
                    self.changed.send_modify(|(_, taken)| *taken += 1);
                    match trouble {
                        Some(Trouble::LostAnswer) => return Ok(()),
                        Some(Trouble::NoAnswer) => {}
                        _ => say(&mut stream, "250 taken").await?,
                    }
                }
                "QUIT" => return say(&mut stream, "221 bye").await,
                _ => say(&mut stream, "502 what?").await?,
            }
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> std::io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await
}

/// A message up to its dot.
async fn message(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(text);
        }
        let line = line.trim_end_matches(['\r', '\n']);
        text.push_str(line.strip_prefix('.').unwrap_or(line));
        text.push('\n');
    }
}
