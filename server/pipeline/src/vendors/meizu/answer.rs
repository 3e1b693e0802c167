//! What Meizu said: a code for the request, and in `value` codes with the ids they hit. The two tables are separate: 110010
//! is the app's pace in the one and a closed switch in the other (meizu.md, 3 and 4).

use std::collections::HashMap;

use serde_json::Value;
use types::Millis;
use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, QuotaExceeded, RateLimited, Unknown, VendorError};

use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::hearing::{heard, until_midnight_in_shanghai, without_json};
use crate::vendors::words::stable;

const MINUTE: Millis = 60_000;

/// Of the request. 300 names another host, which is followed once; asked for again there, it is a fault of the vendor's.
fn class_of(code: &str) -> FailureClass {
    match code {
        "1006" | "110000" | "110001" | "110009" | "110033" => Auth,
        "1005" | "110004" | "110031" | "110032" => BadContent,
        "110002" | "110003" => InvalidToken,
        "110010" => RateLimited,
        "110019" | "110051" | "110053" => QuotaExceeded,
        // 300, 500, 1001, 1003 and what nobody has named.
        _ => VendorError,
    }
}

/// Of one target.
fn of_target(code: &str, now: Millis) -> Failure {
    let device = |class, words: &str| Failure { device_only: true, ..Failure::new(class, format!("{code} {words}")) };
    match code {
        // Of this target alone and not to be repeated: neither the credential's fault nor the token's.
        "201" => device(BadContent, "no permission to push to this device"),
        "110002" => Failure::new(InvalidToken, "110002 unsubscribed"),
        "110003" => Failure::new(InvalidToken, "110003 illegal pushId"),
        // Soft: the switch may be opened again, so the token stays.
        "110005" => device(BadContent, "not subscribed or notifications switched off"),
        "110010" => device(BadContent, "notifications switched off by the user"),
        "110011" => Failure { retry_after: Some(until_midnight_in_shanghai(now)), ..device(QuotaExceeded, "daily limit of the device") },
        // It may be in the tray already; after the minute it counts in, a repeat takes its place there by the same key.
        "520" => Failure { retry_after: Some(MINUTE), ..device(RateLimited, "folded, over five a minute for this device") },
        "518" => Failure::new(RateLimited, "518 speed limit"),
        "501" | "513" => Failure::new(VendorError, format!("{code} internal fault")),
        "519" => Failure::new(VendorError, "519 overload"),
        _ => Failure::new(VendorError, stable(code, "of one target")),
    }
}

/// An answer in Meizu's form that says 200.
///
/// # Errors
/// Silence, what is no answer of Meizu's, or its refusal.
pub(super) fn spoken(wire: &Wire, now: Millis) -> Result<Value, Failure> {
    let (status, headers, body) = heard(wire)?;
    let Ok(answer @ Value::Object(_)) = serde_json::from_slice::<Value>(body) else {
        return Err(without_json(status, headers));
    };
    // A text; a number is read too.
    let code = match answer.get("code") {
        Some(Value::String(code)) => code.trim().to_owned(),
        Some(Value::Number(code)) => code.to_string(),
        _ => return Err(without_json(status, headers)),
    };
    if code == "200" {
        return if status == 200 { Ok(answer) } else { Err(Failure::new(Unknown, "200 but another status than 200")) };
    }
    let said = answer.get("message").and_then(Value::as_str).unwrap_or("");
    let mut failure = Failure::new(class_of(&code), stable(&code.chars().take(16).collect::<String>(), said));
    if failure.class == QuotaExceeded {
        failure.retry_after = Some(until_midnight_in_shanghai(now));
    }
    Err(failure)
}

/// Where code 300 sends the request (meizu.md, 3).
fn redirect(wire: &Wire) -> Option<String> {
    let (_, _, body) = heard(wire).ok()?;
    let answer: Value = serde_json::from_slice(body).ok()?;
    let code = answer.get("code")?;
    let is_redirect = code.as_str().map(str::trim) == Some("300") || code.as_i64() == Some(300);
    let to = answer.get("redirect").and_then(Value::as_str)?.trim();
    (is_redirect && !to.is_empty() && to.len() <= 300).then(|| to.to_owned())
}

pub(super) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    let n = batch.tokens.len();
    let all = |failure: Failure| Judgement::all(n, Verdict::Failed(failure));
    match spoken(wire, batch.now) {
        Ok(answer) => accepted(batch, &answer).unwrap_or_else(|what| all(Failure::new(Unknown, format!("200 {what}")))),
        Err(failure) => Judgement { redirect: redirect(wire), ..all(failure) },
    }
}

/// 200: everything else must agree before anybody counts as accepted.
fn accepted(batch: &Batch<'_>, answer: &Value) -> Result<Judgement, &'static str> {
    let id = answer.get("msgId").and_then(Value::as_str).map(str::trim).filter(|id| !id.is_empty());
    let mut judgement = Judgement::all(batch.tokens.len(), Verdict::Accepted);
    judgement.reference = id.map(str::to_owned);
    let value = match answer.get("value") {
        Some(Value::Object(value)) => value,
        // As errors have it; with the id of a message it is none.
        Some(Value::String(text)) if text.is_empty() && id.is_some() => return Ok(judgement),
        _ => return Err("without a value that can be read"),
    };
    let places: HashMap<&str, usize> = batch.tokens.iter().enumerate().map(|(i, token)| (*token, i)).collect();
    for (code, ids) in value {
        let ids: Vec<&str> = match ids {
            Value::Array(ids) => ids.iter().map(Value::as_str).collect::<Option<_>>().ok_or("but failed ids that cannot be read")?,
            // Never documented: joined as in requests.
            Value::String(joined) => joined.split(',').map(str::trim).filter(|id| !id.is_empty()).collect(),
            _ => return Err("but failed ids that cannot be read"),
        };
        for id in ids {
            // An id that is none of ours: somebody failed and we cannot say who.
            let place = places.get(id).ok_or("but failed ids that are strangers")?;
            judgement.verdicts[*place] = Verdict::Failed(of_target(code, batch.now));
        }
    }
    Ok(judgement)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both tables of meizu.md, 4.
    #[test]
    fn the_tables_of_codes() {
        let request = [
            "300", "500", "1001", "1003", "1005", "1006", "110000", "110001", "110002", "110003", "110004", "110009", "110010", "110019",
            "110031", "110032", "110033", "110051", "110053", "110011", "987654",
        ];
        let target = ["201", "501", "513", "518", "519", "520", "110002", "110003", "110005", "110010", "110011", "987654"];
        let mut table: Vec<String> = request.iter().map(|code| format!("request {code:>6} {}", class_of(code).slug())).collect();
        table.extend(target.iter().map(|code| {
            let failure = of_target(code, 0);
            let whose = if failure.device_only { " · this device only" } else { "" };
            format!("target  {code:>6} {} · {}{whose}", failure.class.slug(), failure.words)
        }));
        insta::assert_snapshot!(table.join("\n"));
    }
}
