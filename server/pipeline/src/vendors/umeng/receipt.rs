//! Umeng's callback (umeng.md, 6). Its form is in no public source: JSON, form or query are read, names taken tolerantly, and
//! nothing counts without the word that we put into the address.

use serde_json::{Map, Value};
use types::Millis;
use types::receipt::ReceiptKind;

use crate::vendors::dialect::{Callback, DialectError, VendorReceipt};
use crate::vendors::hearing::integer;
use crate::vendors::words::stable;

/// Name of our word in the address.
pub(super) const WORD: &str = "w";

fn fields(text: &[u8]) -> Map<String, Value> {
    let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(text).unwrap_or_default();
    fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}

pub(super) fn read(callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
    let query = fields(callback.query.as_bytes());
    let word = query.get(WORD).and_then(Value::as_str).unwrap_or("");
    let body = callback.body.trim_ascii();
    let items = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(items)) => items,
        Ok(item @ Value::Object(_)) => vec![item],
        _ if body.is_empty() => vec![Value::Object(query.clone())],
        _ => vec![Value::Object(fields(body))],
    };
    let mut receipts = Vec::new();
    for item in items.iter().filter_map(Value::as_object) {
        read_item(item, word, &mut receipts);
    }
    if receipts.is_empty() && !items.is_empty() {
        return Err(DialectError::Receipt("nothing names a message and a device token".to_owned()));
    }
    Ok(receipts)
}

fn text<'a>(item: &'a Map<String, Value>, names: &[&str]) -> &'a str {
    names.iter().find_map(|name| item.get(*name)?.as_str().map(str::trim).filter(|text| !text.is_empty())).unwrap_or("")
}

fn read_item(item: &Map<String, Value>, word: &str, receipts: &mut Vec<VendorReceipt>) {
    let reference = text(item, &["msg_id", "msgid", "task_id"]);
    let tokens = text(item, &["device_token", "device_tokens", "token"]);
    if reference.is_empty() {
        return;
    }
    let (kind, words) = kind(item);
    let at = ["time", "timestamp", "event_time", "ts"].iter().find_map(|name| millis(item.get(*name)?));
    for token in tokens.split(',').map(str::trim).filter(|token| !token.is_empty()) {
        receipts.push(VendorReceipt {
            reference: reference.to_owned(),
            token: token.to_owned(),
            kind,
            at,
            parameter: word.to_owned(),
            words: words.clone(),
            replaced_by: None,
        });
    }
}

/// Seconds have ten digits, milliseconds thirteen.
fn millis(value: &Value) -> Option<Millis> {
    let number = integer(value).filter(|number| *number > 0)?;
    Some(if number < 100_000_000_000 { number * 1_000 } else { number })
}

/// The numbers are those of `receipt_type`; 3 asks for several kinds, so as an event it says nothing.
fn kind(item: &Map<String, Value>) -> (ReceiptKind, String) {
    let Some(value) = ["event", "event_type", "receipt_type", "type", "action"].iter().find_map(|name| item.get(*name)) else {
        return (ReceiptKind::Unknown, "no event".to_owned());
    };
    match integer(value) {
        Some(1) => return (ReceiptKind::Delivered, "1 delivered".to_owned()),
        Some(2) => return (ReceiptKind::Clicked, "2 clicked".to_owned()),
        Some(other) => return (ReceiptKind::Unknown, format!("event {other}")),
        None => {}
    }
    let name = value.as_str().unwrap_or("").to_ascii_lowercase();
    let kind = match name.as_str() {
        "delivered" | "delivery" | "arrive" | "arrived" | "received" => ReceiptKind::Delivered,
        "click" | "clicked" | "open" | "opened" => ReceiptKind::Clicked,
        "dismiss" | "dismissed" => ReceiptKind::Cleared,
        _ => ReceiptKind::Unknown,
    };
    (kind, stable("event", &name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_word_comes_from_the_address_and_the_rest_from_wherever_it_stands() {
        let read = |query: &str, body: &str| {
            let receipts = read(&Callback { content_type: "", query, signature: "", body: body.as_bytes() });
            receipts.expect("receipts").into_iter().map(|r| (r.reference, r.token, r.kind, r.at, r.parameter)).collect::<Vec<_>>()
        };
        let expected = vec![("ul1".to_owned(), "tok".to_owned(), ReceiptKind::Clicked, Some(1_790_000_000_000), "m.1".to_owned())];
        assert_eq!(read("w=m.1&msg_id=ul1&device_token=tok&event=click&time=1790000000", ""), expected);
        assert_eq!(read("w=m.1", "msg_id=ul1&device_token=tok&event=2&time=1790000000000"), expected);
        assert_eq!(read("w=m.1", r#"[{"msg_id":"ul1","device_token":"tok","event":"click","time":1790000000}]"#), expected);
    }
}
