//! APNs: HTTP/2 provider API with token authority; one device per stream, no batch, no callback.

mod answer;
mod receipt;
mod request;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use types::vendor::Vendor;

use super::by_files::by_files;
use super::dialect::{Callback, CallbackReply, Credential, Dialect, DialectError, PassPlan};

pub struct Apns;

impl Dialect for Apns {
    fn vendor(&self) -> Vendor {
        Vendor::Apns
    }

    fn pass_plan(&self, credential: &Credential) -> Result<PassPlan, DialectError> {
        for field in ["team_id", "key_id", "bundle_id"] {
            if credential.get(field).trim().is_empty() {
                return Err(DialectError::Credential { field, reason: "is missing".to_owned() });
            }
        }
        let bad = |reason: &str| DialectError::Credential { field: "p8", reason: reason.to_owned() };
        let der = PrivatePkcs8KeyDer::from_pem_slice(credential.get("p8").trim().as_bytes())
            .map_err(|_| bad("is not a PKCS#8 PEM; paste the whole .p8 file"))?;
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), &SystemRandom::new())
            .map_err(|_| bad("is no P-256 private key"))?;
        Ok(PassPlan::Es256 {
            team_id: credential.get("team_id").trim().to_owned(),
            key_id: credential.get("key_id").trim().to_owned(),
            pkcs8_der: der.secret_pkcs8_der().to_vec(),
        })
    }

    by_files!(send);

    /// Hex, whole bytes. Apple asks not to assume a length; 64 digits is usual (apns.md, 2).
    fn token_is_plausible(&self, token: &str) -> bool {
        (64..=512).contains(&token.len()) && token.len().is_multiple_of(2) && token.bytes().all(|b| b.is_ascii_hexdigit())
    }

    /// Apple calls nobody back (apns.md, 6).
    fn callback_reply(&self, _callback: &Callback<'_>) -> Option<CallbackReply> {
        None
    }
}
