//! What OPPO said: a code for the request, in broadcasts failed ids under keys that are codes (oppo.md, 3 and 4).

use std::collections::HashMap;

use serde_json::{Map, Value};
use types::Millis;
use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, QuotaExceeded, RateLimited, Unknown, VendorError};

use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::hearing::{heard, until_midnight_in_shanghai, without_json};
use crate::vendors::words::stable;

/// The table of oppo.md, 4.
fn class_of(code: i64) -> FailureClass {
    match code {
        -2 | 13 | 55 => RateLimited,
        11 | 14..=19 | 26..=30 | 59 => Auth,
        // 32: a saved content or broadcast; of a unicast see `judge`.
        25 | 31 | 32 | 40 | 41 | 51 | 67 => BadContent,
        33 | 34 | 42 => QuotaExceeded,
        10000 => InvalidToken,
        // -1, 12, 20..=24, 69, 10001..=20000 and what nobody has named.
        _ => VendorError,
    }
}

/// The access token is expired or did not arrive: a new one mends it.
pub(super) const fn token_refused(code: i64) -> bool {
    matches!(code, 11 | 29)
}

/// An answer in OPPO's form.
pub(super) struct Spoken {
    pub code: i64,
    said: String,
    pub data: Value,
}

/// # Errors
/// Silence, or what is no answer of OPPO's.
pub(super) fn spoken(wire: &Wire) -> Result<Spoken, Failure> {
    let (status, headers, body) = heard(wire)?;
    let Ok(Value::Object(mut answer)) = serde_json::from_slice::<Value>(body) else {
        return Err(without_json(status, headers));
    };
    let Some(code) = answer.get("code").and_then(Value::as_i64) else {
        return Err(without_json(status, headers));
    };
    // Every answer of the business is a 200.
    if matches!(code, 0 | 32) && status != 200 {
        return Err(Failure::new(Unknown, format!("{code} but another status than 200")));
    }
    let said = answer.get("message").and_then(Value::as_str).unwrap_or("").to_owned();
    Ok(Spoken { code, said, data: answer.remove("data").unwrap_or(Value::Null) })
}

pub(super) fn failure_of(answer: &Spoken, now: Millis) -> Failure {
    let mut failure = Failure::new(class_of(answer.code), stable(&answer.code.to_string(), &answer.said));
    if failure.class == QuotaExceeded {
        failure.retry_after = Some(until_midnight_in_shanghai(now));
    }
    failure
}

/// Unicast says `messageId`, the others `message_id`.
pub(super) fn message_id(data: &Value) -> Option<&str> {
    ["message_id", "messageId"].iter().find_map(|name| text(data.as_object()?, name))
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub(super) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    let n = batch.tokens.len();
    // Unicast needs nothing prepared.
    let unicast = n == 1 && batch.prepared.ids.is_empty();
    let all = |failure: Failure| Judgement::all(n, Verdict::Failed(failure));
    let answer = match spoken(wire) {
        Ok(answer) => answer,
        Err(failure) => return all(failure),
    };
    match answer.code {
        0 => accepted(batch, unicast, &answer.data).unwrap_or_else(|what| all(Failure::new(Unknown, format!("0 {what}")))),
        // The same message to the same target: an earlier attempt was taken (oppo.md, 7).
        32 if unicast => Judgement::all(n, Verdict::Accepted),
        code => {
            let mut judgement = all(failure_of(&answer, batch.now));
            judgement.renew_pass = token_refused(code);
            // The content, or the picture in it, is no longer there.
            judgement.renew_prepared = matches!(code, 31 | 51) && !unicast;
            judgement
        }
    }
}

/// Code 0: everything else must agree before anybody counts as accepted.
fn accepted(batch: &Batch<'_>, unicast: bool, data: &Value) -> Result<Judgement, &'static str> {
    let id = message_id(data).ok_or("without a message id")?;
    let mut judgement = Judgement::all(batch.tokens.len(), Verdict::Accepted);
    let Some(object) = data.as_object().filter(|_| !unicast) else {
        judgement.reference = Some(id.to_owned());
        return Ok(judgement);
    };
    // Receipts of a broadcast carry the task's id.
    judgement.reference = Some(text(object, "task_id").unwrap_or(id).to_owned());
    let places: HashMap<&str, usize> = batch.tokens.iter().enumerate().map(|(i, token)| (*token, i)).collect();
    for (key, value) in object {
        let ids: Vec<&str> = match value {
            Value::Array(list) => list.iter().map(Value::as_str).collect::<Option<_>>().ok_or("but failed ids that cannot be read")?,
            // Never documented: joined as in requests and receipts.
            Value::String(joined) if is_code(key) => joined.split([';', ',']).map(str::trim).filter(|id| !id.is_empty()).collect(),
            Value::Null | Value::String(_) | Value::Number(_) | Value::Bool(_) if !is_code(key) => continue,
            _ => return Err("but failed ids that cannot be read"),
        };
        let code: i64 =
            if is_code(key) { key.parse().map_err(|_| "but a code beyond all codes")? } else { return Err("but an unnamed list") };
        for id in ids {
            // An id that is none of ours: somebody failed and we cannot say who.
            let place = places.get(id).ok_or("but failed ids that are strangers")?;
            judgement.verdicts[*place] = Verdict::Failed(Failure {
                retry_after: (class_of(code) == QuotaExceeded).then(|| until_midnight_in_shanghai(batch.now)),
                ..Failure::new(class_of(code), code.to_string())
            });
        }
    }
    Ok(judgement)
}

fn is_code(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use types::content::Content;
    use types::vendor::Vendor;

    use super::*;
    use crate::vendors::golden::Sample;

    /// The whole table of oppo.md, 4.
    #[test]
    fn the_table_of_codes() {
        let codes = [
            -2, -1, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 40, 41, 42, 51, 55, 59,
            67, 69, 10000, 10001, 20000, 987_654,
        ];
        let table: Vec<String> = codes.iter().map(|code| format!("{code:>6} {}", class_of(*code).slug())).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    fn judged(n: usize, body: &str) -> Judgement {
        let wire = Wire::Answered { status: 200, headers: Vec::new(), body: bytes::Bytes::from(body.to_owned()) };
        Sample::of(Vendor::Oppo, Content::default(), n).with(|batch| judge(batch, &wire))
    }

    #[test]
    fn a_repeat_of_one_is_accepted_and_of_many_is_not() {
        let body = r#"{"code":32,"message":"Duplicate data"}"#;
        assert_eq!(judged(1, body).verdicts, [Verdict::Accepted]);
        assert!(!judged(2, body).verdicts.contains(&Verdict::Accepted));
    }

    #[test]
    fn a_forgotten_content_is_saved_again_and_a_refused_token_renewed() {
        let body = r#"{"code":31,"message":"The data is not exist"}"#;
        assert!(judged(2, body).renew_prepared);
        assert!(!judged(1, body).renew_prepared);
        assert!(judged(1, r#"{"code":11,"message":"Invalid AuthToken"}"#).renew_pass);
    }
}
