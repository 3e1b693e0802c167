//! The word we give a vendor to say back: proves that a callback speaks of a message we sent for this app.
//! For vendors that sign nothing (xiaomi.md, 6).

use ring::hmac;
use types::ids::MessageId;

/// Hex digits of the MAC that are kept: 64 bits, and the path segment is secret besides.
const DIGITS: usize = 16;

/// `msg_….<16 hex>`: 53 bytes, within Xiaomi's 64.
pub fn parameter(callback_secret: &str, message: &str) -> String {
    let tag = hmac::sign(&key(callback_secret), message.as_bytes());
    let mut out = format!("{message}.{}", hex::encode(tag.as_ref()));
    out.truncate(message.len() + 1 + DIGITS);
    out
}

/// The message a parameter speaks of, when its MAC is ours. Constant time.
pub fn verify(callback_secret: &str, parameter: &str) -> Option<MessageId> {
    let (message, mac) = parameter.split_once('.')?;
    let id = MessageId::parse(message)?;
    let expected = self::parameter(callback_secret, message);
    let (_, expected) = expected.split_once('.')?;
    // Comparing two MACs of the texts under a one-time key takes the same time wherever they differ.
    let tag = hmac::sign(&key(callback_secret), expected.as_bytes());
    hmac::verify(&key(callback_secret), mac.as_bytes(), tag.as_ref()).ok().map(|()| id)
}

fn key(callback_secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, callback_secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_word_is_believed() {
        let id = MessageId::from_bytes([7; 16]);
        let word = parameter("secret", id.as_str());
        assert!(word.len() <= 64, "{}", word.len());
        assert_eq!(verify("secret", &word), Some(id));
        assert_eq!(verify("other", &word), None);
        assert_eq!(verify("secret", &word.replace('7', "8")), None);
        assert_eq!(verify("secret", &word[..word.len() - 1]), None);
        assert_eq!(verify("secret", "msg_1.x"), None);
    }
}
