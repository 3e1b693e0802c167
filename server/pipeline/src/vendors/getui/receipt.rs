//! Getui's callback: one JSON object per line, each with a signature of its own (getui.md, 6).

use serde_json::{Map, Value};
use types::receipt::ReceiptKind;

use crate::vendors::dialect::{Callback, Credential, DialectError, Proven, VendorReceipt};
use crate::vendors::hearing::integer;
use crate::vendors::proof::{md5_hex, same};

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

fn object(line: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(line).ok()
}

/// Texts and numbers as they are written.
fn text(line: &Map<String, Value>, key: &str) -> String {
    match line.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The lines whose `sign` is the md5 of `appid + cid + taskid + msgid + mastersecret`.
pub(super) fn proven(body: &[u8], credential: &Credential) -> Proven {
    let secret = credential.get("master_secret").trim();
    let app_id = credential.get("app_id").trim();
    let mut out = Proven { body: Vec::with_capacity(body.len()), refused: 0 };
    for line in lines(body) {
        let holds = object(line).is_some_and(|fields| {
            let [app, cid, task, message, sign] = ["appid", "cid", "taskid", "msgid", "sign"].map(|key| text(&fields, key));
            let expected = md5_hex(&[app.as_bytes(), cid.as_bytes(), task.as_bytes(), message.as_bytes(), secret.as_bytes()]);
            app == app_id && !secret.is_empty() && same(&sign.to_ascii_lowercase(), &expected)
        });
        if holds {
            out.body.extend_from_slice(line);
            out.body.push(b'\n');
        } else {
            out.refused += 1;
        }
    }
    out
}

pub(super) fn read(callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
    let mut receipts = Vec::new();
    let mut unread = 0;
    for line in lines(callback.body) {
        match object(line).and_then(|fields| receipt(&fields)) {
            Some(receipt) => receipts.push(receipt),
            None => unread += 1,
        }
    }
    // One odd line must not cost the others.
    if receipts.is_empty() && unread > 0 {
        return Err(DialectError::Receipt("no line is a JSON object with taskid and cid".to_owned()));
    }
    Ok(receipts)
}

fn receipt(fields: &Map<String, Value>) -> Option<VendorReceipt> {
    let (reference, token) = (text(fields, "taskid"), text(fields, "cid"));
    let (kind, words) = kind(fields.get("code").and_then(integer), fields.get("actionId").and_then(integer));
    (!reference.is_empty() && !token.is_empty()).then(|| VendorReceipt {
        reference,
        token,
        kind,
        at: fields.get("recvtime").and_then(integer).filter(|at| *at > 0),
        parameter: String::new(),
        words,
        replaced_by: None,
    })
}

fn kind(code: Option<i64>, action: Option<i64>) -> (ReceiptKind, String) {
    let (kind, words) = match (code, action) {
        (Some(200), Some(action)) => match action {
            0 => (ReceiptKind::Delivered, "arrived"),
            10_000 => (ReceiptKind::Displayed, "shown"),
            10_009 => (ReceiptKind::Displayed, "shown on iOS"),
            10_010 => (ReceiptKind::Clicked, "clicked"),
            10_019 => (ReceiptKind::Clicked, "clicked on iOS"),
            10_030 => (ReceiptKind::Delivered, "transmission arrived"),
            110_000 => (ReceiptKind::Delivered, "arrived by Huawei"),
            120_010 => (ReceiptKind::Clicked, "clicked, by Xiaomi"),
            130_010 => (ReceiptKind::Clicked, "clicked, by Meizu"),
            // "Sent" proves no arrival; of the last two only the vendor's name is documented.
            120_000 => (ReceiptKind::Unknown, "sent by Xiaomi"),
            130_000 => (ReceiptKind::Unknown, "sent by Meizu"),
            140_000 => (ReceiptKind::Unknown, "OPPO"),
            150_000 => (ReceiptKind::Unknown, "vivo"),
            90_000..=90_999 => (ReceiptKind::Unknown, "the app's own action"),
            _ => (ReceiptKind::Unknown, "action"),
        },
        (Some(400), _) => (ReceiptKind::Discarded, "APNs push failed"),
        (Some(401), _) => (ReceiptKind::TokenDead, "user does not exist"),
        // It lives again when the app is opened.
        (Some(402), _) => (ReceiptKind::Discarded, "inactive user"),
        (Some(500), _) => (ReceiptKind::Unknown, "fault"),
        _ => (ReceiptKind::Unknown, "code"),
    };
    let number = if code == Some(200) { action } else { code };
    (kind, number.map_or_else(|| words.to_owned(), |number| format!("{number} {words}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cid: &str, sign: &str) -> String {
        format!(
            r#"{{"appid":"simApp","cid":"{cid}","taskid":"RASS_1","msgid":"m1","code":"200","desc":"ok","actionId":"0","recvtime":1,"sign":"{sign}"}}"#
        )
    }

    #[test]
    fn only_lines_with_their_own_signature_are_left() {
        let credential =
            Credential { fields: [("app_id", "simApp"), ("master_secret", "secret")].map(|(k, v)| (k.to_owned(), v.to_owned())).into() };
        let sign = md5_hex(&[b"simAppc1RASS_1m1secret"]);
        let (good, loud) = (line("c1", &sign), line("c1", &sign.to_uppercase()));
        let body = [&good, "", &line("c2", &sign), "no JSON", "[]", &loud, &line("c1", "")].map(str::to_owned).join("\r\n");
        let proven = proven(body.as_bytes(), &credential);
        assert_eq!((proven.refused, String::from_utf8(proven.body).expect("text")), (4, format!("{good}\n{loud}\n")));
        let nobody = Credential { fields: [("app_id".to_owned(), "simApp".to_owned())].into() };
        let unkeyed = line("c1", &md5_hex(&[b"simAppc1RASS_1m1"]));
        assert_eq!(super::proven(unkeyed.as_bytes(), &nobody).refused, 1, "no secret proves nothing");
    }
}
