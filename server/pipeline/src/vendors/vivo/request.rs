//! The payload, `/message/send` for one, `/message/pushToList` for 2 to 1,000 (vivo.md, 2).

use bytes::Bytes;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use types::content::{Click, MessageClass};
use types::meter::Unit;
use types::vendor::Vendor;

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::payload::{counted, notify_id, seconds_to_live, texts, wrong};
use crate::vendors::ttl::kept_seconds;

/// Figures of vivo.md, 2, read on 2026-11-21.
const TOKENS_MAX: usize = 1_000;
/// By the old rule a Chinese character counts 2; the newest manual counts 1. Which one holds is not known: the stricter.
const TITLE_MAX: u64 = 40;
const CONTENT_MAX: u64 = 100;
const SKIP_MAX: usize = 1_024;
const OWN_PAIRS_MAX: usize = 10;
const OWN_CHARACTERS_MAX: usize = 1_024;
const CALLBACK_MAX: usize = 128;
const PARAMETER_MAX: usize = 64;
/// A day: older manuals allow seven, the newest one.
const LIVE_AT_MOST_S: i64 = 86_400;
const LIVE_AT_LEAST_S: i64 = 60;
/// A list's time to live: a message with less time left than this lives that much longer on a phone that is off.
const LIST_LIVES_AT_LEAST_S: i64 = 900;

const SYSTEM: [&str; 6] = ["IM", "ACCOUNT", "TODO", "DEVICE_REMINDER", "ORDER", "SUBSCRIPTION"];
const OPERATIONAL: [&str; 4] = ["NEWS", "CONTENT", "MARKETING", "SOCIAL"];

pub(super) type Payload = Map<String, Value>;

pub(super) fn headers(pass: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = vec![("content-type", "application/json; charset=UTF-8".to_owned())];
    headers.extend(pass.map(|pass| ("authtoken", pass.to_owned())));
    headers
}

/// A number in the manual and the SDK.
pub(super) fn app_id(credential: &Credential) -> Result<u64, DialectError> {
    let id = credential.get("app_id").trim();
    id.parse().map_err(|_| DialectError::Credential { field: "app_id", reason: "is no number".to_owned() })
}

pub(super) fn digest_of(parts: &[&str]) -> String {
    hex::encode(&digest(&SHA256, parts.join("\n").as_bytes()).as_ref()[..16])
}

/// Names the saved payload among those of the lane.
pub(super) fn saved_key(payload: &Payload) -> String {
    digest_of(&["vivo", &serde_json::to_string(payload).unwrap_or_default()])
}

fn bounded(field: &'static str, text: &str, max: u64) -> Result<(), DialectError> {
    let n = Unit::HalfWidths.count(text);
    if n > max {
        let why = format!("vivo allows {max} half-width characters, has {n}; shorten it or write an own text for vivo");
        return Err(wrong(field, why));
    }
    Ok(())
}

/// All that is no recipient and no id; exactly what may also be saved, and nothing of it depends on the recipients.
pub(super) fn payload(batch: &Batch<'_>, credential: &Credential) -> Result<Payload, DialectError> {
    let content = batch.content;
    let single = batch.tokens.len() < 2;
    let (title, body) = texts(batch, Vendor::Vivo)?;
    bounded("title", title, TITLE_MAX)?;
    bounded("body", body, CONTENT_MAX)?;
    // A saved payload serves batches that come later: its time must not change with every one of them.
    let live = if single {
        seconds_to_live(batch, LIVE_AT_MOST_S).max(LIVE_AT_LEAST_S)
    } else {
        kept_seconds(batch, LIST_LIVES_AT_LEAST_S, LIVE_AT_MOST_S)
    };
    let mut out = Payload::new();
    let mut say = |name: &str, value: Value| drop(out.insert(name.to_owned(), value));
    say("appId", json!(app_id(credential)?));
    say("title", json!(title));
    say("content", json!(body));
    // Sound, with vibration when asked for; new systems follow the user's own setting.
    say("notifyType", json!(if content.vibrate { 4 } else { 2 }));
    say("timeToLive", json!(live));
    say("networkType", json!(-1));
    say("pushMode", json!(i32::from(batch.test)));
    let (skip, to) = match &content.click {
        Click::OpenApp => (1, None),
        Click::Url { url } => (2, Some(("click.url", url))),
        Click::Link { link } => (4, Some(("click.link", link))),
    };
    say("skipType", json!(skip));
    if let Some((field, to)) = to {
        let n = to.chars().count();
        if n > SKIP_MAX {
            return Err(wrong(field, format!("vivo allows {SKIP_MAX} characters, has {n}")));
        }
        say("skipContent", json!(to));
    }
    let category = content.category_for(Vendor::Vivo).map(|category| category.trim().to_ascii_uppercase());
    match category.as_deref() {
        // The class must not contradict the category; of one we do not know the vendor decides.
        Some(category) if SYSTEM.contains(&category) => say("classification", json!(1)),
        Some(category) if OPERATIONAL.contains(&category) => say("classification", json!(0)),
        Some(_) => {}
        None => say("classification", json!(i32::from(batch.class == MessageClass::Transactional))),
    }
    if let Some(category) = category {
        say("category", json!(category));
    }
    let mut own: Map<String, Value> = content.extras.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    own.insert("carillon".to_owned(), json!(batch.message));
    if own.len() > OWN_PAIRS_MAX {
        return Err(wrong("extras", format!("vivo allows {} own keys beside ours, has {}", OWN_PAIRS_MAX - 1, own.len() - 1)));
    }
    let n: usize = own.iter().map(|(key, value)| key.chars().count() + value.as_str().map_or(0, |text| text.chars().count())).sum();
    if n > OWN_CHARACTERS_MAX {
        return Err(wrong("extras", format!("vivo allows {OWN_CHARACTERS_MAX} characters in all, has {n}; shorten the extras")));
    }
    say("clientCustomMap", Value::Object(own));
    if let Some(extra) = receipts(batch, credential, single)? {
        say("extra", extra);
    }
    Ok(out)
}

/// Where receipts go: an id registered in the console serves both interfaces; an address only formal messages to one.
fn receipts(batch: &Batch<'_>, credential: &Credential, single: bool) -> Result<Option<Value>, DialectError> {
    let Some(callback) = batch.callback else { return Ok(None) };
    let parameter = &callback.parameter;
    if parameter.len() > PARAMETER_MAX {
        return Err(wrong("callback", format!("vivo allows a parameter of {PARAMETER_MAX} bytes, has {}", parameter.len())));
    }
    let id = credential.get("callback_id").trim();
    if !id.is_empty() {
        return Ok(Some(json!({"callback.id": id, "callback.param": parameter})));
    }
    if !single || batch.test {
        return Ok(None);
    }
    if callback.url.len() > CALLBACK_MAX {
        return Err(wrong("callback", format!("vivo allows an address of {CALLBACK_MAX} bytes, has {}", callback.url.len())));
    }
    Ok(Some(json!({"callback": callback.url, "callback.param": parameter})))
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    counted(batch, Vendor::Vivo, TOKENS_MAX)?;
    let mut payload = payload(batch, credential)?;
    let (path, body) = match batch.tokens {
        [token] => {
            let mut say = |name: &str, value: Value| drop(payload.insert(name.to_owned(), value));
            say("regId", json!(token));
            // The same over repeats; a resend is a message of its own and no repeat (vivo.md, 7).
            say("requestId", json!(digest_of(&[batch.message, token])));
            say("notifyId", json!(notify_id(batch.show_key).max(1)));
            // Not among the fields of a saved payload.
            say("foregroundShow", json!(batch.content.show_in_foreground));
            ("/message/send", Value::Object(payload))
        }
        tokens => {
            let id = batch.prepared.get(&saved_key(&payload)).ok_or_else(|| wrong("content", "is not yet saved at vivo"))?;
            let mut parts = vec![batch.message];
            parts.extend(tokens);
            let body = json!({
                "appId": app_id(credential)?,
                "taskId": id,
                "regIds": tokens,
                "requestId": digest_of(&parts),
                "pushMode": i32::from(batch.test),
            });
            ("/message/pushToList", body)
        }
    };
    Ok(Request { method: http::Method::POST, path: path.to_owned(), headers: headers(Some(pass)), body: Bytes::from(body.to_string()) })
}

#[cfg(test)]
mod tests;
