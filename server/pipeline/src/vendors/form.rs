//! Forms as bodies of requests.

use bytes::Bytes;

use super::picture::Picture;
use super::proof::sha256_hex;

/// `multipart/form-data` of plain fields and one picture (RFC 7578): content type and body. The boundary is made of the bytes, so
/// that equal requests are equal, and stands nowhere among them.
pub(super) fn multipart(fields: &[(&str, &str)], name: &str, picture: &Picture) -> (String, Bytes) {
    let mut boundary = format!("carillon-{}", &sha256_hex(&[&picture.said(), &picture.bytes.len().to_string()])[..24]);
    while picture.bytes.windows(boundary.len()).any(|window| window == boundary.as_bytes()) {
        boundary.push('x');
    }
    let mut body = Vec::with_capacity(picture.bytes.len() + 512);
    for (name, value) in fields {
        body.extend_from_slice(format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes());
    }
    let (ending, kind) = (picture.format.ending(), picture.format.media_type());
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"picture.{ending}\"\r\ncontent-type: {kind}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&picture.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), Bytes::from(body))
}

/// `application/x-www-form-urlencoded`, every value encoded exactly once.
pub(super) struct Form(pub String);

impl Form {
    /// Pairs in their order.
    pub(super) fn of(pairs: &[(&str, &str)]) -> Form {
        let mut form = Form(String::with_capacity(pairs.iter().map(|(name, value)| name.len() + value.len() + 8).sum()));
        for (name, value) in pairs {
            form.field(name, value);
        }
        form
    }

    /// `name` must need no encoding.
    pub(super) fn name(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
    }

    pub(super) fn field(&mut self, name: &str, value: &str) {
        self.name(name);
        self.encode(value);
    }

    pub(super) fn encode(&mut self, value: &str) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'*');
        let mut rest = value;
        while let Some(at) = rest.as_bytes().iter().position(|b| !plain(b)) {
            self.0.push_str(&rest[..at]);
            let odd = rest[at..].chars().next().unwrap_or('?');
            if odd == ' ' {
                self.0.push('+');
            } else {
                let mut buffer = [0; 4];
                for byte in odd.encode_utf8(&mut buffer).bytes() {
                    self.0.push('%');
                    self.0.push(char::from(HEX[usize::from(byte >> 4)]));
                    self.0.push(char::from(HEX[usize::from(byte & 15)]));
                }
            }
            rest = &rest[at + odd.len_utf8()..];
        }
        self.0.push_str(rest);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn forms_are_read_back_by_another_reader(value in "\\PC{0,60}") {
            let mut form = Form(String::new());
            form.field("a", &value);
            let read: Vec<(String, String)> = serde_urlencoded::from_str(&form.0).expect("a form");
            prop_assert_eq!(read, vec![("a".to_owned(), value)]);
        }
    }
}
