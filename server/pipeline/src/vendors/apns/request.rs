//! One notification: headers and payload (apns.md, 2).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::ser::SerializeMap;
use types::content::{Click, Interruption};
use types::vendor::Vendor;

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};

/// Bytes of an alert's body; apns.md, 2.
const PAYLOAD_MAX: usize = 4_096;
/// Apple stores at most 30 days.
const STORED_AT_MOST_S: i64 = 30 * 24 * 3_600;

#[derive(Serialize)]
struct Aps<'a> {
    alert: Alert<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u32>,
    #[serde(rename = "thread-id", skip_serializing_if = "Option::is_none")]
    thread: Option<&'a str>,
    /// So that the notification service extension runs and can report arrival and fetch the picture.
    #[serde(rename = "mutable-content")]
    mutable: u8,
    #[serde(rename = "interruption-level", skip_serializing_if = "Option::is_none")]
    interruption: Option<&'static str>,
}

#[derive(Serialize)]
struct Alert<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle: Option<&'a str>,
    body: &'a str,
}

/// Our own key: what app and extension need to show, to follow the click and to report.
#[derive(Serialize)]
struct Own<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
}

struct Payload<'a> {
    aps: Aps<'a>,
    carillon: Own<'a>,
    extras: &'a BTreeMap<String, String>,
}

impl Serialize for Payload<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("aps", &self.aps)?;
        map.serialize_entry("carillon", &self.carillon)?;
        for (key, value) in self.extras.iter().filter(|(key, _)| *key != "aps" && *key != "carillon") {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    let ([token], [trace]) = (batch.tokens, batch.traces) else {
        return Err(DialectError::Content {
            field: "tokens",
            reason: format!("APNs takes one device a request, has {}", batch.tokens.len()),
        });
    };
    let body = payload(batch)?;
    let content = batch.content;
    let mut path = String::with_capacity(10 + token.len());
    path.push_str("/3/device/");
    path.push_str(token);
    let expiration = (batch.deadline / 1_000).min(batch.now / 1_000 + STORED_AT_MOST_S);
    let priority = if content.interruption == Interruption::Passive { "5" } else { "10" };
    Ok(Request {
        method: http::Method::POST,
        path,
        headers: vec![
            ("authorization", pass.to_owned()),
            ("apns-topic", credential.get("bundle_id").to_owned()),
            ("apns-push-type", "alert".to_owned()),
            ("apns-priority", priority.to_owned()),
            ("apns-id", trace.clone()),
            ("apns-collapse-id", batch.show_key.to_owned()),
            ("apns-expiration", expiration.to_string()),
            ("content-type", "application/json".to_owned()),
        ],
        body,
    })
}

fn payload(batch: &Batch<'_>) -> Result<Bytes, DialectError> {
    let content = batch.content;
    let own_title = content.title_for(Vendor::Apns);
    let (url, link) = match &content.click {
        Click::OpenApp => (None, None),
        Click::Url { url } => (Some(url.as_str()), None),
        Click::Link { link } => (None, Some(link.as_str())),
    };
    let payload = Payload {
        aps: Aps {
            alert: Alert {
                title: if own_title.trim().is_empty() { batch.default_title } else { own_title },
                subtitle: content.subtitle.as_deref(),
                body: content.body_for(Vendor::Apns),
            },
            sound: content.sound.as_deref(),
            badge: content.badge,
            thread: content.thread.as_deref(),
            mutable: 1,
            interruption: match content.interruption {
                Interruption::Passive => Some("passive"),
                Interruption::Active => None,
                Interruption::TimeSensitive => Some("time-sensitive"),
            },
        },
        carillon: Own { message: batch.message, url, link, image: content.image.as_deref() },
        extras: &content.extras,
    };
    let mut body = Vec::with_capacity(512);
    serde_json::to_writer(&mut body, &payload)
        .map_err(|e| DialectError::Content { field: "payload", reason: format!("cannot be written as JSON: {e}") })?;
    if body.len() > PAYLOAD_MAX {
        let reason = format!("APNs allows {PAYLOAD_MAX} bytes, has {}; shorten the text or the extras", body.len());
        return Err(DialectError::Content { field: "payload", reason });
    }
    Ok(Bytes::from(body))
}

#[cfg(test)]
mod tests {
    use types::content::Content;

    use super::*;
    use crate::vendors::golden::Sample;

    #[test]
    fn a_payload_of_4096_bytes_passes_and_one_more_does_not() {
        let mut sample = Sample::of(Vendor::Apns, Content { title: "t".into(), body: String::new(), ..Content::default() }, 1);
        let empty = sample.with(|batch| payload(batch).expect("short").len());
        sample.content.body = "药".repeat((PAYLOAD_MAX - empty) / 3) + &"x".repeat((PAYLOAD_MAX - empty) % 3);
        assert_eq!(sample.with(|batch| payload(batch).expect("just fits").len()), PAYLOAD_MAX);
        sample.content.body.push('x');
        let error = sample.with(|batch| payload(batch).expect_err("one too many"));
        assert!(error.to_string().contains("allows 4096 bytes, has 4097"), "{error}");
    }

    #[test]
    fn two_devices_do_not_fit_one_request() {
        let sample = Sample::of(Vendor::Apns, Content { title: "t".into(), body: "b".into(), ..Content::default() }, 2);
        let error = sample.with(|batch| build(batch, &sample.credential, "bearer x").expect_err("one stream, one device"));
        assert!(matches!(error, DialectError::Content { field: "tokens", .. }));
    }

    #[test]
    fn what_apple_would_store_ends_after_thirty_days() {
        let mut sample = Sample::of(Vendor::Apns, Content { title: "t".into(), body: "b".into(), ..Content::default() }, 1);
        sample.deadline = sample.now + 90 * 24 * 3_600_000;
        let request = sample.with(|batch| build(batch, &sample.credential, "bearer x").expect("builds"));
        let expiration = request.headers.iter().find(|(name, _)| *name == "apns-expiration").map(|(_, value)| value.clone());
        assert_eq!(expiration, Some((sample.now / 1_000 + STORED_AT_MOST_S).to_string()));
    }
}
