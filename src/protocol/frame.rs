//! The bytes of a server's WebSocket frame (RFC 6455, section 5.2).
//!
//! A server's frames are unmasked, so one buffer serves every member of a room.

use bytes::{Buf, Bytes, BytesMut};
use serde::Serialize;

use super::code::CloseCode;

/// Final fragment, text.
const TEXT: u8 = 0x81;
/// Final fragment, close.
const CLOSE: u8 = 0x88;
/// Final fragment, ping.
const PING: u8 = 0x89;
/// Final fragment, pong.
const PONG: u8 = 0x8a;
/// The longest header of an unmasked frame: two bytes and a 64-bit length.
const MAX_HEADER: usize = 10;

/// A heartbeat's ping: empty, since the answer need not be told from another.
pub const EMPTY_PING: Bytes = Bytes::from_static(&[PING, 0]);

/// Encodes a value as one text frame.
///
/// The JSON is written behind a gap that the header then fills from the right, so nothing is
/// copied.
#[must_use]
pub fn text(value: &impl Serialize) -> Bytes {
    let mut buffer = vec![0; MAX_HEADER];
    buffer.reserve(512);
    if let Err(fault) = serde_json::to_writer(&mut buffer, value) {
        // The types in `server` have string keys only and cannot fail; an empty frame is no JSON
        // and would be seen by every test.
        tracing::error!(%fault, "a frame could not be encoded");
        buffer.truncate(MAX_HEADER);
    }
    let length = buffer.len() - MAX_HEADER;
    let mut header = [0; MAX_HEADER];
    let used = write_header(&mut header, TEXT, length);
    let start = MAX_HEADER - used;
    for (gap, byte) in buffer.iter_mut().skip(start).zip(header.iter().take(used)) {
        *gap = *byte;
    }
    let mut frame = Bytes::from(buffer);
    frame.advance(start);
    frame
}

/// Encodes a text as it is.
#[must_use]
pub fn plain_text(text: &str) -> Bytes {
    whole(TEXT, text.as_bytes())
}

/// Encodes the answer to a client's ping: the same payload, at most 125 bytes.
#[must_use]
pub fn pong(payload: &[u8]) -> Bytes {
    whole(PONG, payload)
}

/// Encodes a close frame with one of this server's codes and its reason.
#[must_use]
pub fn close(code: CloseCode) -> Bytes {
    close_with(code.number(), &code.reason())
}

/// Encodes the answer to a client's close frame: its own code, or none as it sent none.
#[must_use]
pub fn close_echo(code: Option<u16>) -> Bytes {
    match code {
        Some(code) => close_with(code, ""),
        None => whole(CLOSE, &[]),
    }
}

fn close_with(code: u16, reason: &str) -> Bytes {
    let mut payload = BytesMut::with_capacity(2 + reason.len());
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(reason.as_bytes());
    whole(CLOSE, &payload)
}

fn whole(kind: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(2 + payload.len());
    let mut header = [0; MAX_HEADER];
    let used = write_header(&mut header, kind, payload.len());
    frame.extend(header.iter().take(used));
    frame.extend_from_slice(payload);
    frame.freeze()
}

/// Writes a header and says how long it is.
fn write_header(header: &mut [u8; MAX_HEADER], kind: u8, length: usize) -> usize {
    let [first, second, rest @ ..] = header;
    *first = kind;
    if let Ok(short @ 0..126) = u8::try_from(length) {
        *second = short;
        return 2;
    }
    let (marker, bytes) = match u16::try_from(length) {
        Ok(medium) => (126, medium.to_be_bytes().to_vec()),
        Err(_) => (127, (length as u64).to_be_bytes().to_vec()),
    };
    *second = marker;
    for (gap, byte) in rest.iter_mut().zip(&bytes) {
        *gap = *byte;
    }
    2 + bytes.len()
}

/// The length of the frame at the start of `bytes`, header included; `None` if its header is not
/// whole. For frames that this module made: unmasked.
#[must_use]
pub fn frame_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [_, short @ 0..126, ..] => Some(2 + usize::from(*short)),
        [_, 126, a, b, ..] => Some(4 + usize::from(u16::from_be_bytes([*a, *b]))),
        [_, 127, a, b, c, d, e, f, g, h, ..] => {
            let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            usize::try_from(length)
                .ok()
                .map(|length| MAX_HEADER + length)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_codec::Decoder;
    use actix_http::ws::{Codec, Frame};

    #[test]
    fn a_text_frame_is_read_back_by_another_codec() {
        for length in [0, 1, 123, 124, 125, 126, 65_533, 65_534, 65_536, 70_000] {
            let text = text(&"x".repeat(length));
            assert_eq!(frame_length(&text), Some(text.len()), "{length}");
            let mut bytes = BytesMut::from(&text[..]);
            let mut client = Codec::new().client_mode().max_size(1 << 20);
            match client.decode(&mut bytes).unwrap().unwrap() {
                Frame::Text(json) => assert_eq!(json.len(), length + 2, "quotes and text"),
                other => panic!("{other:?}"),
            }
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn a_close_frame_carries_code_and_reason() {
        let mut bytes = BytesMut::from(&close(CloseCode::SlowConsumer)[..]);
        match Codec::new()
            .client_mode()
            .decode(&mut bytes)
            .unwrap()
            .unwrap()
        {
            Frame::Close(Some(reason)) => {
                assert_eq!(u16::from(reason.code), 4008);
                assert!(reason.description.unwrap().contains("slow_consumer"));
            }
            other => panic!("{other:?}"),
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sent_is_one_frame_of_the_length_that_it_says(
            texts in proptest::collection::vec("\\PC{0,300}", 0..9),
            payload in proptest::collection::vec(proptest::num::u8::ANY, 0..126),
        ) {
            let encoded = texts.iter().map(text).chain([pong(&payload)]);
            let mut bytes = BytesMut::new();
            for frame in encoded {
                assert_eq!(frame_length(&frame), Some(frame.len()));
                bytes.extend_from_slice(&frame);
            }
            let mut client = Codec::new().client_mode();
            for text in &texts {
                match client.decode(&mut bytes).unwrap().unwrap() {
                    Frame::Text(json) => {
                        assert_eq!(&serde_json::from_slice::<String>(&json).unwrap(), text);
                    }
                    other => panic!("{other:?}"),
                }
            }
            let last = client.decode(&mut bytes).unwrap().unwrap();
            assert!(matches!(last, Frame::Pong(back) if back == payload));
            assert!(bytes.is_empty());
        }

        #[test]
        fn the_length_of_any_bytes_is_asked_without_harm(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..20),
        ) {
            let _length = frame_length(&bytes);
        }
    }
}
