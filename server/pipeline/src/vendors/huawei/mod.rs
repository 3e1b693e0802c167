//! Huawei Push Kit for HMS tokens (v1): JSON, up to 1,000 tokens a request, partial failure in `msg`, signed receipts.
//!
//! Harmony (v3) is another vendor with another credential; what both say alike is read here: answers, receipts, signatures.

mod answer;
mod codes;
mod exchange;
mod receipt;
mod request;
mod signature;

use types::Millis;
use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Callback, CallbackReply, Credential, Dialect, DialectError, Failure, Issued, PassPlan, Request, Wire};

pub(super) use answer::judge;
pub(super) use receipt::read as read_receipts;
pub(super) use request::{LIVE_AT_MOST_S, TOKENS_MAX, category, tag};
pub(super) use signature::{HEADER as SIGNATURE_HEADER, genuine};

pub struct Huawei;

impl Dialect for Huawei {
    fn vendor(&self) -> Vendor {
        Vendor::Huawei
    }

    /// OAuth by client credentials (huawei.md, 1). The client id is the app id.
    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError> {
        let app_id = credential.get("app_id").trim();
        if app_id.is_empty() || !app_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DialectError::Credential { field: "app_id", reason: "must be digits".to_owned() });
        }
        let secret = credential.get("client_secret").trim();
        if secret.is_empty() {
            return Err(DialectError::Credential { field: "client_secret", reason: "is missing".to_owned() });
        }
        Ok(PassPlan::Exchange { identity: format!("huawei\n{app_id}\n{secret}") })
    }

    fn exchange(&self, credential: &Credential, _now: Millis) -> Result<Request, DialectError> {
        exchange::build(credential)
    }

    fn read_exchange(&self, wire: &Wire, _now: Millis) -> Result<Issued, Failure> {
        exchange::read(wire)
    }

    by_files!(send);

    fn signature_header(&self) -> Option<&'static str> {
        Some(SIGNATURE_HEADER)
    }

    fn genuine(&self, callback: &Callback<'_>, credential: &Credential, received_at: Millis) -> Result<(), String> {
        signature::genuine(callback, credential, received_at)
    }

    fn callback_reply(&self, _callback: &Callback<'_>) -> Option<CallbackReply> {
        Some(callback_reply())
    }

    /// Opaque; no length is promised.
    fn token_is_plausible(&self, token: &str) -> bool {
        token_is_plausible(token)
    }
}

/// The console's test receipt accepts this answer only (huawei.md, 6).
pub(super) fn callback_reply() -> CallbackReply {
    CallbackReply { content_type: "application/json", body: r#"{"code":"0","message":"success"}"#.to_owned() }
}

pub(super) fn token_is_plausible(token: &str) -> bool {
    (8..=1_024).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
}
