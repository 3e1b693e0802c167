//! One signed send (umeng.md, 1 and 2), for Android apps: each platform has an appkey of its own at Umeng.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use types::Millis;
use types::content::{Click, Content};
use types::vendor::{Environment, Vendor};

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::payload::{Data, counted, texts, wrong};
use crate::vendors::proof::md5_hex;

/// Figures of umeng.md, 2, read on 2026-11-21.
const TOKENS_MAX: usize = 500;
const PAYLOAD_MAX: usize = 1_840;
const RECEIPT_URL_MAX: usize = 256;
const LIVE_AT_MOST_MS: Millis = 7 * 86_400_000;
/// Delivered, clicked and dismissed.
const EVERY_RECEIPT: &str = "3";
const PATH: &str = "/api/send";

#[derive(Serialize)]
struct Send<'a> {
    appkey: &'a str,
    timestamp: String,
    #[serde(rename = "type")]
    kind: &'static str,
    device_tokens: String,
    production_mode: &'static str,
    payload: Payload<'a>,
    policy: Policy,
    /// Shown in Umeng's console.
    description: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    channel_properties: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_type: Option<&'static str>,
}

#[derive(Serialize)]
struct Payload<'a> {
    display_type: &'static str,
    body: Body<'a>,
    extra: BTreeMap<&'a str, String>,
}

/// Truth values are texts here.
#[derive(Serialize)]
struct Body<'a> {
    ticker: &'a str,
    title: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expand_image: Option<&'a str>,
    after_open: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    play_sound: Option<&'static str>,
    play_vibrate: &'static str,
    play_lights: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    set_badge: Option<u32>,
}

#[derive(Serialize)]
struct Policy {
    expire_time: String,
}

const fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    counted(batch, Vendor::Umeng, TOKENS_MAX)?;
    if batch.tokens.iter().any(|token| token.contains(',')) {
        return Err(wrong("tokens", "one holds a comma, which joins tokens"));
    }
    let send = Send {
        appkey: credential.get("appkey").trim(),
        timestamp: (batch.now / 1_000).to_string(),
        kind: if batch.tokens.len() == 1 { "unicast" } else { "listcast" },
        device_tokens: batch.tokens.join(","),
        production_mode: truth(batch.environment == Environment::Production),
        payload: payload(batch)?,
        policy: Policy { expire_time: beijing(batch.deadline.clamp(batch.now + 1_000, batch.now + LIVE_AT_MOST_MS))? },
        description: batch.message,
        channel_properties: offline(batch.content, credential),
        receipt_url: receipt_url(batch, credential)?,
        receipt_type: None,
    };
    let send = Send { receipt_type: send.receipt_url.as_ref().map(|_| EVERY_RECEIPT), ..send };
    let body = serde_json::to_vec(&send).map_err(|e| wrong("payload", format!("cannot be written as JSON: {e}")))?;
    let sign = md5_hex(&[b"POST", batch.base_url.as_bytes(), PATH.as_bytes(), &body, pass.as_bytes()]);
    Ok(Request {
        method: http::Method::POST,
        path: format!("{PATH}?sign={sign}"),
        headers: vec![("content-type", "application/json".to_owned())],
        body: Bytes::from(body),
    })
}

fn payload<'a>(batch: &Batch<'a>) -> Result<Payload<'a>, DialectError> {
    let content = batch.content;
    let (title, text) = texts(batch, Vendor::Umeng)?;
    let (after_open, url, custom) = match &content.click {
        Click::OpenApp => ("go_app", None, None),
        Click::Url { url } => ("go_url", Some(url.as_str()), None),
        Click::Link { link } => ("go_custom", None, Some(link.as_str())),
    };
    let sound = content.sound.as_deref().filter(|sound| !sound.is_empty());
    let own = serde_json::to_string(&Data::of(batch).own).map_err(|e| wrong("extras", format!("cannot be written as JSON: {e}")))?;
    let mut extra: BTreeMap<&str, String> = content.extras.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    extra.insert("carillon", own);
    let payload = Payload {
        display_type: "notification",
        body: Body {
            ticker: title,
            title,
            text,
            expand_image: content.image.as_deref(),
            after_open,
            url,
            custom,
            // A resource's name, so without the file's ending.
            sound: sound.filter(|sound| *sound != "default").map(|sound| sound.rsplit_once('.').map_or(sound, |(name, _)| name)),
            play_sound: sound.map(|_| truth(true)),
            play_vibrate: truth(content.vibrate),
            play_lights: truth(content.light),
            set_badge: content.badge,
        },
        extra,
    };
    let n = serde_json::to_vec(&payload).map_or(usize::MAX, |bytes| bytes.len());
    if n > PAYLOAD_MAX {
        return Err(wrong("payload", format!("Umeng allows {PAYLOAD_MAX} bytes, has {n}; shorten the text or the extras")));
    }
    Ok(payload)
}

/// For phones that are offline: Umeng hands over to their vendor, in the channel and category that the copy names for it.
fn offline<'a>(content: &'a Content, credential: &'a Credential) -> BTreeMap<&'static str, &'a str> {
    let channel = |vendor: Vendor| {
        let own = content.overrides.get(&vendor).and_then(|own| own.channel_id.as_deref());
        own.or_else(|| content.channel_for(Vendor::Umeng))
    };
    let category = |vendor: Vendor| content.category_for(vendor).or_else(|| content.category_for(Vendor::Umeng));
    let all = [
        ("channel_activity", Some(credential.get("channel_activity").trim())),
        ("xiaomi_channel_id", channel(Vendor::Xiaomi)),
        ("oppo_channel_id", channel(Vendor::Oppo)),
        ("huawei_channel_category", category(Vendor::Huawei)),
        ("vivo_category", category(Vendor::Vivo)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.trim().is_empty())?))).collect()
}

/// The only place where our word can stand: in the address (paid edition, umeng.md, 6).
fn receipt_url(batch: &Batch<'_>, credential: &Credential) -> Result<Option<String>, DialectError> {
    let Some(callback) = batch.callback.filter(|_| credential.get("receipts").trim() == "yes") else { return Ok(None) };
    let query = serde_urlencoded::to_string([(super::receipt::WORD, &callback.parameter)])
        .map_err(|e| wrong("callback", format!("cannot be written as a query: {e}")))?;
    let url = format!("{}?{query}", callback.url);
    if url.len() > RECEIPT_URL_MAX {
        return Err(wrong("callback", format!("Umeng allows an address of {RECEIPT_URL_MAX} bytes, has {}", url.len())));
    }
    Ok(Some(url))
}

/// `yyyy-MM-dd HH:mm:ss` on Beijing's clock.
fn beijing(at: Millis) -> Result<String, DialectError> {
    let at = jiff::Timestamp::from_millisecond(at).map_err(|_| wrong("deadline", "is no time of this world"))?;
    Ok(at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8))).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::golden::Sample;

    #[test]
    fn the_signature_covers_the_url_really_used_and_the_exact_body() {
        let sample = Sample::of(Vendor::Umeng, Content { title: "药".into(), body: "b".into(), ..Content::default() }, 1);
        for base_url in ["https://msgapi.umeng.com", "https://127.0.0.1:8443/umeng"] {
            let request =
                sample.with(|batch| build(&Batch { base_url, ..batch.clone() }, &sample.credential, "secret")).expect("a request");
            let body = std::str::from_utf8(&request.body).expect("text");
            let sign = md5_hex(&[format!("POST{base_url}/api/send{body}secret").as_bytes()]);
            assert_eq!(request.path, format!("/api/send?sign={sign}"));
        }
    }

    #[test]
    fn expiry_is_on_beijings_clock_and_within_a_week() {
        // 2026-11-20T13:00:00Z
        assert_eq!(beijing(1_795_179_600_000).expect("a time"), "2026-11-20 21:00:00");
        let mut sample = Sample::of(Vendor::Umeng, Content { title: "t".into(), body: "b".into(), ..Content::default() }, 1);
        let mut expiry = |left: Millis| {
            sample.deadline = sample.now + left;
            let request = sample.with(|batch| build(batch, &sample.credential, "secret")).expect("a request");
            let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
            body["policy"]["expire_time"].as_str().map(str::to_owned)
        };
        assert_eq!(expiry(30 * 86_400_000).as_deref(), Some("2026-11-27 21:00:00"));
        assert_eq!(expiry(0).as_deref(), Some("2026-11-20 21:00:01"));
    }

    #[test]
    fn an_address_over_the_vendors_bound_is_refused() {
        let mut sample = Sample::of(Vendor::Umeng, Content { title: "t".into(), body: "b".into(), ..Content::default() }, 1);
        let url = format!("https://push.example.com/{}", "x".repeat(240));
        sample.callback = Some(crate::vendors::dialect::CallbackTarget { url, parameter: "m1.ab12".into() });
        assert!(sample.with(|batch| build(batch, &sample.credential, "secret")).is_err());
    }
}
