//! Getui: REST v2 with a token of a day; one CID by the single interface, up to 1,000 by a saved list message; a state per CID.

mod answer;
mod exchange;
mod prepare;
mod receipt;
mod request;

use types::Millis;
use types::vendor::Vendor;

use super::dialect::{
    Batch, Callback, CallbackReply, Credential, Dialect, DialectError, Failure, Issued, Judgement, NotPrepared, PassPlan, Preparation,
    Proven, Request, VendorReceipt, Wire,
};

pub struct Getui;

impl Dialect for Getui {
    fn vendor(&self) -> Vendor {
        Vendor::Getui
    }

    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError> {
        exchange::plan(credential)
    }

    fn exchange(&self, credential: &Credential, now: Millis) -> Result<Request, DialectError> {
        exchange::request(credential, now)
    }

    fn read_exchange(&self, wire: &Wire, now: Millis) -> Result<Issued, Failure> {
        exchange::read(wire, now)
    }

    fn prepare(&self, batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
        prepare::prepare(batch, credential, pass)
    }

    fn prepares_ahead(&self) -> bool {
        true
    }

    fn read_prepared(&self, _kind: &str, wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
        prepare::read(wire, now)
    }

    fn build(&self, batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
        request::build(batch, credential, pass)
    }

    fn judge(&self, batch: &Batch<'_>, wire: &Wire) -> Judgement {
        answer::judge(batch, wire)
    }

    fn read_receipts(&self, callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
        receipt::read(callback)
    }

    fn proven(&self, callback: &Callback<'_>, credential: &Credential) -> Option<Proven> {
        Some(receipt::proven(callback.body, credential))
    }

    /// 32 characters as a rule; the manual states no form.
    fn token_is_plausible(&self, token: &str) -> bool {
        (16..=64).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric())
    }

    /// Any answer counts as taken (getui.md, 6).
    fn callback_reply(&self, _callback: &Callback<'_>) -> Option<CallbackReply> {
        Some(CallbackReply { content_type: "text/plain", body: "ok".to_owned() })
    }
}
