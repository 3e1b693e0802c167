//! `X-HUAWEI-CALLBACK-ID: timestamp=…; nonce=…; value=…` (huawei.md, 6). The body is not covered: the secret path, our MAC
//! in `biTag` and receipts that change nothing when they come twice do the rest, so nonces need not be kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use types::Millis;

use crate::vendors::dialect::{Callback, Credential};
use crate::vendors::hearing::millis;

pub(in crate::vendors) const HEADER: &str = "x-huawei-callback-id";
const SKEW_MAX: Millis = 5 * 60 * 1_000;

/// Checked only when both user name and key are configured, as with Huawei.
pub(in crate::vendors) fn genuine(callback: &Callback<'_>, credential: &Credential, received_at: Millis) -> Result<(), String> {
    let (user, key) = (credential.get("callback_user").trim(), credential.get("callback_key").trim());
    if user.is_empty() || key.is_empty() {
        return Ok(());
    }
    if callback.signature.trim().is_empty() {
        return Err(format!("the header {HEADER} is missing"));
    }
    let field = |name: &str| {
        let mut parts = callback.signature.split(';').filter_map(|part| part.split_once('='));
        parts.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let (Some(timestamp), Some(nonce), Some(value)) = (field("timestamp"), field("nonce"), field("value")) else {
        return Err(format!("the header {HEADER} lacks timestamp, nonce or value"));
    };
    // 13 digits are milliseconds; one description says seconds.
    let digits = matches!(timestamp.len(), 10 | 13) && timestamp.bytes().all(|b| b.is_ascii_digit());
    let at = timestamp.parse().ok().filter(|_| digits).map(millis).ok_or("the timestamp of the signature cannot be read")?;
    if (received_at - at).abs() > SKEW_MAX {
        return Err("the timestamp of the signature is more than five minutes off".to_owned());
    }
    let value = STANDARD.decode(value).map_err(|_| "the value of the signature is no Base64")?;
    let signed = [timestamp, nonce, user].concat();
    let holds = |key: &[u8]| hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes(), &value).is_ok();
    // New configurations use the decoded secret, old ones its text.
    if STANDARD.decode(key).is_ok_and(|decoded| holds(&decoded)) || holds(key.as_bytes()) {
        return Ok(());
    }
    Err("the signature does not hold; compare user name and key with the receipt configuration".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Millis = 1_753_430_400_123;
    const RAW: (&str, &str) = ("demo-callback-secret-0001", "nUSxhRKlNExHfxV9SjaRtRSlQ6RuMVlK8fRvzCLbEos=");
    const BASE64: (&str, &str) = ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "bb6zLrUUoxij5i+d53cc3B9VUuf0PkmB/MiqbUTeCSE=");

    fn header(value: &str) -> String {
        format!("timestamp={AT}; nonce=3f0c1e52-9a7d-4d4e-8a57-0c1b2d3e4f50; value={value}")
    }

    fn check(signature: &str, user: &str, key: &str, at: Millis) -> Result<(), String> {
        let fields = [("callback_user", user), ("callback_key", key)].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let callback = Callback { content_type: "application/json", query: "", signature, body: b"{}" };
        genuine(&callback, &Credential { fields: fields.into() }, at)
    }

    /// Test vectors of huawei.md, 6.
    #[test]
    fn both_forms_of_the_key_hold() {
        for (key, value) in [RAW, BASE64] {
            assert_eq!(check(&header(value), "demo_user", key, AT), Ok(()));
            assert_eq!(check(&header(value).replace("; ", ";"), "demo_user", key, AT), Ok(()), "spaces are optional");
        }
    }

    #[test]
    fn other_users_keys_times_and_values_do_not() {
        let good = header(RAW.1);
        assert!(check(&good, "other_user", RAW.0, AT).is_err());
        assert!(check(&good, "demo_user", BASE64.0, AT).is_err());
        assert!(check(&good.replace("1753430400123", "1753430400124"), "demo_user", RAW.0, AT).is_err());
        assert!(check(&good.replace("3f0c", "3f0d"), "demo_user", RAW.0, AT).is_err());
        for bad in
            ["", "timestamp=1; nonce=a; value=b", "value=x", "timestamp=; nonce=; value=", "timestamp=-753430400123; nonce=a; value="]
        {
            assert!(check(bad, "demo_user", RAW.0, AT).is_err(), "{bad}");
        }
    }

    #[test]
    fn five_minutes_either_way_and_no_more() {
        let good = header(RAW.1);
        for (skew, holds) in [(SKEW_MAX, true), (-SKEW_MAX, true), (SKEW_MAX + 1, false), (-SKEW_MAX - 1, false)] {
            assert_eq!(check(&good, "demo_user", RAW.0, AT + skew).is_ok(), holds, "{skew}");
        }
    }

    #[test]
    fn seconds_are_read_too() {
        let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"key"), b"1753430400nuser");
        let signature = format!("timestamp=1753430400;nonce=n;value={}", STANDARD.encode(signed.as_ref()));
        assert_eq!(check(&signature, "user", "key", AT), Ok(()));
    }

    #[test]
    fn unsigned_configurations_are_believed_by_path_and_mac() {
        assert_eq!(check("", "", "", AT), Ok(()));
        assert_eq!(check("", "user", "", AT), Ok(()));
    }
}
