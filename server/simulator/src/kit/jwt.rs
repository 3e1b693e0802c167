//! Signed tokens of service accounts: three base64url parts, RSA with SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

/// Header and claims of a token, not yet believed.
pub(crate) struct Jwt<'a> {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    pub(crate) fn read(text: &'a str) -> Option<Jwt<'a>> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        Some(Jwt { header: part(header)?, claims: part(claims)?, signed, signature: URL_SAFE_NO_PAD.decode(signature).ok()? })
    }

    /// Whether `key` signed it, by the algorithm the vendor fixes and the header names.
    pub(crate) fn genuine(&self, key: &[u8], algorithm: &str) -> bool {
        let verify: &'static dyn ring::signature::VerificationAlgorithm = match algorithm {
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            _ => &RSA_PKCS1_2048_8192_SHA256,
        };
        self.header.get("alg").and_then(Value::as_str) == Some(algorithm)
            && UnparsedPublicKey::new(verify, key).verify(self.signed.as_bytes(), &self.signature).is_ok()
    }

    pub(crate) fn seconds(&self, claim: &str) -> Option<i64> {
        self.claims.get(claim)?.as_i64()
    }
}
