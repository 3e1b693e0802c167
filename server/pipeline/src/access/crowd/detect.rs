//! A look at the first 64 KiB: encoding, delimiter, header, columns, a preview. People may overrule each part.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use types::crowd::{Delimiter, Detected, Encoding, KeyKind, Mapping, Overrule, vendor_named};
use types::problem::{Code, Problem};

use super::decode::{self, Container, Text};
use super::keys::trim;
use super::rows::{self, Reading};
use super::{Limits, from_io, refuse, sheet};

/// Bytes looked at (after unpacking).
pub const SAMPLE: usize = 64 << 10;
/// Rows shown.
pub const PREVIEW: usize = 20;
/// Rows the guesses are made from.
const JUDGED: usize = 200;
/// Characters of a cell in the preview.
const CELL: usize = 120;

/// What was found, and how the file will be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub detected: Detected,
    pub reading: Reading,
}

/// Looks at a file on disk. Blocking.
///
/// # Errors
/// Not a table, damaged, or over a bound: with the remedy in words.
pub fn look(path: &Path, overrule: &Overrule, limits: &Limits) -> Result<Look, Problem> {
    // A look stops by itself; how many rows there may be is the whole reading's question.
    let limits = &Limits { rows: u64::MAX, ..*limits };
    let container = decode::container(path)?;
    if container == Container::Zip {
        return look_at_sheet(path, overrule, limits);
    }
    let mut sample = Vec::with_capacity(SAMPLE + 1);
    let source = decode::open(path, container, limits, Arc::default())?;
    source.take(SAMPLE as u64 + 1).read_to_end(&mut sample).map_err(from_io)?;
    let whole = sample.len() <= SAMPLE;
    sample.truncate(SAMPLE);
    if container == Container::Gzip && sample.starts_with(b"PK\x03\x04") {
        return Err(refuse(
            Code::InvalidBody,
            "gzip 里是工作簿或压缩包；请解压后直接上传",
            "inside the gzip there is a workbook or an archive; unpack it and upload that",
        ));
    }
    let encoding = overrule.encoding.filter(|e| *e != Encoding::Xlsx).unwrap_or_else(|| encoding_of(&sample, whole));
    let (text, bad_bytes) = text_of(&sample, encoding, whole);
    let (mut all, mut odd) = (0u64, 0u64);
    for c in text.chars() {
        all += 1;
        odd += u64::from(c.is_control() && !matches!(c, '\t' | '\r' | '\n'));
    }
    if bad_bytes.saturating_mul(5) > all || odd.saturating_mul(20) > all {
        return Err(refuse(
            Code::InvalidBody,
            "文件内容不是文本；请上传 CSV、TSV、TXT、XLSX 或它们的 gzip",
            "the content is not text; upload CSV, TSV, TXT, XLSX or a gzip of one",
        ));
    }
    let delimiter = overrule.delimiter.unwrap_or_else(|| delimiter_of(&text, whole, limits));
    let sampled = table(&text, delimiter, whole, limits)?;
    let bom = sample.starts_with(b"\xef\xbb\xbf") || sample.starts_with(b"\xff\xfe") || sample.starts_with(b"\xfe\xff");
    let reading = Reading { container, encoding, delimiter, header: overrule.header.unwrap_or_else(|| header_of(&sampled)) };
    Ok(put_together(sampled, reading, bom, bad_bytes))
}

fn look_at_sheet(path: &Path, overrule: &Overrule, limits: &Limits) -> Result<Look, Problem> {
    let mut sampled = Vec::new();
    sheet::visit_sheet(path, false, limits, &mut |row| {
        sampled.push(row.fields().map(str::to_owned).collect());
        Ok(if sampled.len() > JUDGED { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let reading = Reading {
        container: Container::Zip,
        encoding: Encoding::Xlsx,
        delimiter: Delimiter::Nothing,
        header: overrule.header.unwrap_or_else(|| header_of(&sampled)),
    };
    Ok(put_together(sampled, reading, false, 0))
}

fn put_together(mut sampled: Vec<Vec<String>>, reading: Reading, bom: bool, bad_bytes: u64) -> Look {
    let width = sampled.iter().map(Vec::len).max().unwrap_or(0);
    let names = if reading.header && !sampled.is_empty() { sampled.remove(0) } else { Vec::new() };
    let columns = (0..width)
        .map(|i| {
            names.get(i).map(|n| trim(n)).filter(|n| !n.is_empty()).map_or_else(|| (i + 1).to_string(), |n| n.chars().take(CELL).collect())
        })
        .collect();
    sampled.truncate(PREVIEW);
    let preview = sampled.into_iter().map(|row| row.into_iter().map(|cell| cell.chars().take(CELL).collect()).collect()).collect();
    let detected = Detected {
        encoding: reading.encoding,
        bom,
        gzip: reading.container == Container::Gzip,
        delimiter: reading.delimiter.sign(),
        header: reading.header,
        columns,
        preview,
        bad_bytes,
    };
    Look { detected, reading }
}

/// A byte-order mark decides; then zeros in every second place; then what the bytes can be.
fn encoding_of(sample: &[u8], whole: bool) -> Encoding {
    if sample.starts_with(b"\xef\xbb\xbf") {
        return Encoding::Utf8;
    }
    if sample.starts_with(b"\xff\xfe") {
        return Encoding::Utf16Le;
    }
    if sample.starts_with(b"\xfe\xff") {
        return Encoding::Utf16Be;
    }
    let zeros = |start: usize| sample.iter().skip(start).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let pairs = sample.len() / 2;
    if odd * 5 > pairs && even * 10 < odd {
        return Encoding::Utf16Le;
    }
    if even * 5 > pairs && odd * 10 < even {
        return Encoding::Utf16Be;
    }
    let (_, utf8) = text_of(sample, Encoding::Utf8, whole);
    let zeros = (even + odd) as u64;
    if utf8 == zeros {
        return Encoding::Utf8;
    }
    let (_, chinese) = text_of(sample, Encoding::Gb18030, whole);
    if chinese == zeros {
        return Encoding::Gb18030;
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(sample, whole);
    let guess = detector.guess(Some(b"cn"), chardetng::Utf8Detection::Allow);
    // Damaged either way: the one with clearly fewer wounds.
    if (guess == encoding_rs::GBK && chinese < utf8) || chinese * 4 < utf8 { Encoding::Gb18030 } else { Encoding::Utf8 }
}

/// The sample as text; a character cut at its end is not damage unless the file ends there.
fn text_of(sample: &[u8], encoding: Encoding, whole: bool) -> (String, u64) {
    let cut = match encoding {
        Encoding::Utf16Le | Encoding::Utf16Be if !whole => sample.len() & !1,
        _ => sample.len(),
    };
    let mut text = Text::new(sample.get(..cut).unwrap_or_default(), encoding);
    let (mut chunk, mut out) = (Vec::new(), Vec::new());
    while text.fill(&mut chunk).unwrap_or(false) {
        out.extend_from_slice(&chunk);
    }
    let mut bad = text.bad();
    let mut out = String::from_utf8_lossy(&out).into_owned();
    if !whole && out.ends_with('\u{fffd}') {
        out.pop();
        bad = bad.saturating_sub(1);
    }
    (out, bad)
}

/// The first rows. When the sample is only the beginning, its last row may be cut and is left out.
fn table(text: &str, delimiter: Delimiter, whole: bool, limits: &Limits) -> Result<Vec<Vec<String>>, Problem> {
    let mut out: Vec<Vec<String>> = Vec::new();
    let source = Text::new(text.as_bytes(), Encoding::Utf8);
    rows::visit_text(source, delimiter, false, limits, &mut |row| {
        out.push(row.fields().map(str::to_owned).collect());
        Ok(if out.len() > JUDGED { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    if !whole && out.len() <= JUDGED {
        out.pop();
        if out.is_empty() {
            return Err(rows::too_long(1, limits));
        }
    }
    Ok(out)
}

/// The sign that splits most rows into the same number of fields, and into more than one.
fn delimiter_of(text: &str, whole: bool, limits: &Limits) -> Delimiter {
    let mut best = (0, 0, Delimiter::Nothing);
    for delimiter in [Delimiter::Tab, Delimiter::Comma, Delimiter::Semicolon, Delimiter::Pipe] {
        let Ok(rows) = table(text, delimiter, whole, limits) else { continue };
        let mut counts = std::collections::BTreeMap::new();
        for row in &rows {
            *counts.entry(row.len()).or_insert(0usize) += 1;
        }
        let Some((width, alike)) = counts.into_iter().filter(|(width, _)| *width > 1).max_by_key(|(width, n)| (*n, *width)) else {
            continue;
        };
        if alike * 10 >= rows.len() * 6 && (alike, width) > (best.0, best.1) {
            best = (alike, width, delimiter);
        }
    }
    best.2
}

/// Whether the first row names columns: by known words, or because it has no digits where the others have.
fn header_of(sampled: &[Vec<String>]) -> bool {
    let Some((first, rest)) = sampled.split_first() else { return false };
    let digits = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
    if first.iter().any(|cell| kind_of(cell).is_some() || is_vendor_column(cell)) {
        return true;
    }
    if rest.is_empty() || first.iter().any(|cell| digits(cell) || trim(cell).is_empty()) {
        return false;
    }
    (0..first.len()).any(|i| {
        let filled: Vec<&String> = rest.iter().filter_map(|row| row.get(i)).filter(|c| !trim(c).is_empty()).collect();
        !filled.is_empty() && filled.iter().filter(|c| digits(c)).count() * 10 >= filled.len() * 8
    })
}

/// A column's name without case, spaces and strokes.
fn plain(name: &str) -> String {
    trim(name).chars().filter(|c| !matches!(c, ' ' | '_' | '-' | '.')).flat_map(char::to_lowercase).collect()
}

/// What a column of this name holds.
pub fn kind_of(name: &str) -> Option<KeyKind> {
    const USER: [&str; 16] = [
        "userid",
        "uid",
        "user",
        "memberid",
        "accountid",
        "customerid",
        "useruid",
        "用户id",
        "用户编号",
        "用户标识",
        "用户",
        "会员id",
        "会员号",
        "账号",
        "账号id",
        "客户id",
    ];
    const DEVICE: [&str; 5] = ["deviceid", "device", "设备id", "设备号", "设备标识"];
    const TOKEN: [&str; 12] = [
        "token",
        "pushtoken",
        "devicetoken",
        "regid",
        "registrationid",
        "clientid",
        "cid",
        "pushid",
        "令牌",
        "设备令牌",
        "推送令牌",
        "推送标识",
    ];
    let name = plain(name);
    let is = |list: &[&str]| list.contains(&name.as_str());
    if is(&USER) {
        Some(KeyKind::User)
    } else if is(&DEVICE) {
        Some(KeyKind::Device)
    } else if is(&TOKEN) {
        Some(KeyKind::Token)
    } else {
        None
    }
}

pub fn is_vendor_column(name: &str) -> bool {
    ["vendor", "channel", "brand", "platform", "provider", "manufacturer", "厂商", "品牌", "通道", "推送厂商", "平台", "手机品牌"]
        .contains(&plain(name).as_str())
}

/// The mapping to begin with: by column names, then by what the cells look like.
pub fn suggest(detected: &Detected) -> Mapping {
    let named = |kind: KeyKind| detected.columns.iter().position(|c| detected.header && kind_of(c) == Some(kind));
    let cells = |column: usize| detected.preview.iter().filter_map(move |row| row.get(column)).map(|c| trim(c)).filter(|c| !c.is_empty());
    let number = |column: usize| u32::try_from(column).unwrap_or(0);
    let vendor_column = (0..detected.columns.len()).find(|c| {
        let named = detected.header && detected.columns.get(*c).is_some_and(|n| is_vendor_column(n));
        let mut seen = cells(*c).peekable();
        seen.peek().is_some() && (named || seen.all(|cell| vendor_named(cell).is_some()))
    });
    if let (Some(token), Some(vendor)) = (named(KeyKind::Token), vendor_column) {
        return Mapping { key: KeyKind::Token, key_column: number(token), vendor_column: Some(number(vendor)), ..Mapping::default() };
    }
    for kind in [KeyKind::User, KeyKind::Device, KeyKind::Token] {
        if let Some(column) = named(kind) {
            return Mapping { key: kind, key_column: number(column), ..Mapping::default() };
        }
    }
    let devices = |column: &usize| cells(*column).next().is_some() && cells(*column).all(|c| types::ids::DeviceId::parse(c).is_some());
    if let Some(column) = (0..detected.columns.len()).find(devices) {
        return Mapping { key: KeyKind::Device, key_column: number(column), ..Mapping::default() };
    }
    Mapping::default()
}

/// The same for files that look alike: under it a person's mapping is remembered.
pub fn signature(detected: &Detected) -> String {
    let mut words = if detected.header { String::from("named") } else { format!("{} columns", detected.columns.len()) };
    if detected.header {
        for name in &detected.columns {
            words.push('\u{1f}');
            words.push_str(&plain(name));
        }
    }
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(words.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8], overrule: &Overrule) -> Result<Look, Problem> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        look(file.path(), overrule, &Limits::default())
    }

    #[test]
    fn encodings_without_a_mark() {
        let utf16: Vec<u8> = "用户ID\t城市\n1\t北京\n2\t上海\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let look = of(&utf16, &Overrule::default()).unwrap();
        assert_eq!((look.detected.encoding, look.detected.delimiter, look.detected.header), (Encoding::Utf16Le, Some('\t'), true));
        let utf16: Vec<u8> = "1,a\n2,b\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(of(&utf16, &Overrule::default()).unwrap().detected.encoding, Encoding::Utf16Be);
        let (gbk, _, _) = encoding_rs::GBK.encode("编号|姓名\n1|李雷\n2|韩梅梅\n");
        let look = of(&gbk, &Overrule::default()).unwrap();
        assert_eq!((look.detected.encoding, look.detected.delimiter), (Encoding::Gb18030, Some('|')));
        assert_eq!(look.detected.preview, vec![vec!["1", "李雷"], vec!["2", "韩梅梅"]]);
    }

    #[test]
    fn gbk_with_one_damaged_byte_is_still_gbk() {
        let (gbk, _, _) = encoding_rs::GBK.encode("编号,姓名\n1,李雷\n2,韩梅梅\n3,王芳\n");
        let mut bytes = gbk.into_owned();
        bytes.extend_from_slice(b"4,\xff\n");
        let look = of(&bytes, &Overrule::default()).unwrap();
        assert_eq!((look.detected.encoding, look.detected.bad_bytes), (Encoding::Gb18030, 1));
    }

    #[test]
    fn a_character_cut_by_the_sample_is_no_damage() {
        for shift in 0..3 {
            let text = format!("{}{}", "x".repeat(shift), "用户,中\n".repeat(20_000));
            let look = of(text.as_bytes(), &Overrule::default()).unwrap();
            assert_eq!((look.detected.encoding, look.detected.bad_bytes, look.detected.preview.len()), (Encoding::Utf8, 0, PREVIEW));
        }
    }

    #[test]
    fn people_overrule() {
        let overrule = Overrule { encoding: Some(Encoding::Gb18030), delimiter: Some(Delimiter::Nothing), header: Some(true) };
        let look = of("a,b\n1,2\n".as_bytes(), &overrule).unwrap();
        assert_eq!(look.detected.columns, vec!["a,b"]);
        assert_eq!((look.detected.encoding, look.detected.header), (Encoding::Gb18030, true));
    }

    #[test]
    fn what_is_no_table_is_refused_in_words() {
        let code = |bytes: &[u8]| of(bytes, &Overrule::default()).unwrap_err().code;
        assert_eq!(code(b""), Code::InvalidBody);
        assert_eq!(code(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), Code::InvalidBody);
        let noise: Vec<u8> = (0..50_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert_eq!(code(&noise), Code::InvalidBody);
        assert_eq!(code(b"\x1f\x8b\x08\x00broken"), Code::InvalidBody);
        assert_eq!(code(&vec![b'7'; 70_000]), Code::TooLarge);
    }

    #[test]
    fn suggestions() {
        let look = of("渠道,regId\n小米,0o1oh3zMo2enyiqRofzl\n苹果,x\n".as_bytes(), &Overrule::default()).unwrap();
        let mapping = suggest(&look.detected);
        assert_eq!((mapping.key, mapping.key_column, mapping.vendor_column), (KeyKind::Token, 1, Some(0)));
        let look = of("姓名,会员号\n王芳,1\n".as_bytes(), &Overrule::default()).unwrap();
        assert_eq!((suggest(&look.detected).key, suggest(&look.detected).key_column), (KeyKind::User, 1));
    }
}
