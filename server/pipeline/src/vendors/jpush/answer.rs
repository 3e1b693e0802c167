//! What JPush said: an id for the request or one error for all; never a word of single recipients (jpush.md, 3 and 4).

use serde_json::{Map, Value};
use types::Millis;
use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, QuotaExceeded, RateLimited, Timeout, Unknown, VendorError};

use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::hearing::{class_of_status, heard, integer, retry_after, until_midnight_in_shanghai, without_json};
use crate::vendors::words::stable;

/// The table of jpush.md, 4; its last row covers the rest of the ranges it names.
pub(super) fn class_of(code: i64, said: &str) -> FailureClass {
    match code {
        1_003 if names_registration_id(said) => InvalidToken,
        1_002 | 1_003 | 1_005 | 1_009 | 1_035 | 7_015 => BadContent,
        1_004 | 1_008 | 2_003 | 2_004 | 2_006 | 2_007 => Auth,
        1_011 => InvalidToken,
        1_012 | 2_005 | 2_008 => QuotaExceeded,
        1_030 => Timeout,
        2_002 => RateLimited,
        1_000..=2_999 => VendorError,
        _ => Unknown,
    }
}

fn names_registration_id(said: &str) -> bool {
    let said = said.to_lowercase();
    said.contains("registration_id") || said.contains("registration id") || said.contains("registrationid")
}

pub(super) type Answer<'a> = (u16, &'a [(String, String)], Map<String, Value>);

pub(super) fn answer(wire: &Wire) -> Result<Answer<'_>, Failure> {
    let (status, headers, body) = heard(wire)?;
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(answer)) => Ok((status, headers, answer)),
        _ => Err(without_json(status, headers)),
    }
}

/// The refusal in this answer, if it is one.
pub(super) fn failure_of(status: u16, headers: &[(String, String)], answer: &Map<String, Value>, now: Millis) -> Option<Failure> {
    let error = answer.get("error")?;
    let said = error.get("message").and_then(Value::as_str).unwrap_or("");
    let Some(code) = error.get("code").and_then(integer) else {
        return Some(Failure {
            retry_after: reset(headers),
            ..Failure::new(class_of_status(status), format!("{status} with an error without a code"))
        });
    };
    // A number nobody knows tells less than the status.
    let class = match class_of(code, said) {
        Unknown if status >= 500 || status == 429 => class_of_status(status),
        class => class,
    };
    let mut failure = Failure::new(class, stable(&code.to_string(), said));
    failure.retry_after = match class {
        RateLimited => reset(headers),
        QuotaExceeded => Some(until_midnight_in_shanghai(now)),
        _ => retry_after(headers),
    };
    Some(failure)
}

/// Seconds until the window of the pace ends (jpush.md, 5).
fn reset(headers: &[(String, String)]) -> Option<Millis> {
    let value = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-rate-limit-reset"));
    let seconds = value.and_then(|(_, value)| value.trim().parse::<u32>().ok());
    seconds.map(|seconds| i64::from(seconds.min(86_400)) * 1_000).or_else(|| retry_after(headers))
}

pub(super) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    if batch.recall.is_some() {
        return super::recall::judge(batch, wire);
    }
    let n = batch.tokens.len();
    let all = |failure: Failure| Judgement::all(n, Verdict::Failed(failure));
    let (status, headers, answer) = match answer(wire) {
        Ok(heard) => heard,
        Err(failure) => return all(failure),
    };
    if let Some(failure) = failure_of(status, headers, &answer, batch.now) {
        let code = answer.get("error").and_then(|error| error.get("code")).and_then(integer);
        let said = answer.get("error").and_then(|error| error.get("message")).and_then(Value::as_str).unwrap_or("").to_lowercase();
        return Judgement {
            // 1011 says that none of them is known; a malformed one may fail the call for all.
            split: n > 1 && code == Some(1_003) && failure.class == InvalidToken,
            renew_prepared: code == Some(1_003) && said.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "cid"),
            ..all(failure)
        };
    }
    let id = match answer.get("msg_id") {
        Some(Value::String(id)) => id.trim().to_owned(),
        // Too large for a double; whole numbers are kept exactly.
        Some(Value::Number(id)) if id.is_u64() => id.to_string(),
        _ => String::new(),
    };
    if status != 200 || id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        let class = if status == 200 { Unknown } else { class_of_status(status) };
        return all(Failure { retry_after: reset(headers), ..Failure::new(class, format!("{status} without an error or a message id")) });
    }
    // Unknown ids among good ones are dropped without a word.
    Judgement { reference: Some(id), ..Judgement::all(n, Verdict::Accepted) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table of jpush.md, 4, row by row; fixtures hold one answer of each.
    #[test]
    fn the_table_of_codes() {
        let codes = [
            1000, 1001, 1002, 1003, 1004, 1005, 1007, 1008, 1009, 1011, 1012, 1020, 1030, 1035, 2001, 2002, 2003, 2004, 2005, 2006, 2007,
            2008, 2999, 7015, 987_654,
        ];
        let table: Vec<String> = codes.iter().map(|code| format!("{code:>6} {}", class_of(*code, "").slug())).collect();
        insta::assert_snapshot!(table.join("\n"));
        assert_eq!(class_of(1_003, "The registration_id is not valid"), InvalidToken);
    }
}
