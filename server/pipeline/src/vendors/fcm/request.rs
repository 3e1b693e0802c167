//! One message for one token (fcm.md, 2).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use types::content::{Content, MessageClass};
use types::vendor::Vendor;

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::payload::{Own, counted, seconds_to_live, texts, wrong};
use crate::vendors::service_account::ServiceAccount;

/// Figures of fcm.md, 2, read on 2026-11-21. The bound is taken as that of the whole body.
const BODY_MAX: usize = 4_096;
const LIVE_AT_MOST_S: i64 = 2_419_200;

#[derive(Serialize)]
struct Body<'a> {
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    token: &'a str,
    notification: Notification<'a>,
    /// Texts only.
    data: BTreeMap<&'a str, String>,
    android: Android<'a>,
}

#[derive(Serialize)]
struct Notification<'a> {
    title: &'a str,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
}

#[derive(Serialize)]
struct Android<'a> {
    priority: &'static str,
    ttl: String,
    notification: AndroidNotification<'a>,
}

#[derive(Serialize)]
struct AndroidNotification<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<&'a str>,
    /// A repeat replaces what is shown (fcm.md, 7). No collapse key: a device keeps four, and delays what has one.
    tag: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_vibrate_timings: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_light_settings: Option<bool>,
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    counted(batch, Vendor::Fcm, 1)?;
    let content = batch.content;
    let (title, body) = texts(batch, Vendor::Fcm)?;
    let channel = content.channel_for(Vendor::Fcm).unwrap_or(credential.get("channel_id")).trim();
    let body = Body {
        message: Message {
            token: batch.tokens[0],
            notification: Notification { title, body, image: content.image.as_deref() },
            data: data(batch)?,
            android: Android {
                priority: if batch.class == MessageClass::Transactional { "HIGH" } else { "NORMAL" },
                ttl: format!("{}s", seconds_to_live(batch, LIVE_AT_MOST_S)),
                notification: AndroidNotification {
                    channel_id: Some(channel).filter(|channel| !channel.is_empty()),
                    tag: batch.show_key,
                    sound: content.sound.as_deref().filter(|sound| !sound.is_empty()),
                    notification_count: content.badge,
                    default_vibrate_timings: content.vibrate.then_some(true),
                    default_light_settings: content.light.then_some(true),
                },
            },
        },
    };
    let failed = |e: serde_json::Error| wrong("payload", format!("cannot be written as JSON: {e}"));
    let json = serde_json::to_vec(&body).map_err(failed)?;
    if json.len() > BODY_MAX {
        let reason = format!("FCM allows {BODY_MAX} bytes, has {}; shorten the text or the extras", json.len());
        return Err(wrong("payload", reason));
    }
    Ok(Request {
        method: http::Method::POST,
        path: format!("/v1/projects/{}/messages:send", ServiceAccount::read(credential)?.project()?),
        headers: vec![("authorization", pass.to_owned()), ("content-type", "application/json; charset=UTF-8".to_owned())],
        body: Bytes::from(json),
    })
}

/// Our own key and the extras. The app opens by the click and finds link or address in `carillon`.
fn data<'a>(batch: &Batch<'a>) -> Result<BTreeMap<&'a str, String>, DialectError> {
    let content: &'a Content = batch.content;
    let mut data = BTreeMap::new();
    for (key, value) in content.extras.iter().filter(|(key, _)| *key != "carillon") {
        if matches!(key.as_str(), "from" | "message_type") || key.starts_with("google") || key.starts_with("gcm") {
            return Err(wrong("extras", format!("FCM keeps the key {key} for itself; choose another name")));
        }
        data.insert(key.as_str(), value.clone());
    }
    let own = serde_json::to_string(&Own::of(batch)).map_err(|e| wrong("extras", format!("cannot be written as JSON: {e}")))?;
    data.insert("carillon", own);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::golden::Sample;

    fn of(content: Content, n: usize) -> Result<usize, DialectError> {
        let sample = Sample::of(Vendor::Fcm, content, n);
        sample.with(|batch| build(batch, &sample.credential, "Bearer x").map(|request| request.body.len()))
    }

    fn good() -> Content {
        Content { title: "t".into(), body: "b".into(), ..Content::default() }
    }

    #[test]
    fn a_body_of_4096_bytes_passes_and_one_more_does_not() {
        let spare = BODY_MAX - of(good(), 1).expect("short") + 1;
        assert_eq!(of(Content { body: "x".repeat(spare), ..good() }, 1).expect("just fits"), BODY_MAX);
        let error = of(Content { body: "x".repeat(spare + 1), ..good() }, 1).expect_err("one too many").to_string();
        assert!(error.contains("allows 4096 bytes, has 4097"), "{error}");
    }

    #[test]
    fn two_tokens_do_not_fit_one_request() {
        assert!(of(good(), 2).expect_err("one target").to_string().starts_with("tokens: FCM takes 1 to 1 tokens"));
    }

    #[test]
    fn googles_own_keys_are_refused_by_name() {
        for key in ["from", "message_type", "google.message_id", "googlexyz", "gcm", "gcm.notification.title"] {
            let error = of(Content { extras: [(key.to_owned(), "v".to_owned())].into(), ..good() }, 1).expect_err(key).to_string();
            assert!(error.starts_with(&format!("extras: FCM keeps the key {key} ")), "{error}");
        }
        assert!(of(Content { extras: [("fromage".to_owned(), "v".to_owned())].into(), ..good() }, 1).is_ok());
    }

    #[test]
    fn what_google_would_store_ends_after_four_weeks_and_a_person_waits_less() {
        let mut sample = Sample::of(Vendor::Fcm, good(), 1);
        sample.deadline = sample.now + 60 * 86_400_000;
        let body = sample.with(|batch| {
            let batch = Batch { class: MessageClass::Transactional, ..batch.clone() };
            build(&batch, &sample.credential, "Bearer x").expect("builds").body
        });
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(body.contains(r#""priority":"HIGH","ttl":"2419200s""#), "{body}");
    }
}
