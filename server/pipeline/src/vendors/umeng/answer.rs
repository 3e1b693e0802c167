//! What Umeng said: `ret` decides, one code for all tokens (umeng.md, 3 and 4).

use serde_json::{Map, Value};
use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, QuotaExceeded, RateLimited, Timeout, Unknown, VendorError};

use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::hearing::{class_of_status, heard, integer, retry_after, until_midnight_in_shanghai, without_json};
use crate::vendors::words::stable;

/// The table of umeng.md, 4; its last row covers codes without a meaning.
pub(super) fn class_of(code: i64) -> FailureClass {
    match code {
        // Tokens are never empty here, so 1015 is about the field.
        1_001..=1_017 | 1_019 => BadContent,
        1_000 | 1_018 | 1_020 => Auth,
        2_001..=2_003 | 2_008 | 2_009 | 2_011 | 2_015 | 2_016 | 2_018 | 2_019 | 2_022 => BadContent,
        2_024 | 2_025 | 2_029..=2_031 | 2_036 | 2_039 | 2_040 => BadContent,
        2_000 | 2_004 | 2_006 | 2_007 | 2_021 | 2_027 | 2_028 | 2_032..=2_035 => Auth,
        2_010 => InvalidToken,
        2_012 => QuotaExceeded,
        2_026 | 4_009 => RateLimited,
        4_003..=4_008 | 4_011 => BadContent,
        4_010 | 4_014 | 4_020 | 4_025 => InvalidToken,
        4_012 | 4_015 | 4_022 | 4_024 => Auth,
        // Some tokens failed and nobody says which: the outcome of each is as unknown as after silence.
        4_026 => Timeout,
        5_000 | 5_005 => InvalidToken,
        5_001 | 5_007..=5_009 => Auth,
        5_002..=5_004 => BadContent,
        // 2005, 2013, 2014, 2017, 2020, 2023, 2038, 3000–3004, the other 40xx, 5006, 6005 and what is seen without a meaning.
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
    let Ok(Value::Object(answer)) = serde_json::from_slice::<Value>(body) else {
        return all(without_json(status, headers));
    };
    let data = answer.get("data").and_then(Value::as_object);
    match answer.get("ret").and_then(Value::as_str) {
        // Success comes with 200 only (umeng.md, 4): anything else is somebody in between.
        Some("SUCCESS") if !(200..300).contains(&status) => all(without_json(status, headers)),
        Some("SUCCESS") => match reference(data) {
            Some(id) => Judgement { reference: Some(id.to_owned()), ..Judgement::all(n, Verdict::Accepted) },
            None => all(Failure::new(Unknown, "SUCCESS without a message id")),
        },
        Some("FAIL") => {
            let Some(code) = data.and_then(|data| data.get("error_code")).and_then(integer) else {
                let class = if status == 429 { RateLimited } else { Unknown };
                return all(Failure { retry_after: retry_after(headers), ..Failure::new(class, "FAIL without a code") });
            };
            let said = data.and_then(|data| data.get("error_msg")).and_then(Value::as_str).unwrap_or("");
            let class = class_of(code);
            let mut failure = Failure::new(class, stable(&code.to_string(), said));
            failure.retry_after = match class {
                QuotaExceeded => Some(until_midnight_in_shanghai(batch.now)),
                _ => retry_after(headers),
            };
            // The vendor answers, so its lane is well.
            failure.device_only = code == 4_026;
            let mut judgement = all(failure);
            // A token that is none made Umeng refuse the list: the others are asked for without it. 4025 says that all are bad.
            judgement.split = n > 1 && matches!(code, 4_010 | 4_014 | 4_020);
            judgement
        }
        _ => {
            let class = class_of_status(status);
            all(Failure { retry_after: retry_after(headers), ..Failure::new(class, format!("{status} without ret")) })
        }
    }
}

/// Tasks have a `task_id`; sends of ours have a `msg_id`.
fn reference(data: Option<&Map<String, Value>>) -> Option<&str> {
    data.and_then(|data| data.get("msg_id")).and_then(Value::as_str).map(str::trim).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table of umeng.md, 4, row by row; fixtures hold one answer of each.
    #[test]
    fn the_table_of_codes() {
        let ranges = [1_000..=1_020, 2_000..=2_040, 3_000..=3_004, 4_000..=4_027, 5_000..=5_009, 6_005..=6_005];
        let table: Vec<String> = ranges.into_iter().flatten().map(|code| format!("{code} {}", class_of(code).slug())).collect();
        insta::assert_snapshot!(table.join("\n"));
    }
}
