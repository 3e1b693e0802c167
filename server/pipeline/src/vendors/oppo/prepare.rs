//! The saved content of a broadcast: every notification field flat (oppo.md, 2).

use bytes::Bytes;
use types::Millis;
use types::failure::FailureClass::{InvalidToken, Unknown, VendorError};

use super::answer::{failure_of, message_id, spoken, token_refused};
use super::request::{headers, notification, saved_key};
use crate::vendors::dialect::{Batch, Credential, DialectError, Failure, NotPrepared, Preparation, Request, Wire};
use crate::vendors::form::Form;

/// The manual names no end; a content is good for the day it was saved.
const LIVES: Millis = 24 * 3_600 * 1_000;

pub(super) fn missing(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
    if batch.tokens.len() < 2 {
        return Ok(None);
    }
    let notification = notification(batch, credential)?;
    let key = saved_key(&notification, credential);
    if batch.prepared.get(&key).is_some() {
        return Ok(None);
    }
    // Without `app_message_id`: a second saving shows nothing, but a "duplicate" would keep the id from us (oppo.md, 7).
    let fields: Vec<(&str, String)> = notification.iter().map(|(name, value)| (*name, value.flat())).collect();
    let mut pairs: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    pairs.push(("auth_token", pass));
    let request = Request {
        method: http::Method::POST,
        path: "/server/v1/message/notification/save_message_content".to_owned(),
        headers: headers(),
        body: Bytes::from(Form::of(&pairs).0),
    };
    Ok(Some(Preparation { kind: "content", key, request, lives: LIVES }))
}

pub(super) fn read(wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
    let refused = |failure| NotPrepared { failure, renew_pass: false };
    let answer = spoken(wire).map_err(refused)?;
    if answer.code != 0 {
        let failure = match failure_of(&answer, now) {
            // Saving speaks of no device.
            failure if failure.class == InvalidToken => Failure { class: VendorError, ..failure },
            // Only the saving of contents is used up: single messages still go (oppo.md, 4).
            failure if answer.code == 42 => Failure { batch_only: true, ..failure },
            failure => failure,
        };
        return Err(NotPrepared { failure, renew_pass: token_refused(answer.code) });
    }
    message_id(&answer.data).map(str::to_owned).ok_or_else(|| refused(Failure::new(Unknown, "0 without a message id")))
}
