//! Xiaomi's callback: one field `data`, a JSON object keyed by message id (xiaomi.md, 6).

use serde_json::{Map, Value};
use types::Millis;
use types::receipt::ReceiptKind;

use crate::vendors::dialect::{Callback, DialectError, VendorReceipt};
use crate::vendors::entries::Entries;

pub(super) fn read(callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
    let entries = entries_of(callback.body)?;
    let mut receipts = Vec::new();
    for (reference, entry) in &entries.0 {
        if let Value::Object(entry) = entry {
            read_entry(reference, entry, &mut receipts);
        }
    }
    Ok(receipts)
}

/// Form field `data`, or (seen at one platform) the JSON as the body itself.
fn entries_of(body: &[u8]) -> Result<Entries, DialectError> {
    let unreadable = |what: &str| DialectError::Receipt(what.to_owned());
    if body.trim_ascii_start().starts_with(b"{") {
        // Also `{"data": {…}}`, whose only entry holds the real ones.
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wrapped {
            data: Entries,
        }
        return serde_json::from_slice::<Wrapped>(body)
            .map(|wrapped| wrapped.data)
            .or_else(|_| serde_json::from_slice(body))
            .map_err(|_| unreadable("the body is no JSON object keyed by message id"));
    }
    let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(body).map_err(|_| unreadable("the body is neither form nor JSON"))?;
    let data = fields.into_iter().find(|(name, _)| name == "data").ok_or_else(|| unreadable("the field `data` is missing"))?.1;
    serde_json::from_str(&data).map_err(|_| unreadable("the field `data` is no JSON object keyed by message id"))
}

fn read_entry(reference: &str, entry: &Map<String, Value>, receipts: &mut Vec<VendorReceipt>) {
    let types = entry.get("type").and_then(integer).unwrap_or(0);
    let at: Option<Millis> = entry.get("timestamp").and_then(integer).filter(|at| *at > 0);
    let parameter = entry.get("param").and_then(Value::as_str).unwrap_or("");
    let replaced = entry.get("replaceTarget").and_then(Value::as_object);
    let targets = entry.get("targets").and_then(Value::as_str).unwrap_or("");
    for token in targets.split(',').map(str::trim).filter(|token| !token.is_empty()) {
        for (kind, words) in kinds_of(types, entry) {
            receipts.push(VendorReceipt {
                reference: reference.to_owned(),
                token: token.to_owned(),
                kind,
                at,
                parameter: parameter.to_owned(),
                words,
                replaced_by: replaced.and_then(|map| map.get(token)).and_then(Value::as_str).map(str::to_owned),
            });
        }
    }
    // Tokens that were only replaced.
    for (old, new) in replaced.into_iter().flatten() {
        if let Some(new) = new.as_str().filter(|_| !targets.split(',').any(|token| token.trim() == old)) {
            receipts.push(VendorReceipt {
                reference: reference.to_owned(),
                token: old.clone(),
                kind: ReceiptKind::Unknown,
                at,
                parameter: parameter.to_owned(),
                words: "replaceTarget".to_owned(),
                replaced_by: Some(new.to_owned()),
            });
        }
    }
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// One kind per bit of `type`; bits nobody has named stay as `Unknown` with the vendor's number.
fn kinds_of(types: i64, entry: &Map<String, Value>) -> Vec<(ReceiptKind, String)> {
    let bar_closed = entry.get("barStatus").and_then(Value::as_str).is_some_and(|bar| bar.eq_ignore_ascii_case("disable"));
    let mut kinds = Vec::with_capacity(1);
    if types <= 0 {
        return vec![(ReceiptKind::Unknown, format!("type {types}"))];
    }
    let mut rest = types;
    for bit in [1, 2, 16, 32, 64, 128] {
        if types & bit == 0 {
            continue;
        }
        rest &= !bit;
        kinds.push(match bit {
            1 if bar_closed => (ReceiptKind::SwitchOff, "1 tray switched off".to_owned()),
            1 => (ReceiptKind::Delivered, "1 delivered".to_owned()),
            2 => (ReceiptKind::Clicked, "2 clicked".to_owned()),
            16 => match entry.get("errorCode").and_then(integer) {
                Some(code) => (ReceiptKind::TokenDead, format!("16 target invalid, error {code}")),
                None => (ReceiptKind::TokenDead, "16 target invalid".to_owned()),
            },
            // The app called disablePush: nothing arrives until it registers again, so the token is set aside too.
            32 => (ReceiptKind::TokenDead, "32 push disabled by the app".to_owned()),
            64 => (ReceiptKind::Discarded, "64 excluded by filters".to_owned()),
            _ => (ReceiptKind::OverQuota, "128 over the quota".to_owned()),
        });
    }
    if rest != 0 {
        kinds.push((ReceiptKind::Unknown, format!("type {types}")));
    }
    kinds
}
