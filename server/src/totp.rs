//! One-time codes by time (RFC 6238: HMAC-SHA-1, 30 s, six digits, as every authenticator app has them), and recovery codes. Pure.

use qrcode::types::QrError;
use qrcode::{Color, EcLevel, QrCode};
use ring::hmac;
use types::Millis;

/// As RFC 4226 advises for SHA-1.
pub const SECRET_BYTES: usize = 20;
pub const RECOVERY_CODES: usize = 10;
/// 80 bits: nobody guesses one, so a plain hash keeps it.
pub const RECOVERY_BYTES: usize = 10;
const PERIOD_MS: Millis = 30_000;
const DIGITS: u32 = 1_000_000;
/// Light modules around a QR code.
const QUIET: usize = 4;

pub fn step_at(now: Millis) -> i64 {
    now.div_euclid(PERIOD_MS)
}

/// The code of a step.
pub fn code(secret: &[u8], step: i64) -> u32 {
    // The algorithm of RFC 6238's default, which is what phones implement; a MAC is not weakened by what breaks SHA-1.
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag.last().copied().unwrap_or(0) & 15);
    let four = tag.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes);
    (four & 0x7fff_ffff) % DIGITS
}

/// The step whose code was typed: this one, the one before or the one after (clocks differ). Looks at all three.
pub fn found(secret: &[u8], typed: &str, now: Millis) -> Option<i64> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let typed: u32 = Some(digits).filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    let here = step_at(now);
    (here - 1..=here + 1).fold(None, |found, step| if code(secret, step) == typed { Some(step) } else { found })
}

/// RFC 4648 without padding: how people type a secret.
pub fn base32(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut out, mut held, mut bits) = (String::new(), 0u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(SIGNS[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(char::from(SIGNS[(held << (5 - bits) & 31) as usize]));
    }
    out
}

/// What the QR code says.
pub fn uri(email: &str, secret: &[u8]) -> String {
    let query = serde_urlencoded::to_string([("secret", base32(secret).as_str()), ("issuer", "Carillon")]).unwrap_or_default();
    let label: String =
        email.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    format!("otpauth://totp/Carillon:{label}?{query}")
}

/// The dark modules as one SVG path, and the side of the square with its quiet zone.
///
/// # Errors
/// When the text is too long for a QR code.
pub fn qr(text: &str) -> Result<(usize, String), QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
    let width = code.width();
    let mut path = String::new();
    for (i, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", i % width + QUIET, i / width + QUIET));
        }
    }
    Ok((width + 2 * QUIET, path))
}

/// As it is shown: `abcd-efgh-ijkl-mnop`.
pub fn recovery(bytes: &[u8; RECOVERY_BYTES]) -> String {
    let text = base32(bytes).to_lowercase();
    text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}

/// What is hashed of a recovery code, however it was typed; `None` when it has not the form of one.
pub fn plain_recovery(typed: &str) -> Option<String> {
    let plain: String = typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    (plain.len() == 16).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1, the last six of eight digits.
    #[test]
    fn the_codes_of_the_standard() {
        let secret = b"12345678901234567890";
        let table = [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ];
        for (seconds, want) in table {
            assert_eq!(code(secret, step_at(seconds * 1_000)), want, "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_half_a_minute_off_and_no_more() {
        let secret = b"12345678901234567890";
        let now = 1_111_111_111_000;
        let here = step_at(now);
        let typed = |step| format!("{:06}", code(secret, step));
        for step in here - 1..=here + 1 {
            assert_eq!(found(secret, &typed(step), now), Some(step));
        }
        assert_eq!(found(secret, &typed(here - 2), now), None);
        assert_eq!(found(secret, &typed(here + 2), now), None);
        let spaced = typed(here);
        assert_eq!(found(secret, &format!(" {} {} ", &spaced[..3], &spaced[3..]), now), Some(here));
        for bad in ["", "12345", "1234567", "12345a", "一二三四五六", "-12345"] {
            assert_eq!(found(secret, bad, now), None, "{bad}");
        }
    }

    #[test]
    fn secrets_are_typed_as_the_standard_writes_them() {
        for (bytes, text) in
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"), ("foobar", "MZXW6YTBOI")]
        {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(uri("a@b.c", b"fooba"), "otpauth://totp/Carillon:a%40b%2Ec?secret=MZXW6YTB&issuer=Carillon");
        let (side, path) = qr(&uri("a@b.c", &[7; SECRET_BYTES])).unwrap();
        assert!(side > 25 && path.starts_with("M4 4h1v1h-1z"), "a finder stands in the corner");
    }

    #[test]
    fn recovery_codes_are_read_however_they_are_typed() {
        let shown = recovery(&[0xab; RECOVERY_BYTES]);
        assert_eq!(shown.len(), 19);
        let plain = plain_recovery(&shown).unwrap();
        assert_eq!(plain_recovery(&format!(" {} ", shown.to_uppercase().replace('-', " "))), Some(plain));
        assert_eq!(plain_recovery("123456"), None);
    }
}
