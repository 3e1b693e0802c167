//! Receipts of Huawei, versions V1 and V2, HMS and Harmony alike (huawei.md, 6).

use serde_json::{Map, Value};
use types::receipt::ReceiptKind::{self, Delivered, Discarded, OverQuota, SwitchOff, TokenDead, Unknown};

use crate::vendors::dialect::{Callback, DialectError, VendorReceipt};
use crate::vendors::hearing::{integer, millis};

pub(in crate::vendors) fn read(callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
    let unreadable = |what: &str| DialectError::Receipt(what.to_owned());
    let body: Map<String, Value> = serde_json::from_slice(callback.body).map_err(|_| unreadable("the body is no JSON object"))?;
    let statuses = body.get("statuses").and_then(Value::as_array).ok_or_else(|| unreadable("the list `statuses` is missing"))?;
    Ok(statuses.iter().filter_map(Value::as_object).filter_map(one).collect())
}

/// V1 has `status` and `timestamp` in the entry, V2 `result` and `timestamp` in `deliveryStatus` (widgets: `formStatus`).
fn one(entry: &Map<String, Value>) -> Option<VendorReceipt> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let inner = ["deliveryStatus", "formStatus"].iter().find_map(|key| entry.get(*key).and_then(Value::as_object));
    let (code, at) = match inner {
        Some(inner) => (inner.get("result"), inner.get("timestamp")),
        None => (entry.get("status"), entry.get("timestamp")),
    };
    let token = text("token");
    if token.is_empty() {
        return None;
    }
    let (kind, words) = match code.and_then(integer) {
        Some(code) => {
            let (kind, words) = kind_of(code);
            (kind, format!("{code} {words}"))
        }
        None => (Unknown, "without a status".to_owned()),
    };
    Some(VendorReceipt {
        reference: text("requestId"),
        token,
        kind,
        at: at.and_then(integer).filter(|at| *at > 0).map(millis),
        parameter: text("biTag"),
        words,
        replaced_by: None,
    })
}

/// The table of huawei.md, 6. Codes outside it are unknown, with the number kept.
fn kind_of(code: i64) -> (ReceiptKind, &'static str) {
    match code {
        0 => (Delivered, "delivered"),
        2 => (TokenDead, "app uninstalled"),
        5 => (TokenDead, "token of another app on the device"),
        6 => (SwitchOff, "notifications switched off"),
        10 => (Discarded, "device inactive for days"),
        14 => (Discarded, "network fault on the device"),
        15 => (Discarded, "superseded while offline"),
        22 => (Discarded, "token of another user of the device"),
        // The push is still under way.
        27 => (Unknown, "pending: app not running"),
        51 => (Unknown, "pending: device not unlocked"),
        31 => (Discarded, "click target does not exist"),
        102 => (OverQuota, "frequency control of the device"),
        144 => (Discarded, "profile unknown"),
        151 | 155 | 156 | 158 | 261 | 262 | 265 | 268 | 269 => (Discarded, "widget or live view problem"),
        188 => (Discarded, "app launch failed"),
        191 => (Discarded, "badge update failed"),
        201 => (OverQuota, "controlled by Huawei"),
        256 => (OverQuota, "frequency limit of the category"),
        259 => (Discarded, "forbidden content or unsafe address"),
        264 => (Discarded, "not subscribed"),
        _ => (Unknown, "not in the manual"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table of huawei.md, 6.
    #[test]
    fn the_table_of_statuses() {
        let codes = [
            0, 2, 5, 6, 10, 14, 15, 22, 27, 31, 51, 102, 144, 151, 155, 156, 158, 188, 191, 201, 256, 259, 261, 262, 264, 265, 268, 269,
            999,
        ];
        let table: Vec<String> =
            codes.iter().map(|code| (code, kind_of(*code))).map(|(code, (k, w))| format!("{code:>3} {} · {w}", k.slug())).collect();
        insta::assert_snapshot!(table.join("\n"));
    }
}
