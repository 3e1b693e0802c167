//! Getui: REST v2 with a token of a day; one CID by the single interface, up to 1,000 by a saved list message; a state per CID.

mod answer;
mod exchange;
mod prepare;
mod recall;
mod receipt;
mod request;

use types::Millis;
use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Batch, Callback, Credential, Dialect, DialectError, NotPrepared, Preparation, Proven, Wire};

pub struct Getui;

impl Dialect for Getui {
    fn vendor(&self) -> Vendor {
        Vendor::Getui
    }

    by_files!(exchange);

    fn prepare(&self, batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
        prepare::prepare(batch, credential, pass)
    }

    fn prepares_ahead(&self) -> bool {
        true
    }

    fn read_prepared(&self, _kind: &str, wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
        prepare::read(wire, now)
    }

    by_files!(send);

    fn proven(&self, callback: &Callback<'_>, credential: &Credential) -> Option<Proven> {
        Some(receipt::proven(callback.body, credential))
    }

    /// 32 characters as a rule; the manual states no form.
    fn token_is_plausible(&self, token: &str) -> bool {
        (16..=64).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric())
    }

    // Any answer counts as taken (getui.md, 6).
    by_files!(ok);
}
