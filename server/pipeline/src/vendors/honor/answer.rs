//! What Honor said (honor.md, 3 and 4). No table of codes is published: status first, then the number's family, then words.

use std::collections::HashSet;

use serde_json::{Map, Value};
use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, QuotaExceeded, RateLimited, Timeout, Unknown, VendorError};

use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::hearing::{heard, integer, retry_after, until_midnight_in_shanghai, without_json};
use crate::vendors::words::stable;

const ACCEPTED: i64 = 200;
/// One server was seen to accept with Huawei's number.
const ACCEPTED_LIKE_HUAWEI: i64 = 80_000_000;
const PARTLY_LIKE_HUAWEI: i64 = 80_100_000;

/// The table of honor.md, 4; what it does not know is `vendor_error`, as its last row says.
fn class_of(code: i64, said: &str) -> FailureClass {
    let said = said.to_lowercase();
    let has = |word: &str| said.contains(word);
    if has("quota") || has("上限") || (has("exceed") && (has("daily") || has("day"))) {
        return QuotaExceeded;
    }
    match code {
        400 | 413 => BadContent,
        401 | 403 => Auth,
        404 if has("token") => InvalidToken,
        429 | 503 => RateLimited,
        504 => Timeout,
        80_300_002 => Auth,
        80_300_007 => InvalidToken,
        80_300_008 | 80_300_010 => BadContent,
        80_100_000..=80_199_999 => BadContent,
        80_200_000..=80_299_999 => Auth,
        _ => VendorError,
    }
}

pub(super) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    let n = batch.tokens.len();
    let all = |failure: Failure| Judgement::all(n, Verdict::Failed(failure));
    let (status, headers, body) = match heard(wire) {
        Ok(answer) => answer,
        Err(silence) => return all(silence),
    };
    let answer = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(answer)) => answer,
        _ => return Judgement { renew_pass: status == 401, ..all(foreign(status, headers)) },
    };
    let said = ["message", "msg", "error_description", "error"].iter().find_map(|key| text(&answer, key)).unwrap_or("");
    let code = answer.get("code").and_then(integer);
    if status != 200 {
        // A gateway's own body (Keycloak's, say) has no code; then the status is the code.
        let code = code.filter(|code| !matches!(*code, ACCEPTED | ACCEPTED_LIKE_HUAWEI)).unwrap_or(i64::from(status));
        // The status goes before the code where both speak.
        let class = match status {
            400 if code != 400 => class_of(code, said),
            404 if code == 404 => class_of(404, said),
            _ => class_of(i64::from(status), said),
        };
        return refused(batch, status, headers, code, class, said);
    }
    match code {
        None => all(foreign(status, headers)),
        Some(code @ (ACCEPTED | ACCEPTED_LIKE_HUAWEI | PARTLY_LIKE_HUAWEI)) => {
            if code != ACCEPTED {
                tracing::debug!(code, "honor answered with a number of Huawei's kind");
            }
            accepted(batch, code, &answer).unwrap_or_else(|what| all(Failure::new(Unknown, format!("{code} {what}"))))
        }
        Some(code) => refused(batch, status, headers, code, class_of(code, said), said),
    }
}

fn refused(batch: &Batch<'_>, status: u16, headers: &[(String, String)], code: i64, class: FailureClass, said: &str) -> Judgement {
    if class == VendorError {
        tracing::debug!(status, code, "honor answered with a code the manual does not know");
    }
    let mut failure = Failure::new(class, stable(&code.to_string(), said));
    failure.retry_after = if class == QuotaExceeded { Some(until_midnight_in_shanghai(batch.now)) } else { retry_after(headers) };
    let renew_pass = class == Auth && (status == 401 || code == 401 || (80_200_000..=80_299_999).contains(&code));
    Judgement { renew_pass, ..Judgement::all(batch.tokens.len(), Verdict::Failed(failure)) }
}

/// No JSON: 503 may be flow control, a wrong path is ours to mend.
fn foreign(status: u16, headers: &[(String, String)]) -> Failure {
    let failure = without_json(status, headers);
    match status {
        503 => Failure { class: RateLimited, ..failure },
        404 => Failure { class: VendorError, ..failure },
        413 => Failure { class: BadContent, ..failure },
        _ => failure,
    }
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Code 200: who stands in no list is through. Lists and `data` may be missing or null, a token may be in both lists. What
/// is missing of id and result must be made up by the word.
fn accepted(batch: &Batch<'_>, code: i64, answer: &Map<String, Value>) -> Result<Judgement, &'static str> {
    let empty = Map::new();
    let data = match answer.get("data") {
        Some(Value::Object(data)) => data,
        None | Some(Value::Null) => &empty,
        Some(_) => return Err("but its data cannot be read"),
    };
    let word = text(answer, "message").is_some_and(|word| word.eq_ignore_ascii_case("success"));
    let reference = text(data, "requestId");
    if reference.is_none() && !word {
        return Err("without a request id");
    }
    let expired = list(data, "expireTokens")?;
    let failed = list(data, "failTokens")?;
    let said_so = match data.get("sendResult") {
        None | Some(Value::Null) if word => true,
        Some(Value::Bool(result)) => *result,
        _ => return Err("but its result cannot be read"),
    };
    let named = |token: &str| expired.contains(token) || failed.contains(token);
    if expired.iter().chain(&failed).any(|token| !batch.tokens.contains(token)) {
        return Err("but a list names strangers");
    }
    if code == PARTLY_LIKE_HUAWEI && expired.is_empty() && failed.is_empty() {
        return Err("but no list says who failed");
    }
    // Without a list nobody can be told apart; with one that names everybody `false` agrees.
    let others = if said_so {
        Verdict::Accepted
    } else if expired.is_empty() && failed.is_empty() {
        Verdict::Failed(Failure::new(VendorError, format!("{code} but sendResult is false")))
    } else if batch.tokens.iter().all(|token| named(token)) {
        Verdict::Accepted
    } else {
        return Err("but result and lists disagree");
    };
    let mut judgement = Judgement::all(batch.tokens.len(), others);
    judgement.reference = reference.map(str::to_owned);
    for (verdict, token) in judgement.verdicts.iter_mut().zip(batch.tokens) {
        if expired.contains(token) {
            *verdict = Verdict::Failed(Failure::new(InvalidToken, "expireTokens"));
        } else if failed.contains(token) {
            // The cause is unknown: tried a few times more, then refused; the token is kept.
            *verdict = Verdict::Failed(Failure { device_only: true, ..Failure::new(Unknown, "failTokens") });
        }
    }
    Ok(judgement)
}

fn list<'a>(data: &'a Map<String, Value>, key: &str) -> Result<HashSet<&'a str>, &'static str> {
    match data.get(key) {
        None | Some(Value::Null) => Ok(HashSet::new()),
        Some(Value::Array(tokens)) => tokens.iter().map(Value::as_str).collect::<Option<_>>().ok_or("but a list cannot be read"),
        Some(_) => Err("but a list cannot be read"),
    }
}
