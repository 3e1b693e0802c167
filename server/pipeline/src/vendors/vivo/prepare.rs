//! The saved payload of a list push (vivo.md, 2).

use bytes::Bytes;
use types::Millis;
use types::failure::FailureClass::{InvalidToken, Unknown, VendorError};

use super::answer::{failure_of, spoken, task_id, token_refused};
use super::request::{digest_of, headers, payload, saved_key};
use crate::vendors::dialect::{Batch, Credential, DialectError, Failure, NotPrepared, Paced, Preparation, Request, What, Wire};

pub(super) fn missing(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
    if batch.tokens.len() < 2 {
        return Ok(None);
    }
    let mut payload = payload(batch, credential)?;
    let key = saved_key(&payload);
    if batch.prepared.get(&key).is_some() {
        return Ok(None);
    }
    // An id of the saving, which shows nothing: fresh by the minute, so that an ended payload can be saved anew.
    let minute = (batch.now / 60_000).to_string();
    payload.insert("requestId".to_owned(), digest_of(&[&key, &minute]).into());
    let seconds = payload.get("timeToLive").and_then(serde_json::Value::as_i64).unwrap_or(0);
    let request = Request {
        method: http::Method::POST,
        path: "/message/saveListPayload".to_owned(),
        headers: headers(Some(pass)),
        body: Bytes::from(serde_json::Value::Object(payload).to_string()),
    };
    // Good until its content expires.
    Ok(Some(Preparation { kind: "content", key, what: What::Say(request), lives: seconds * 1_000, paced: Paced::Not }))
}

pub(super) fn read(wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
    let refused = |failure| NotPrepared { failure, renew_pass: false };
    let answer = spoken(wire).map_err(refused)?;
    if answer.code != 0 {
        let failure = match failure_of(&answer, now) {
            // Saving speaks of no device.
            failure if failure.class == InvalidToken => Failure { class: VendorError, ..failure },
            failure => failure,
        };
        return Err(NotPrepared { failure, renew_pass: token_refused(answer.code) });
    }
    task_id(&answer.rest).ok_or_else(|| refused(Failure::new(Unknown, "0 without a task id")))
}
