//! The access token (honor.md, 1).

use bytes::Bytes;
use serde_json::Value;

use crate::vendors::dialect::{Credential, DialectError, Failure, Issued, Request, Wire};
use crate::vendors::hearing::token;

pub(super) fn build(credential: &Credential) -> Result<Request, DialectError> {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", credential.get("client_id").trim()),
        ("client_secret", credential.get("client_secret").trim()),
    ];
    let form = serde_urlencoded::to_string(fields)
        .map_err(|e| DialectError::Credential { field: "client_secret", reason: format!("cannot be written: {e}") })?;
    Ok(Request {
        method: http::Method::POST,
        path: "/auth/token".to_owned(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: Bytes::from(form),
    })
}

/// A refusal names `error`, also under status 200.
pub(super) fn read(wire: &Wire) -> Result<Issued, Failure> {
    token::read(wire, |answer| {
        let error = answer.get("error").and_then(Value::as_str).filter(|error| !error.is_empty())?;
        let said = answer.get("error_description").and_then(Value::as_str).unwrap_or("");
        Some((error.to_owned(), said.to_owned()))
    })
}
