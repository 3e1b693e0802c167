//! What signatures of several vendors are made of: digests, and comparing without telling where it failed.

use md5::{Digest, Md5};
use ring::{digest, hmac};

/// Lower-case hex, of the parts one after another.
pub(super) fn md5_hex(parts: &[&[u8]]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part);
    }
    hex::encode(md5.finalize())
}

/// Lower-case hex, of the parts one after another.
pub(super) fn sha256_hex(parts: &[&str]) -> String {
    let mut sha256 = digest::Context::new(&digest::SHA256);
    for part in parts {
        sha256.update(part.as_bytes());
    }
    hex::encode(sha256.finish())
}

/// Are they equal? Takes the same time wherever they differ.
pub(super) fn same(a: &str, b: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"carillon compares");
    hmac::verify(&key, a.as_bytes(), hmac::sign(&key, b.as_bytes()).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_books() {
        assert_eq!(md5_hex(&[b"ab", b"c"]), "900150983cd24fb0d6963f7d28e17f72", "RFC 1321, A.5");
        assert_eq!(sha256_hex(&["a", "bc"]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "FIPS 180-2, B.1");
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("abc", "ab"));
    }
}
