//! vivo Push: JSON with an access token; one recipient by `/message/send`, 2 to 1,000 by a saved list payload.

mod answer;
mod exchange;
mod prepare;
mod receipt;
mod request;

use types::Millis;
use types::vendor::Vendor;

use super::dialect::{
    Batch, Callback, CallbackReply, Credential, Dialect, DialectError, Failure, Issued, Judgement, NotPrepared, PassPlan, Preparation,
    Request, VendorReceipt, Wire,
};

pub struct Vivo;

impl Dialect for Vivo {
    fn vendor(&self) -> Vendor {
        Vendor::Vivo
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
        prepare::missing(batch, credential, pass)
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

    /// Any 200 (vivo.md, 6).
    fn callback_reply(&self, _callback: &Callback<'_>) -> Option<CallbackReply> {
        Some(CallbackReply { content_type: "text/plain", body: "ok".to_owned() })
    }

    /// 23 characters once, of no fixed length today (vivo.md, 2); receipts join them with commas.
    fn token_is_plausible(&self, token: &str) -> bool {
        (8..=128).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic() && b != b',')
    }
}
