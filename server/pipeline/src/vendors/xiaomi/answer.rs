//! What Xiaomi said: a code for the request, `bad_regids` for single ids (xiaomi.md, 3 and 4).

use std::collections::HashSet;

use serde_json::{Map, Value};
use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, QuotaExceeded, RateLimited, Timeout, Unknown, VendorError};

use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::hearing::{heard, retry_after, until_midnight_in_shanghai, without_json};
use crate::vendors::words::stable;

/// The table of xiaomi.md, 4; codes outside it are `vendor_error`, as its last row says.
fn class_of(code: i64, said: &str) -> FailureClass {
    match code {
        10010 => Timeout,
        10004..=10006 | 10013 | 10014 | 10026 | 10031 | 10033 | 10036 | 10038 => Auth,
        100 | 10008 | 10012 | 10016..=10018 | 10025 => BadContent,
        10022..=10024 | 10027 | 10030 | 10032 | 10039 => RateLimited,
        10028 | 10034 => QuotaExceeded,
        10029 => InvalidToken,
        20209 | 20215 | 20216 | 20315 => BadContent,
        20301 if speaks_of_targets(said) => InvalidToken,
        21301..=21303 => Auth,
        21305 => BadContent,
        22000..=22002 | 22006..=22008 | 22021 | 22022 | 66108 => Auth,
        22100 | 22103 => BadContent,
        22101 | 26004 | 26005 => RateLimited,
        26006 | 27001 => BadContent,
        65006..=65017 | 65035..=65038 => BadContent,
        200_001 => QuotaExceeded,
        200_002 => RateLimited,
        _ => VendorError,
    }
}

/// 20301 is "send failed"; in practice every regId is invalid, and then the text says so.
fn speaks_of_targets(said: &str) -> bool {
    let said = said.to_lowercase();
    ["regid", "registration", "target", "token", "目标", "无效"].iter().any(|word| said.contains(word))
}

pub(super) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    let n = batch.tokens.len();
    let all = |failure: Failure| Judgement::all(n, Verdict::Failed(failure));
    let (status, headers, body) = match heard(wire) {
        Ok(answer) => answer,
        Err(silence) => return all(silence),
    };
    let Ok(Value::Object(answer)) = serde_json::from_slice::<Value>(body) else {
        return all(without_json(status, headers));
    };
    let Some(code) = answer.get("code").and_then(Value::as_i64) else {
        return all(without_json(status, headers));
    };
    let said = ["reason", "description", "info"].iter().find_map(|key| text(&answer, key)).unwrap_or("");
    if code == 0 {
        return accepted(batch, status, &answer).unwrap_or_else(|what| all(Failure::new(Unknown, format!("0 {what}"))));
    }
    let class = class_of(code, said);
    let mut failure = Failure::new(class, stable(&code.to_string(), said));
    failure.retry_after = retry_after(headers);
    if code == 200_001 {
        failure.retry_after = Some(until_midnight_in_shanghai(batch.now));
    }
    all(failure)
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Code 0: everything else must agree before anybody counts as accepted.
fn accepted(batch: &Batch<'_>, status: u16, answer: &Map<String, Value>) -> Result<Judgement, &'static str> {
    if status != 200 {
        return Err("but another status than 200");
    }
    if answer.get("result").and_then(Value::as_str) != Some("ok") {
        return Err("but the result is not ok");
    }
    let Some(Value::Object(data)) = answer.get("data") else {
        return Err("without data");
    };
    let reference = text(data, "id").ok_or("without a message id")?;
    let bad = bad_ids(data)?;
    let mut judgement = Judgement::all(batch.tokens.len(), Verdict::Accepted);
    judgement.reference = Some(reference.to_owned());
    if !bad.is_empty() {
        let mut named = 0;
        for (verdict, token) in judgement.verdicts.iter_mut().zip(batch.tokens) {
            if bad.contains(token) {
                named += 1;
                *verdict = Verdict::Failed(Failure::new(InvalidToken, "bad_regids"));
            }
        }
        // An id that is none of ours: somebody failed and we cannot say who.
        if named < bad.len() {
            return Err("but bad_regids names strangers");
        }
    }
    // Only multi_messages drops silently per channel; if a send ever says so, it cannot be told who was dropped.
    if let Some(dropped) = data.get("channel_exceed_quota").filter(|v| !v.is_null() && v.as_str() != Some("")) {
        tracing::debug!(has_text = dropped.is_string(), "xiaomi dropped recipients over a channel's quota");
        for verdict in judgement.verdicts.iter_mut().filter(|v| **v == Verdict::Accepted) {
            *verdict = Verdict::Failed(Failure::new(QuotaExceeded, "channel_exceed_quota"));
        }
    }
    Ok(judgement)
}

/// `bad_regids` in any case, comma-joined or (never documented) a list of texts.
fn bad_ids(data: &Map<String, Value>) -> Result<HashSet<&str>, &'static str> {
    let Some((_, value)) = data.iter().find(|(key, _)| key.eq_ignore_ascii_case("bad_regids")) else {
        return Ok(HashSet::new());
    };
    let ids: Option<Vec<&str>> = match value {
        Value::Null => Some(Vec::new()),
        Value::String(joined) => Some(joined.split(',').collect()),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let ids = ids.ok_or("but bad_regids cannot be read")?;
    Ok(ids.into_iter().map(str::trim).filter(|id| !id.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table of xiaomi.md, 4, row by row; fixtures hold one answer of each class.
    #[test]
    fn the_table_of_codes() {
        let codes = [
            -1, 1, 100, 10001, 10002, 10003, 10004, 10005, 10006, 10007, 10008, 10009, 10010, 10011, 10012, 10013, 10014, 10016, 10017,
            10018, 10020, 10021, 10022, 10023, 10024, 10025, 10026, 10027, 10028, 10029, 10030, 10031, 10032, 10033, 10034, 10036, 10037,
            10038, 10039, 20209, 20215, 20216, 20301, 20315, 20607, 21301, 21302, 21303, 21305, 22000, 22001, 22002, 22006, 22007, 22008,
            22021, 22022, 22100, 22101, 22102, 22103, 26003, 26004, 26005, 26006, 27001, 65003, 65006, 65009, 65011, 65014, 65015, 65017,
            65028, 65029, 65030, 65035, 65036, 65037, 65038, 65040, 65041, 66108, 200_001, 200_002, 987_654,
        ];
        let table: Vec<String> = codes.iter().map(|code| format!("{code:>7} {}", class_of(*code, "").slug())).collect();
        insta::assert_snapshot!(table.join("\n"));
        assert_eq!(class_of(20301, "all regid invalid"), InvalidToken);
    }
}
