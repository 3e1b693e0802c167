//! JPush's callback (jpush.md, 6). Its body is not public: this reads what sister products of the company post, an object or
//! an array, names taken tolerantly, and nothing counts without our MAC in `params`.

use serde_json::{Map, Value};
use types::Millis;
use types::receipt::ReceiptKind;

use crate::vendors::dialect::{Callback, DialectError, VendorReceipt};
use crate::vendors::hearing::integer;
use crate::vendors::words::stable;

/// Longest string that is said back.
const ECHO_MAX: usize = 128;

/// The random string by which the console tries our address, in the query or in the body.
pub(super) fn echo(callback: &Callback<'_>) -> Option<String> {
    let form = |text: &[u8]| -> Option<String> {
        let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(text).ok()?;
        fields.into_iter().find(|(name, _)| name == "echostr").map(|(_, value)| value)
    };
    let json = || serde_json::from_slice::<Value>(callback.body).ok()?.get("echostr")?.as_str().map(str::to_owned);
    let found = form(callback.query.as_bytes()).or_else(json).or_else(|| form(callback.body))?;
    (!found.is_empty() && found.len() <= ECHO_MAX && found.bytes().all(|b| b.is_ascii_graphic())).then_some(found)
}

pub(super) fn read(callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
    if echo(callback).is_some() {
        return Ok(Vec::new());
    }
    let items = match serde_json::from_slice::<Value>(callback.body) {
        Ok(Value::Array(items)) => items,
        Ok(item @ Value::Object(_)) => vec![item],
        _ => return Err(DialectError::Receipt("the body is neither a JSON object nor an array".to_owned())),
    };
    let some = !items.is_empty();
    let receipts: Vec<VendorReceipt> = items.iter().filter_map(|item| receipt(item.as_object()?)).collect();
    if some && receipts.is_empty() {
        return Err(DialectError::Receipt("no item names a message and a registration id".to_owned()));
    }
    Ok(receipts)
}

fn text(item: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match item.get(*name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn receipt(item: &Map<String, Value>) -> Option<VendorReceipt> {
    let (kind, words) = kind(item);
    let params = item.get("params");
    // Echoed as an object, or as the text of one.
    let parameter = params.and_then(|params| match params {
        Value::String(text) => serde_json::from_str::<Value>(text).ok()?.get("carillon")?.as_str().map(str::to_owned),
        params => params.get("carillon")?.as_str().map(str::to_owned),
    });
    Some(VendorReceipt {
        reference: text(item, &["msgid", "msg_id", "message_id"])?,
        token: text(item, &["registration_id", "registrationid", "regid", "rid", "userid"])?,
        kind,
        at: ["sent_time", "time", "timestamp", "itime"].iter().find_map(|name| millis(item.get(*name)?)),
        parameter: parameter.unwrap_or_default(),
        words,
        replaced_by: None,
    })
}

/// Seconds have ten digits, milliseconds thirteen.
fn millis(value: &Value) -> Option<Millis> {
    let number = integer(value).filter(|number| *number > 0)?;
    Some(if number < 100_000_000_000 { number * 1_000 } else { number })
}

/// The bits of `callback.type`, as a number or by name.
fn kind(item: &Map<String, Value>) -> (ReceiptKind, String) {
    let Some(value) = item.get("type").or_else(|| item.get("event")) else { return (ReceiptKind::Unknown, "no type".to_owned()) };
    let error = item.get("error").filter(|error| !error.is_null());
    let said = error.and_then(|error| error.get("message")).and_then(Value::as_str).unwrap_or("");
    let code = error.and_then(|error| error.get("code")).and_then(integer).map(|code| code.to_string()).unwrap_or_default();
    match integer(value) {
        Some(1) => (ReceiptKind::Delivered, "1 delivered".to_owned()),
        Some(2) => (ReceiptKind::Clicked, "2 clicked".to_owned()),
        Some(4) => (ReceiptKind::Discarded, format!("4 not delivered {}", stable(&code, said)).trim_end().to_owned()),
        Some(8) => (ReceiptKind::Unknown, "8 taken by the phone's vendor".to_owned()),
        Some(other) => (ReceiptKind::Unknown, format!("type {other}")),
        None => match value.as_str().unwrap_or("").to_ascii_lowercase().as_str() {
            "delivered" | "received" => (ReceiptKind::Delivered, "delivered".to_owned()),
            "click" | "clicked" => (ReceiptKind::Clicked, "clicked".to_owned()),
            other => (ReceiptKind::Unknown, stable("type", other)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handshake_is_answered_wherever_it_stands() {
        let asked = |query: &str, body: &str| echo(&Callback { content_type: "", query, signature: "", body: body.as_bytes() });
        assert_eq!(asked("a=1&echostr=Ab12cd34", ""), Some("Ab12cd34".to_owned()));
        assert_eq!(asked("", "echostr=Ab12cd34"), Some("Ab12cd34".to_owned()));
        assert_eq!(asked("", r#"{"echostr":"Ab12cd34"}"#), Some("Ab12cd34".to_owned()));
        assert_eq!(asked("", r#"[{"type":1}]"#), None);
        assert_eq!(asked("echostr=a%20b", ""), None, "no page of a stranger's making");
    }
}
