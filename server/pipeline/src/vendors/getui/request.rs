//! One push object: sent to one CID as it is, or saved as a list message for many (getui.md, 2).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use types::content::{Click, Content, Interruption};
use types::vendor::Vendor;

use super::exchange::app_id;
use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::payload::{Data, counted, intent_uri, notify_id, texts, wrong};
use crate::vendors::proof::sha256_hex;

/// Figures of getui.md, 2, read on 2026-11-21.
pub(super) const TOKENS_MAX: usize = 1_000;
pub(super) const LIVE_AT_MOST_S: i64 = 3 * 86_400;
const TITLE_MAX: usize = 50;
const BODY_MAX: usize = 256;
const IMAGE_MAX: usize = 1_024;
const INTENT_MAX: usize = 4_096;
const URL_MAX: usize = 1_024;
const PAYLOAD_MAX: usize = 3_072;
const CHANNEL_MAX: usize = 64;

/// A push object without its audience.
#[derive(Serialize)]
pub(super) struct Push {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    settings: Settings,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<Value>,
    push_message: PushMessage,
    push_channel: PushChannel,
}

#[derive(Serialize)]
struct Settings {
    ttl: i64,
    strategy: BTreeMap<&'static str, u8>,
}

#[derive(Serialize)]
struct PushMessage {
    notification: Notification,
}

/// Shown by Getui's own channel while the phone is online.
#[derive(Serialize)]
struct Notification {
    title: String,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    big_image: Option<String>,
    #[serde(flatten)]
    tap: Tap,
    notify_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<String>,
    /// Sound and a place in the tray, as in the manual's example.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_level: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ring_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
}

#[derive(Clone, Serialize)]
struct Tap {
    click_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

#[derive(Serialize)]
struct PushChannel {
    android: Value,
    ios: Value,
}

impl Push {
    pub(super) fn of(batch: &Batch<'_>, ttl: i64) -> Result<Push, DialectError> {
        let content = batch.content;
        let (title, body) = texts(batch, Vendor::Getui)?;
        bounded("title", title, TITLE_MAX)?;
        bounded("body", body, BODY_MAX)?;
        bounded("image", content.image.as_deref().unwrap_or(""), IMAGE_MAX)?;
        let channel = content.channel_for(Vendor::Getui).map(str::trim).filter(|channel| !channel.is_empty());
        bounded("channel_id", channel.unwrap_or(""), CHANNEL_MAX)?;
        let sound = content.sound.as_deref().filter(|sound| !sound.is_empty());
        let online = tap(batch)?;
        // The phone's vendor knows three taps; opening the app takes no data along there.
        let offline = match online.click_type {
            "payload" => Tap { click_type: "startapp", payload: None, ..online.clone() },
            _ => online.clone(),
        };
        let notify_id = notify_id(batch.show_key);
        let mut ups = json!({ "notification": { "title": title, "body": body, "notify_id": notify_id } });
        merge(&mut ups["notification"], json!(offline));
        let options = options(content);
        if !options.is_empty() {
            ups["options"] = json!(options);
        }
        Ok(Push {
            request_id: None,
            // Getui where the phone is online, else its vendor; iOS by APNs first, else the alert may not show.
            settings: Settings { ttl, strategy: [("default", 1), ("ios", 4)].into() },
            audience: None,
            push_message: PushMessage {
                notification: Notification {
                    title: title.to_owned(),
                    body: body.to_owned(),
                    big_image: content.image.clone(),
                    tap: online,
                    notify_id,
                    channel_id: channel.map(str::to_owned),
                    channel_level: channel.map(|_| 3),
                    ring_name: sound.filter(|sound| *sound != "default").map(ring_name),
                    thread_id: content.thread.clone().filter(|thread| !thread.is_empty()),
                    category: content.category_for(Vendor::Getui).map(str::to_owned),
                },
            },
            push_channel: PushChannel { android: json!({ "ups": ups }), ios: ios(batch, title, body)? },
        })
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn tap(batch: &Batch<'_>) -> Result<Tap, DialectError> {
    let none = Tap { click_type: "payload", intent: None, url: None, payload: None };
    match &batch.content.click {
        Click::OpenApp => {
            let payload = Data::of(batch).text()?;
            within("extras", &payload, PAYLOAD_MAX)?;
            Ok(Tap { payload: Some(payload), ..none })
        }
        Click::Url { url } => {
            within("click.url", url, URL_MAX)?;
            Ok(Tap { click_type: "url", url: Some(url.clone()), ..none })
        }
        Click::Link { link } => {
            let intent = intent_uri(link, batch.message);
            within("click.link", &intent, INTENT_MAX)?;
            Ok(Tap { click_type: "intent", intent: Some(intent), ..none })
        }
    }
}

/// What the phones' vendors want to know of a message, when the copy says it for them.
fn options(content: &Content) -> BTreeMap<&'static str, Value> {
    let mut options = BTreeMap::new();
    if let Some(category) = content.category_for(Vendor::Huawei) {
        options.insert("HW", json!({ "/message/android/category": category }));
    }
    let channel = content.overrides.get(&Vendor::Xiaomi).and_then(|own| own.channel_id.as_deref()).filter(|channel| !channel.is_empty());
    if let Some(channel) = channel {
        options.insert("XM", json!({ "/extra.channel_id": channel }));
    }
    options
}

fn ios(batch: &Batch<'_>, title: &str, body: &str) -> Result<Value, DialectError> {
    let content = batch.content;
    let mut alert = json!({ "title": title, "body": body });
    if let Some(subtitle) = content.subtitle.as_deref().filter(|subtitle| !subtitle.is_empty()) {
        alert["subtitle"] = json!(subtitle);
    }
    let mut aps = json!({ "alert": alert, "content-available": 0 });
    if let Some(sound) = content.sound.as_deref() {
        aps["sound"] = json!(sound);
    }
    if let Some(thread) = content.thread.as_deref() {
        aps["thread-id"] = json!(thread);
    }
    match content.interruption {
        Interruption::Passive => aps["interruption-level"] = json!("passive"),
        Interruption::Active => {}
        Interruption::TimeSensitive => aps["interruption-level"] = json!("time-sensitive"),
    }
    let mut ios = json!({ "type": "notify", "payload": Data::of(batch).text()?, "apns-collapse-id": batch.show_key });
    if let Some(badge) = content.badge {
        ios["auto_badge"] = json!(badge.to_string());
    }
    if let Some(image) = &content.image {
        // One source only; the app's extension fetches the picture.
        aps["mutable-content"] = json!(1);
        ios["multimedia"] = json!([{ "url": image, "type": 1 }]);
    }
    ios["aps"] = aps;
    Ok(ios)
}

/// The file's name without its ending: resources of Android have none.
fn ring_name(sound: &str) -> String {
    sound.rsplit_once('.').map_or(sound, |(name, _)| name).to_owned()
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    counted(batch, Vendor::Getui, TOKENS_MAX)?;
    if let Some(task) = batch.recall {
        return super::recall::build(batch, task, credential, pass);
    }
    if let [token] = batch.tokens {
        let ttl = (batch.deadline - batch.now).clamp(1_000, LIVE_AT_MOST_S * 1_000);
        // 10 to 32 characters, the same for every repeat of this showing to this CID.
        let push = Push {
            request_id: Some(sha256_hex(&["getui single\n", batch.show_key, "\n", token])[..32].to_owned()),
            audience: Some(json!({ "cid": [token] })),
            ..Push::of(batch, ttl)?
        };
        return post(credential, "/push/single/cid", pass, &push);
    }
    let taskid = super::prepare::taskid(batch, credential)?.ok_or_else(|| wrong("content", "the list message is not saved at Getui"))?;
    // Sync, for the states of the CIDs. The list interface knows no request id: a repeat is softened by notify_id alone.
    post(credential, "/push/list/cid", pass, &json!({ "audience": { "cid": batch.tokens }, "taskid": taskid, "is_async": false }))
}

pub(super) fn post(credential: &Credential, path: &str, pass: &str, body: &impl Serialize) -> Result<Request, DialectError> {
    let body = serde_json::to_vec(body).map_err(|e| wrong("payload", format!("cannot be written as JSON: {e}")))?;
    Ok(Request {
        method: http::Method::POST,
        path: format!("/v2/{}{path}", app_id(credential)?),
        headers: vec![("token", pass.to_owned()), ("content-type", "application/json;charset=utf-8".to_owned())],
        body: Bytes::from(body),
    })
}

fn bounded(field: &'static str, text: &str, max: usize) -> Result<(), DialectError> {
    let n = text.chars().count();
    if n > max {
        return Err(wrong(field, format!("Getui allows {max} characters, has {n}; shorten it or write an own text for Getui")));
    }
    Ok(())
}

fn within(field: &'static str, text: &str, max: usize) -> Result<(), DialectError> {
    let n = text.chars().count();
    if n > max {
        return Err(wrong(field, format!("Getui allows {max} characters, our own keys included, has {n}; shorten it")));
    }
    Ok(())
}
