//! The saved content of a broadcast, every notification field flat, and the picture in it (oppo.md, 2).

use bytes::Bytes;
use types::Millis;
use types::failure::FailureClass::{InvalidToken, Unknown, VendorError};

use super::answer::{failure_of, message_id, spoken, token_refused};
use super::request::{broadcasts, headers, notification, picture_key, saved_key};
use crate::vendors::dialect::{Batch, Credential, DialectError, Failure, NotPrepared, Paced, Preparation, Request, What, Wire};
use crate::vendors::form::{Form, multipart};
use crate::vendors::picture::Picture;

/// The manual names no end; a content is good for the day it was saved.
const LIVES: Millis = 24 * 3_600 * 1_000;
/// How long OPPO shall keep a picture: whoever opens his phone two days after the last use still finds it.
const PICTURE_TTL_S: u32 = 3 * 86_400;
/// Figures of oppo.md, 2.
const BIG: (u32, u32, usize) = (876, 324, 1 << 20);
const SMALL: (u32, u32, usize) = (144, 144, 50 * 1_024);

pub(super) fn missing(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
    if !broadcasts(batch) {
        return Ok(None);
    }
    if let Some((key, url)) = picture_key(batch, credential)
        && batch.prepared.get(&key).is_none()
        && !batch.prepared.left_out.contains_key(&key)
    {
        return Ok(Some(Preparation { kind: "image", key, what: What::Upload(url.to_owned()), lives: LIVES, paced: Paced::Not }));
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
    Ok(Some(Preparation { kind: "content", key, what: What::Say(request), lives: LIVES, paced: Paced::WithSends }))
}

/// Big or small, by its size.
pub(super) fn upload(picture: &Picture, pass: &str) -> Result<Request, String> {
    let size = (picture.width, picture.height);
    let (kind, most) = match size {
        (w, h) if (w, h) == (BIG.0, BIG.1) => ("big_picture", BIG.2),
        (w, h) if (w, h) == (SMALL.0, SMALL.1) => ("small_picture", SMALL.2),
        _ => {
            return Err(format!(
                "OPPO takes pictures of {} x {} (up to 1 MiB) or {} x {} (up to 50 KiB), this is a {}",
                BIG.0,
                BIG.1,
                SMALL.0,
                SMALL.1,
                picture.said()
            ));
        }
    };
    if picture.bytes.len() > most {
        return Err(format!("OPPO takes such a picture up to {} KiB, this is a {}", most / 1_024, picture.said()));
    }
    let (content_type, body) = multipart(&[("picture_ttl", &PICTURE_TTL_S.to_string())], "file", picture);
    Ok(Request {
        method: http::Method::POST,
        path: format!("/server/v1/media/upload/{kind}"),
        headers: vec![("content-type", content_type), ("auth_token", pass.to_owned())],
        body,
    })
}

/// The id, with the kind of picture before it: `big:…`, `small:…`.
pub(super) fn read_picture(wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
    let refused = |failure| NotPrepared { failure, renew_pass: false };
    let answer = spoken(wire).map_err(refused)?;
    if answer.code != 0 {
        return Err(NotPrepared { failure: failure_of(&answer, now), renew_pass: token_refused(answer.code) });
    }
    let id = |name: &str| answer.data.get(name).and_then(serde_json::Value::as_str).map(str::trim).filter(|id| !id.is_empty());
    let found = id("big_picture_id").map(|id| format!("big:{id}")).or_else(|| id("small_picture_id").map(|id| format!("small:{id}")));
    found.ok_or_else(|| refused(Failure::new(Unknown, "0 without a picture id")))
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
