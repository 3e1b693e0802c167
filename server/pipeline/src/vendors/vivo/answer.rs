//! What vivo said: a result for the request, `invalidUsers` with a status each (vivo.md, 3 and 4).

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};
use types::Millis;
use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, QuotaExceeded, RateLimited, Unknown, VendorError};

use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::hearing::{heard, integer, until_midnight_in_shanghai, without_json};
use crate::vendors::words::stable;

/// The table of vivo.md, 4; what stands there for certain situations only is decided by [`failure_of`].
fn class_of(code: i64) -> FailureClass {
    match code {
        10000 | 10043 | 10045 | 10082 | 10094 | 10200..=10207 => Auth,
        10050 | 10051 | 10054..=10069 | 10095..=10097 | 10103 | 10104 => BadContent,
        10070 | 10071 | 10073 | 10252 | 10254 => QuotaExceeded,
        10072 | 10093 | 10250 => RateLimited,
        10150..=10155 | 10301 | 10304..=10306 | 10352 | 10353 => BadContent,
        10471 | 10473 | 10601 | 10609 | 10614 | 10616 | 10800 | 10801 | 11000 => BadContent,
        10302 | 10311 => InvalidToken,
        // Also 10303, 10089, 10101, 10110, which no source confirms.
        _ => VendorError,
    }
}

/// The access token is missing, wrong or expired: a new one mends it.
pub(super) const fn token_refused(code: i64) -> bool {
    code == 10000
}

/// An answer in vivo's form.
pub(super) struct Spoken {
    pub code: i64,
    said: String,
    pub rest: Map<String, Value>,
}

/// # Errors
/// Silence, or what is no answer of vivo's.
pub(super) fn spoken(wire: &Wire) -> Result<Spoken, Failure> {
    let (status, headers, body) = heard(wire)?;
    let Ok(Value::Object(rest)) = serde_json::from_slice::<Value>(&with_ids_as_text(body)) else {
        return Err(without_json(status, headers));
    };
    let Some(code) = rest.get("result").and_then(Value::as_i64) else {
        return Err(without_json(status, headers));
    };
    // Every answer of the business is a 200.
    if code == 0 && status != 200 {
        return Err(Failure::new(Unknown, "0 but another status than 200"));
    }
    Ok(Spoken { code, said: rest.get("desc").and_then(Value::as_str).unwrap_or("").to_owned(), rest })
}

/// Ids written as numbers are longer than any number type: made texts before reading (vivo.md, 3: read either).
fn with_ids_as_text(body: &[u8]) -> Cow<'_, [u8]> {
    const NAME: &[u8] = br#""userid":"#;
    let mut out = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.windows(NAME.len()).position(|w| w == NAME) {
        let (head, tail) = rest.split_at(at + NAME.len());
        let spaces = tail.iter().take_while(|b| **b == b' ').count();
        let digits = tail[spaces..].iter().take_while(|b| b.is_ascii_digit()).count();
        let (id, after) = tail.split_at(spaces + digits);
        let quote: &[u8] = if digits > 0 { b"\"" } else { b"" };
        out.extend([head, quote, &id[spaces..], quote].concat());
        rest = after;
    }
    if out.is_empty() { Cow::Borrowed(body) } else { Cow::Owned([&out, rest].concat()) }
}

pub(super) fn failure_of(answer: &Spoken, now: Millis) -> Failure {
    let mut failure = Failure::new(class_of(answer.code), stable(&answer.code.to_string(), &answer.said));
    match answer.code {
        10071 => failure.retry_after = Some(until_seven_in_shanghai(now)),
        _ if failure.class == QuotaExceeded => failure.retry_after = Some(until_midnight_in_shanghai(now)),
        // Notifications off, inactive: the device may come back, its token stays.
        10311 => (failure.class, failure.device_only) = (BadContent, true),
        _ => {}
    }
    // Only the saving of lists is used up: single sends still work.
    failure.batch_only = answer.code == 10252;
    failure
}

/// Operational messages go from 07:00 to 23:00 in China.
const fn until_seven_in_shanghai(now: Millis) -> Millis {
    const SEVEN: Millis = 7 * 3_600 * 1_000;
    until_midnight_in_shanghai(now - SEVEN)
}

pub(super) fn task_id(rest: &Map<String, Value>) -> Option<String> {
    match rest.get("taskId")? {
        Value::String(id) => Some(id.clone()).filter(|id| !id.is_empty()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// What a status says of one device (vivo.md, 3). Only 1 and 2 end a token.
fn of_status(status: Option<i64>, code: &str) -> Failure {
    let soft = |words: &str| Failure { device_only: true, ..Failure::new(BadContent, format!("{code} {words}").trim_start()) };
    match status {
        Some(1) => Failure::new(InvalidToken, format!("{code} status 1 does not exist").trim_start()),
        Some(2) => Failure::new(InvalidToken, format!("{code} status 2 uninstalled or unsubscribed").trim_start()),
        Some(3) => soft("status 3 inactive"),
        Some(4) => soft("status 4 test mode and device do not fit"),
        Some(other) => soft(&format!("status {other}")),
        None => soft("without a status"),
    }
}

pub(super) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    let n = batch.tokens.len();
    let all = |failure: Failure| Judgement::all(n, Verdict::Failed(failure));
    let answer = match spoken(wire) {
        Ok(answer) => answer,
        Err(failure) => return all(failure),
    };
    match answer.code {
        0 => accepted(batch, &answer.rest).unwrap_or_else(|what| all(Failure::new(Unknown, format!("0 {what}")))),
        code => {
            let status = answer.rest.get("invalidUser").and_then(|user| user.get("status")).and_then(integer);
            let mut judgement = match status {
                Some(status) if code == 10302 => all(of_status(Some(status), "10302")),
                _ => all(failure_of(&answer, batch.now)),
            };
            judgement.renew_pass = token_refused(code);
            // The saved payload has expired, or is not the vendor's (10152).
            judgement.renew_prepared = matches!(code, 10152 | 10155) && n > 1;
            judgement
        }
    }
}

/// 0: everything else must agree before anybody counts as accepted.
fn accepted(batch: &Batch<'_>, rest: &Map<String, Value>) -> Result<Judgement, &'static str> {
    let said = task_id(rest);
    let mut judgement = Judgement::all(batch.tokens.len(), Verdict::Accepted);
    // A list's answer may leave out the id that we have from the saving.
    judgement.reference = match batch.tokens.len() {
        1 => Some(said.ok_or("without a task id")?),
        _ => said.or_else(|| batch.prepared.ids.values().next().cloned()),
    };
    let users = match rest.get("invalidUsers").or_else(|| rest.get("invalidUser")) {
        None | Some(Value::Null) => return Ok(judgement),
        Some(Value::Array(users)) => users.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        Some(_) => return Err("but invalid users that cannot be read"),
    };
    let places: HashMap<&str, usize> = batch.tokens.iter().enumerate().map(|(i, token)| (*token, i)).collect();
    for user in users {
        let id = user.get("userid").and_then(Value::as_str).ok_or("but invalid users that cannot be read")?;
        // An id that is none of ours: somebody failed and we cannot say who.
        let place = places.get(id.trim()).ok_or("but invalid users that are strangers")?;
        judgement.verdicts[*place] = Verdict::Failed(of_status(user.get("status").and_then(integer), ""));
    }
    Ok(judgement)
}

#[cfg(test)]
mod tests {
    use types::content::Content;
    use types::vendor::Vendor;

    use super::*;
    use crate::vendors::golden::Sample;

    #[test]
    fn operational_messages_go_on_at_seven() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().expect("a time").as_millisecond();
        assert_eq!(until_seven_in_shanghai(at("2026-11-20T23:30:00+08:00")), 7 * 3_600_000 + 1_800_000);
        assert_eq!(until_seven_in_shanghai(at("2026-11-21T06:59:59+08:00")), 1_000);
        assert_eq!(until_seven_in_shanghai(at("2026-11-21T07:00:00+08:00")), 24 * 3_600_000);
    }

    /// The whole table of vivo.md, 4.
    #[test]
    fn the_table_of_codes() {
        let mut codes: Vec<i64> = vec![10000, 10043, 10045, 10082, 10089, 10093, 10094, 10101, 10103, 10104, 10110];
        codes.extend([10050, 10051].into_iter().chain(10054..=10073).chain(10095..=10097).chain(10150..=10155).chain(10200..=10207));
        codes.extend([10250, 10252, 10254, 10301, 10302, 10303, 10304, 10305, 10306, 10311, 10352, 10353]);
        codes.extend([10471, 10473, 10601, 10609, 10614, 10616, 10800, 10801, 11000, 30001, 40000, 50000, 987_654]);
        codes.sort_unstable();
        let table: Vec<String> = codes.iter().map(|code| format!("{code:>6} {}", class_of(*code).slug())).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    fn judged(n: usize, body: &str) -> Judgement {
        let wire = Wire::Answered { status: 200, headers: Vec::new(), body: bytes::Bytes::from(body.to_owned()) };
        Sample::of(Vendor::Vivo, Content::default(), n).with(|batch| judge(batch, &wire))
    }

    #[test]
    fn only_dead_tokens_are_invalid_tokens() {
        let class = |status: &str| {
            let judgement = judged(1, &format!(r#"{{"result":10302,"desc":"x","invalidUser":{{"status":{status},"userid":"1"}}}}"#));
            match &judgement.verdicts[0] {
                Verdict::Failed(failure) => failure.class,
                Verdict::Accepted => panic!("accepted"),
            }
        };
        assert_eq!((class("1"), class("2"), class("\"2\"")), (InvalidToken, InvalidToken, InvalidToken));
        assert_eq!((class("3"), class("4"), class("9")), (BadContent, BadContent, BadContent));
    }

    #[test]
    fn an_expired_list_is_saved_again() {
        let body = r#"{"result":10155,"desc":"task expired"}"#;
        assert!(judged(2, body).renew_prepared);
        assert!(!judged(1, body).renew_prepared);
    }
}
