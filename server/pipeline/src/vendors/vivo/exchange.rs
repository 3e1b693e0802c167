//! The access token: id, key, time and a hash of them with the AppSecret (vivo.md, 1).

use bytes::Bytes;
use serde_json::{Value, json};
use types::Millis;
use types::failure::FailureClass::{Auth, BadContent, InvalidToken, QuotaExceeded, Unknown, VendorError};

use super::answer::{failure_of, spoken};
use super::request::{app_id, headers};
use crate::vendors::dialect::{Credential, DialectError, Failure, Issued, PassPlan, Request, Wire};
use crate::vendors::proof::md5_hex;

/// A day; a new token does not end the old one.
const LIVES: Millis = 24 * 3_600 * 1_000;

fn given<'a>(credential: &'a Credential, field: &'static str) -> Result<&'a str, DialectError> {
    let value = credential.get(field).trim();
    if value.is_empty() {
        return Err(DialectError::Credential { field, reason: "is missing".to_owned() });
    }
    Ok(value)
}

pub(super) fn plan(credential: &Credential) -> Result<PassPlan, DialectError> {
    let id = app_id(credential)?;
    let (key, secret) = (given(credential, "app_key")?, given(credential, "app_secret")?);
    Ok(PassPlan::Exchange { identity: format!("vivo\n{id}\n{key}\n{secret}") })
}

pub(super) fn request(credential: &Credential, now: Millis) -> Result<Request, DialectError> {
    let id = app_id(credential)?;
    let (key, secret) = (given(credential, "app_key")?, given(credential, "app_secret")?);
    let body = json!({"appId": id, "appKey": key, "timestamp": now, "sign": sign(&id.to_string(), key, now, secret)});
    Ok(Request {
        method: http::Method::POST,
        path: "/message/auth".to_owned(),
        headers: headers(None),
        body: Bytes::from(body.to_string()),
    })
}

fn sign(id: &str, key: &str, time: Millis, secret: &str) -> String {
    md5_hex(&[id.as_bytes(), key.as_bytes(), time.to_string().as_bytes(), secret.as_bytes()])
}

pub(super) fn read(wire: &Wire, now: Millis) -> Result<Issued, Failure> {
    let answer = spoken(wire).map_err(|failure| match failure.class {
        // No vendor refuses a credential with a web page.
        Auth => Failure { class: Unknown, ..failure },
        _ => failure,
    })?;
    if answer.code != 0 {
        let failure = failure_of(&answer, now);
        return Err(match failure.class {
            // A malformed argument can only be the id, the key or the signature.
            BadContent => Failure { class: Auth, ..failure },
            // Quotas and devices are none of this call's business.
            InvalidToken | QuotaExceeded => Failure { class: VendorError, ..failure },
            _ => failure,
        });
    }
    let token = answer.rest.get("authToken").and_then(Value::as_str).map(str::trim).unwrap_or("");
    // What no header can carry is no token.
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::new(VendorError, "0 without an access token"));
    }
    Ok(Issued { pass: token.to_owned(), lives: LIVES })
}

#[cfg(test)]
mod tests {
    use super::sign;

    /// The test vector of vivo.md, 1.
    #[test]
    fn signs_as_the_manual_does() {
        assert_eq!(sign("10001", "vivo-demo-key", 1_700_000_000_000, "vivo-demo-secret"), "e3343b08cfb23dddbca3a97672312e98");
    }
}
