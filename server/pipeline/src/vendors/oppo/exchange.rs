//! The access token: AppKey, time and a hash of both with the MasterSecret (oppo.md, 1).

use bytes::Bytes;
use serde_json::Value;
use types::Millis;
use types::failure::FailureClass::{Auth, BadContent, Unknown, VendorError};

use super::answer::{failure_of, spoken};
use super::request::headers;
use crate::vendors::dialect::{Credential, DialectError, Failure, Issued, PassPlan, Request, Wire};
use crate::vendors::form::Form;
use crate::vendors::hearing::integer;
use crate::vendors::proof::sha256_hex;

/// A day, counted from `create_time`.
const LIVES: Millis = 24 * 3_600 * 1_000;

fn given<'a>(credential: &'a Credential, field: &'static str) -> Result<&'a str, DialectError> {
    let value = credential.get(field).trim();
    if value.is_empty() {
        return Err(DialectError::Credential { field, reason: "is missing".to_owned() });
    }
    Ok(value)
}

pub(super) fn plan(credential: &Credential) -> Result<PassPlan, DialectError> {
    let (key, secret) = (given(credential, "app_key")?, given(credential, "master_secret")?);
    Ok(PassPlan::Exchange { identity: format!("oppo\n{key}\n{secret}") })
}

pub(super) fn request(credential: &Credential, now: Millis) -> Result<Request, DialectError> {
    let (key, secret) = (given(credential, "app_key")?, given(credential, "master_secret")?);
    let time = now.to_string();
    let body = Form::of(&[("app_key", key), ("timestamp", &time), ("sign", &sha256_hex(&[key, &time, secret]))]).0;
    Ok(Request { method: http::Method::POST, path: "/server/v1/auth".to_owned(), headers: headers(), body: Bytes::from(body) })
}

pub(super) fn read(wire: &Wire, now: Millis) -> Result<Issued, Failure> {
    let answer = spoken(wire).map_err(|failure| match failure.class {
        // No vendor refuses a credential with a web page.
        Auth => Failure { class: Unknown, ..failure },
        _ => failure,
    })?;
    if answer.code != 0 {
        let failure = failure_of(&answer, now);
        // A missing or malformed argument can only be the key or the signature.
        return Err(if failure.class == BadContent { Failure { class: Auth, ..failure } } else { failure });
    }
    let data = answer.data.as_object();
    let token = data.and_then(|data| data.get("auth_token")).and_then(Value::as_str).map(str::trim).unwrap_or("");
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::new(VendorError, "0 without an access token"));
    }
    // The manual shows a text, the SDK reads a number. A clock that differs from ours must not make it immortal or dead.
    let made = data.and_then(|data| data.get("create_time")).and_then(integer).filter(|at| *at > 0).unwrap_or(now);
    Ok(Issued { pass: token.to_owned(), lives: (LIVES - (now - made)).clamp(60_000, LIVES) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector of oppo.md, 1.
    #[test]
    fn signs_as_the_manual_does() {
        let fields = [("app_key", "oppo_demo_key"), ("master_secret", "oppo_demo_master")];
        let credential = Credential { fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into() };
        let request = request(&credential, 1_700_000_000_000).expect("a request");
        assert_eq!(
            request.body,
            "app_key=oppo_demo_key&timestamp=1700000000000&sign=b949d062ffaa15a867c058637b27ab432820e8a9931d37007747730e2f8bcad4"
        );
    }
}
