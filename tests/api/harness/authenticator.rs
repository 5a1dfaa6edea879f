//! An authenticator app, written from RFC 4226 and RFC 6238 alone: the server's codes must be those
//! of anybody else's implementation.

use aws_lc_rs::hmac;

/// An app that took in a secret.
#[derive(Clone, Debug)]
pub struct App {
    secret: Vec<u8>,
}

impl App {
    /// Takes in what stands beside the QR code: base32 (RFC 4648).
    pub fn new(secret: &str) -> Self {
        let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
        for letter in secret.bytes() {
            let five = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'2'..=b'7' => letter - b'2' + 26,
                _ => panic!("{secret} is not base32"),
            };
            bits = bits << 5 | u32::from(five);
            held += 5;
            if held >= 8 {
                held -= 8;
                bytes.push((bits >> held) as u8);
                bits &= (1 << held) - 1;
            }
        }
        Self { secret: bytes }
    }

    /// What it took in, as bytes.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// The code that the app shows now.
    pub fn code(&self) -> String {
        self.code_in(0)
    }

    /// The code that it shows some steps later, or did show earlier.
    pub fn code_in(&self, steps: i64) -> String {
        self.code_of(parlor::clock::now().timestamp() / 30 + steps)
    }

    /// Six digits that are the code of no step near the present one.
    pub fn wrong_code(&self) -> String {
        let near: Vec<String> = (-4..=4).map(|steps| self.code_in(steps)).collect();
        let mut codes = (0..).map(|number| format!("{number:06}"));
        codes.find(|code| !near.contains(code)).expect("a code")
    }

    fn code_of(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let digest = hmac::sign(&key, &step.to_be_bytes());
        let digest = digest.as_ref();
        let at = usize::from(digest[19] & 0xf);
        let word: [u8; 4] = digest[at..at + 4].try_into().expect("four bytes");
        let number = u32::from_be_bytes(word) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

/// RFC 6238, appendix B, less the two leading digits of eight.
#[test]
fn the_app_of_the_tests_is_right_itself() {
    let app = App::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    for (seconds, code) in [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_234_567_890, "005924"),
        (20_000_000_000, "353130"),
    ] {
        assert_eq!(app.code_of(seconds / 30), code);
    }
}
