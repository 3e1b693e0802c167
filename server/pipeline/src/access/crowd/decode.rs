//! From the bytes on disk to valid UTF-8 text: gunzip with a bound, decode, count what was no text.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Decoder, DecoderResult};
use flate2::read::MultiGzDecoder;
use types::crowd::Encoding;
use types::problem::{Code, Problem};

use super::{Limits, from_io, internal, refuse};

const CHUNK: usize = 64 << 10;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZIP: [u8; 4] = *b"PK\x03\x04";
const OLD_OFFICE: [u8; 4] = [0xd0, 0xcf, 0x11, 0xe0];

/// What the first bytes say, whatever the file is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    Plain,
    Gzip,
    Zip,
}

/// # Errors
/// For an empty file and for the workbook format of before 2007.
pub fn container(path: &Path) -> Result<Container, Problem> {
    let mut head = Vec::new();
    File::open(path).map_err(internal)?.take(4).read_to_end(&mut head).map_err(internal)?;
    if head.is_empty() {
        return Err(refuse(Code::InvalidBody, "文件是空的，请选择有内容的文件", "the file is empty; choose one with rows in it"));
    }
    if head == OLD_OFFICE {
        return Err(refuse(
            Code::InvalidBody,
            "这是旧版 Excel（.xls）文件，请另存为 .xlsx 或 CSV 后上传",
            "this is an old Excel file (.xls); save it as .xlsx or CSV and upload that",
        ));
    }
    Ok(if head.starts_with(&GZIP) {
        Container::Gzip
    } else if head == ZIP {
        Container::Zip
    } else {
        Container::Plain
    })
}

/// The bytes of a text file, unpacked. `read` counts bytes taken from disk.
///
/// # Errors
/// When the file cannot be opened. Bounds are refused while reading, as a [`Problem`] inside the I/O error.
pub fn open(path: &Path, container: Container, limits: &Limits, read: Arc<AtomicU64>) -> Result<Box<dyn Read + Send>, Problem> {
    let file = File::open(path).map_err(internal)?;
    let packed = file.metadata().map_err(internal)?.len();
    let counted = BufReader::with_capacity(CHUNK, Counted { inner: file, read });
    Ok(match container {
        Container::Gzip => {
            let ratio = packed.saturating_mul(limits.expansion).max(limits.expansion_free);
            Box::new(Bounded { inner: MultiGzDecoder::new(counted), left: ratio.min(limits.text_bytes) })
        }
        Container::Plain | Container::Zip => Box::new(Bounded { inner: counted, left: limits.text_bytes }),
    })
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Refuses to unpack beyond what was agreed: a bomb stays small.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| io::Error::other(too_much()))?;
        Ok(n)
    }
}

/// The words for a bomb.
pub(super) fn too_much() -> Problem {
    refuse(
        Code::TooLarge,
        "解压后的内容远大于压缩文件（超过 20 倍或总上限），已拒绝；请拆分后直接上传未压缩的文件",
        "unpacked, this is far larger than the file (over 20 times, or over the limit); split it and upload it unpacked",
    )
}

/// Turns bytes of one encoding into chunks of valid UTF-8.
pub struct Text<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    from: usize,
    to: usize,
    ended: bool,
    bad: u64,
}

impl<R: Read> Text<R> {
    pub fn new(inner: R, encoding: Encoding) -> Text<R> {
        let encoding = match encoding {
            Encoding::Utf16Le => encoding_rs::UTF_16LE,
            Encoding::Utf16Be => encoding_rs::UTF_16BE,
            Encoding::Gb18030 => encoding_rs::GB18030,
            Encoding::Utf8 | Encoding::Xlsx => encoding_rs::UTF_8,
        };
        Text { inner, decoder: encoding.new_decoder_with_bom_removal(), raw: vec![0; CHUNK], from: 0, to: 0, ended: false, bad: 0 }
    }

    /// Sequences that were no text and NULs, each now U+FFFD.
    pub fn bad(&self) -> u64 {
        self.bad
    }

    /// Replaces `out` by the next chunk; `false` at the end.
    ///
    /// # Errors
    /// A damaged or overlong source.
    pub fn fill(&mut self, out: &mut Vec<u8>) -> Result<bool, Problem> {
        out.clear();
        while out.is_empty() {
            if self.from == self.to {
                if self.ended {
                    return Ok(false);
                }
                self.from = 0;
                self.to = loop {
                    match self.inner.read(&mut self.raw) {
                        Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                        other => break other.map_err(from_io)?,
                    }
                };
                self.ended = self.to == 0;
            }
            self.decode(out);
        }
        if out.contains(&0) {
            self.bad += out.iter().filter(|b| **b == 0).count() as u64;
            let clean: Vec<u8> = out.split(|b| *b == 0).collect::<Vec<_>>().join("\u{fffd}".as_bytes());
            *out = clean;
        }
        Ok(true)
    }

    fn decode(&mut self, out: &mut Vec<u8>) {
        loop {
            let source = self.raw.get(self.from..self.to).unwrap_or_default();
            let start = out.len();
            // Enough for a whole chunk of any of our encodings; a rest is decoded in the next round.
            out.resize(start + source.len() * 3 + 16, 0);
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(source, out.get_mut(start..).unwrap_or_default(), self.ended);
            out.truncate(start + written);
            self.from += read;
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.bad += 1;
                    out.extend_from_slice("\u{fffd}".as_bytes());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], encoding: Encoding) -> (String, u64) {
        let mut text = Text::new(bytes, encoding);
        let (mut chunk, mut out) = (Vec::new(), Vec::new());
        while text.fill(&mut chunk).unwrap() {
            out.extend_from_slice(&chunk);
        }
        (String::from_utf8(out).unwrap(), text.bad())
    }

    #[test]
    fn every_encoding_becomes_text_and_damage_is_counted() {
        assert_eq!(all(b"\xef\xbb\xbfa,\xe4\xb8\xad", Encoding::Utf8), ("a,中".into(), 0));
        assert_eq!(all(b"\xff\xfea\0-N", Encoding::Utf16Le), ("a中".into(), 0));
        assert_eq!(all(b"\0aN-", Encoding::Utf16Be), ("a中".into(), 0));
        assert_eq!(all(b"\xd6\xd0\x81\x30\x8a\x35", Encoding::Gb18030), ("中ë".into(), 0));
        assert_eq!(all(b"x\xff\xfe\0y", Encoding::Utf8), ("x\u{fffd}\u{fffd}\u{fffd}y".into(), 3));
        assert_eq!(all(b"cut\xe4\xb8", Encoding::Utf8), ("cut\u{fffd}".into(), 1));
    }

    #[test]
    fn a_character_over_a_chunk_edge_stays_whole() {
        let mut bytes = vec![b'a'; CHUNK - 1];
        bytes.extend_from_slice("中中".as_bytes());
        let (text, bad) = all(&bytes, Encoding::Utf8);
        assert_eq!((text.len(), bad), (bytes.len(), 0));
        assert!(text.ends_with("中中"));
    }

    #[test]
    fn a_bomb_is_refused_while_it_is_small() {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.gz");
        let mut packer = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::best());
        for _ in 0..12 {
            packer.write_all(&vec![b'1'; 1 << 20]).unwrap();
        }
        packer.finish().unwrap();
        assert_eq!(container(&path).unwrap(), Container::Gzip);
        let limits = Limits::default();
        let mut source = open(&path, Container::Gzip, &limits, Arc::default()).unwrap();
        let error = io::copy(&mut source, &mut io::sink()).unwrap_err();
        assert_eq!(from_io(error).code, Code::TooLarge);
    }
}
