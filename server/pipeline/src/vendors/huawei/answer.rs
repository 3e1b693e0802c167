//! What Huawei said, v1 and v3: a code for the request, for single tokens a JSON document inside `msg` (huawei.md, 3 and 4).

use std::collections::HashMap;

use serde_json::{Map, Value};
use types::failure::FailureClass::{Auth, BadContent, InvalidToken, RateLimited, Unknown, VendorError};

use super::codes::{ACCEPTED, ALL_INVALID, Blame, PARTLY, blame, class_of, renews};
use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::hearing::{heard, integer, retry_after, without_json};
use crate::vendors::words::stable;

pub(in crate::vendors) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    let n = batch.tokens.len();
    let all = |failure: Failure| Judgement::all(n, Verdict::Failed(failure));
    let (status, headers, body) = match heard(wire) {
        Ok(answer) => answer,
        Err(silence) => return all(silence),
    };
    // Flow control, whatever the body says.
    if status == 503 {
        return all(Failure { retry_after: retry_after(headers), ..Failure::new(RateLimited, "503 flow control") });
    }
    let answer = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(answer)) => answer,
        _ => return Judgement { renew_pass: status == 401, ..all(foreign(status, headers)) },
    };
    // The code decides: authority failures were seen with 200 and 400 too.
    let Some(code) = answer.get("code").and_then(integer) else {
        return Judgement { renew_pass: status == 401, ..all(foreign(status, headers)) };
    };
    let said = answer.get("msg").and_then(Value::as_str).unwrap_or("");
    let reference = answer.get("requestId").and_then(Value::as_str).filter(|id| !id.is_empty());
    let strange = |what: &str| all(Failure::new(Unknown, format!("{code} {what}")));
    let mut judgement = match code {
        ACCEPTED | PARTLY if status != 200 => strange("but another status than 200"),
        ACCEPTED | PARTLY if reference.is_none() => strange("without a request id"),
        ACCEPTED if !plain(&answer) => strange("but not in plain words"),
        ACCEPTED => Judgement::all(n, Verdict::Accepted),
        PARTLY => match listed(said) {
            Some(listed) => partly(batch, &listed),
            None => strange("but its list cannot be read"),
        },
        ALL_INVALID => none(batch, &listed(said).unwrap_or_default()),
        _ => all(Failure { retry_after: retry_after(headers), ..Failure::new(class_of(code), stable(&code.to_string(), said)) }),
    };
    judgement.reference = reference.map(str::to_owned);
    judgement.renew_pass = renews(code);
    judgement
}

/// Success says so in plain words; a `msg` that holds a document speaks of some tokens apart.
fn plain(answer: &Map<String, Value>) -> bool {
    answer.get("msg").and_then(Value::as_str).is_some_and(|said| !said.trim_start().starts_with('{'))
}

/// A wrong address answers 404 without a code: ours to mend, so the breaker opens.
fn foreign(status: u16, headers: &[(String, String)]) -> Failure {
    let failure = without_json(status, headers);
    if status == 404 { Failure { class: VendorError, ..failure } } else { failure }
}

/// The refused tokens with their reasons (v1 gives none), and the counts where they are said.
#[derive(Default)]
struct Listed {
    reasons: HashMap<String, String>,
    through: Option<i64>,
    failed: Option<i64>,
}

/// `msg` is a JSON document written as a text: v1 has a list of tokens, v3 an object reason -> tokens.
fn listed(said: &str) -> Option<Listed> {
    let inner: Map<String, Value> = serde_json::from_str(said).ok()?;
    let tokens = |list: &Value| -> Option<Vec<String>> { list.as_array()?.iter().map(|t| t.as_str().map(str::to_owned)).collect() };
    let mut reasons = HashMap::new();
    match inner.get("illegal_tokens").or_else(|| inner.get("illegalTokens"))? {
        list @ Value::Array(_) => reasons.extend(tokens(list)?.into_iter().map(|token| (token, String::new()))),
        Value::Object(by_reason) => {
            for (reason, list) in by_reason {
                reasons.extend(tokens(list)?.into_iter().map(|token| (token, reason.clone())));
            }
        }
        _ => return None,
    }
    let count = |key: &str| inner.get(key).and_then(integer).filter(|n| (0..=1_000_000).contains(n));
    Some(Listed { reasons, through: count("success"), failed: count("failure") })
}

/// 80100000: who is listed failed, the others are through, provided the counts agree.
fn partly(batch: &Batch<'_>, listed: &Listed) -> Judgement {
    let hit = batch.tokens.iter().filter(|token| listed.reasons.contains_key(**token)).count();
    let named = listed.reasons.len();
    let strangers = listed.reasons.keys().any(|token| !batch.tokens.contains(&token.as_str()));
    // Both counts must be there and say the same as the list.
    let agrees = listed.failed.is_some_and(|failed| {
        let whole = listed.through.is_some_and(|through| usize::try_from(through + failed) == Ok(batch.tokens.len()));
        whole && usize::try_from(failed).is_ok_and(|failed| failed == named || failed == hit)
    });
    if strangers || named == 0 || !agrees {
        // Somebody failed and it cannot be told who: nobody counts as accepted.
        return Judgement::all(batch.tokens.len(), Verdict::Failed(Failure::new(Unknown, "80100000 but list and counts disagree")));
    }
    verdicts(batch, listed, PARTLY, Verdict::Accepted)
}

/// 80300007: every token is invalid; v3 may say why.
fn none(batch: &Batch<'_>, listed: &Listed) -> Judgement {
    verdicts(batch, listed, ALL_INVALID, Verdict::Failed(Failure::new(InvalidToken, "80300007 all tokens invalid")))
}

fn verdicts(batch: &Batch<'_>, listed: &Listed, code: i64, others: Verdict) -> Judgement {
    let reason_of = |token: &str| listed.reasons.get(token).map(String::as_str);
    let each_is = |what: Blame| batch.tokens.iter().all(|token| reason_of(token).is_some_and(|reason| blame(reason) == what));
    // One foreign token alone may be just that.
    let wrong_project = batch.tokens.len() > 1 && each_is(Blame::Project);
    let somebody_through = others == Verdict::Accepted && batch.tokens.iter().any(|token| reason_of(token).is_none());
    let mut judgement = Judgement::all(batch.tokens.len(), others);
    for (verdict, token) in judgement.verdicts.iter_mut().zip(batch.tokens) {
        let Some(reason) = reason_of(token) else { continue };
        let class = match blame(reason) {
            _ if reason.is_empty() => InvalidToken,
            Blame::Token => InvalidToken,
            Blame::Project => {
                if wrong_project {
                    Auth
                } else {
                    InvalidToken
                }
            }
            Blame::Content => BadContent,
            Blame::Device => BadContent,
            // Others got it, so the lane must not stand still; and this one never will.
            Blame::App => {
                if somebody_through {
                    BadContent
                } else {
                    Auth
                }
            }
            Blame::Nobody => Unknown,
        };
        let words = match reason {
            "" => format!("{code} illegal_tokens"),
            strange if blame(strange) == Blame::Nobody => stable(&code.to_string(), strange),
            known => format!("{code} {known}"),
        };
        *verdict = Verdict::Failed(Failure { device_only: somebody_through || class == BadContent, ..Failure::new(class, words) });
    }
    judgement
}

#[cfg(test)]
mod tests {
    use types::content::Content;
    use types::vendor::Vendor;

    use super::*;
    use crate::vendors::golden::Sample;

    /// One edit away from an honest success, so not among the fixtures that are mutated.
    #[test]
    fn code_and_words_that_contradict_each_other_accept_nobody() {
        let sample = Sample::of(Vendor::Huawei, Content::default(), 3);
        for (code, said, words) in [
            ("80000000", r#""Success""#, None),
            ("80000000", r#""{\"success\":2,\"failure\":1}""#, Some("80000000 but not in plain words")),
            ("80000000", "null", Some("80000000 but not in plain words")),
            ("80100000", r#""some failed""#, Some("80100000 but its list cannot be read")),
        ] {
            let body = format!(r#"{{"code":"{code}","msg":{said},"requestId":"1"}}"#);
            let wire = Wire::Answered { status: 200, headers: Vec::new(), body: body.into() };
            let judgement = sample.with(|batch| judge(batch, &wire));
            let expected = words.map_or(Verdict::Accepted, |words| Verdict::Failed(Failure::new(Unknown, words)));
            assert_eq!(judgement.verdicts, vec![expected; 3]);
        }
    }
}
