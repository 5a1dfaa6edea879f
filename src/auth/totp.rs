//! Codes of authenticator apps: RFC 6238 with SHA-1, six digits and steps of 30 seconds, which every
//! app knows.

use chrono::{DateTime, Utc};
use qrcode::{EcLevel, QrCode, render::svg};
use totp_rs::{Algorithm, Builder, Totp};

/// As long as RFC 4226 recommends, in bytes.
const SECRET_BYTES: usize = 20;

/// How many steps a code may be early or late: a telephone's clock, or slow fingers.
const SKEW: u16 = 1;

const STEP_SECONDS: u64 = 30;

/// What the app and the server share.
pub struct TotpSecret([u8; SECRET_BYTES]);

impl TotpSecret {
    /// A fresh one.
    #[must_use]
    pub fn generate() -> Self {
        let mut random = [0_u8; SECRET_BYTES];
        rand::fill(&mut random);
        Self(random)
    }

    /// One that was kept; `None` if it is none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// What is kept, encrypted.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The step whose code this is, counted from 1970, if that is the present step or one beside it.
    ///
    /// A step must count once: the caller keeps the last one.
    #[must_use]
    pub fn step_of(&self, code: &str, at: DateTime<Utc>) -> Option<i64> {
        let seconds = u64::try_from(at.timestamp()).ok()?;
        let step = self.totp("Parlor", "").check(code, seconds)?;
        i64::try_from(step).ok()
    }

    /// What an app takes in, for the account of a user name on the server of this name.
    ///
    /// # Errors
    /// The address is too long for a QR code.
    pub fn enrollment(&self, server: &str, username: &str) -> anyhow::Result<Enrollment> {
        let issuer = format!("Parlor {}", server.replace(':', " "));
        let totp = self.totp(&issuer, username);
        let uri = totp.to_url()?;
        let code = QrCode::with_error_correction_level(&uri, EcLevel::M)?;
        Ok(Enrollment {
            secret: totp.secret().to_base32(),
            qr_svg: code.render::<svg::Color>().min_dimensions(240, 240).build(),
            uri,
        })
    }

    fn totp(&self, issuer: &str, account: &str) -> Totp {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(SKEW)
            .with_step_duration(STEP_SECONDS)
            .with_secret(self.0)
            .with_issuer(Some(issuer))
            .with_account_name(account)
            .build_noncompliant()
    }
}

/// One secret in three forms.
pub struct Enrollment {
    /// In base32, to be typed.
    pub secret: String,
    /// `otpauth://totp/…`, for an app on the same device.
    pub uri: String,
    /// The address as a QR code: a whole SVG document.
    pub qr_svg: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// RFC 6238, appendix B; it has eight digits of each code, of which an app shows the last six.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.step_of(code, at(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_counts_one_step_early_and_one_late() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        let step = 1_111_111_109 / 30;
        for (steps, counts) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let now = at((step + steps) * 30);
            let expected = counts.then_some(step);
            assert_eq!(secret.step_of("081804", now), expected, "{steps}");
        }
        for wrong in ["", "81804", "0081804", "+81804", "081805", "０８１８０４"] {
            assert_eq!(secret.step_of(wrong, at(step * 30)), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_app_is_told_all_it_needs() {
        let secret = TotpSecret::generate();
        let told = secret.enrollment("chat.example.org", "ada.l-1").unwrap();
        let url = url::Url::parse(&told.uri).unwrap();
        assert_eq!((url.scheme(), url.host_str()), ("otpauth", Some("totp")));
        assert_eq!(url.path(), "/Parlor%20chat.example.org:ada.l-1");
        let query: std::collections::HashMap<_, _> = url.query_pairs().collect();
        assert_eq!(query["secret"], told.secret);
        assert_eq!(query["issuer"], "Parlor chat.example.org");
        assert_eq!(told.secret.len(), 32);
        assert!(told.qr_svg.contains("<svg") && told.qr_svg.ends_with("</svg>"));
        assert!(secret.enrollment("[::1]", "ada").is_ok());
    }
}
