//! Names that stay the same over every repeat.

use crate::storage::messages::{Message, Targets};

/// Stable over every repeat of the same showing, also over a resend: 20 of `[0-9a-z]` from the first message's id.
pub fn show_key(message: &Message) -> String {
    let root = match &message.targets {
        Targets::Again { message: earlier, .. } | Targets::Onward { message: earlier, .. } => earlier,
        _ => &message.id,
    };
    show_key_of(root.as_str())
}

/// The key of the message that was the first.
pub fn show_key_of(root: &str) -> String {
    let mut value = xxhash_rust::xxh3::xxh3_128(root.as_bytes());
    (0..20)
        .map(|_| {
            let digit = (value % 36) as u32;
            value /= 36;
            char::from_digit(digit, 36).unwrap_or('0')
        })
        .collect()
}

/// Trace id of one recipient: a UUID (version 8) from chunk and place, the same on every repeat.
pub fn trace_id(chunk_no: i64, index: usize) -> String {
    let hash = xxhash_rust::xxh3::xxh3_128(&[chunk_no.to_be_bytes(), (index as u64).to_be_bytes()].concat());
    uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid().hyphenated().to_string()
}
