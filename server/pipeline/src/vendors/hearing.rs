//! What answers of several vendors have in common: silence, pages that are no JSON, `Retry-After`, Beijing's midnight.

use serde_json::Value;
use types::Millis;
use types::failure::FailureClass::{self, Auth, RateLimited, Timeout, Unknown, VendorError};

use super::dialect::{Failure, Wire};

/// Status, headers and body of an answer.
pub(super) type Heard<'a> = (u16, &'a [(String, String)], &'a [u8]);

/// # Errors
/// Silence, as the failure every vendor's silence is.
pub(super) fn heard(wire: &Wire) -> Result<Heard<'_>, Failure> {
    match wire {
        Wire::Answered { status, headers, body } => Ok((*status, headers, body)),
        Wire::TimedOut { words } => Err(Failure::new(Timeout, words.clone())),
        Wire::NeverSent { words } => Err(Failure { never_sent: true, ..Failure::new(Timeout, words.clone()) }),
    }
}

/// An answer that is not in the vendor's language: decided by status, never success, never a dead token, never a refused
/// content, for a gateway may be speaking.
pub(super) fn without_json(status: u16, headers: &[(String, String)]) -> Failure {
    Failure { retry_after: retry_after(headers), ..Failure::new(class_of_status(status), format!("{status} without an answer in JSON")) }
}

/// After 408 and 504 nobody knows whether the request was taken.
pub(super) const fn class_of_status(status: u16) -> FailureClass {
    match status {
        401 | 403 => Auth,
        408 | 504 => Timeout,
        429 => RateLimited,
        500..=599 => VendorError,
        _ => Unknown,
    }
}

/// `Retry-After` in seconds, bounded to a day.
pub(super) fn retry_after(headers: &[(String, String)]) -> Option<Millis> {
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let seconds: u32 = value.trim().parse().ok()?;
    Some(i64::from(seconds.min(86_400)) * 1_000)
}

/// Milliseconds until 00:00 in Shanghai, UTC+8 all year: when most daily quotas start anew.
pub(super) const fn until_midnight_in_shanghai(now: Millis) -> Millis {
    const DAY: Millis = 24 * 3_600 * 1_000;
    DAY - (now + 8 * 3_600 * 1_000).rem_euclid(DAY)
}

/// A whole number, written as one or as text: vendors do both.
pub(super) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// A moment: 10 digits are seconds, 13 milliseconds, and vendors write both.
pub(super) const fn millis(at: i64) -> Millis {
    if at < 100_000_000_000 { at * 1_000 } else { at }
}

/// What an OAuth token endpoint brought (RFC 6749, 5): `access_token` and `expires_in` in seconds.
pub(super) mod token {
    use serde_json::{Map, Value};

    use super::super::dialect::{Failure, Issued, Wire};
    use super::super::words::stable;
    use super::{class_of_status, heard, integer, retry_after, without_json};
    use types::failure::FailureClass::{Auth, Unknown, VendorError};

    /// Used when the endpoint does not say how long a token lives; all of them say an hour.
    const LIVES_S: i64 = 3_600;

    /// `refusal` reads the vendor's own words of a refusal (code and text), when the answer is one.
    ///
    /// # Errors
    /// Auth when the credential is refused; anything passing as what it is.
    pub(in super::super) fn read(
        wire: &Wire,
        refusal: impl Fn(&Map<String, Value>) -> Option<(String, String)>,
    ) -> Result<Issued, Failure> {
        let (status, headers, body) = heard(wire)?;
        let Ok(Value::Object(answer)) = serde_json::from_slice::<Value>(body) else {
            // No vendor refuses a credential with a web page.
            let failure = without_json(status, headers);
            return Err(if failure.class == Auth { Failure { class: Unknown, ..failure } } else { failure });
        };
        if let Some((code, said)) = refusal(&answer) {
            let class = match class_of_status(status) {
                Auth | Unknown => Auth,
                passing => passing,
            };
            return Err(Failure { retry_after: retry_after(headers), ..Failure::new(class, stable(&code, &said)) });
        }
        let token = answer.get("access_token").and_then(Value::as_str).map(str::trim).unwrap_or("");
        if status != 200 {
            let class = class_of_status(status);
            return Err(Failure { retry_after: retry_after(headers), ..Failure::new(class, format!("{status} without a reason")) });
        }
        // What no header can carry is no token.
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Failure::new(VendorError, "200 without an access token"));
        }
        let lives = answer.get("expires_in").and_then(integer).filter(|s| *s > 0).unwrap_or(LIVES_S).min(7 * 86_400);
        Ok(Issued { pass: format!("Bearer {token}"), lives: lives * 1_000 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_returns_at_midnight_in_shanghai() {
        let nine_in_the_evening: jiff::Timestamp = "2026-11-20T21:00:00+08:00".parse().expect("a time");
        assert_eq!(until_midnight_in_shanghai(nine_in_the_evening.as_millisecond()), 3 * 3_600_000);
        let midnight: jiff::Timestamp = "2026-11-20T00:00:00+08:00".parse().expect("a time");
        assert_eq!(until_midnight_in_shanghai(midnight.as_millisecond()), 24 * 3_600_000);
    }

    #[test]
    fn a_wish_is_bounded_to_a_day() {
        let wish = |text: &str| retry_after(&[("Retry-After".to_owned(), text.to_owned())]);
        assert_eq!((wish(" 7 "), wish("999999999"), wish("-1"), wish("soon")), (Some(7_000), Some(86_400_000), None, None));
    }
}
