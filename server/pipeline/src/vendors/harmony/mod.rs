//! Huawei's scenario messages for HarmonyOS 5 and later (v3): another token, another key, another JSON than HMS.
//!
//! Answers, receipts and signatures are Huawei's own and read in its folder.

mod request;

use types::Millis;
use types::vendor::Vendor;

use super::dialect::{
    Batch, Callback, CallbackReply, Credential, Dialect, DialectError, Judgement, PassPlan, Request, VendorReceipt, Wire,
};
use super::huawei;
use super::service_account::ServiceAccount;

/// Whom the JWT is for, whatever the key file says (huawei.md, 1, v3).
const AUDIENCE: &str = "https://oauth-login.cloud.huawei.com/oauth2/v3/token";

pub struct Harmony;

impl Dialect for Harmony {
    fn vendor(&self) -> Vendor {
        Vendor::Harmony
    }

    /// A JWT signed by the service account is itself the bearer (huawei.md, 1, v3).
    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError> {
        let file = ServiceAccount::read(credential)?;
        file.project()?;
        let (issuer, key_id) = (file.need("sub_account")?, file.need("key_id")?);
        Ok(PassPlan::Ps256 { issuer, key_id, audience: AUDIENCE.to_owned(), pkcs8_der: file.rsa_key()? })
    }

    fn build(&self, batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
        request::build(batch, credential, pass)
    }

    fn judge(&self, batch: &Batch<'_>, wire: &Wire) -> Judgement {
        huawei::judge(batch, wire)
    }

    fn read_receipts(&self, callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
        huawei::read_receipts(callback)
    }

    fn signature_header(&self) -> Option<&'static str> {
        Some(huawei::SIGNATURE_HEADER)
    }

    fn genuine(&self, callback: &Callback<'_>, credential: &Credential, received_at: Millis) -> Result<(), String> {
        huawei::genuine(callback, credential, received_at)
    }

    fn callback_reply(&self, _callback: &Callback<'_>) -> Option<CallbackReply> {
        Some(huawei::callback_reply())
    }

    fn token_is_plausible(&self, token: &str) -> bool {
        huawei::token_is_plausible(token)
    }
}
