//! Xiaomi MiPush: form POST, up to 1,000 regIds a request, partial failure in `bad_regids`, receipts by callback.

mod answer;
mod receipt;
mod request;

use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Credential, Dialect, DialectError, PassPlan};

pub struct Xiaomi;

impl Dialect for Xiaomi {
    fn vendor(&self) -> Vendor {
        Vendor::Xiaomi
    }

    /// A static secret in every call: `Authorization: key=<AppSecret>`; nothing expires (xiaomi.md, 1).
    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError> {
        for field in ["package_name", "app_secret"] {
            if credential.get(field).trim().is_empty() {
                return Err(DialectError::Credential { field, reason: "is missing".to_owned() });
            }
        }
        let secret = credential.get("app_secret").trim();
        if !secret.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(DialectError::Credential { field: "app_secret", reason: "has a character that no header can carry".to_owned() });
        }
        Ok(PassPlan::Static(format!("key={secret}")))
    }

    by_files!(send);

    /// Printable, without the comma that joins ids in a request.
    fn token_is_plausible(&self, token: &str) -> bool {
        (8..=256).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic() && b != b',')
    }

    // Any 200 (xiaomi.md, 6).
    by_files!(ok);
}
