//! Receipts (honor.md, 6): one source only, the list of statuses is not published.

use serde_json::{Map, Value};
use types::receipt::ReceiptKind::{self, Delivered, Discarded, OverQuota, SwitchOff, Unknown};

use crate::vendors::dialect::{Callback, DialectError, VendorReceipt};
use crate::vendors::hearing::{integer, millis};

pub(super) fn read(callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
    let unreadable = |what: &str| DialectError::Receipt(what.to_owned());
    let body: Map<String, Value> = serde_json::from_slice(callback.body).map_err(|_| unreadable("the body is no JSON object"))?;
    let statuses = body.get("statuses").and_then(Value::as_array).ok_or_else(|| unreadable("the list `statuses` is missing"))?;
    Ok(statuses.iter().filter_map(Value::as_object).filter_map(one).collect())
}

fn one(entry: &Map<String, Value>) -> Option<VendorReceipt> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let token = text("token");
    if token.is_empty() {
        return None;
    }
    let (kind, words) = match entry.get("status").and_then(integer) {
        Some(status) => {
            let (kind, words) = kind_of(status);
            (kind, format!("{status} {words}"))
        }
        None => (Unknown, "without a status".to_owned()),
    };
    Some(VendorReceipt {
        reference: text("requestId"),
        token,
        kind,
        at: entry.get("timestamp").and_then(integer).filter(|at| *at > 0).map(millis),
        parameter: text("biTag"),
        words,
        replaced_by: None,
    })
}

/// One platform takes 40000002 as delivered; the others are Huawei's numbers, which may or may not come. No token is
/// retired by a list nobody has confirmed: 2 and 5 are told as discarded.
fn kind_of(status: i64) -> (ReceiptKind, &'static str) {
    match status {
        40_000_002 => (Delivered, "delivered"),
        0 => (Delivered, "delivered (as with Huawei)"),
        2 => (Discarded, "app uninstalled (as with Huawei, unconfirmed)"),
        5 => (Discarded, "token of another app (as with Huawei, unconfirmed)"),
        6 => (SwitchOff, "notifications switched off (as with Huawei)"),
        10 => (Discarded, "device inactive (as with Huawei)"),
        102 | 201 | 256 => (OverQuota, "frequency limit (as with Huawei)"),
        _ => (Unknown, "not in the manual"),
    }
}
