//! OPPO Push: form POST with an access token; one recipient by unicast, up to 1,000 by a saved content and broadcasts of it.

mod answer;
mod exchange;
mod prepare;
mod receipt;
mod request;

use types::Millis;
use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Batch, Credential, Dialect, DialectError, NotPrepared, Preparation, Request, Wire};
use super::picture::Picture;

pub struct Oppo;

impl Dialect for Oppo {
    fn vendor(&self) -> Vendor {
        Vendor::Oppo
    }

    by_files!(exchange);

    fn prepare(&self, batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
        prepare::missing(batch, credential, pass)
    }

    fn prepares_ahead(&self) -> bool {
        true
    }

    fn upload(&self, _url: &str, picture: &Picture, _credential: &Credential, pass: &str) -> Result<Request, String> {
        prepare::upload(picture, pass)
    }

    fn read_prepared(&self, kind: &str, wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
        if kind == "image" { prepare::read_picture(wire, now) } else { prepare::read(wire, now) }
    }

    by_files!(send);

    // Any 200 (oppo.md, 6).
    by_files!(ok);

    /// 32 hex digits, behind `REGION_` or `BRAND_REGION_` if at all, or 24 bare ones (oppo.md, 1).
    fn token_is_plausible(&self, token: &str) -> bool {
        let hex = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_hexdigit());
        let graphic = token.len() <= 128 && token.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b';' | b','));
        graphic && (hex(token, 24) || token.rsplit_once('_').map_or_else(|| hex(token, 32), |(_, id)| hex(id, 32)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_their_form() {
        let hex = "0123456789abcdef0123456789ABCDEF";
        for good in [hex.to_owned(), format!("CN_{hex}"), format!("OPPO_CN_{hex}"), format!("realme_IN_{hex}"), hex[..24].to_owned()] {
            assert!(Oppo.token_is_plausible(&good), "{good}");
        }
        for bad in ["", "CN_", &hex[..31], &format!("CN_{}", &hex[..24]), &format!("{hex};{hex}"), &format!("A;_{hex}")] {
            assert!(!Oppo.token_is_plausible(bad), "{bad}");
        }
    }
}
