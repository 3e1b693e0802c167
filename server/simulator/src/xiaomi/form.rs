//! Reading `application/x-www-form-urlencoded` without copying the long list of targets.

use std::borrow::Cow;

use bytes::Bytes;

/// The fields of a form, in order of arrival. The target list stays encoded.
pub(super) struct Form {
    fields: Vec<(String, String)>,
    pub(super) targets: Bytes,
}

impl Form {
    pub(super) fn read(body: &Bytes) -> Form {
        let mut form = Form { fields: Vec::with_capacity(16), targets: Bytes::new() };
        for pair in body.split(|b| *b == b'&').filter(|p| !p.is_empty()) {
            let cut = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            let (name, value) = (&pair[..cut], &pair[(cut + 1).min(pair.len())..]);
            if name == b"registration_id" {
                form.targets = body.slice_ref(value);
            } else {
                form.fields.push((decode(name).into_owned(), decode(value).into_owned()));
            }
        }
        form
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A field that is there and not all blank.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|v| !v.trim().is_empty())
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

/// Percent and plus decoding; bytes that are no UTF-8 become U+FFFD.
fn decode(raw: &[u8]) -> Cow<'_, str> {
    if !raw.iter().any(|b| matches!(b, b'%' | b'+')) {
        return String::from_utf8_lossy(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => out.push(b' '),
            b'%' => match after {
                [high, low, beyond @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    out.push(nibble(*high) << 4 | nibble(*low));
                    rest = beyond;
                }
                _ => out.push(b'%'),
            },
            other => out.push(other),
        }
    }
    Cow::Owned(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

fn nibble(digit: u8) -> u8 {
    (digit as char).to_digit(16).unwrap_or(0) as u8
}

/// The targets of a comma list as it came: the comma may be `,` or `%2C`.
pub(super) fn targets(raw: &[u8]) -> Targets<'_> {
    Targets { rest: (!raw.is_empty()).then_some(raw) }
}

pub(super) struct Targets<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Targets<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let raw = self.rest?;
        let mut at = 0;
        while let Some(found) = raw[at..].iter().position(|b| matches!(b, b',' | b'%')) {
            at += found;
            let width = match &raw[at..] {
                [b',', ..] => 1,
                [b'%', b'2', b'C' | b'c', ..] => 3,
                _ => {
                    at += 1;
                    continue;
                }
            };
            self.rest = Some(&raw[at + width..]);
            return Some(decode(&raw[..at]));
        }
        self.rest = None;
        Some(decode(raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_split_at_both_commas_and_decode_the_rest() {
        let read = |raw: &'static str| targets(raw.as_bytes()).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(read("a,b%2Cc%2cd%2Be%3D"), ["a", "b", "c", "d+e="]);
        assert_eq!(read(""), Vec::<String>::new());
        assert_eq!(read("a,"), ["a", ""]);
        assert_eq!(read("%"), ["%"]);
    }

    #[test]
    fn a_form_reads_like_the_standard_decoder() {
        let body = Bytes::from_static("title=%E4%BD%A0%E5%A5%BD+x&description=a%26b%3Dc&registration_id=r%2C1&empty=&bare".as_bytes());
        let form = Form::read(&body);
        let standard: Vec<(String, String)> = serde_urlencoded::from_bytes(&body).unwrap_or_default();
        for (name, value) in standard.iter().filter(|(n, _)| n != "registration_id") {
            assert_eq!(form.get(name), Some(value.as_str()), "{name}");
        }
        assert_eq!(form.targets, "r%2C1");
        assert_eq!(form.filled("empty"), None);
    }
}
