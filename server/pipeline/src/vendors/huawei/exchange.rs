//! The access token of v1 (huawei.md, 1).

use bytes::Bytes;
use types::failure::FailureClass::{RateLimited, VendorError};

use crate::vendors::dialect::{Credential, DialectError, Failure, Issued, Request, Wire};
use crate::vendors::hearing::{integer, token};

pub(super) fn build(credential: &Credential) -> Result<Request, DialectError> {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", credential.get("app_id").trim()),
        ("client_secret", credential.get("client_secret").trim()),
    ];
    let form = serde_urlencoded::to_string(fields)
        .map_err(|e| DialectError::Credential { field: "client_secret", reason: format!("cannot be written: {e}") })?;
    Ok(Request {
        method: http::Method::POST,
        path: "/oauth2/v3/token".to_owned(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: Bytes::from(form),
    })
}

/// A refusal names `error` and `sub_error`, both numbers. 503 is flow control here.
pub(super) fn read(wire: &Wire) -> Result<Issued, Failure> {
    let read = token::read(wire, |answer| {
        let error = answer.get("error").filter(|error| !error.is_null())?;
        let error = integer(error).map_or_else(|| error.as_str().unwrap_or("error").to_owned(), |code| code.to_string());
        let code = match answer.get("sub_error").and_then(integer) {
            Some(sub) => format!("{error}.{sub}"),
            None => error,
        };
        let said = answer.get("error_description").and_then(serde_json::Value::as_str).unwrap_or("");
        Some((code, said.to_owned()))
    });
    read.map_err(|failure| match (failure.class, wire) {
        (VendorError, Wire::Answered { status: 503, .. }) => Failure { class: RateLimited, ..failure },
        _ => failure,
    })
}
