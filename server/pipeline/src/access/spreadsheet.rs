//! CSV for people: opens in Excel, and no cell starts a formula. Pure.

use std::borrow::Cow;

/// A field that a spreadsheet would take for a formula gets an apostrophe before it (full-width signs too: Excel in
/// Chinese and Japanese accepts them).
pub fn harmless(field: &str) -> Cow<'_, str> {
    let first = field.trim_start_matches(' ').chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '＝' | '＋' | '－' | '＠') => format!("'{field}").into(),
        _ => field.into(),
    }
}

/// The byte-order mark (Excel needs it for UTF-8) and the header line.
pub fn head(columns: &[&str]) -> Vec<u8> {
    let mut out = "\u{feff}".as_bytes().to_vec();
    line(&mut out, columns);
    out
}

/// One line of RFC 4180: CRLF at its end, quotes where needed.
pub fn line(out: &mut Vec<u8>, fields: &[&str]) {
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let field = harmless(field);
        if field.contains(['"', ',', '\r', '\n']) {
            out.push(b'"');
            out.extend_from_slice(field.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(field.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}
