//! A socket opened a second time, as by a client that came back before its first one was gone.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, WriteHalf, split},
    task::JoinHandle,
    time::timeout,
};

use super::pipe::may_be_heard_twice;
use crate::remote::{Frame, Stream};

/// How long it may take what it hears.
const WRITE: Duration = Duration::from_secs(5);

/// The second socket. What the server says on it is thrown away.
pub struct Shadow {
    writer: WriteHalf<Stream>,
    reading: JoinHandle<()>,
}

impl Shadow {
    /// Takes over a connection whose request was sent.
    pub fn new(stream: Stream) -> Self {
        let (mut reader, writer) = split(stream);
        let reading = tokio::spawn(async move {
            let mut thrown_away = [0; 4096];
            while matches!(reader.read(&mut thrown_away).await, Ok(1..)) {}
        });
        Self { writer, reading }
    }

    /// Hears what the client says; false once it is gone.
    pub async fn hears(&mut self, frame: &Frame) -> bool {
        if !may_be_heard_twice(frame) {
            return true;
        }
        let writing = self.writer.write_all(&frame.bytes);
        matches!(timeout(WRITE, writing).await, Ok(Ok(())))
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
