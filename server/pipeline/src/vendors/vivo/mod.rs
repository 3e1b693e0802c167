//! vivo Push: JSON with an access token; one recipient by `/message/send`, 2 to 1,000 by a saved list payload.

mod answer;
mod exchange;
mod prepare;
mod receipt;
mod request;

use types::Millis;
use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Batch, Credential, Dialect, DialectError, NotPrepared, Preparation, Wire};

pub struct Vivo;

impl Dialect for Vivo {
    fn vendor(&self) -> Vendor {
        Vendor::Vivo
    }

    by_files!(exchange);

    fn prepare(&self, batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
        prepare::missing(batch, credential, pass)
    }

    fn prepares_ahead(&self) -> bool {
        true
    }

    fn read_prepared(&self, _kind: &str, wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
        prepare::read(wire, now)
    }

    by_files!(send);

    // Any 200 (vivo.md, 6).
    by_files!(ok);

    /// 23 characters once, of no fixed length today (vivo.md, 2); receipts join them with commas.
    fn token_is_plausible(&self, token: &str) -> bool {
        (8..=128).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic() && b != b',')
    }
}
