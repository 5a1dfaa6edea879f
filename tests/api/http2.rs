//! Browsers choose HTTP/2 where it is offered.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::harness::{LIMIT, TestApp};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

/// `GET /health/live` in HPACK (RFC 7541): indexed fields, and two literals that are not indexed.
fn request() -> Vec<u8> {
    let mut block = vec![0x82, 0x87];
    for (index, value) in [(0x04, "/health/live"), (0x01, "localhost")] {
        block.push(index);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value.as_bytes());
    }
    block
}

/// Reads frames up to the headers of the answer, and gives their first byte.
fn answer(stream: &mut impl Read) -> u8 {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).unwrap();
        if head[3] == HEADERS {
            return payload[0];
        }
    }
}

#[tokio::test]
async fn http_2_is_offered_and_spoken() {
    let app = TestApp::spawn().await;
    let mut tls = ClientConfig::clone(app.tls.as_deref().unwrap());
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let port = app.port;
    let speaking = tokio::task::spawn_blocking(move || {
        let tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
        tcp.set_read_timeout(Some(LIMIT)).unwrap();
        let name = "localhost".try_into().unwrap();
        let session = ClientConnection::new(Arc::new(tls), name).unwrap();
        let mut stream = StreamOwned::new(session, tcp);
        stream.write_all(PREFACE).unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
        // END_STREAM and END_HEADERS.
        stream
            .write_all(&frame(HEADERS, 0x05, 1, &request()))
            .unwrap();
        answer(&mut stream)
    });
    let status = speaking.await.unwrap();
    assert_eq!(
        status, 0x88,
        "`:status: 200` is entry 8 of HPACK's own table"
    );
}
