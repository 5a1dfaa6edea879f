//! One client: its handshake, and what comes in its frames.

use memchr::{memchr, memmem};

use crate::{
    clock, frame, stamp,
    tally::{Refused, Tally},
    transport::Transport,
    wire::{Protocol, Step},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Connecting,
    /// The request for the upgrade is sent.
    Upgrading,
    /// So many frames of the protocol's own handshake are sent.
    Joining(u8),
    Joined,
    Ended,
}

pub struct Connection {
    pub transport: Transport,
    pub state: State,
    pub number: usize,
    pub room: usize,
    pub deaf: bool,
    /// What could not be sent yet.
    pub output: Vec<u8>,
    /// The request, until the connection is there.
    pub request: String,
    /// The last `rev` of the room that this client has seen.
    pub rev: u64,
    /// When it began to connect.
    opened: u64,
    /// Payloads that came, and those that will not.
    received: usize,
    /// The beginning of a frame.
    input: Vec<u8>,
    /// The beginning of a payload that goes on in the next frame.
    carry: Vec<u8>,
}

impl Connection {
    pub fn new(transport: Transport, number: usize, room: usize, request: String) -> Self {
        Self {
            transport,
            state: State::Connecting,
            number,
            room,
            deaf: false,
            output: Vec::new(),
            request,
            rev: 0,
            opened: clock::now(),
            received: 0,
            input: Vec::new(),
            carry: Vec::new(),
        }
    }

    /// Counts a message that this client will not hear: its own typing.
    pub fn skip(&mut self) {
        self.received += 1;
    }

    /// Takes bytes in; what is no whole frame waits for the next.
    pub fn take(&mut self, bytes: &[u8], protocol: Protocol, now: u64, tally: &mut Tally) {
        tally.bytes += bytes.len() as u64;
        if self.input.is_empty() {
            let used = self.parse(bytes, protocol, now, tally);
            self.input.extend_from_slice(&bytes[used..]);
        } else {
            let mut input = std::mem::take(&mut self.input);
            input.extend_from_slice(bytes);
            let used = self.parse(&input, protocol, now, tally);
            input.drain(..used);
            self.input = input;
        }
    }

    fn parse(&mut self, bytes: &[u8], protocol: Protocol, now: u64, tally: &mut Tally) -> usize {
        let mut at = 0;
        if self.state == State::Upgrading {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
                return 0;
            };
            if !bytes.starts_with(b"HTTP/1.1 101") {
                tally.failed(format!("refused: {}", String::from_utf8_lossy(bytes)));
                self.state = State::Ended;
                return bytes.len();
            }
            at = end + 4;
            self.state = State::Joining(0);
            if protocol == Protocol::Raw {
                self.joined(now, tally);
            }
        }
        while let Some(header) = frame::header(&bytes[at..]) {
            let start = at + header.header;
            let Some(payload) = bytes.get(start..start + header.payload) else {
                break;
            };
            self.frame(header.opcode, payload, protocol, now, tally);
            at = start + header.payload;
        }
        at
    }

    fn frame(
        &mut self,
        opcode: u8,
        payload: &[u8],
        protocol: Protocol,
        now: u64,
        tally: &mut Tally,
    ) {
        match opcode {
            frame::PING => frame::write(&mut self.output, frame::PONG, payload),
            frame::CLOSE => {
                let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default());
                if !self.deaf {
                    tally.failed(format!("closed: {reason}"));
                }
                self.state = State::Ended;
            }
            frame::PONG => {}
            _ => match self.state {
                State::Joining(step) => self.join(step, payload, protocol, now, tally),
                State::Joined if protocol.is_parlor() => self.hear(payload, now, tally),
                State::Joined => self.scan(payload, protocol, now, tally),
                _ => {}
            },
        }
    }

    fn join(&mut self, step: u8, payload: &[u8], protocol: Protocol, now: u64, tally: &mut Tally) {
        match protocol.step(step, self.room, payload) {
            Step::Wait => {
                if payload.starts_with(br#"{"type":"error""#) {
                    tally.failed(String::from_utf8_lossy(payload));
                }
            }
            Step::Send(opcode, answer) => {
                frame::write(&mut self.output, opcode, &answer);
                self.state = State::Joining(step + 1);
            }
            Step::Joined => {
                if protocol.is_parlor() {
                    self.rev = number_behind(payload, b"\"rev\":").unwrap_or(0);
                }
                self.joined(now, tally);
            }
        }
    }

    fn joined(&mut self, now: u64, tally: &mut Tally) {
        self.state = State::Joined;
        tally.join_latency.add(now.saturating_sub(self.opened));
        tally.ready += 1;
    }

    /// One frame of Parlor.
    fn hear(&mut self, payload: &[u8], now: u64, tally: &mut Tally) {
        let kind = payload.get(9..).unwrap_or_default();
        if kind.starts_with(b"message") {
            if let Some(sent) = memchr(b'@', payload).and_then(|at| stamp::time(&payload[at..])) {
                tally.delivered(self.room, sent, now);
            }
            self.received += 1;
        } else if kind.starts_with(b"typing") {
            // It cannot say when it was sent, but the room keeps the order.
            let sent = tally.rooms[self.room].sent.get(self.received).copied();
            self.received += 1;
            tally.delivered(self.room, sent.unwrap_or(now), now);
        } else if kind.starts_with(b"ack") {
            match number_behind(payload, b"\"ref\":") {
                Some(sent) => tally.acknowledged(self.number, sent, now),
                None => tally.failed("an ack without its ref"),
            }
        } else if kind.starts_with(b"error") {
            self.refused(payload, now, tally);
        }
    }

    /// Being asked to come again is no fault of a workload that does.
    fn refused(&self, payload: &[u8], now: u64, tally: &mut Tally) {
        let wait = number_behind(payload, b"\"retry_after_ms\":");
        let sent = number_behind(payload, b"\"ref\":");
        match (wait, sent) {
            (Some(wait), Some(sent)) if tally.patient => {
                tally.refusals += 1;
                tally.refused.push(Refused {
                    socket: self.number,
                    sent,
                    again: now + wait * 1_000_000,
                });
            }
            _ => tally.failed(String::from_utf8_lossy(payload)),
        }
    }

    /// Looks for payloads in the stream of a peer, whose frames may hold several or a part.
    fn scan(&mut self, payload: &[u8], protocol: Protocol, now: u64, tally: &mut Tally) {
        if let Some((opcode, pong)) = protocol.pong(payload) {
            frame::write(&mut self.output, opcode, pong);
        }
        let mut carried = std::mem::take(&mut self.carry);
        let stream = if carried.is_empty() {
            payload
        } else {
            carried.extend_from_slice(payload);
            &carried
        };
        let mut at = 0;
        while let Some(found) = memchr(b'@', &stream[at..]) {
            let start = at + found;
            let Some(stamp) = stream.get(start..start + stamp::STAMP) else {
                self.carry.extend_from_slice(&stream[start..]);
                return;
            };
            match stamp::time(stamp) {
                Some(sent) => tally.delivered(self.room, sent, now),
                None => tally.failed("a payload that is not ours"),
            }
            at = start + stamp::STAMP;
        }
    }
}

/// The number that follows a word of a frame.
fn number_behind(payload: &[u8], word: &[u8]) -> Option<u64> {
    let start = memmem::find(payload, word)? + word.len();
    let digits = payload[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let text: String = digits.map(|byte| char::from(*byte)).collect();
    text.parse().ok()
}
