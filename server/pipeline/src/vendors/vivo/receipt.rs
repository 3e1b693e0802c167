//! vivo's callback: a JSON object keyed by task id (vivo.md, 6).

use serde_json::{Map, Value};
use types::receipt::ReceiptKind;

use crate::vendors::dialect::{Callback, DialectError, VendorReceipt};
use crate::vendors::entries::Entries;
use crate::vendors::hearing::integer;

pub(super) fn read(callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
    let entries: Entries = serde_json::from_slice(callback.body)
        .map_err(|_| DialectError::Receipt("the body is no JSON object keyed by task id".to_owned()))?;
    let mut receipts = Vec::new();
    for (reference, entry) in &entries.0 {
        if let Value::Object(entry) = entry {
            read_entry(reference, entry, &mut receipts);
        }
    }
    Ok(receipts)
}

fn read_entry(reference: &str, entry: &Map<String, Value>, receipts: &mut Vec<VendorReceipt>) {
    let (kind, words) = kind_of(entry);
    let targets = entry.get("targets").and_then(Value::as_str).unwrap_or("");
    for token in targets.split(',').map(str::trim).filter(|token| !token.is_empty()) {
        receipts.push(VendorReceipt {
            reference: reference.to_owned(),
            token: token.to_owned(),
            kind,
            at: entry.get("ackTime").and_then(integer).filter(|at| *at > 0),
            parameter: entry.get("param").and_then(Value::as_str).unwrap_or("").to_owned(),
            words: words.clone(),
            replaced_by: None,
        });
    }
}

/// Sub-codes of the manual, by type. The name of their field is not known: any other field that holds one counts.
const SUBS: &[(i64, &[i64])] =
    &[(100, &[1000, 1017, 11001, 12000, 10012]), (102, &[20001, 20002, 20006, 1020]), (104, &[2124, 2144, 2158, 2161, 2162, 2183])];

fn sub_of(kind: i64, entry: &Map<String, Value>) -> Option<i64> {
    let (_, known) = SUBS.iter().find(|(of, _)| *of == kind)?;
    let others = entry.iter().filter(|(name, _)| !matches!(name.as_str(), "param" | "targets" | "ackTime" | "ackType"));
    others.filter_map(|(_, value)| integer(value)).find(|sub| known.contains(sub))
}

fn kind_of(entry: &Map<String, Value>) -> (ReceiptKind, String) {
    let kind = match entry.get("ackType") {
        // The older generation has none and speaks of arrivals only.
        None | Some(Value::Null) => return (ReceiptKind::Delivered, "delivered".to_owned()),
        Some(value) => match integer(value) {
            Some(kind) => kind,
            None => return (ReceiptKind::Unknown, "ackType that cannot be read".to_owned()),
        },
    };
    let sub = sub_of(kind, entry);
    let (receipt, said) = match (kind, sub) {
        (0, _) => (ReceiptKind::Delivered, "delivered"),
        (100, Some(11001 | 12000)) => (ReceiptKind::OverQuota, "controlled by the vendor"),
        (100, _) => (ReceiptKind::Discarded, "controlled by the vendor"),
        (101, _) => (ReceiptKind::Discarded, "review failed"),
        (102, Some(20001 | 20002)) => (ReceiptKind::TokenDead, "target does not match"),
        (102, _) => (ReceiptKind::Discarded, "target does not match"),
        (103, _) => (ReceiptKind::Discarded, "replaced by a later message"),
        (104, Some(2183)) => (ReceiptKind::TokenDead, "not displayed"),
        (104, _) => (ReceiptKind::Discarded, "not displayed"),
        _ => (ReceiptKind::Unknown, "ackType nobody has named"),
    };
    (receipt, sub.map_or_else(|| format!("{kind} {said}"), |sub| format!("{kind} {said} {sub}")))
}
