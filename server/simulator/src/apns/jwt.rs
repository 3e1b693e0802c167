//! Reading a provider token: RFC 7515 to the letter, or with the leniency of the real service.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Deserialize;

/// A JWT in parts, its signature not yet checked.
pub(super) struct Jwt<'a> {
    pub(super) kid: String,
    pub(super) team: String,
    pub(super) issued: i64,
    signed: &'a str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: String,
    #[serde(default)]
    typ: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    iat: i64,
}

/// `compat`: standard or url-safe alphabet, with or without padding, raw or DER signature.
pub(super) fn read(text: &str, compat: bool) -> Option<Jwt<'_>> {
    let (signed, signature) = text.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let decode = |part: &str| {
        if compat {
            let plain: String = part
                .trim_end_matches('=')
                .chars()
                .map(|c| {
                    if c == '-' {
                        '+'
                    } else if c == '_' {
                        '/'
                    } else {
                        c
                    }
                })
                .collect();
            STANDARD.decode(format!("{plain}{}", &"==="[..(4 - plain.len() % 4) % 4])).ok()
        } else {
            URL_SAFE_NO_PAD.decode(part).ok()
        }
    };
    let head: Head = serde_json::from_slice(&decode(head)?).ok()?;
    let claims: Claims = serde_json::from_slice(&decode(claims)?).ok()?;
    let signature = decode(signature)?;
    let proper = head.alg == "ES256" && (compat || head.typ.as_deref().is_none_or(|t| t.eq_ignore_ascii_case("JWT")));
    (proper && (compat || signature.len() == 64)).then_some(Jwt { kid: head.kid, team: claims.iss, issued: claims.iat, signed, signature })
}

impl Jwt<'_> {
    /// `point`: the uncompressed public key.
    pub(super) fn verified_by(&self, point: &[u8]) -> bool {
        let algorithm: &'static dyn ring::signature::VerificationAlgorithm =
            if self.signature.len() == 64 { &ECDSA_P256_SHA256_FIXED } else { &ECDSA_P256_SHA256_ASN1 };
        UnparsedPublicKey::new(algorithm, point).verify(self.signed.as_bytes(), &self.signature).is_ok()
    }
}
