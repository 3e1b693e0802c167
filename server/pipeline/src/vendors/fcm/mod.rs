//! Firebase Cloud Messaging, HTTP v1: one token a request over HTTP/2, OAuth by a signed assertion, no callback.
//!
//! Written for Android tokens; iOS devices are reached by APNs itself.

mod answer;
mod exchange;
mod receipt;
mod request;

use types::Millis;
use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Callback, CallbackReply, Credential, Dialect, DialectError, Failure, Issued, PassPlan, Request, Wire};
use super::service_account::ServiceAccount;

pub struct Fcm;

impl Dialect for Fcm {
    fn vendor(&self) -> Vendor {
        Vendor::Fcm
    }

    /// A service account's assertion is exchanged for an access token (fcm.md, 1).
    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError> {
        let file = ServiceAccount::read(credential)?;
        file.rsa_key()?;
        let made_of = [file.project()?, file.need("client_email")?, file.need("token_uri")?, file.need("private_key")?];
        Ok(PassPlan::Exchange { identity: format!("fcm\n{}", made_of.join("\n")) })
    }

    fn exchange(&self, credential: &Credential, now: Millis) -> Result<Request, DialectError> {
        exchange::build(credential, now)
    }

    fn read_exchange(&self, wire: &Wire, _now: Millis) -> Result<Issued, Failure> {
        exchange::read(wire)
    }

    by_files!(send);

    /// Google calls nobody back (fcm.md, 6).
    fn callback_reply(&self, _callback: &Callback<'_>) -> Option<CallbackReply> {
        None
    }

    /// Opaque; no length is promised (fcm.md, 2).
    fn token_is_plausible(&self, token: &str) -> bool {
        (8..=2_048).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
    }
}
