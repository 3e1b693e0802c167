//! What Getui said: a code for the request, a state for each CID (getui.md, 3 and 4).

use serde_json::{Map, Value};
use types::Millis;
use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, QuotaExceeded, RateLimited, Unknown, VendorError};

use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::hearing::{heard, integer, until_midnight_in_shanghai, without_json};
use crate::vendors::words::stable;

const MINUTE: Millis = 60_000;

/// The tables of getui.md, 4. The body's code decides: limits come with status 401 and 403 too.
pub(super) fn class_of(code: i64, said: &str) -> FailureClass {
    let said = said.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match code {
        // Words of v1 that may surface.
        1 | 20_001 if says(&["pushnum_overlimit"]) => QuotaExceeded,
        1 | 20_001 if says(&["too_frequent", "flow_exceeded"]) => RateLimited,
        1 | 20_001 if says(&["no_user", "tokenmd5nousers", "alias_error"]) => InvalidToken,
        20_001 if says(&["target user is invalid", "appid not match cid"]) => InvalidToken,
        20_001 if says(&["permission required"]) => Auth,
        1 | 20_001 => BadContent,
        301 | 10_001 | 10_002 | 10_004 => Auth,
        10_003 | 10_005 => RateLimited,
        30_000..=30_003 | 30_017 => Auth,
        30_004 | 30_006..=30_011 => QuotaExceeded,
        30_005 | 30_016 => BadContent,
        30_012..=30_015 | 30_018 => RateLimited,
        // Not in the public list; another platform treats 30022 as a pace.
        30_020..=30_999 => RateLimited,
        2 | 404 | 405 | 5_000 | 22_001 | 22_002 | 23_001 | 30_019 => VendorError,
        500..=599 => VendorError,
        _ => Unknown,
    }
}

/// Status, code and the whole answer, when it is one of Getui's.
pub(super) fn heard_json(wire: &Wire) -> Result<(u16, i64, Map<String, Value>), Failure> {
    let (status, headers, body) = heard(wire)?;
    if let Ok(Value::Object(answer)) = serde_json::from_slice::<Value>(body)
        && let Some(code) = answer.get("code").and_then(integer)
    {
        return Ok((status, code, answer));
    }
    let failure = without_json(status, headers);
    // A limit comes as 401 or 403 here; without a code nothing is known of the credential.
    Err(if failure.class == Auth { Failure { class: Unknown, ..failure } } else { failure })
}

pub(super) fn said(answer: &Map<String, Value>) -> &str {
    answer.get("msg").and_then(Value::as_str).unwrap_or("")
}

/// A refusal of the whole request.
pub(super) fn failure_of(code: i64, answer: &Map<String, Value>, now: Millis) -> Failure {
    let said = said(answer);
    let class = class_of(code, said);
    let mut failure = Failure::new(class, stable(&code.to_string(), said));
    failure.retry_after = match class {
        QuotaExceeded => Some(until_midnight_in_shanghai(now)),
        // The limits with a number of their own are all per minute.
        RateLimited if matches!(code, 10_003 | 10_005 | 30_012..=30_015 | 30_018) => Some(MINUTE - now.rem_euclid(MINUTE)),
        _ => None,
    };
    failure
}

pub(super) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    let n = batch.tokens.len();
    let all = |failure: Failure| Judgement::all(n, Verdict::Failed(failure));
    let (status, code, answer) = match heard_json(wire) {
        Ok(heard) => heard,
        Err(failure) => return all(failure),
    };
    if code == 0 {
        return accepted(batch, status, &answer).unwrap_or_else(|what| all(Failure::new(Unknown, format!("0 {what}"))));
    }
    if n == 1 && matches!(status, 200 | 400) && taken_before(code, said(&answer)) {
        return Judgement::all(n, Verdict::Accepted);
    }
    let mut failure = failure_of(code, &answer, batch.now);
    // The single interface has no such limit.
    failure.batch_only = n > 1 && code == 30_008;
    let words = said(&answer).to_lowercase();
    Judgement {
        renew_pass: code == 10_001,
        renew_prepared: n > 1 && code == 20_001 && words.contains("taskid"),
        // One bad CID may fail the call for all.
        split: n > 1 && (failure.class == InvalidToken || (code == 20_001 && words.contains("duplicate"))),
        ..all(failure)
    }
}

/// A repeat of a request id is dropped; how that is said is not documented. Only the single interface knows request ids.
fn taken_before(code: i64, said: &str) -> bool {
    let said = said.to_lowercase();
    let again = said.contains("duplicate") || said.contains("repeat");
    matches!(code, 1 | 20_001) && again && ["request_id", "requestid", "request id"].iter().any(|word| said.contains(word))
}

/// Code 0: `data` names a task and in it the state of each CID.
fn accepted(batch: &Batch<'_>, status: u16, answer: &Map<String, Value>) -> Result<Judgement, &'static str> {
    if status != 200 {
        return Err("but another status than 200");
    }
    let Some(Value::Object(data)) = answer.get("data") else {
        return Err("without data");
    };
    let mut tasks = data.iter().filter_map(|(task, states)| Some((task, states.as_object()?)));
    let (task, states) = tasks.next().filter(|(task, _)| !task.is_empty()).ok_or("without a task")?;
    if tasks.next().is_some() {
        return Err("but more than one task");
    }
    let verdicts = batch.tokens.iter().map(|token| verdict(states.get(*token))).collect();
    Ok(Judgement { reference: Some(task.clone()), ..Judgement { verdicts, ..Judgement::all(0, Verdict::Accepted) } })
}

fn verdict(state: Option<&Value>) -> Verdict {
    let (class, words) = match state.map(|state| state.as_str().unwrap_or("")) {
        Some("successed_online" | "successed_offline") => return Verdict::Accepted,
        // Not sent, as the app was not opened for 90 days. The CID lives again when it is, so it is not set aside.
        Some("successed_ignore") => (BadContent, "successed_ignore: inactive for over 90 days, not sent".to_owned()),
        Some(other) => (Unknown, stable("state", other)),
        // Not accepted, and no reason is given.
        None => (Unknown, "not named in the answer".to_owned()),
    };
    Verdict::Failed(Failure { device_only: true, ..Failure::new(class, words) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table of getui.md, 4, row by row; fixtures hold one answer of each.
    #[test]
    fn the_table_of_codes() {
        let mut codes = vec![1, 2, 301, 404, 405, 500, 502, 5_000, 10_001, 10_002, 10_003, 10_004, 10_005, 20_001, 22_001, 22_002, 23_001];
        codes.extend(30_000..=30_020);
        codes.extend([30_022, 31_000, 987_654]);
        let table: Vec<String> = codes.iter().map(|code| format!("{code:>6} {}", class_of(*code, "").slug())).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn the_texts_of_20001() {
        let texts = [
            "target user is invalid",
            "appid not match cid",
            "permission required by push",
            "ttl is invalid",
            "title can not be empty",
            "audience cannot be null",
            "ttl type error",
            "body size over limit",
            "contains duplicate cid",
            "please choose one of notification and transmission and revoke",
            "payload must be JsonString",
            "group_name cannot be repeat",
            "pushnum_overlimit",
            "too_frequent",
            "flow_exceeded",
            "no_user",
            "TokenMD5NoUsers",
            "alias_error",
        ];
        let table: Vec<String> = texts.iter().map(|text| format!("{text} = {}", class_of(20_001, text).slug())).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn only_a_repeated_request_id_was_taken_before() {
        assert!(taken_before(20_001, "request_id is duplicate") && taken_before(1, "contains duplicate requestId"));
        assert!(!taken_before(20_001, "contains duplicate cid") && !taken_before(30_009, "request_id duplicate"));
    }
}
