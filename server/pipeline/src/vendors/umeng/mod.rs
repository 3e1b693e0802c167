//! Umeng U-Push: every request signed over its URL and exact body, one token by unicast, up to 500 by listcast, no word of
//! single tokens and nothing that protects a repeat.

mod answer;
mod receipt;
mod request;

use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Credential, Dialect, DialectError, PassPlan};

pub struct Umeng;

impl Dialect for Umeng {
    fn vendor(&self) -> Vendor {
        Vendor::Umeng
    }

    /// No token: the secret signs each request (umeng.md, 1).
    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError> {
        for field in ["appkey", "app_master_secret"] {
            if credential.get(field).trim().is_empty() {
                return Err(DialectError::Credential { field, reason: "is missing".to_owned() });
            }
        }
        Ok(PassPlan::Static(credential.get("app_master_secret").trim().to_owned()))
    }

    by_files!(send);

    /// 44 characters on Android (umeng.md, 2); iOS apps have an appkey of their own, which is not this one.
    fn token_is_plausible(&self, token: &str) -> bool {
        token.len() == 44 && token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    }

    by_files!(ok);
}
