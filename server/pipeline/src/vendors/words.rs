//! The vendor's words made stable and short, so that equal failures count as one.

const LONGEST: usize = 64;

/// `code` and what the vendor said, without what varies from answer to answer: counts, ids, control characters.
pub(super) fn stable(code: &str, said: &str) -> String {
    let mut out = String::with_capacity(code.len() + 1 + said.len().min(LONGEST));
    out.push_str(code);
    let mut left = LONGEST;
    for word in said.split(|c: char| c.is_whitespace() || c.is_control()) {
        // A Latin word with a digit or of great length is a count, an id or a token.
        if word.is_ascii() && (word.len() > 24 || word.bytes().any(|b| b.is_ascii_digit())) {
            continue;
        }
        let kept: String = word.chars().filter(|c| !c.is_ascii_digit() && !c.is_control()).take(left.saturating_sub(1)).collect();
        if kept.is_empty() {
            continue;
        }
        left = left.saturating_sub(kept.chars().count() + 1);
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&kept);
        if left <= 1 {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::stable;

    #[test]
    fn counts_ids_and_length_are_left_out() {
        assert_eq!(stable("200001", "app daily quota exceeded, quota 10000, acked 9999"), "200001 app daily quota exceeded, quota acked");
        assert_eq!(stable("", "a\u{0}b\n\tc"), "a b c");
        assert_eq!(stable("20301", "配额10000已用完"), "20301 配额已用完");
        assert_eq!(stable("1", "sdm52b99753430400456cDxxxxxxxxxxxx failed"), "1 failed");
        assert!(stable("1", &"词".repeat(500)).chars().count() <= 66);
    }
}
