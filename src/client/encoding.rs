//! The same bytes in each coding that browsers take, compressed once.

use std::{
    io::{Result, Write},
    sync::OnceLock,
};

use bytes::Bytes;

/// How the bytes of a file travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Brotli,
    Gzip,
    Identity,
}

/// A file's bytes and their compressed forms, each made when it is first asked for.
#[derive(Debug)]
pub struct Encoded {
    plain: Bytes,
    compresses: bool,
    brotli: OnceLock<Option<Bytes>>,
    gzip: OnceLock<Option<Bytes>>,
}

impl Encoded {
    pub(super) fn new(plain: Bytes, compresses: bool) -> Self {
        Self {
            plain,
            compresses,
            brotli: OnceLock::new(),
            gzip: OnceLock::new(),
        }
    }

    pub(super) fn with(&self, coding: Coding) -> (Coding, Bytes) {
        let made = match coding {
            _ if !self.compresses => &None,
            Coding::Brotli => self
                .brotli
                .get_or_init(|| self.smaller(brotli(&self.plain))),
            Coding::Gzip => self.gzip.get_or_init(|| self.smaller(gzip(&self.plain))),
            Coding::Identity => &None,
        };
        match made {
            Some(bytes) => (coding, bytes.clone()),
            None => (Coding::Identity, self.plain.clone()),
        }
    }

    /// What was made, if it was worth it.
    fn smaller(&self, made: Result<Vec<u8>>) -> Option<Bytes> {
        made.ok()
            .filter(|made| made.len() < self.plain.len())
            .map(Bytes::from)
    }
}

/// A longer file is compressed less hard: the last twentieth of its size takes ten times as long, in
/// which its first reader waits.
const LONG: usize = 256 * 1024;

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: if bytes.len() > LONG { 9 } else { 11 },
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut made = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut made, &params)?;
    Ok(made)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn every_coding_brings_the_same_bytes() {
        let text = "const answer = 42;\n".repeat(100);
        let encoded = Encoded::new(Bytes::from(text.clone()), true);
        let mut plain = String::new();
        let (coding, bytes) = encoded.with(Coding::Brotli);
        assert_eq!(coding, Coding::Brotli);
        brotli::Decompressor::new(&*bytes, 4096)
            .read_to_string(&mut plain)
            .unwrap();
        assert_eq!(plain, text);
        let (coding, bytes) = encoded.with(Coding::Gzip);
        assert_eq!(coding, Coding::Gzip);
        plain.clear();
        flate2::read::GzDecoder::new(&*bytes)
            .read_to_string(&mut plain)
            .unwrap();
        assert_eq!(plain, text);
    }

    #[test]
    fn what_does_not_shrink_is_sent_as_it_is() {
        for (bytes, compresses) in [
            (Bytes::from_static(b"x"), true),
            (vec![0; 99].into(), false),
        ] {
            let encoded = Encoded::new(bytes.clone(), compresses);
            assert_eq!(encoded.with(Coding::Brotli), (Coding::Identity, bytes));
        }
    }
}
