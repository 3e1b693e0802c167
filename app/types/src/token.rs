//! Vendor tokens in one spelling, so that the same phone is the same phone at every door.

use std::borrow::Cow;

use crate::vendor::Vendor;

/// APNs tokens are hex and the same in either case: lower case everywhere in the house. The others are opaque.
pub fn one_spelling(vendor: Vendor, token: &str) -> Cow<'_, str> {
    match vendor {
        Vendor::Apns if token.bytes().any(|b| b.is_ascii_uppercase()) => token.to_ascii_lowercase().into(),
        _ => token.into(),
    }
}

/// First and last characters of a token; short ones are hidden whole.
pub fn masked(token: &str) -> String {
    let chars: Vec<char> = token.chars().collect();
    if chars.len() < 16 {
        return "…".repeat(usize::from(!chars.is_empty()));
    }
    let (head, tail): (String, String) = (chars[..4].iter().collect(), chars[chars.len() - 4..].iter().collect());
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hex_may_change_its_case() {
        assert_eq!(one_spelling(Vendor::Apns, "AB09ef"), "ab09ef");
        assert_eq!(one_spelling(Vendor::Xiaomi, "AbC/="), "AbC/=");
        assert!(matches!(one_spelling(Vendor::Apns, "ab"), Cow::Borrowed(_)));
    }

    #[test]
    fn tokens_are_masked() {
        assert_eq!(masked(""), "");
        assert_eq!(masked("short"), "…");
        assert_eq!(masked("0123456789abcdef"), "0123…cdef");
    }
}
