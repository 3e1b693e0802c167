//! What can be told of a picture from its first bytes: kind and size. Pure.

use bytes::Bytes;

/// Bytes of the largest picture any vendor takes, and some.
pub const PICTURE_MAX: usize = 2 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Png,
    Jpeg,
}

impl Format {
    pub const fn media_type(self) -> &'static str {
        match self {
            Format::Png => "image/png",
            Format::Jpeg => "image/jpeg",
        }
    }

    pub const fn ending(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Jpeg => "jpg",
        }
    }
}

/// A picture as our server fetched it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    pub bytes: Bytes,
}

impl Picture {
    /// # Errors
    /// What it is not.
    pub fn read(bytes: Bytes) -> Result<Picture, String> {
        let (format, width, height) = png(&bytes)
            .map(|(w, h)| (Format::Png, w, h))
            .or_else(|| jpeg(&bytes).map(|(w, h)| (Format::Jpeg, w, h)))
            .ok_or("the address holds neither a PNG nor a JPEG")?;
        Ok(Picture { format, width, height, bytes })
    }

    /// `1200 x 800 PNG of 34 KiB`
    pub fn said(&self) -> String {
        let kind = if self.format == Format::Png { "PNG" } else { "JPEG" };
        format!("{} x {} {kind} of {} KiB", self.width, self.height, self.bytes.len().div_ceil(1_024))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The header chunk comes first (PNG, 11.2.1).
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    (rest.get(4..8)? == b"IHDR").then_some(())?;
    Some((u32_at(rest, 8)?, u32_at(rest, 12)?)).filter(|(w, h)| *w > 0 && *h > 0)
}

/// Walks the segments up to the frame header (ITU-T T.81, B.2.2).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    (bytes.get(..2)? == b"\xff\xd8").then_some(())?;
    loop {
        (*bytes.get(at)? == 0xff).then_some(())?;
        let marker = *bytes.get(at + 1)?;
        match marker {
            // Fill bytes, and markers that stand alone.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((u16_at(bytes, at + 7)?, u16_at(bytes, at + 5)?)).filter(|(w, h)| *w > 0 && *h > 0);
            }
            _ => at += 2 + u16_at(bytes, at + 2)?.max(2) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kind_and_size_are_read_from_the_header() {
        let png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x03\x6c\x00\x00\x01\x44\x08\x02\x00\x00\x00".as_slice();
        let read = Picture::read(Bytes::from_static(png)).unwrap();
        assert_eq!((read.format, read.width, read.height), (Format::Png, 876, 324));
        // Start, an APP0 of 4 bytes, a fill byte, the frame of 328 x 120.
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc0\x00\x11\x08\x00\x78\x01\x48".as_slice();
        let read = Picture::read(Bytes::from_static(jpeg)).unwrap();
        assert_eq!((read.format, read.width, read.height), (Format::Jpeg, 328, 120));
        for bad in [b"GIF89a".as_slice(), b"", b"\xff\xd8", b"<html>", &png[..20]] {
            assert!(Picture::read(Bytes::copy_from_slice(bad)).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), jpeg in any::<bool>()) {
            if jpeg {
                bytes.splice(0..0, [0xff, 0xd8]);
            }
            let _ = Picture::read(Bytes::from(bytes));
        }
    }
}
