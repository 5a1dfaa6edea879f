//! The payload that tells when it was sent: `@`, 16 hexadecimal digits, and filling up to 128 bytes.
//!
//! No envelope of any peer has an `@`, and JSON escapes nothing of it.

/// Bytes of every payload.
pub const LENGTH: usize = 128;
const DIGITS: usize = 16;

/// A payload sent at `time`.
pub fn payload(time: u64) -> [u8; LENGTH] {
    let mut payload = [b'x'; LENGTH];
    payload[0] = b'@';
    payload[1..=DIGITS].copy_from_slice(format!("{time:016x}").as_bytes());
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
