//! One signed form for up to 100 pushIds (meizu.md, 1 and 2).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use types::content::{Click, MessageClass};
use types::vendor::Vendor;

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::form::Form;
use crate::vendors::payload::{counted, texts, wrong};
use crate::vendors::proof::md5_hex;

/// Figures of meizu.md, 2, read on 2026-11-21.
const TOKENS_MAX: usize = 100;
const TITLE_MAX: usize = 32;
const CONTENT_MAX: usize = 100;
const URL_MAX: usize = 1_000;
const CALLBACK_MAX: usize = 128;
const PARAMETER_MAX: usize = 64;
const HOURS_MAX: i64 = 72;
const HOUR_MS: i64 = 3_600_000;
const BOTH_RECEIPTS: u8 = 3;
const BIG_PICTURE: u8 = 2;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    notice_bar_info: NoticeBar<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice_expand_info: Option<Expanded<'a>>,
    click_type_info: ClickInfo<'a>,
    push_time_info: PushTime,
    advance_info: Advance,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<Extra<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NoticeBar<'a> {
    /// 0 public, 1 private.
    notice_msg_type: u8,
    notice_bar_type: u8,
    title: &'a str,
    content: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Expanded<'a> {
    notice_expand_type: u8,
    notice_expand_img_url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClickInfo<'a> {
    click_type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    parameters: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PushTime {
    off_line: u8,
    valid_time: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Advance {
    notification_type: NotificationType,
    notify_key: String,
}

#[derive(Serialize)]
struct NotificationType {
    vibrate: u8,
    lights: u8,
    sound: u8,
}

#[derive(Serialize)]
struct Extra<'a> {
    callback: &'a str,
    #[serde(rename = "callback.param")]
    parameter: &'a str,
    #[serde(rename = "callback.type")]
    kind: u8,
}

fn bounded(field: &'static str, text: &str, max: usize) -> Result<(), DialectError> {
    let n = text.chars().count();
    if n > max {
        return Err(wrong(field, format!("Meizu allows {max} characters, has {n}; shorten it or write an own text for Meizu")));
    }
    Ok(())
}

/// Public messages have a daily limit per device, private ones none; the category may overrule what the message is.
fn message_type(batch: &Batch<'_>) -> Result<u8, DialectError> {
    match batch.content.category_for(Vendor::Meizu).map(|category| category.trim().to_ascii_lowercase()).as_deref() {
        None => Ok(u8::from(batch.class == MessageClass::Transactional)),
        Some("public" | "0") => Ok(0),
        Some("private" | "1") => Ok(1),
        Some(other) => Err(wrong("category", format!("Meizu knows public and private, not {other}"))),
    }
}

/// Eight of 62 signs, the same for every repeat of one showing: a second notification replaces the first.
fn notify_key(show_key: &str) -> String {
    const SIGNS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = xxhash_rust::xxh3::xxh3_64(show_key.as_bytes());
    let mut key = String::with_capacity(8);
    for _ in 0..8 {
        key.push(char::from(SIGNS[(rest % 62) as usize]));
        rest /= 62;
    }
    key
}

/// MD5 over every parameter in the order of names, raw and without separators, and the secret at the end (meizu.md, 1).
fn sign(parameters: &BTreeMap<&str, &str>, secret: &str) -> String {
    let mut parts: Vec<&[u8]> = Vec::with_capacity(parameters.len() * 3 + 1);
    for (name, value) in parameters {
        parts.extend([name.as_bytes(), b"=", value.as_bytes()]);
    }
    parts.push(secret.as_bytes());
    md5_hex(&parts)
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    counted(batch, Vendor::Meizu, TOKENS_MAX)?;
    if batch.tokens.iter().any(|token| token.contains(',')) {
        return Err(wrong("tokens", "a pushId holds a comma"));
    }
    let content = batch.content;
    let (title, body) = texts(batch, Vendor::Meizu)?;
    bounded("title", title, TITLE_MAX)?;
    bounded("body", body, CONTENT_MAX)?;
    let (click_type, url) = match &content.click {
        Click::OpenApp => (0, None),
        Click::Url { url } => (2, Some(("click.url", url.as_str()))),
        Click::Link { link } => (2, Some(("click.link", link.as_str()))),
    };
    if let Some((field, url)) = url {
        bounded(field, url, URL_MAX)?;
    }
    let mut parameters: BTreeMap<&str, &str> = content.extras.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    parameters.insert("carillon", batch.message);
    let picture = super::prepare::key(batch, credential).and_then(|(key, _)| batch.prepared.get(&key));
    let message = Message {
        notice_expand_info: picture.map(|url| Expanded { notice_expand_type: BIG_PICTURE, notice_expand_img_url: url }),
        notice_bar_info: NoticeBar { notice_msg_type: message_type(batch)?, notice_bar_type: 0, title, content: body },
        click_type_info: ClickInfo { click_type, url: url.map(|(_, url)| url), parameters },
        // Whole hours only: a message may live up to one hour past its deadline on a phone that is off.
        push_time_info: PushTime {
            off_line: 1,
            valid_time: (batch.deadline - batch.now + HOUR_MS - 1).div_euclid(HOUR_MS).clamp(1, HOURS_MAX),
        },
        advance_info: Advance {
            notification_type: NotificationType { vibrate: u8::from(content.vibrate), lights: u8::from(content.light), sound: 1 },
            notify_key: notify_key(batch.show_key),
        },
        extra: receipts(batch, credential)?,
    };
    // Written once: what is signed is what is sent.
    let message = serde_json::to_string(&message).map_err(|e| wrong("payload", format!("cannot be written as JSON: {e}")))?;
    let ids = batch.tokens.join(",");
    let app_id = credential.get("app_id").trim();
    let parameters = BTreeMap::from([("appId", app_id), ("messageJson", message.as_str()), ("pushIds", ids.as_str())]);
    Ok(signed("varnished/pushByPushId", &parameters, pass))
}

/// A call of the push host with its signature.
pub(super) fn signed(call: &str, parameters: &BTreeMap<&str, &str>, secret: &str) -> Request {
    let mut form = Form::of(&parameters.iter().map(|(name, value)| (*name, *value)).collect::<Vec<_>>());
    form.field("sign", &sign(parameters, secret));
    Request {
        method: http::Method::POST,
        path: format!("/garcia/api/server/push/{call}"),
        headers: vec![("content-type", "application/x-www-form-urlencoded;charset=UTF-8".to_owned())],
        body: Bytes::from(form.0),
    }
}

/// An address that is not registered in the console, where its access token is set, may fail the push itself: receipts are
/// asked for only where that token was entered here (meizu.md, 6).
fn receipts<'a>(batch: &Batch<'a>, credential: &Credential) -> Result<Option<Extra<'a>>, DialectError> {
    let Some(callback) = batch.callback.filter(|_| !credential.get("receipt_token").trim().is_empty()) else { return Ok(None) };
    for (what, text, max) in [("an address", &callback.url, CALLBACK_MAX), ("a parameter", &callback.parameter, PARAMETER_MAX)] {
        if text.len() > max {
            return Err(wrong("callback", format!("Meizu allows {what} of {max} bytes, has {}", text.len())));
        }
    }
    Ok(Some(Extra { callback: &callback.url, parameter: &callback.parameter, kind: BOTH_RECEIPTS }))
}

#[cfg(test)]
mod tests;
