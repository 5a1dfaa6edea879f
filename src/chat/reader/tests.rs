use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use actix_codec::Decoder as _;
use actix_http::ws::Codec;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;
use crate::{chat::transport::Transport, metrics::Metrics};

#[test]
fn a_header_is_read_as_soon_as_it_is_whole() {
    assert_eq!(client_header(&[0x81]), None);
    assert_eq!(client_header(&[0x81, 0x85]), Some((6, 5)));
    assert_eq!(client_header(&[0x81, 0xfe, 1]), None);
    assert_eq!(client_header(&[0x81, 0xfe, 1, 0]), Some((8, 256)));
    let huge = [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0];
    assert_eq!(client_header(&huge), Some((14, 1 << 32)));
    assert_eq!(client_header(&[0x81, 0x05]), Some((2, 5)), "unmasked");
}

/// A network that delivers bytes in pieces, with waiting in between, and then ends.
struct Pieces {
    left: VecDeque<Vec<u8>>,
    waits: bool,
}

impl AsyncRead for Pieces {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        this.waits = !this.waits;
        if this.waits {
            return Poll::Pending;
        }
        if let Some(mut piece) = this.left.pop_front() {
            let rest = piece.split_off(piece.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
            if !rest.is_empty() {
                this.left.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Transport for Pieces {
    fn reset_on_close(&self) {}
}

/// What a session hears of bytes that come in these pieces, the first behind the request: each
/// frame, and how it ended.
fn heard(pieces: &[&[u8]]) -> Vec<String> {
    let (first, left) = pieces.split_first().unwrap();
    let left = left.iter().filter(|piece| !piece.is_empty());
    let network = Pieces {
        left: left.map(|piece| piece.to_vec()).collect(),
        waits: false,
    };
    let outbox = Rc::new(Outbox::new(Box::new(network), Metrics::new().unwrap()));
    let mut reader = FrameReader::new(outbox.clone(), first);
    let pace = outbox.pace();
    let mut codec = Codec::new().max_size(MAX_MESSAGE);
    let (mut undecoded, mut heard) = (BytesMut::new(), Vec::new());
    let mut context = Context::from_waker(Waker::noop());
    loop {
        // As the connection's task does, and the context that reads all there is and then decodes.
        pace.begin();
        let ended = loop {
            match Pin::new(&mut reader).poll_next(&mut context) {
                Poll::Ready(Some(Ok(piece))) => undecoded.extend_from_slice(&piece),
                Poll::Ready(_) => break true,
                Poll::Pending => break false,
            }
        };
        assert!(undecoded.len() <= MAX_MESSAGE + 14, "one frame at a time");
        assert!(pace.used.get() <= READ_BUDGET + 16 * 1024, "within a run");
        match codec.decode(&mut undecoded) {
            Ok(Some(frame)) => heard.push(format!("{frame:?}")),
            Ok(None) => {}
            Err(fault) => {
                heard.push(format!("{fault:?}"));
                return heard;
            }
        }
        assert!(
            undecoded.is_empty() || !matches!(codec.decode(&mut undecoded.clone()), Ok(Some(_))),
            "the next frame comes after this one is handled"
        );
        if ended {
            heard.push(format!("{:?}", pace.end()));
            return heard;
        }
    }
}

/// Cuts bytes at these places.
fn cut<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = places.iter().map(|at| at.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    let (mut pieces, mut from) = (Vec::new(), 0);
    for at in places {
        pieces.push(&bytes[from..at]);
        from = at;
    }
    pieces.push(&bytes[from..]);
    pieces
}

/// A frame as a client writes it: first byte, mask and payload.
fn frame(first: u8, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(0x80 | short as u8),
        medium @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
    bytes
}

/// Frames that a client may send, some that it may not, and noise.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        6 => Just(0x81),
        1 => Just(0x01),
        1 => Just(0x00),
        1 => Just(0x80),
        2 => Just(0x89),
        1 => Just(0x8a),
        1 => Just(0x82),
        1 => Just(0x88),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..130),
        2 => prop::collection::vec(any::<u8>(), 0..3_000),
        1 => (65_000_usize..66_000).prop_map(|length| vec![b'x'; length]),
    ];
    let part = prop_oneof![
        9 => (first, any::<[u8; 4]>(), payload)
            .prop_map(|(first, mask, payload)| frame(first, mask, &payload)),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    /// A network may cut the bytes where it likes: nobody hears of it.
    #[test]
    fn however_bytes_come_the_same_frames_are_heard(
        bytes in stream(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        prop_assert_eq!(heard(&cut(&bytes, &places)), heard(&[&bytes]));
        prop_assert_eq!(heard(&[&[], &bytes]), heard(&[&bytes]));
    }

    #[test]
    fn byte_by_byte_is_as_good_as_at_once(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        let single: Vec<_> = bytes.chunks(1).collect();
        prop_assert_eq!(heard(&single), heard(&[&bytes]));
    }

    /// What is sent well is heard whole, in its order.
    #[test]
    fn every_good_frame_is_heard(
        texts in prop::collection::vec((any::<[u8; 4]>(), "\\PC{0,200}"), 0..20),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let frames = texts.iter().map(|(mask, text)| frame(0x81, *mask, text.as_bytes()));
        let bytes = frames.collect::<Vec<_>>().concat();
        let expected = texts.iter().map(|(_, text)| {
            format!("{:?}", actix_http::ws::Frame::Text(Bytes::copy_from_slice(text.as_bytes())))
        });
        let expected: Vec<_> = expected.chain(["Some(Lost)".to_owned()]).collect();
        prop_assert_eq!(heard(&cut(&bytes, &places)), expected);
    }
}
