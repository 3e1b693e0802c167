//! Pictures as vendors look at them: multipart uploads, kind and size; and pictures to fetch, made on the way
//! (`GET /pictures/876x324.png`; `/pictures/144x144-60.png` weighs 60 KiB).

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// By field: the file's name, if it is a file, and the bytes.
pub(crate) type Parts = BTreeMap<String, (Option<String>, Vec<u8>)>;

/// The fields of a `multipart/form-data` body (RFC 7578), each with its file name, if it is a file.
pub(crate) fn parts(content_type: &str, body: &[u8]) -> Option<Parts> {
    let boundary = content_type.split(';').map(str::trim).find_map(|p| p.strip_prefix("boundary="))?.trim_matches('"');
    let line = format!("--{boundary}").into_bytes();
    let mut found = BTreeMap::new();
    let mut rest = body.strip_prefix(line.as_slice())?;
    loop {
        if rest.starts_with(b"--") {
            return Some(found);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = place(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..head_end]).ok()?;
        let content = &rest[head_end + 4..];
        let end = place(content, &[b"\r\n", line.as_slice()].concat())?;
        let disposition = head.lines().find(|l| l.to_ascii_lowercase().starts_with("content-disposition: form-data"))?;
        let word = |name: &str| {
            let from = disposition.find(&format!(" {name}=\""))? + name.len() + 3;
            Some(disposition[from..].split('"').next()?.to_owned())
        };
        found.insert(word("name")?, (word("filename"), content[..end].to_vec()));
        rest = &content[end + 2 + line.len()..];
    }
}

fn place(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|w| w == wanted)
}

/// Width and height of a PNG or JPEG.
pub(crate) fn size_of(bytes: &[u8]) -> Option<(u32, u32)> {
    let two = |at: usize| bytes.get(at..at + 2).map(|b| u32::from(b[0]) << 8 | u32::from(b[1]));
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16) == Some(b"IHDR") {
        let four = |at: usize| Some(two(at)? << 16 | two(at + 2)?);
        return Some((four(16)?, four(20)?));
    }
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    // Segments have a length; the frame header (SOF) has height and width behind its precision.
    let mut at = 2;
    while *bytes.get(at)? == 0xff {
        let marker = *bytes.get(at + 1)?;
        if (0xc0..=0xc3).contains(&marker) {
            return Some((two(at + 7)?, two(at + 5)?));
        }
        at += 2 + two(at + 2)? as usize;
    }
    None
}

/// The picture at a path, or nothing.
pub(crate) fn at(path: &str) -> Option<Vec<u8>> {
    let name = path.strip_prefix("/pictures/")?.strip_suffix(".png")?;
    let (size, kib) = name.split_once('-').unwrap_or((name, "0"));
    let (width, height) = size.split_once('x')?;
    let (width, height, kib): (u32, u32, usize) = (width.parse().ok()?, height.parse().ok()?, kib.parse().ok()?);
    (width.clamp(1, 4_000) == width && height.clamp(1, 4_000) == height && kib <= 8_192).then(|| png(width, height, kib * 1_024))
}

/// One colour, eight bits of grey; a text chunk brings it to `weight`.
fn png(width: u32, height: u32, weight: usize) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let chunk = |out: &mut Vec<u8>, name: &[u8; 4], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(data);
        out.extend_from_slice(&u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(data);
        out.extend_from_slice(&crc.sum().to_be_bytes());
    };
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes()[..], &[8, 0, 0, 0, 0]].concat();
    chunk(&mut out, b"IHDR", &head);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    let row = [vec![0], vec![0xa0; width as usize]].concat();
    // Writing into memory does not fail.
    for _ in 0..height {
        if packed.write_all(&row).is_err() {
            return Vec::new();
        }
    }
    chunk(&mut out, b"IDAT", &packed.finish().unwrap_or_default());
    let missing = weight.saturating_sub(out.len() + 24);
    if missing > 0 {
        chunk(&mut out, b"tEXt", &[b"w\0".to_vec(), vec![b'x'; missing]].concat());
    }
    chunk(&mut out, b"IEND", &[]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_the_size_and_weight_of_their_name() {
        let small = at("/pictures/144x144.png").expect("a picture");
        assert_eq!(size_of(&small), Some((144, 144)));
        let heavy = at("/pictures/144x144-60.png").expect("a picture");
        assert!(size_of(&heavy) == Some((144, 144)) && heavy.len().abs_diff(60 * 1_024) < 64, "{}", heavy.len());
        assert!(at("/pictures/0x1.png").is_none() && at("/pictures/x.png").is_none() && at("/other").is_none());
    }

    #[test]
    fn multipart_is_read_as_the_rfc_writes_it() {
        let body =
            b"--B\r\nContent-Disposition: form-data; name=\"ttl\"\r\n\r\n60\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; \
            filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\r\n--x\r\n--B--\r\n";
        let found = parts("multipart/form-data; boundary=B", body).expect("parts");
        assert_eq!(found["ttl"], (None, b"60".to_vec()));
        assert_eq!(found["file"], (Some("a.png".into()), b"\r\n--x".to_vec()));
        assert!(parts("multipart/form-data", body).is_none() && parts("multipart/form-data; boundary=C", body).is_none());
    }
}
