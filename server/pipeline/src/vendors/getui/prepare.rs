//! A list message: the content, kept by Getui under a `taskid` (getui.md, 2 and 3).

use serde_json::Value;
use types::Millis;
use types::failure::FailureClass::Unknown;

use super::answer::{failure_of, heard_json};
use super::request::{LIVE_AT_MOST_S, Push, post};
use crate::vendors::dialect::{Batch, Credential, DialectError, Failure, NotPrepared, Paced, Preparation, What, Wire};
use crate::vendors::payload::{counted, wrong};
use crate::vendors::proof::sha256_hex;
use crate::vendors::ttl::kept_seconds;
use types::vendor::Vendor;

/// How long Getui keeps a list message is not stated; a message waits three days at most.
pub(super) const KEPT_MS: Millis = LIVE_AT_MOST_S * 1_000;

/// The content as it is kept, and the key of it.
fn material(batch: &Batch<'_>, credential: &Credential) -> Result<(Push, String), DialectError> {
    let push = Push::of(batch, kept_seconds(batch, 1, LIVE_AT_MOST_S) * 1_000)?;
    let text = serde_json::to_string(&push).map_err(|e| wrong("payload", format!("cannot be written as JSON: {e}")))?;
    let key = sha256_hex(&["getui list\n", credential.get("app_id").trim(), "\n", batch.show_key, "\n", &text]);
    Ok((push, key))
}

/// The id of this batch's list message, when it is there.
pub(super) fn taskid<'a>(batch: &Batch<'a>, credential: &Credential) -> Result<Option<&'a str>, DialectError> {
    Ok(batch.prepared.get(&material(batch, credential)?.1))
}

pub(super) fn prepare(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
    counted(batch, Vendor::Getui, super::request::TOKENS_MAX)?;
    if batch.tokens.len() == 1 {
        return Ok(None);
    }
    if let Some(task) = batch.recall {
        return super::recall::prepare(batch, task, credential, pass);
    }
    let (mut push, key) = material(batch, credential)?;
    if batch.prepared.get(&key).is_some() {
        return Ok(None);
    }
    // Saving sends nothing, so a second one does no harm; under an id that was used, the answer would bring no taskid.
    push.request_id = Some(sha256_hex(&[&key, &batch.now.to_string()])[..32].to_owned());
    let request = post(credential, "/push/list/message", pass, &push)?;
    Ok(Some(Preparation { kind: "content", key, what: What::Say(request), lives: KEPT_MS, paced: Paced::WithSends }))
}

pub(super) fn read(wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
    let not = |failure: Failure, renew_pass: bool| NotPrepared { failure, renew_pass };
    let (status, code, answer) = heard_json(wire).map_err(|failure| not(failure, false))?;
    if code != 0 {
        return Err(not(Failure { batch_only: code == 30_008, ..failure_of(code, &answer, now) }, code == 10_001));
    }
    let id = answer.get("data").and_then(|data| data.get("taskid")).and_then(Value::as_str).map(str::trim).unwrap_or("");
    if status != 200 || id.is_empty() {
        return Err(not(Failure::new(Unknown, "0 without a taskid"), false));
    }
    Ok(id.to_owned())
}
