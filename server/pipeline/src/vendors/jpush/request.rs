//! One push for up to 1,000 registration ids, of Android and iOS phones alike (jpush.md, 2).

use bytes::Bytes;
use serde_json::{Map, Value, json};
use types::content::{Click, Content, Interruption};
use types::vendor::{Environment, Vendor};

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::payload::{Data, counted, intent_uri, seconds_to_live, texts, wrong};

/// Figures of jpush.md, 2, read on 2026-11-21.
pub(super) const TOKENS_MAX: usize = 1_000;
const LIVE_AT_MOST_S: i64 = 3 * 86_400;
const ANDROID_MAX: usize = 4_000;
const IOS_MAX: usize = 2_000;
const BADGE_MAX: u32 = 99;
/// Delivered, clicked, not delivered, taken by the phone's vendor: 1 + 2 + 4 + 8.
const EVERY_RECEIPT: u8 = 15;
/// Style of a big picture.
const PICTURE: u8 = 3;

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    if let Some(id) = batch.recall {
        return super::recall::build(id, pass);
    }
    let mut body = push(batch, credential)?;
    let cid = super::prepare::cid(batch, credential).ok_or_else(|| wrong("cid", "no id was taken from JPush's pool"))?;
    body["cid"] = json!(cid);
    Ok(Request {
        method: http::Method::POST,
        path: "/v3/push".to_owned(),
        headers: vec![("authorization", pass.to_owned()), ("content-type", "application/json;charset=utf-8".to_owned())],
        body: Bytes::from(body.to_string()),
    })
}

/// Everything but the id of the request.
pub(super) fn push(batch: &Batch<'_>, credential: &Credential) -> Result<Value, DialectError> {
    counted(batch, Vendor::Jpush, TOKENS_MAX)?;
    let content = batch.content;
    let (title, alert) = texts(batch, Vendor::Jpush)?;
    let extras = serde_json::to_value(Data::of(batch)).map_err(|e| wrong("extras", format!("cannot be written as JSON: {e}")))?;
    let android = sized(android(batch, title, alert, &extras), ANDROID_MAX, "Android")?;
    let ios = sized(ios(content, title, alert, extras), IOS_MAX, "iOS")?;
    let mut options = json!({
        "time_to_live": seconds_to_live(batch, LIVE_AT_MOST_S),
        // Always said: senders disagree on what its absence means.
        "apns_production": batch.environment == Environment::Production,
        "apns_collapse_id": batch.show_key,
    });
    if batch.test {
        options["test_message"] = json!(true);
    }
    let offline = offline(content);
    if !offline.is_empty() {
        options["third_party_channel"] = Value::Object(offline);
    }
    let mut body = json!({
        "platform": ["android", "ios"],
        "audience": { "registration_id": batch.tokens },
        "notification": { "android": android, "ios": ios },
        "options": options,
    });
    // Only VIP apps are called back; for others the key would be refused (2006).
    if let Some(callback) = batch.callback.filter(|_| credential.get("receipts").trim() == "yes") {
        body["callback"] = json!({ "url": callback.url, "params": { "carillon": callback.parameter }, "type": EVERY_RECEIPT });
    }
    Ok(body)
}

fn sized(part: Value, max: usize, whose: &str) -> Result<Value, DialectError> {
    let n = part.to_string().len();
    if n > max {
        return Err(wrong("payload", format!("JPush allows {max} bytes for {whose}, has {n}; shorten the text or the extras")));
    }
    Ok(part)
}

fn android(batch: &Batch<'_>, title: &str, alert: &str, extras: &Value) -> Value {
    let content = batch.content;
    let mut out = json!({
        "alert": alert,
        "title": title,
        "display_foreground": if content.show_in_foreground { "1" } else { "0" },
        "extras": extras,
    });
    match &content.click {
        Click::OpenApp => {}
        Click::Url { url: link } | Click::Link { link } => out["intent"] = json!({ "url": intent_uri(link, batch.message) }),
    }
    if let Some(channel) = content.channel_for(Vendor::Jpush).filter(|channel| !channel.trim().is_empty()) {
        out["channel_id"] = json!(channel);
    }
    if let Some(category) = content.category_for(Vendor::Jpush) {
        out["category"] = json!(category);
    }
    if let Some(image) = &content.image {
        out["style"] = json!(PICTURE);
        out["big_pic_path"] = json!(image);
    }
    if let Some(badge) = content.badge {
        out["badge_set_num"] = json!(badge.min(BADGE_MAX));
    }
    let sound = content.sound.as_deref().filter(|sound| !sound.is_empty());
    if let Some(sound) = sound.filter(|sound| *sound != "default") {
        // The file's name without its ending: resources of Android have none.
        out["sound"] = json!(sound.rsplit_once('.').map_or(sound, |(name, _)| name));
    }
    // Android's own bits: 1 sound, 2 vibration, 4 light. Asked for none, the phone decides.
    let alerts = u8::from(sound.is_some()) | u8::from(content.vibrate) << 1 | u8::from(content.light) << 2;
    if alerts != 0 {
        out["alert_type"] = json!(alerts);
    }
    out
}

fn ios(content: &Content, title: &str, alert: &str, extras: Value) -> Value {
    let mut words = json!({ "title": title, "body": alert });
    if let Some(subtitle) = content.subtitle.as_deref().filter(|subtitle| !subtitle.is_empty()) {
        words["subtitle"] = json!(subtitle);
    }
    // The app's extension runs, to report the arrival and to fetch the picture.
    let mut out = json!({ "alert": words, "mutable-content": true, "extras": extras });
    if let Some(image) = &content.image {
        out["extras"]["carillon"]["image"] = json!(image);
    }
    if let Some(badge) = content.badge {
        out["badge"] = json!(badge);
    }
    if let Some(sound) = &content.sound {
        out["sound"] = json!(sound);
    }
    if let Some(thread) = content.thread.as_deref().filter(|thread| !thread.is_empty()) {
        out["thread-id"] = json!(thread);
    }
    match content.interruption {
        Interruption::Passive => out["interruption-level"] = json!("passive"),
        Interruption::Active => {}
        Interruption::TimeSensitive => out["interruption-level"] = json!("time-sensitive"),
    }
    out
}

/// What the phones' vendors want to know of a message, when the copy says it for them.
fn offline(content: &Content) -> Map<String, Value> {
    let mut out = Map::new();
    let channel = content.overrides.get(&Vendor::Xiaomi).and_then(|own| own.channel_id.as_deref()).filter(|channel| !channel.is_empty());
    if let Some(channel) = channel {
        out.insert("xiaomi".to_owned(), json!({ "channel_id": channel }));
    }
    if let Some(category) = content.category_for(Vendor::Huawei) {
        out.insert("huawei".to_owned(), json!({ "category": category }));
    }
    out
}
