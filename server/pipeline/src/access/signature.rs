//! Signing v1: what is signed, whether it holds, and which line differs when it does not. Pure.
//!
//! The string to sign has seven lines joined by `\n`, none at the end:
//!
//! ```text
//! v1
//! METHOD                     upper case
//! path                       as on the wire, percent signs and all
//! canonical query            pairs decoded (`+` is a space), encoded again by RFC 3986, sorted by name, then value
//! timestamp                  seconds, as in X-Timestamp
//! nonce                      as in X-Nonce
//! hex(sha256(body))          lower case, over the bytes as sent
//! ```
//!
//! `X-Signature: v1=` and the lower-case hex of HMAC-SHA256 of that string under the appSecret. Test vectors for every
//! language: `docs/signing-vectors.json`.

use ring::{digest, hmac};
use types::text::Text;

/// A timestamp may be this far from our clock, seconds.
pub const WINDOW_S: i64 = 300;
/// A nonce is remembered this long after the second its call names, milliseconds: until that second is out of the window.
pub const NONCE_KEPT_MS: i64 = (WINDOW_S + 1) * 1_000;
pub const NONCE_MIN: usize = 16;
pub const NONCE_MAX: usize = 64;

/// The parts of a call that are signed.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    /// Raw, without `?`; empty when there is none.
    pub query: &'a str,
    pub timestamp: &'a str,
    pub nonce: &'a str,
    pub body_sha256: [u8; 32],
}

/// A line of the string to sign, or the secret that it was signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Method,
    Path,
    Query,
    Timestamp,
    Nonce,
    Body,
    /// The string is right to the last letter but for how the signature is written.
    Writing,
    /// No usual mistake explains it: most likely another secret.
    Unexplained,
}

impl Line {
    /// What to do about it.
    pub const fn advice(self) -> Text {
        match self {
            Line::Method => Text::new("第 2 行 METHOD 不同：请用大写的请求方法", "line 2 METHOD differs: sign the method in upper case"),
            Line::Path => Text::new(
                "第 3 行 path 不同：请签线上的原始路径，不含域名、查询串，不解码，不改末尾斜杠",
                "line 3 path differs: sign the path as on the wire, without host or query, not decoded, trailing slash untouched",
            ),
            Line::Query => Text::new(
                "第 4 行 canonical query 不同：先解码每一对（+ 是空格），按 RFC 3986 重新编码，按名再按值排序",
                "line 4 canonical query differs: decode every pair (+ is a space), encode by RFC 3986, sort by name, then value",
            ),
            Line::Timestamp => Text::new(
                "第 5 行 timestamp 不同：请签与 X-Timestamp 完全相同的秒数",
                "line 5 timestamp differs: sign exactly the seconds sent as X-Timestamp",
            ),
            Line::Nonce => Text::new(
                "第 6 行 nonce 不同：请签与 X-Nonce 完全相同的文本",
                "line 6 nonce differs: sign exactly the text sent as X-Nonce",
            ),
            Line::Body => Text::new(
                "第 7 行正文哈希不同：对实际发送的字节取 SHA-256，小写十六进制；空正文也要取哈希",
                "line 7 body hash differs: SHA-256 of the bytes as sent, lower-case hex; an empty body is hashed too",
            ),
            Line::Writing => Text::new(
                "待签字符串正确，签名写法不对：v1= 加小写十六进制",
                "the string to sign is right, the signature is written wrongly: v1= and lower-case hex",
            ),
            Line::Unexplained => Text::new(
                "常见错误都对不上：请核对 appSecret（可能已轮换），再逐行对照下面的字符串",
                "no usual mistake explains it: check the appSecret (rotated?), then compare line by line with the string below",
            ),
        }
    }
}

/// A server secret ready to be used.
#[derive(Clone)]
pub struct Key(hmac::Key);

impl Key {
    pub fn new(secret: &str) -> Key {
        Key(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// `v1=` and 64 hex digits.
    pub fn sign(&self, text: &str) -> String {
        format!("v1={}", hex::encode(hmac::sign(&self.0, text.as_bytes())))
    }

    fn made(&self, text: &str, tag: &[u8]) -> bool {
        hmac::verify(&self.0, text.as_bytes(), tag).is_ok()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

pub fn sha256(body: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, body).as_ref());
    out
}

impl Parts<'_> {
    /// The string to sign. Holds no secret: it may be shown to the caller.
    pub fn to_sign(&self) -> String {
        self.lines(&canonical_query(self.query), &hex::encode(self.body_sha256))
    }

    fn lines(&self, query: &str, body: &str) -> String {
        let Parts { method, path, timestamp, nonce, .. } = self;
        format!("v1\n{method}\n{path}\n{query}\n{timestamp}\n{nonce}\n{body}")
    }
}

/// Which of the live keys made the signature; constant time in the signature.
///
/// # Errors
/// The line that differs, as far as usual mistakes explain it.
pub fn verify(keys: &[Key], parts: &Parts<'_>, signature: &str) -> Result<usize, Line> {
    let text = parts.to_sign();
    let Some(tag) = signature.strip_prefix("v1=").filter(|hex| hex.len() == 64 && !hex.bytes().any(|b| b.is_ascii_uppercase())) else {
        return Err(badly_written(keys, &text, signature));
    };
    let Ok(tag) = hex::decode(tag) else { return Err(Line::Writing) };
    match keys.iter().position(|key| key.made(&text, &tag)) {
        Some(which) => Ok(which),
        None => Err(explain(keys, parts, &tag)),
    }
}

/// Upper-case hex, base64, no `v1=`: named only when the signature itself is right.
fn badly_written(keys: &[Key], text: &str, signature: &str) -> Line {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let bare = signature.trim().trim_start_matches("v1=");
    let readings = [hex::decode(bare).ok(), STANDARD.decode(bare).ok(), URL_SAFE_NO_PAD.decode(bare).ok()];
    let right = readings.into_iter().flatten().any(|tag| keys.iter().any(|key| key.made(text, &tag)));
    if right { Line::Writing } else { Line::Unexplained }
}

/// Tries the usual mistakes. Only who has the secret can hit one, so nothing is told to strangers.
fn explain(keys: &[Key], parts: &Parts<'_>, tag: &[u8]) -> Line {
    let query = canonical_query(parts.query);
    let body = hex::encode(parts.body_sha256);
    let empty = hex::encode(sha256(b""));
    let hit = |text: &str| keys.iter().any(|key| key.made(text, tag));
    let lower = parts.method.to_ascii_lowercase();
    if hit(&Parts { method: &lower, ..*parts }.lines(&query, &body)) {
        return Line::Method;
    }
    let decoded = String::from_utf8(decode(parts.path, false)).unwrap_or_default();
    let with_query = format!("{}?{}", parts.path, parts.query);
    let slash = format!("{}/", parts.path);
    let no_version = parts.path.strip_prefix("/v1").unwrap_or(parts.path);
    let others = [decoded.as_str(), &with_query, &slash, parts.path.trim_end_matches('/'), no_version];
    for path in others.into_iter().filter(|other| *other != parts.path) {
        if hit(&Parts { path, ..*parts }.lines(&query, &body)) || hit(&Parts { path, ..*parts }.lines("", &body)) {
            return Line::Path;
        }
    }
    let plus_kept = canonical(parts.query, false);
    let unsorted = in_order(parts.query);
    for other in [parts.query, "", &plus_kept, &unsorted, &format!("?{}", parts.query)] {
        if hit(&parts.lines(other, &body)) {
            return Line::Query;
        }
    }
    let millis = format!("{}000", parts.timestamp);
    for timestamp in [millis.as_str(), "", parts.timestamp.trim_start_matches('0')] {
        if hit(&Parts { timestamp, ..*parts }.lines(&query, &body)) {
            return Line::Timestamp;
        }
    }
    let (upper, lower) = (parts.nonce.to_ascii_uppercase(), parts.nonce.to_ascii_lowercase());
    for nonce in ["", &upper, &lower] {
        if hit(&Parts { nonce, ..*parts }.lines(&query, &body)) {
            return Line::Nonce;
        }
    }
    for other in [empty.as_str(), "", &body.to_ascii_uppercase(), &hex::encode(sha256(b"{}")), &hex::encode(sha256(b"null"))] {
        if hit(&parts.lines(&query, other)) {
            return Line::Body;
        }
    }
    Line::Unexplained
}

/// The fourth line. A pair without `=` has an empty value; an empty pair is left out.
pub fn canonical_query(query: &str) -> String {
    canonical(query, true)
}

fn canonical(query: &str, plus_is_space: bool) -> String {
    let mut pairs = pairs(query, plus_is_space);
    pairs.sort();
    join(&pairs)
}

fn in_order(query: &str) -> String {
    join(&pairs(query, true))
}

fn pairs(query: &str, plus_is_space: bool) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&decode(name, plus_is_space)), encode(&decode(value, plus_is_space)))
        })
        .collect()
}

fn join(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// A `%` that starts no hex pair stands for itself.
fn decode(text: &str, plus_is_space: bool) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match bytes[i] {
            b'+' if plus_is_space => out.push(b' '),
            b'%' => match (digit(i + 1), digit(i + 2)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    i += 2;
                }
                _ => out.push(b'%'),
            },
            byte => out.push(byte),
        }
        i += 1;
    }
    out
}

/// RFC 3986: letters, digits, `-._~` as they are, everything else `%XX` in upper case.
fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    const SECRET: &str = "as_test_secret_0123456789";
    const PARTS: Parts<'_> = Parts {
        method: "POST",
        path: "/v1/messages",
        query: "b=2&a=1+x",
        timestamp: "1795179600",
        nonce: "0123456789abcdef",
        body_sha256: [0xab; 32],
    };

    #[derive(Serialize, Deserialize)]
    struct Vector {
        name: String,
        secret: String,
        method: String,
        path: String,
        query: String,
        timestamp: String,
        nonce: String,
        body: String,
        string_to_sign: String,
        signature: String,
    }

    fn vectors() -> Vec<Vector> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/signing-vectors.json");
        let text = std::fs::read_to_string(path).expect("docs/signing-vectors.json");
        serde_json::from_str(&text).expect("vectors")
    }

    #[test]
    fn the_published_vectors_hold() {
        let vectors = vectors();
        assert!(vectors.len() >= 12, "{} vectors", vectors.len());
        for v in vectors {
            let parts = Parts {
                method: &v.method,
                path: &v.path,
                query: &v.query,
                timestamp: &v.timestamp,
                nonce: &v.nonce,
                body_sha256: sha256(v.body.as_bytes()),
            };
            assert_eq!(parts.to_sign(), v.string_to_sign, "{}", v.name);
            let key = Key::new(&v.secret);
            assert_eq!(key.sign(&v.string_to_sign), v.signature, "{}", v.name);
            assert_eq!(verify(&[key], &parts, &v.signature), Ok(0), "{}", v.name);
        }
    }

    #[test]
    fn either_of_two_live_keys_is_found() {
        let (old, new) = (Key::new("old"), Key::new(SECRET));
        let signature = new.sign(&PARTS.to_sign());
        assert_eq!(verify(&[old, new], &PARTS, &signature), Ok(1));
    }

    #[test]
    fn usual_mistakes_are_named_by_their_line() {
        let key = Key::new(SECRET);
        let query = canonical_query(PARTS.query);
        let body = hex::encode(PARTS.body_sha256);
        let cases = [
            (Line::Method, Parts { method: "post", ..PARTS }.lines(&query, &body)),
            (Line::Path, Parts { path: "/v1/messages/", ..PARTS }.lines(&query, &body)),
            (Line::Path, Parts { path: "/messages", ..PARTS }.lines(&query, &body)),
            (Line::Path, Parts { path: "/v1/messages?b=2&a=1+x", ..PARTS }.lines("", &body)),
            (Line::Query, PARTS.lines("b=2&a=1+x", &body)),
            (Line::Query, PARTS.lines("a=1%2Bx&b=2", &body)),
            (Line::Query, PARTS.lines("", &body)),
            (Line::Timestamp, Parts { timestamp: "1795179600000", ..PARTS }.lines(&query, &body)),
            (Line::Nonce, Parts { nonce: "0123456789ABCDEF", ..PARTS }.lines(&query, &body)),
            (Line::Body, PARTS.lines(&query, &hex::encode(sha256(b"")))),
            (Line::Body, PARTS.lines(&query, &body.to_ascii_uppercase())),
            (Line::Unexplained, "v1\nsomething else".to_owned()),
        ];
        for (line, signed) in cases {
            assert_eq!(verify(std::slice::from_ref(&key), &PARTS, &key.sign(&signed)), Err(line), "{signed}");
        }
        let good = key.sign(&PARTS.to_sign());
        assert_eq!(verify(std::slice::from_ref(&key), &PARTS, &good.to_ascii_uppercase().replace("V1", "v1")), Err(Line::Writing));
        assert_eq!(verify(std::slice::from_ref(&key), &PARTS, good.trim_start_matches("v1=")), Err(Line::Writing));
        assert_eq!(verify(&[key], &PARTS, &Key::new("another").sign(&PARTS.to_sign())), Err(Line::Unexplained));
    }

    proptest! {
        /// One bit anywhere, in any line or in the signature: refused.
        #[test]
        fn one_changed_bit_is_refused(which in 0usize..7, at in any::<prop::sample::Index>(), bit in 0u8..7) {
            let key = Key::new(SECRET);
            let flip = |text: &str| {
                let mut bytes = text.as_bytes().to_vec();
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
                String::from_utf8(bytes).ok()
            };
            let mut parts = PARTS;
            let mut signature = key.sign(&PARTS.to_sign());
            let texts = [parts.method, parts.path, parts.query, parts.timestamp, parts.nonce, &signature].map(flip);
            let mut changed = true;
            match (which, &texts) {
                (0, [Some(t), ..]) => parts.method = t,
                (1, [_, Some(t), ..]) => parts.path = t,
                (2, [_, _, Some(t), ..]) => {
                    // Two spellings of one query are one query.
                    changed = canonical_query(t) != canonical_query(PARTS.query);
                    parts.query = t;
                }
                (3, [_, _, _, Some(t), ..]) => parts.timestamp = t,
                (4, [.., Some(t), _]) => parts.nonce = t,
                (5, [.., Some(t)]) => signature.clone_from(t),
                _ => parts.body_sha256[at.index(32)] ^= 1 << bit,
            }
            prop_assert_eq!(verify(&[key], &parts, &signature).is_err(), changed);
        }

        #[test]
        fn the_canonical_query_is_its_own_canonical_form(query in "[a-c=&+%0-9A-F~药 ]{0,40}") {
            let once = canonical_query(&query);
            prop_assert_eq!(canonical_query(&once), once);
        }
    }
}
