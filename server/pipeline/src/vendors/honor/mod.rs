//! Honor Push: JSON in camelCase, up to 1,000 tokens a request, partial failure in two lists, an extra `timestamp` header.
//!
//! Not wire-compatible with Huawei despite the likeness. The manual is the least certain of all: what is unproven is read
//! tolerantly and said where it is.

mod answer;
mod exchange;
mod receipt;
mod request;

use types::Millis;
use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Callback, CallbackReply, Credential, Dialect, DialectError, Failure, Issued, PassPlan, Request, Wire};

pub struct Honor;

impl Dialect for Honor {
    fn vendor(&self) -> Vendor {
        Vendor::Honor
    }

    /// OAuth by client credentials; the app id stands in the path only (honor.md, 1).
    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError> {
        for field in ["app_id", "client_id", "client_secret"] {
            if credential.get(field).trim().is_empty() {
                return Err(DialectError::Credential { field, reason: "is missing".to_owned() });
            }
        }
        let (app_id, client_id) = (credential.get("app_id").trim(), credential.get("client_id").trim());
        if !app_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(DialectError::Credential { field: "app_id", reason: "must be letters and digits".to_owned() });
        }
        Ok(PassPlan::Exchange { identity: format!("honor\n{app_id}\n{client_id}\n{}", credential.get("client_secret").trim()) })
    }

    fn exchange(&self, credential: &Credential, _now: Millis) -> Result<Request, DialectError> {
        exchange::build(credential)
    }

    fn read_exchange(&self, wire: &Wire, _now: Millis) -> Result<Issued, Failure> {
        exchange::read(wire)
    }

    by_files!(send);

    /// As Huawei's; Honor's own wish is not known (honor.md, 6).
    fn callback_reply(&self, _callback: &Callback<'_>) -> Option<CallbackReply> {
        Some(CallbackReply { content_type: "application/json", body: r#"{"code":"0","message":"success"}"#.to_owned() })
    }

    /// Opaque; no form is published.
    fn token_is_plausible(&self, token: &str) -> bool {
        (8..=1_024).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
    }
}
