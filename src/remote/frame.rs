//! WebSocket frames of either side (RFC 6455, section 5.2).

use bytes::{Bytes, BytesMut};

/// The first byte of a whole text message.
pub const TEXT: u8 = 0x81;
/// The first byte of a text message of which more comes.
pub const TEXT_BEGINS: u8 = 0x01;
/// The first byte of a fragment in the middle.
pub const MORE: u8 = 0x00;
/// The first byte of the last fragment.
pub const LAST: u8 = 0x80;
/// The first byte of a whole binary message.
pub const BINARY: u8 = 0x82;
/// The first byte of a close frame.
pub const CLOSE: u8 = 0x88;
/// The first byte of a ping.
pub const PING: u8 = 0x89;
/// The first byte of a pong.
pub const PONG: u8 = 0x8a;

/// The bit that says that a mask follows the length.
const MASKED: u8 = 0x80;

/// Who claims that a frame has more bytes than anybody here keeps.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

/// One frame as it came over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Header, mask and payload.
    pub bytes: Bytes,
    /// Final bit, reserved bits and kind.
    pub first: u8,
    mask: Option<[u8; 4]>,
    start: usize,
}

impl Frame {
    /// Takes the frame at the front of what was received, once it is whole.
    ///
    /// # Errors
    /// Its header says that it has over `limit` bytes.
    pub fn take(received: &mut BytesMut, limit: usize) -> Result<Option<Self>, TooLong> {
        let Some(header) = Header::read(received) else {
            return Ok(None);
        };
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        if length > limit {
            return Err(TooLong);
        }
        if received.len() < header.start + length {
            return Ok(None);
        }
        Ok(Some(Self {
            bytes: received.split_to(header.start + length).freeze(),
            first: header.first,
            mask: header.mask,
            start: header.start,
        }))
    }

    /// What it carries, without its mask.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let mut payload = self.bytes.get(self.start..).unwrap_or_default().to_vec();
        if let Some(mask) = self.mask {
            apply(mask, &mut payload);
        }
        payload
    }

    /// The text of a whole text message.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        (self.first == TEXT)
            .then(|| String::from_utf8(self.payload()).ok())
            .flatten()
    }
}

struct Header {
    first: u8,
    length: u64,
    mask: Option<[u8; 4]>,
    start: usize,
}

impl Header {
    /// `None` if it is not whole.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (length, rest) = match second & !MASKED {
            126 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*length)), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*length), rest)
            }
            short => (u64::from(short), rest),
        };
        let (mask, rest) = if second & MASKED == 0 {
            (None, rest)
        } else {
            let (mask, rest) = rest.split_first_chunk()?;
            (Some(*mask), rest)
        };
        let start = bytes.len() - rest.len();
        Some(Self {
            first,
            length,
            mask,
            start,
        })
    }
}

/// A client's frame: with a mask, as the protocol asks of clients.
#[must_use]
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask: [u8; 4] = rand::random();
    let mut bytes = header(first, payload.len() as u64, MASKED);
    bytes.extend_from_slice(&mask);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    if let Some(payload) = bytes.get_mut(start..) {
        apply(mask, payload);
    }
    bytes
}

/// A server's frame: without a mask.
#[must_use]
pub fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64, 0);
    bytes.extend_from_slice(payload);
    bytes
}

/// The beginning of a client's frame that claims a payload of this length, with a mask of zeros.
#[must_use]
pub fn claim(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = header(first, length, MASKED);
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

fn header(first: u8, length: u64, masked: u8) -> Vec<u8> {
    let mut bytes = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..126), _) => bytes.push(masked | short),
        (_, Ok(medium)) => {
            bytes.push(masked | 126);
            bytes.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes
}

fn apply(mask: [u8; 4], payload: &mut [u8]) {
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_back_whatever_its_length() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            for bytes in [masked(TEXT, &payload), unmasked(TEXT, &payload)] {
                let mut received = BytesMut::from(&bytes[..]);
                received.extend_from_slice(b"next");
                let frame = Frame::take(&mut received, length).unwrap().unwrap();
                assert_eq!((frame.first, &frame.bytes[..]), (TEXT, &bytes[..]));
                assert_eq!(frame.payload(), payload);
                assert_eq!(&received[..], b"next");
            }
        }
    }

    #[test]
    fn half_a_frame_is_none_yet() {
        let whole = masked(TEXT, &[b'x'; 300]);
        for length in 0..whole.len() {
            let mut received = BytesMut::from(&whole[..length]);
            assert_eq!(Frame::take(&mut received, 300), Ok(None), "{length}");
            assert_eq!(received.len(), length);
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_header() {
        let mut received = BytesMut::from(&claim(TEXT, u64::MAX)[..]);
        assert_eq!(Frame::take(&mut received, 1 << 20), Err(TooLong));
    }
}
