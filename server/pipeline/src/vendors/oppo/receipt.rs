//! OPPO's callback: a JSON array (oppo.md, 6).

use serde_json::{Map, Value};
use types::receipt::ReceiptKind;

use super::request::long;
use crate::vendors::dialect::{Callback, DialectError, VendorReceipt};
use crate::vendors::hearing::integer;
use crate::vendors::words::stable;

pub(super) fn read(callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
    let entries: Vec<Value> =
        serde_json::from_slice(callback.body).map_err(|_| DialectError::Receipt("the body is no JSON array".to_owned()))?;
    let mut receipts = Vec::new();
    for entry in entries.iter().filter_map(Value::as_object) {
        read_entry(entry, &mut receipts);
    }
    Ok(receipts)
}

fn read_entry(entry: &Map<String, Value>, receipts: &mut Vec<VendorReceipt>) {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    // A broadcast's task; of a unicast it is the message id.
    let reference = text("taskId").or_else(|| text("messageId")).unwrap_or("");
    let event = text("eventType").unwrap_or("");
    let kind = match event {
        "push_arrive" => ReceiptKind::Delivered,
        "regid_invalid" => ReceiptKind::TokenDead,
        "user_daily_limit" => ReceiptKind::OverQuota,
        // Limits of the app and of the night are known to exist, their names are not.
        _ => ReceiptKind::Unknown,
    };
    let parameter = long(text("param").unwrap_or(""));
    for token in text("registrationIds").unwrap_or("").split(',').map(str::trim).filter(|token| !token.is_empty()) {
        receipts.push(VendorReceipt {
            reference: reference.to_owned(),
            token: token.to_owned(),
            kind,
            at: entry.get("eventTime").and_then(integer).filter(|at| *at > 0),
            parameter: parameter.clone(),
            words: if event.is_empty() { "no eventType".to_owned() } else { stable(event, "") },
            replaced_by: None,
        });
    }
}
