//! One direction of a connection: what is read is written, with the faults in between.

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{Happening, Shared, faults::Dice, shadow::Shadow};
use crate::remote::{Frame, frame::CLOSE};

/// Frames on their way; with more, no more is read.
const ON_THE_WAY: usize = 64;
/// A longer frame is passed on in pieces, and whatever follows it.
const MAX_FRAME: usize = 1024 * 1024;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

/// How a direction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There is no more.
    Over,
    /// In the middle: both ends must be reset.
    Cut,
}

/// Bytes, and when they are due.
struct Passing {
    bytes: Bytes,
    due: Instant,
    /// The connection ends behind them.
    cut: bool,
}

/// One direction of a connection.
pub struct Pipe<'a> {
    shared: &'a Shared,
    number: u64,
    direction: Direction,
    /// What comes are WebSocket frames, as long as they can be told apart.
    frames: bool,
    dice: Dice,
    due: Instant,
}

impl<'a> Pipe<'a> {
    pub fn new(shared: &'a Shared, number: u64, direction: Direction, frames: bool) -> Self {
        let part = match direction {
            Direction::ToServer => 1,
            Direction::ToClient => 2,
        };
        Self {
            shared,
            number,
            direction,
            frames,
            dice: Dice::new(shared.seed, number, part),
            due: Instant::now(),
        }
    }

    /// Passes on what was received and what comes.
    pub async fn run(
        mut self,
        reader: impl AsyncRead + Unpin,
        writer: impl AsyncWrite + Unpin,
        received: BytesMut,
        shadow: Option<Shadow>,
    ) -> Ended {
        let (way, passing) = mpsc::channel(ON_THE_WAY);
        let mut writing = std::pin::pin!(write(writer, passing));
        tokio::select! {
            ended = &mut writing => return ended,
            () = self.read(reader, way, received, shadow) => {}
        }
        writing.await
    }

    async fn read(
        &mut self,
        mut reader: impl AsyncRead + Unpin,
        way: mpsc::Sender<Passing>,
        mut received: BytesMut,
        mut shadow: Option<Shadow>,
    ) {
        loop {
            while let Some(frame) = self.take(&mut received) {
                if !self.pass(&way, &frame).await {
                    return;
                }
                if let Some(again) = &mut shadow
                    && !again.hears(&frame).await
                {
                    shadow = None;
                }
            }
            if !self.frames && !received.is_empty() {
                let bytes = received.split().freeze();
                let due = self.when();
                let passing = Passing {
                    bytes,
                    due,
                    cut: false,
                };
                if way.send(passing).await.is_err() {
                    return;
                }
            }
            if !matches!(reader.read_buf(&mut received).await, Ok(1..)) {
                break;
            }
        }
        let bytes = received.freeze();
        let due = self.due;
        // Nobody is there to write it any more, or it is written.
        let _gone = way
            .send(Passing {
                bytes,
                due,
                cut: false,
            })
            .await;
    }

    /// The next whole frame.
    fn take(&mut self, received: &mut BytesMut) -> Option<Frame> {
        if !self.frames {
            return None;
        }
        match Frame::take(received, MAX_FRAME) {
            Ok(frame) => frame,
            Err(_) => {
                self.frames = false;
                None
            }
        }
    }

    /// Passes a frame on, or what becomes of it; false if that is the end.
    async fn pass(&mut self, way: &mpsc::Sender<Passing>, frame: &Frame) -> bool {
        let faults = &self.shared.faults;
        let (number, log) = (self.number, &self.shared.log);
        // All are thrown for every frame, so that what is set for one fault changes no other.
        let (cuts, where_) = (self.dice.hits(faults.cut), self.dice.one_of(3));
        let doubles = self.dice.hits(faults.double_frames);
        let (stalls, stall) = (
            self.dice.hits(faults.stall),
            self.dice.time(faults.stall_for),
        );
        let due = self.when();
        if cuts {
            let (part, how) = match where_ {
                0 => (Bytes::new(), "cut before a frame"),
                1 => (frame.bytes.slice(..frame.bytes.len() / 2), "cut in a frame"),
                _ => (frame.bytes.clone(), "cut after a frame"),
            };
            let to = match self.direction {
                Direction::ToServer => "to the server",
                Direction::ToClient => "to the client",
            };
            log.tell(number, Happening::Cut, &format!("{how} {to}"));
            let passing = Passing {
                bytes: part,
                due,
                cut: true,
            };
            let _gone = way.send(passing).await;
            return false;
        }
        let mut times = 1;
        if doubles && self.direction == Direction::ToServer && kind_of(frame) == Kind::Named {
            log.tell(number, Happening::DoubledFrame, "a message sent twice");
            times = 2;
        }
        for _ in 0..times {
            let bytes = frame.bytes.clone();
            if way
                .send(Passing {
                    bytes,
                    due,
                    cut: false,
                })
                .await
                .is_err()
            {
                return false;
            }
        }
        if stalls && self.direction == Direction::ToClient {
            let how = format!("nothing read for {} ms", stall.as_millis());
            log.tell(number, Happening::Stall, &how);
            sleep(stall).await;
        }
        true
    }

    /// When what comes now is due: never before what came earlier.
    fn when(&mut self) -> Instant {
        if self.shared.faults.delay.is_some() {
            self.shared.log.count(Happening::Delay);
        }
        let late = self.dice.time(self.shared.faults.delay);
        self.due = self.due.max(Instant::now() + late);
        self.due
    }
}

async fn write(mut writer: impl AsyncWrite + Unpin, mut passing: mpsc::Receiver<Passing>) -> Ended {
    while let Some(Passing { bytes, due, cut }) = passing.recv().await {
        sleep_until(due).await;
        let written = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        if written.await.is_err() {
            return if cut { Ended::Cut } else { Ended::Over };
        }
        if cut {
            return Ended::Cut;
        }
    }
    // Who is gone need not be told.
    let _gone = writer.shutdown().await;
    Ended::Over
}

/// What a frame is, as far as it matters whether it may come twice.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// A message with a name, so that it is stored once.
    Named,
    /// A message that would be another one the second time.
    Nameless,
    Other,
}

fn kind_of(frame: &Frame) -> Kind {
    let json = frame
        .text()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok())
        .unwrap_or(Value::Null);
    let field = |name: &str| json.get(name).and_then(Value::as_str);
    match (field("type"), field("client_message_id")) {
        (Some("message"), Some(_)) => Kind::Named,
        (Some("message"), None) => Kind::Nameless,
        _ => Kind::Other,
    }
}

/// What a second connection may hear as well: not the end of the first, nor what would be said
/// twice.
pub fn may_be_heard_twice(frame: &Frame) -> bool {
    frame.first != CLOSE && kind_of(frame) != Kind::Nameless
}
