//! A server that breaks promises: a Parlor with somebody in between who changes what it says.

use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use parlor::remote::{
    Frame, Place, Stream, Trust,
    frame::{CLOSE, PONG, TEXT, unmasked},
    http::read_head,
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    net::TcpListener,
    task::JoinSet,
};

use super::Site;

/// What becomes of a frame from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pass,
    Drop,
    Twice,
    /// It goes out behind the next one.
    Later,
}

/// Changes a JSON frame, and says what becomes of it.
type Change = Box<dyn FnMut(&mut Value) -> Fate + Send>;

/// Who changes what the server says.
pub struct Liar {
    /// Of each JSON frame, if of any.
    frame: Option<Change>,
    /// Of the number in each close frame.
    close: fn(u16) -> u16,
    /// Of what each pong carries.
    pong: fn(&mut Vec<u8>),
    /// In every answer over HTTP: this becomes that, of the same length.
    words: (&'static str, &'static str),
}

impl Liar {
    /// One who changes nothing.
    pub fn honest() -> Self {
        Self {
            frame: None,
            close: |code| code,
            pong: |_| {},
            words: ("", ""),
        }
    }

    /// One who changes JSON frames.
    pub fn of_frames(frame: impl FnMut(&mut Value) -> Fate + Send + 'static) -> Self {
        Self {
            frame: Some(Box::new(frame)),
            ..Self::honest()
        }
    }

    /// One who changes frames of one type.
    pub fn of(kind: &'static str, change: fn(&mut Value)) -> Self {
        Self::of_frames(move |frame| {
            if frame["type"] == kind {
                change(frame);
            }
            Fate::Pass
        })
    }

    /// One who sets a field in frames of one type.
    pub fn saying(kind: &'static str, field: &'static str, value: Value) -> Self {
        Self::of_frames(move |frame| {
            if frame["type"] == kind {
                frame[field] = value.clone();
            }
            Fate::Pass
        })
    }

    /// One who does this to every twentieth message.
    pub fn to_a_message(fate: Fate) -> Self {
        let mut count = 0;
        Self::of_frames(move |frame| {
            count += u32::from(frame["type"] == "message");
            if frame["type"] == "message" && count % 20 == 0 {
                fate
            } else {
                Fate::Pass
            }
        })
    }

    /// One who closes with the number behind the right one.
    pub fn of_closes() -> Self {
        Self {
            close: |code| code + 1,
            ..Self::honest()
        }
    }

    /// One who answers pings with something else.
    pub fn of_pongs() -> Self {
        Self {
            pong: |payload| payload.iter_mut().for_each(|byte| *byte ^= 1),
            ..Self::honest()
        }
    }

    /// One who changes words in answers over HTTP.
    pub fn of_words(from: &'static str, to: &'static str) -> Self {
        assert_eq!(from.len(), to.len(), "the length of an answer was told");
        Self {
            words: (from, to),
            ..Self::honest()
        }
    }

    /// The frames that go out for one that came.
    fn tell(&mut self, frame: &Frame, held: &mut Option<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut payload = frame.payload();
        match (frame.first, &mut self.frame) {
            (TEXT, Some(change)) => {
                let mut json = serde_json::from_slice(&payload).expect("JSON from the server");
                let fate = change(&mut json);
                let bytes = unmasked(TEXT, json.to_string().as_bytes());
                let before = held.take();
                match fate {
                    Fate::Pass => [Some(bytes), before].into_iter().flatten().collect(),
                    Fate::Drop => before.into_iter().collect(),
                    Fate::Twice => vec![bytes.clone(), bytes],
                    Fate::Later => {
                        *held = Some(bytes);
                        before.into_iter().collect()
                    }
                }
            }
            (CLOSE, _) if payload.len() >= 2 => {
                let code = (self.close)(u16::from_be_bytes([payload[0], payload[1]]));
                payload[..2].copy_from_slice(&code.to_be_bytes());
                vec![unmasked(CLOSE, &payload)]
            }
            (PONG, _) => {
                (self.pong)(&mut payload);
                vec![unmasked(PONG, &payload)]
            }
            _ => vec![frame.bytes.to_vec()],
        }
    }
}

/// A liar before a server; he ends with this value.
pub struct Stand {
    pub address: String,
    _serving: JoinSet<()>,
}

impl Stand {
    /// Stands before a server without TLS.
    pub async fn before(site: &Site, liar: Liar) -> Self {
        let upstream = Place::parse(&site.url, &Trust::System).expect("the server's address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("ws://{}", listener.local_addr().expect("its address"));
        let liar = Arc::new(Mutex::new(liar));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                client.set_nodelay(true).expect("no delay");
                let (upstream, liar) = (upstream.clone(), liar.clone());
                connections.spawn(async move {
                    // A connection that ends in between is over, and no more.
                    let _over = serve(Stream::Plain(client), &upstream, &liar).await;
                });
            }
        });
        Self {
            address,
            _serving: serving,
        }
    }
}

async fn serve(mut client: Stream, upstream: &Place, liar: &Mutex<Liar>) -> std::io::Result<()> {
    let mut received = BytesMut::new();
    let head = read_head(&mut client, &mut received).await?;
    let mut server = upstream.connect(None).await?;
    server.write_all(&head).await?;
    server.write_all(&received).await?;
    let (mut client_reads, client_writes) = split(client);
    let (server_reads, mut server_writes) = split(server);
    let up = async {
        tokio::io::copy(&mut client_reads, &mut server_writes).await?;
        server_writes.shutdown().await
    };
    let head = String::from_utf8_lossy(&head).to_lowercase();
    if head.contains("upgrade: websocket") {
        let down = tell_frames(server_reads, client_writes, liar);
        tokio::try_join!(up, down).map(|_| ())
    } else {
        let down = tell_answer(server_reads, client_writes, liar);
        tokio::try_join!(up, down).map(|_| ())
    }
}

async fn tell_answer(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    liar: &Mutex<Liar>,
) -> std::io::Result<()> {
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    let answer = reworded(&answer, liar);
    client.write_all(&answer).await?;
    client.shutdown().await
}

async fn tell_frames(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    liar: &Mutex<Liar>,
) -> std::io::Result<()> {
    let mut received = BytesMut::new();
    let head = read_head(&mut server, &mut received).await?;
    client.write_all(&reworded(&head, liar)).await?;
    let mut held = None;
    loop {
        while let Ok(Some(frame)) = Frame::take(&mut received, 1 << 20) {
            let told = liar.lock().expect("no panic").tell(&frame, &mut held);
            client.write_all(&told.concat()).await?;
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            client.write_all(&received.split()).await?;
        }
        if server.read_buf(&mut received).await? == 0 {
            return client.shutdown().await;
        }
    }
}

fn reworded(answer: &[u8], liar: &Mutex<Liar>) -> Vec<u8> {
    let (from, to) = liar.lock().expect("no panic").words;
    if from.is_empty() {
        return answer.to_vec();
    }
    String::from_utf8_lossy(answer)
        .replace(from, to)
        .into_bytes()
}
