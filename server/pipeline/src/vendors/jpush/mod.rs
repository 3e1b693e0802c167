//! JPush (Jiguang) v3: Basic, up to 1,000 registration ids a request, each request under a `cid` taken from the vendor's pool.

mod answer;
mod prepare;
mod recall;
mod receipt;
mod request;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use types::Millis;
use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Batch, Callback, CallbackReply, Credential, Dialect, DialectError, NotPrepared, PassPlan, Preparation, Wire};
use super::proof::same;

pub struct Jpush;

/// `Basic base64(appKey:masterSecret)`: of every call, and of every callback (jpush.md, 1 and 6).
fn basic(credential: &Credential) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", credential.get("app_key").trim(), credential.get("master_secret").trim())))
}

impl Dialect for Jpush {
    fn vendor(&self) -> Vendor {
        Vendor::Jpush
    }

    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError> {
        for field in ["app_key", "master_secret"] {
            if credential.get(field).trim().is_empty() {
                return Err(DialectError::Credential { field, reason: "is missing".to_owned() });
            }
        }
        if credential.get("app_key").contains(':') {
            return Err(DialectError::Credential { field: "app_key", reason: "has a colon, which parts the pair".to_owned() });
        }
        Ok(PassPlan::Static(basic(credential)))
    }

    fn prepare(&self, batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
        prepare::prepare(batch, credential, pass)
    }

    fn read_prepared(&self, _kind: &str, wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
        prepare::read(wire, now)
    }

    by_files!(send);

    /// Jiguang shows us the pair by which we show ourselves.
    fn signature_header(&self) -> Option<&'static str> {
        Some("authorization")
    }

    /// One source only speaks of the pair: a callback without it is believed by path and our MAC, one with a wrong pair never.
    fn genuine(&self, callback: &Callback<'_>, credential: &Credential, _received_at: Millis) -> Result<(), String> {
        let shown = callback.signature.trim();
        if shown.is_empty() || same(shown, &basic(credential)) { Ok(()) } else { Err("not the pair of this app".to_owned()) }
    }

    /// Letters and digits; the manual's example has 19.
    fn token_is_plausible(&self, token: &str) -> bool {
        (8..=128).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric())
    }

    fn callback_reply(&self, callback: &Callback<'_>) -> Option<CallbackReply> {
        Some(CallbackReply { content_type: "text/plain", body: receipt::echo(callback).unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_pair_is_never_believed() {
        let fields = [("app_key", "simkey"), ("master_secret", "secret")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let credential = Credential { fields };
        let shown = |signature: &str| Jpush.genuine(&Callback { content_type: "", query: "", signature, body: b"[]" }, &credential, 0);
        // printf simkey:secret | base64
        assert_eq!(shown("Basic c2lta2V5OnNlY3JldA=="), Ok(()));
        assert_eq!(shown(""), Ok(()));
        assert!(shown("Basic c2lta2V5OndyaXRlcg==").is_err() && shown("Basic").is_err());
    }
}
