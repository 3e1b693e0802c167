//! The token of a day (getui.md, 1).

use bytes::Bytes;
use serde_json::{Value, json};
use types::Millis;
use types::failure::FailureClass::{Auth, BadContent, InvalidToken, Unknown};

use super::answer::{failure_of, heard_json};
use crate::vendors::dialect::{Credential, DialectError, Failure, Issued, PassPlan, Request, Wire};
use crate::vendors::hearing::integer;
use crate::vendors::proof::sha256_hex;

const DAY_MS: Millis = 86_400_000;

pub(super) fn plan(credential: &Credential) -> Result<PassPlan, DialectError> {
    let mut identity = "getui".to_owned();
    for field in ["app_id", "app_key", "master_secret"] {
        let value = credential.get(field).trim();
        if value.is_empty() {
            return Err(DialectError::Credential { field, reason: "is missing".to_owned() });
        }
        identity.push('\n');
        identity.push_str(value);
    }
    app_id(credential)?;
    Ok(PassPlan::Exchange { identity })
}

/// It stands in every path.
pub(super) fn app_id(credential: &Credential) -> Result<&str, DialectError> {
    let app_id = credential.get("app_id").trim();
    if app_id.is_empty() || !app_id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return Err(DialectError::Credential { field: "app_id", reason: "has a character that no AppID has".to_owned() });
    }
    Ok(app_id)
}

pub(super) fn request(credential: &Credential, now: Millis) -> Result<Request, DialectError> {
    let key = credential.get("app_key").trim();
    let timestamp = now.to_string();
    let sign = sha256_hex(&[key, &timestamp, credential.get("master_secret").trim()]);
    let body = json!({ "sign": sign, "timestamp": timestamp, "appkey": key });
    Ok(Request {
        method: http::Method::POST,
        path: format!("/v2/{}/auth", app_id(credential)?),
        headers: vec![("content-type", "application/json;charset=utf-8".to_owned())],
        body: Bytes::from(body.to_string()),
    })
}

pub(super) fn read(wire: &Wire, now: Millis) -> Result<Issued, Failure> {
    let (status, code, answer) = heard_json(wire)?;
    if code != 0 {
        let failure = failure_of(code, &answer, now);
        // Here nothing but the credential was said, so what is refused is the credential.
        let class = if matches!(failure.class, BadContent | InvalidToken) && code == 20_001 { Auth } else { failure.class };
        return Err(Failure { class, ..failure });
    }
    let data = answer.get("data");
    let token = data.and_then(|data| data.get("token")).and_then(Value::as_str).map(str::trim).unwrap_or("");
    // What no header can carry is no token.
    if status != 200 || token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::new(Unknown, "0 without a token"));
    }
    let ends_at = data.and_then(|data| data.get("expire_time")).and_then(integer);
    let lives = ends_at.map_or(0, |ends_at| ends_at.saturating_sub(now));
    if lives <= 0 {
        return Err(Failure::new(Unknown, "0 with a token that has ended already; check this machine's clock"));
    }
    Ok(Issued { pass: token.to_owned(), lives: lives.min(DAY_MS) })
}
