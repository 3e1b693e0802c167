//! Meizu's callback: a form of `cb`, JSON keyed by message id and type, and `access_token` (meizu.md, 6).

use std::collections::HashMap;

use serde_json::Value;
use types::receipt::ReceiptKind;

use crate::vendors::dialect::{Callback, Credential, DialectError, VendorReceipt};
use crate::vendors::entries::Entries;
use crate::vendors::hearing::integer;
use crate::vendors::proof::same;

fn fields(callback: &Callback<'_>) -> Option<HashMap<String, String>> {
    serde_urlencoded::from_bytes(callback.body).ok()
}

/// The token set for the address in the console is the only proof; without one here it is believed by path and MAC.
pub(super) fn genuine(callback: &Callback<'_>, credential: &Credential) -> Result<(), String> {
    let expected = credential.get("receipt_token").trim();
    if expected.is_empty() {
        return Ok(());
    }
    let fields = fields(callback).ok_or("the body is no form")?;
    let given = fields.get("access_token").ok_or("the access token is missing")?;
    if same(given, expected) { Ok(()) } else { Err("the access token is not the one entered here".to_owned()) }
}

pub(super) fn read(callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
    let unreadable = |what: &str| DialectError::Receipt(what.to_owned());
    let mut fields = fields(callback).ok_or_else(|| unreadable("the body is no form"))?;
    let cb = fields.remove("cb").ok_or_else(|| unreadable("the field `cb` is missing"))?;
    let entries: Entries = serde_json::from_str(&cb).map_err(|_| unreadable("the field `cb` is no JSON object"))?;
    let mut receipts = Vec::new();
    for (key, entry) in &entries.0 {
        if entry.is_object() {
            read_entry(key, entry, &mut receipts);
        }
    }
    Ok(receipts)
}

fn read_entry(key: &str, entry: &Value, receipts: &mut Vec<VendorReceipt>) {
    // Message ids may hold the sign themselves: the last one parts.
    let (reference, suffix) = key.rsplit_once('-').unwrap_or((key, ""));
    // One old sample swaps the suffixes: the member is to be believed.
    let kind = entry.get("type").and_then(integer).or_else(|| suffix.parse().ok());
    let (kind, words) = match kind {
        Some(1) => (ReceiptKind::Delivered, "1 delivered".to_owned()),
        Some(2) => (ReceiptKind::Clicked, "2 clicked".to_owned()),
        Some(other) => (ReceiptKind::Unknown, format!("type {other}")),
        None => (ReceiptKind::Unknown, "no type".to_owned()),
    };
    let targets: Vec<&str> = match entry.get("targets") {
        Some(Value::Array(targets)) => targets.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(joined)) => joined.split(',').collect(),
        _ => Vec::new(),
    };
    for token in targets.into_iter().map(str::trim).filter(|token| !token.is_empty()) {
        receipts.push(VendorReceipt {
            reference: reference.to_owned(),
            token: token.to_owned(),
            kind,
            // The vendor names no time: that of arrival counts.
            at: None,
            parameter: entry.get("param").and_then(Value::as_str).unwrap_or("").to_owned(),
            words: words.clone(),
            replaced_by: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_entered_here_is_believed() {
        let with = |token: &str| Credential { fields: [("receipt_token".to_owned(), token.to_owned())].into() };
        let body = |text: &str| {
            let callback = Callback { content_type: "", query: "", signature: "", body: text.as_bytes() };
            (genuine(&callback, &with("to+k&n")).is_ok(), genuine(&callback, &with("")).is_ok())
        };
        assert_eq!(body("cb=%7B%7D&access_token=to%2Bk%26n"), (true, true));
        assert_eq!(body("cb=%7B%7D&access_token=to%2Bk%26m"), (false, true));
        assert_eq!(body("cb=%7B%7D&access_token="), (false, true));
        assert_eq!(body("cb=%7B%7D"), (false, true));
        assert_eq!(body("{}"), (false, true));
    }
}
