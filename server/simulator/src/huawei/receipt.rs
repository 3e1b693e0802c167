//! Receipts of section 6: up to 100 in a POST, signed when the console's configuration has a user and a key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use types::vendor::Vendor;

use crate::kit::{Again, Event, Keyed, Kind, No, Post};
use crate::twin::Twin;

const ENTRIES_MOST: usize = 100;

/// Where receipts go: the configuration that the request names, or that of the app.
pub(super) fn address(keyed: &Keyed, id: &str) -> Result<String, No> {
    if id.is_empty() {
        return Ok(keyed.account.receipts_url.clone().unwrap_or_default());
    }
    keyed.account.callbacks.get(id).cloned().ok_or(No::new("80300013", "The receipt configuration does not exist"))
}

fn status(kind: &Kind, vendor: Vendor) -> Option<i64> {
    Some(match kind {
        Kind::Delivered => 0,
        Kind::Gone => 2,
        Kind::Off => 6,
        Kind::Inactive => 10,
        Kind::Capped if vendor == Vendor::Harmony => 256,
        Kind::Capped => 102,
        Kind::Filtered => 259,
        Kind::Raw(word) => word.parse().ok()?,
        Kind::Displayed | Kind::Clicked => return None,
    })
}

pub(super) fn letters(twin: &Twin, keyed: &Keyed, events: &[Event]) -> Vec<Post> {
    let vendor = keyed.account.vendor;
    let second = vendor == Vendor::Harmony || keyed.may("receipts_v2");
    let entries: Vec<(&Event, i64)> = events.iter().filter_map(|e| Some((e, status(&e.kind, vendor)?))).collect();
    let post = |part: &[(&Event, i64)]| {
        let rows: Vec<Value> = part.iter().map(|(e, status)| if second { row_v2(e, *status) } else { row_v1(keyed, e, *status) }).collect();
        Post {
            url: part.first().map(|(e, _)| e.errand.url.clone()).unwrap_or_default(),
            headers: signature(twin, keyed).into_iter().map(|value| ("x-huawei-callback-id", value)).collect(),
            content_type: "application/json",
            body: json!({ "statuses": rows }).to_string(),
            count: part.len() as u64,
            wants: Some("0"),
            again: Again::Never,
        }
    };
    entries.chunks(ENTRIES_MOST).map(post).collect()
}

fn row_v1(keyed: &Keyed, e: &Event, status: i64) -> Value {
    json!({"biTag": e.errand.param, "appid": keyed.field("app_id"), "token": e.target, "status": status,
           "timestamp": e.at, "requestId": e.errand.id})
}

fn row_v2(e: &Event, result: i64) -> Value {
    json!({"biTag": e.errand.param, "pushType": 0, "appPackageName": "com.example.app", "token": e.target, "requestId": e.errand.id,
           "deliveryStatus": {"result": result, "timestamp": e.at}})
}

/// `timestamp=…; nonce=…; value=…`. Keys of new configurations are Base64 of the bytes that sign, old ones sign as they are.
fn signature(twin: &Twin, keyed: &Keyed) -> Option<String> {
    let (user, secret) = (keyed.field("callback_user"), keyed.field("callback_key"));
    if user.is_empty() || secret.is_empty() {
        return None;
    }
    let decoded = if keyed.may("raw_callback_key") { None } else { STANDARD.decode(secret).ok() };
    let nonce = format!("{:016x}{:016x}", twin.chance.next(), twin.chance.next());
    let nonce = uuid::Uuid::parse_str(&nonce).unwrap_or_default().to_string();
    let at = twin.clock.millis();
    Some(format!("timestamp={at}; nonce={nonce}; value={}", value(decoded.as_deref().unwrap_or(secret.as_bytes()), at, &nonce, user)))
}

fn value(key: &[u8], at: i64, nonce: &str, user: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    STANDARD.encode(hmac::sign(&key, format!("{at}{nonce}{user}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_equal_the_vectors_of_the_manual() {
        let (at, nonce) = (1_753_430_400_123, "3f0c1e52-9a7d-4d4e-8a57-0c1b2d3e4f50");
        assert_eq!(value(b"demo-callback-secret-0001", at, nonce, "demo_user"), "nUSxhRKlNExHfxV9SjaRtRSlQ6RuMVlK8fRvzCLbEos=");
        let decoded = STANDARD.decode("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap_or_default();
        assert_eq!(value(&decoded, at, nonce, "demo_user"), "bb6zLrUUoxij5i+d53cc3B9VUuf0PkmB/MiqbUTeCSE=");
    }
}
