//! Meizu Push: a signed form to up to 100 pushIds, failures per target by code, receipts with clicks.

mod answer;
mod prepare;
mod receipt;
mod request;

use types::Millis;
use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Batch, Callback, Credential, Dialect, DialectError, NotPrepared, PassPlan, Preparation, Request, Wire};
use super::picture::Picture;

pub struct Meizu;

impl Dialect for Meizu {
    fn vendor(&self) -> Vendor {
        Vendor::Meizu
    }

    /// No token: the secret signs every request (meizu.md, 1).
    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError> {
        for field in ["app_id", "app_secret"] {
            if credential.get(field).trim().is_empty() {
                return Err(DialectError::Credential { field, reason: "is missing".to_owned() });
            }
        }
        Ok(PassPlan::Static(credential.get("app_secret").trim().to_owned()))
    }

    fn prepares_ahead(&self) -> bool {
        true
    }

    fn prepare(&self, batch: &Batch<'_>, credential: &Credential, _pass: &str) -> Result<Option<Preparation>, DialectError> {
        Ok(prepare::missing(batch, credential))
    }

    fn upload(&self, url: &str, picture: &Picture, credential: &Credential, pass: &str) -> Result<Request, String> {
        prepare::upload(url, picture, credential, pass)
    }

    fn read_prepared(&self, _kind: &str, wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
        prepare::read(wire, now)
    }

    /// Its own hosts, in and outside of China (meizu.md, 1).
    fn may_redirect(&self, host: &str) -> bool {
        host == "meizu.com" || host.ends_with(".meizu.com")
    }

    by_files!(send);

    fn genuine(&self, callback: &Callback<'_>, credential: &Credential, _received_at: Millis) -> Result<(), String> {
        receipt::genuine(callback, credential)
    }

    // Any 200 (meizu.md, 6).
    by_files!(ok);

    /// Of no documented length; without the comma that joins ids in a request.
    fn token_is_plausible(&self, token: &str) -> bool {
        (8..=128).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic() && b != b',')
    }
}
