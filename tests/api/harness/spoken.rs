//! Reads what a test writes to a socket byte by byte, as far as it is a client's frames.

use super::{
    contract::Watch,
    wire::{CLOSE, LAST, MORE, PING, PONG, TEXT, TEXT_BEGINS},
};

/// How far the bytes have been understood.
enum State {
    /// HTTP, up to the end of a request for an upgrade.
    Request,
    Frames,
    /// No frames any more: the server ends it.
    Over,
}

/// The sending side of one connection.
pub struct Spoken {
    state: State,
    rest: Vec<u8>,
    message: Vec<u8>,
}

impl Spoken {
    /// A connection on which HTTP is spoken yet.
    pub fn of_request() -> Self {
        Self::new(State::Request)
    }

    /// A connection that is a socket already.
    pub fn of_frames() -> Self {
        Self::new(State::Frames)
    }

    fn new(state: State) -> Self {
        Self {
            state,
            rest: Vec::new(),
            message: Vec::new(),
        }
    }

    /// Takes note of bytes that go out.
    pub fn take(&mut self, bytes: &[u8], watch: &mut Watch) {
        self.rest.extend_from_slice(bytes);
        while matches!(self.state, State::Request) {
            let end = self.rest.windows(4).position(|four| four == b"\r\n\r\n");
            let Some(end) = end else { return };
            let head: Vec<u8> = self.rest.drain(..end + 4).collect();
            let head = String::from_utf8_lossy(&head).to_lowercase();
            if head.contains("\r\nupgrade: websocket\r\n") {
                self.state = State::Frames;
            }
        }
        let mut at = 0;
        while matches!(self.state, State::Frames) {
            let Some((start, length)) = lengths(&self.rest[at..]) else {
                break;
            };
            let first = self.rest[at];
            if start == 0 {
                self.state = State::Over;
                break;
            }
            let Some(payload) = self.rest.get(at + start..at + start + length) else {
                break;
            };
            at += start + length;
            let payload = payload.to_vec();
            self.frame(first, &payload, watch);
        }
        match self.state {
            State::Over => self.rest.clear(),
            _ => drop(self.rest.drain(..at)),
        }
    }

    fn frame(&mut self, first: u8, payload: &[u8], watch: &mut Watch) {
        let begins = matches!(first, TEXT | TEXT_BEGINS);
        match first {
            TEXT | TEXT_BEGINS | MORE | LAST if begins == self.message.is_empty() => {
                // An empty beginning counts as one.
                self.message
                    .extend_from_slice(if begins { b" " } else { b"" });
                self.message.extend_from_slice(payload);
                if first == TEXT || first == LAST {
                    let message = std::mem::take(&mut self.message);
                    match std::str::from_utf8(&message[1..]) {
                        Ok(text) => watch.sent(text),
                        Err(_) => self.state = State::Over,
                    }
                }
            }
            PING | PONG if payload.len() < 126 => {}
            CLOSE => {
                watch.said_goodbye();
                self.state = State::Over;
            }
            _ => self.state = State::Over,
        }
    }
}

/// Where the payload of the frame at the front starts, and how long it is; a start of 0 is that of
/// no frame that this harness makes: its masks are zeros.
fn lengths(bytes: &[u8]) -> Option<(usize, usize)> {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u64, |n, byte| n << 8 | u64::from(*byte))
    };
    let second = *bytes.get(1)?;
    let (start, length) = match second & 0x7f {
        126 => (4, number(bytes.get(2..4)?)),
        127 => (10, number(bytes.get(2..10)?)),
        short => (2, u64::from(short)),
    };
    let whole = usize::try_from(length).unwrap_or(usize::MAX);
    let unmasked = second & 0x80 == 0 || *bytes.get(start..start + 4)? != [0; 4];
    let none = unmasked || length > 64 * 1024;
    Some(if none { (0, 0) } else { (start + 4, whole) })
}
