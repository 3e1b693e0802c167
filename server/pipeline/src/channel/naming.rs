//! Names that stay the same over every repeat.

use crate::storage::messages::{Message, Targets};

/// Stable over every repeat of the same showing, also over a resend: 20 of `[0-9a-z]` from the first message's id.
pub fn show_key(message: &Message) -> String {
    show_key_of(message.showing().as_str())
}

/// That by which vendors drop a repeat of the same request: as the showing, but for a recall, which speaks of the showing once more.
pub fn once_key(message: &Message) -> String {
    if matches!(message.targets, Targets::Recall { .. }) { show_key_of(message.id.as_str()) } else { show_key(message) }
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
