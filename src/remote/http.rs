//! One request and its answer (RFC 9112); each has a connection of its own.

use std::io;

use bytes::BytesMut;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::Stream;

/// The longest head that is read.
const MAX_HEAD: usize = 64 * 1024;
/// The longest body that is read.
const MAX_BODY: usize = 32 * 1024 * 1024;
/// The most headers of one answer.
const MAX_HEADERS: usize = 100;

/// The first lines of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    pub status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    /// A header's text, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(found)
            .map(|(_, text)| text.as_str())
    }

    fn parse(bytes: &[u8]) -> io::Result<Self> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(bytes) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(broken("half an answer")),
            Err(error) => return Err(broken(&format!("no HTTP: {error}"))),
        }
        let headers = response.headers.iter().map(|header| {
            let text = String::from_utf8_lossy(header.value);
            (header.name.to_owned(), text.into_owned())
        });
        Ok(Self {
            status: response.code.unwrap_or_default(),
            headers: headers.collect(),
        })
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub head: Head,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        let short: String = body.chars().take(300).collect();
        write!(f, "{} {short}", self.head.status)
    }
}

/// Writes a request and reads the answer's head; `received` keeps what came behind it.
///
/// # Errors
/// The connection ends before, or what comes is no HTTP.
pub async fn ask(stream: &mut Stream, request: &[u8], received: &mut BytesMut) -> io::Result<Head> {
    stream.write_all(request).await?;
    stream.flush().await?;
    Head::parse(&read_head(stream, received).await?)
}

/// Takes a head off a stream, up to and with the empty line behind it.
///
/// # Errors
/// The stream ends before, or the head is over 64 KiB.
pub async fn read_head<S>(stream: &mut S, received: &mut BytesMut) -> io::Result<BytesMut>
where
    S: AsyncRead + Unpin,
{
    loop {
        let end = received.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            return Ok(received.split_to(end + 4));
        }
        if received.len() > MAX_HEAD {
            return Err(broken("the head is too long"));
        }
        if stream.read_buf(received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Reads the body that belongs to a head.
///
/// # Errors
/// The connection ends before, or the body is over 32 MiB.
pub async fn read_body(
    stream: &mut Stream,
    head: Head,
    mut received: BytesMut,
) -> io::Result<Reply> {
    let length = head.header("content-length").map(str::parse::<usize>);
    let chunked = head.header("transfer-encoding") == Some("chunked");
    let length = match length {
        _ if head.status == 204 || head.status == 304 => Some(0),
        _ if chunked => None,
        Some(Ok(length)) => Some(length),
        Some(Err(_)) => return Err(broken("content-length is no number")),
        None => None,
    };
    loop {
        if received.len() > MAX_BODY || length.is_some_and(|length| length > MAX_BODY) {
            return Err(broken("the body is too long"));
        }
        let whole = match length {
            Some(length) => received.get(..length).map(<[u8]>::to_vec),
            None if chunked => unchunk(&received)?,
            None => None,
        };
        if let Some(body) = whole {
            return Ok(Reply { head, body });
        }
        let ended = stream.read_buf(&mut received).await? == 0;
        match (ended, length, chunked) {
            (false, _, _) => {}
            (true, None, false) => {
                let body = received.to_vec();
                return Ok(Reply { head, body });
            }
            (true, _, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Joins the chunks of a body; `None` if the last one has not come.
fn unchunk(mut bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let (line, rest) = bytes.split_at(end);
        let size = String::from_utf8_lossy(line);
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| broken("a chunk has no size"))?;
        let rest = rest.get(2..).unwrap_or_default();
        if size == 0 {
            return Ok(Some(body));
        }
        let (Some(chunk), Some(after)) = (rest.get(..size), rest.get(size.saturating_add(2)..))
        else {
            return Ok(None);
        };
        body.extend_from_slice(chunk);
        bytes = after;
    }
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_once_the_last_is_there() {
        let whole = b"4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n";
        assert_eq!(unchunk(whole).unwrap().unwrap(), b"Wikipedia");
        for length in 0..whole.len() - 4 {
            assert_eq!(unchunk(&whole[..length]).unwrap(), None, "{length}");
        }
        assert!(unchunk(b"x\r\n").is_err());
        assert!(unchunk(b"ffffffffffffffff\r\n").unwrap().is_none());
    }

    #[test]
    fn a_head_is_read_whatever_the_case_of_its_names() {
        let head = Head::parse(b"HTTP/1.1 200 OK\r\nX-Thing: 1\r\n\r\n").unwrap();
        assert_eq!((head.status, head.header("x-thing")), (200, Some("1")));
        assert!(Head::parse(b"hello\r\n\r\n").is_err());
    }
}
