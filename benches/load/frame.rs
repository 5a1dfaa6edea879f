//! WebSocket frames as a client writes and reads them (RFC 6455, section 5.2).

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// The mask must be there, but nothing on loopback needs it to be random.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Appends one final frame.
pub fn write(output: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    output.push(0x80 | opcode);
    match u16::try_from(payload.len()) {
        Ok(short @ 0..126) => output.push(0x80 | short.to_be_bytes()[1]),
        Ok(medium) => {
            output.push(0x80 | 126);
            output.extend_from_slice(&medium.to_be_bytes());
        }
        Err(_) => {
            output.push(0x80 | 127);
            output.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    output.extend_from_slice(&MASK);
    let masked = payload.iter().zip(MASK.iter().cycle());
    output.extend(masked.map(|(byte, mask)| byte ^ mask));
}

/// The header of an unmasked frame.
pub struct Header {
    pub opcode: u8,
    /// Bytes of the header itself.
    pub header: usize,
    /// Bytes behind it.
    pub payload: usize,
}

/// Reads the header at the start of `bytes`; `None` while it is not whole.
pub fn header(bytes: &[u8]) -> Option<Header> {
    let (header, payload) = match *bytes {
        [_, short @ 0..126, ..] => (2, usize::from(short)),
        [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([a, b]))),
        [_, 127, a, b, c, d, e, f, g, h, ..] => {
            let length = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            (10, usize::try_from(length).ok()?)
        }
        _ => return None,
    };
    Some(Header {
        opcode: bytes[0] & 15,
        header,
        payload,
    })
}
