//! The id of one request, from JPush's pool (jpush.md, 2 and 7): the same id never sends twice within a day.

use http::Method;
use serde_json::Value;
use types::Millis;
use types::failure::FailureClass::{BadContent, InvalidToken, Unknown, VendorError};

use super::answer::{answer, failure_of};
use super::request::push;
use crate::vendors::dialect::{Batch, Credential, DialectError, Failure, NotPrepared, Paced, Preparation, Request, What, Wire};
use crate::vendors::proof::sha256_hex;

/// JPush remembers an id for a day.
const REMEMBERED_MS: Millis = 86_400_000;

/// Of this showing to these recipients: every repeat of the request finds the same id, in this life or the next.
fn key(batch: &Batch<'_>, credential: &Credential) -> String {
    let mut parts = vec!["jpush cid\n", credential.get("app_key").trim(), "\n", batch.show_key];
    for token in batch.tokens {
        parts.extend(["\n", token]);
    }
    sha256_hex(&parts)
}

pub(super) fn cid<'a>(batch: &Batch<'a>, credential: &Credential) -> Option<&'a str> {
    batch.prepared.get(&key(batch, credential))
}

pub(super) fn prepare(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
    if batch.recall.is_some() || cid(batch, credential).is_some() {
        return Ok(None);
    }
    // A push that cannot be said takes no id.
    push(batch, credential)?;
    // One id at a time: a pool shared between requests could give two of them the same, and the second would be dropped.
    let request = Request {
        method: Method::GET,
        path: "/v3/push/cid?type=push&count=1".to_owned(),
        headers: vec![("authorization", pass.to_owned())],
        body: bytes::Bytes::new(),
    };
    Ok(Some(Preparation { kind: "cid", key: key(batch, credential), what: What::Say(request), lives: REMEMBERED_MS, paced: Paced::Apart }))
}

pub(super) fn read(wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
    let not = |failure| NotPrepared { failure, renew_pass: false };
    let (status, headers, answer) = answer(wire).map_err(not)?;
    if let Some(failure) = failure_of(status, headers, &answer, now) {
        // Nothing was said of content or recipients yet.
        let class = if matches!(failure.class, BadContent | InvalidToken) { VendorError } else { failure.class };
        return Err(not(Failure { class, ..failure }));
    }
    let id = answer.get("cidlist").and_then(Value::as_array).and_then(|list| list.first()).and_then(Value::as_str).map_or("", str::trim);
    if status != 200 || id.is_empty() {
        return Err(not(Failure::new(Unknown, format!("{status} without a cid"))));
    }
    Ok(id.to_owned())
}
