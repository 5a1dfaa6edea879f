//! The payload that tells when it was sent: `@`, 16 hexadecimal digits, and filling.
//!
//! No envelope of any peer has an `@`, and JSON escapes nothing of it.

/// Bytes of a payload, unless another length is asked for.
pub const LENGTH: usize = 128;
const DIGITS: usize = 16;
/// Bytes that tell the time, at the beginning of each payload.
pub const STAMP: usize = 1 + DIGITS;

/// A payload of `length` bytes, or as many as the stamp needs, sent at `time`.
pub fn payload(time: u64, length: usize) -> Vec<u8> {
    let mut payload = format!("@{time:016x}").into_bytes();
    payload.resize(length.max(STAMP), b'x');
    payload
}

/// When the payload that starts at the `@` was sent.
pub fn time(payload: &[u8]) -> Option<u64> {
    let digits = payload.get(1..=DIGITS)?;
    digits.iter().try_fold(0_u64, |time, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(time << 4 | u64::from(value))
    })
}
