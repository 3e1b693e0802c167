//! One row's key: trimmed, of the right form, or the reason why not. Pure.

use types::crowd::{KeyKind, Mapping, RejectReason, vendor_named};
use types::ids::DeviceId;
use types::vendor::Vendor;

use super::rows::Row;

/// Characters of a user id, at most.
pub const USER_ID_MAX: usize = 128;

/// A recipient as a row names it. Text borrowed from the row where possible.
#[derive(Debug, PartialEq, Eq)]
pub struct Key<'a> {
    pub vendor: Option<Vendor>,
    pub text: std::borrow::Cow<'a, str>,
}

/// # Errors
/// Why the row is malformed.
pub fn key<'a>(row: &'a Row<'_>, mapping: &Mapping) -> Result<Key<'a>, RejectReason> {
    let column = mapping.key_column as usize;
    let raw = row.text(column).ok_or(RejectReason::MissingField)?;
    let vendor = match (mapping.key == KeyKind::Token, mapping.vendor_column) {
        (false, _) => None,
        (true, Some(column)) => {
            let named = row.text(column as usize).ok_or(RejectReason::MissingField)?;
            Some(vendor_named(trim(named)).ok_or(RejectReason::UnknownVendor)?)
        }
        (true, None) => Some(mapping.vendor.ok_or(RejectReason::UnknownVendor)?),
    };
    if row.bad(column) {
        return Err(RejectReason::BadCell);
    }
    let text = trim(raw);
    if text.is_empty() {
        return Err(RejectReason::EmptyKey);
    }
    match mapping.key {
        KeyKind::User => user(text)?,
        KeyKind::Device => device(text)?,
        KeyKind::Token => {}
    }
    let text = match vendor {
        Some(vendor) => token(vendor, text)?,
        None => text.into(),
    };
    Ok(Key { vendor, text })
}

/// White space and the invisible marks that tables like to add around a cell.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || invisible(c))
}

fn invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

fn user(text: &str) -> Result<(), RejectReason> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || invisible(c) || c == '\u{fffd}') {
        return Err(RejectReason::BadCharacter);
    }
    if text.chars().count() > USER_ID_MAX { Err(RejectReason::TooLong) } else { Ok(()) }
}

fn device(text: &str) -> Result<(), RejectReason> {
    match DeviceId::parse(text) {
        Some(_) => Ok(()),
        None if text.chars().count() > USER_ID_MAX => Err(RejectReason::TooLong),
        None => Err(RejectReason::BadCharacter),
    }
}

/// APNs tokens are hex and the same in either case: kept in lower case. Others are opaque, printable, one word.
fn token(vendor: Vendor, text: &str) -> Result<std::borrow::Cow<'_, str>, RejectReason> {
    let len = text.len();
    let good = match vendor {
        Vendor::Apns => (64..=200).contains(&len) && len.is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit()),
        Vendor::Xiaomi => (10..=256).contains(&len) && opaque(text),
        _ => (10..=512).contains(&len) && opaque(text),
    };
    match (good, vendor) {
        (false, _) => Err(RejectReason::BadToken),
        (true, Vendor::Apns) if text.bytes().any(|b| b.is_ascii_uppercase()) => Ok(text.to_ascii_lowercase().into()),
        (true, _) => Ok(text.into()),
    }
}

fn opaque(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic() && b != b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: KeyKind, vendor: Option<Vendor>, text: &str) -> Result<String, RejectReason> {
        let mapping = Mapping { key: kind, vendor, ..Mapping::default() };
        let ends = [text.len()];
        let row = Row::of(1, text, &ends, &[], false);
        key(&row, &mapping).map(|k| k.text.into_owned())
    }

    #[test]
    fn user_ids() {
        let user = |text: &str| read(KeyKind::User, None, text);
        assert_eq!(user(" \u{feff}007\u{a0}\t"), Ok("007".into()));
        assert_eq!(user("  "), Err(RejectReason::EmptyKey));
        assert_eq!(user("a b"), Err(RejectReason::BadCharacter));
        assert_eq!(user("a\u{200b}b"), Err(RejectReason::BadCharacter));
        assert_eq!(user("a\u{7}b"), Err(RejectReason::BadCharacter));
        assert_eq!(user("a\u{fffd}b"), Err(RejectReason::BadCharacter));
        assert_eq!(user(&"中".repeat(128)), Ok("中".repeat(128)));
        assert_eq!(user(&"中".repeat(129)), Err(RejectReason::TooLong));
    }

    #[test]
    fn device_ids_and_tokens() {
        let id = DeviceId::from_bytes([7; 16]);
        assert_eq!(read(KeyKind::Device, None, id.as_str()), Ok(id.as_str().into()));
        assert_eq!(read(KeyKind::Device, None, "dev_7"), Err(RejectReason::BadCharacter));
        let apns = |text: &str| read(KeyKind::Token, Some(Vendor::Apns), text);
        assert_eq!(apns(&"AB".repeat(32)), Ok("ab".repeat(32)));
        assert_eq!(apns(&"ab".repeat(31)), Err(RejectReason::BadToken));
        assert_eq!(apns(&"a".repeat(65)), Err(RejectReason::BadToken));
        assert_eq!(apns(&"xy".repeat(32)), Err(RejectReason::BadToken));
        let xiaomi = |text: &str| read(KeyKind::Token, Some(Vendor::Xiaomi), text);
        assert_eq!(xiaomi("0o1oh3zMo2enyiqRofzlgf+/="), Ok("0o1oh3zMo2enyiqRofzlgf+/=".into()));
        assert_eq!(xiaomi("short"), Err(RejectReason::BadToken));
        assert_eq!(xiaomi("0o1oh3zMo2,enyiqR"), Err(RejectReason::BadToken));
        assert_eq!(xiaomi(&"a".repeat(257)), Err(RejectReason::BadToken));
        assert_eq!(read(KeyKind::Token, None, "0123456789"), Err(RejectReason::UnknownVendor));
    }
}
