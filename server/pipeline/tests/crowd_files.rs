//! The files people really upload (`data/crowds/README.md`), each with what it must give; and files nobody should upload.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use pipeline::access::crowd::check::{Found, Piece, Progress, run};
use pipeline::access::crowd::detect::{look, suggest};
use pipeline::access::crowd::{Limits, rejects};
use pipeline::storage::crowd_frame::{CrowdRow, Reject, decode_block};
use pipeline::storage::crowds::Targets;
use pipeline::storage::frame::key_of_named;
use proptest::prelude::*;
use types::crowd::{Detected, Encoding, KeyKind, Mapping, Overrule, RejectReason};
use types::problem::{Code, Problem};
use types::text::Lang;
use types::vendor::Vendor;

struct Outcome {
    detected: Detected,
    found: Found,
    rows: Vec<CrowdRow>,
    rejects: Vec<Reject>,
    targets: usize,
}

fn read(path: &Path, mapping: Option<Mapping>, limits: &Limits) -> Result<Outcome, Problem> {
    let seen = look(path, &Overrule::default(), limits)?;
    let mapping = mapping.unwrap_or_else(|| suggest(&seen.detected));
    let folder = tempfile::tempdir().unwrap();
    let (mut rows, mut rejects, mut targets) = (Vec::new(), Vec::new(), 0);
    let found = run(path, seen.reading, &mapping, limits, folder.path(), &Progress::default(), &mut |piece| {
        match piece {
            Piece::Block(block, list) => {
                let decoded = decode_block(&block.bytes).unwrap();
                assert_eq!(block.seq as usize * 1_000, rows.len(), "blocks follow each other without gaps");
                assert_eq!(block.count as usize, decoded.len());
                assert_eq!((block.first_key, block.last_key), (decoded[0].key, decoded[decoded.len() - 1].key));
                rows.extend(decoded);
                targets += match list {
                    Targets::Users(l) | Targets::Devices(l) => l.len(),
                    Targets::Tokens(l) => l.len(),
                };
            }
            Piece::Rejects(list) => rejects.extend(list),
        }
        Ok(())
    })?;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    Ok(Outcome { detected: seen.detected, found, rows, rejects, targets })
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/crowds").join(name)
}

/// What holds for every reading.
fn sound(out: &Outcome) {
    let counts = &out.found.counts;
    assert_eq!(counts.rows, counts.valid + counts.duplicate + counts.malformed);
    assert_eq!(counts.valid as usize, out.rows.len());
    assert_eq!(out.targets, out.rows.len());
    assert_eq!((counts.duplicate + counts.malformed) as usize, out.rejects.len());
    assert!(out.rows.is_sorted_by_key(|r| r.key));
    assert!(out.rejects.is_sorted_by_key(|r| r.row));
    let mut names = HashSet::new();
    for row in &out.rows {
        assert_eq!(row.key, key_of_named(row.kind, row.vendor.map_or("", Vendor::slug), &row.text));
        assert!(names.insert((row.vendor, row.text.clone())), "twice: {}", row.text);
    }
    let mut reasons: BTreeMap<RejectReason, u64> = BTreeMap::new();
    for reject in &out.rejects {
        *reasons.entry(reject.reason).or_default() += 1;
    }
    assert_eq!(reasons, out.found.reasons);
}

fn counts(out: &Outcome) -> (u64, u64, u64) {
    sound(out);
    let c = &out.found.counts;
    (c.valid, c.duplicate, c.malformed)
}

fn as_detected(out: &Outcome) -> (Encoding, Option<char>, bool) {
    (out.detected.encoding, out.detected.delimiter, out.detected.header)
}

#[test]
fn tokens_with_a_byte_order_mark() {
    let out = read(&sample("tokens-utf8-bom.csv"), None, &Limits::default()).unwrap();
    assert_eq!(as_detected(&out), (Encoding::Utf8, Some(','), true));
    assert!(out.detected.bom);
    assert_eq!(out.detected.columns, vec!["user_id", "vendor", "token"]);
    assert_eq!(counts(&out), (1_000, 4, 4));
    let malformed: Vec<(RejectReason, u64)> = out.found.reasons.iter().map(|(r, n)| (*r, *n)).collect();
    assert_eq!(
        malformed,
        vec![
            (RejectReason::EmptyKey, 1),
            (RejectReason::MissingField, 1),
            (RejectReason::UnknownVendor, 1),
            (RejectReason::BadToken, 1),
            (RejectReason::Duplicate, 4)
        ]
    );
    assert!(out.rejects.iter().any(|r| r.row == 51 && r.reason == RejectReason::UnknownVendor), "nokia stands in row 51");
    assert!(out.rows.iter().any(|r| r.vendor == Some(Vendor::Oppo)), "vendors without a lane are kept");
}

#[test]
fn an_excel_export_from_china() {
    let mut mapping = Mapping { key: KeyKind::User, ..Mapping::default() };
    mapping.variables = BTreeMap::from([("姓名".to_owned(), 1), ("备注".to_owned(), 2)]);
    let out = read(&sample("users-gbk.csv"), Some(mapping), &Limits::default()).unwrap();
    assert_eq!(as_detected(&out), (Encoding::Gb18030, Some(','), true));
    assert_eq!(out.detected.columns, vec!["用户ID", "昵称", "备注"]);
    assert_eq!(counts(&out), (2_000, 3, 2));
    assert_eq!(out.found.counts.bad_bytes, 0);
    let reasons = &out.found.reasons;
    assert_eq!((reasons[&RejectReason::EmptyKey], reasons[&RejectReason::BadCharacter]), (1, 1));
    let first = out.rows.iter().find(|r| r.text == "880000000").unwrap();
    assert_eq!(first.variables["备注"], "第一行\n第二行");
    assert!(out.rows.iter().any(|r| r.variables.values().any(|v| v.contains("Zoë"))), "four-byte characters");
}

#[test]
fn a_bare_list() {
    let out = read(&sample("ids.txt"), None, &Limits::default()).unwrap();
    assert_eq!(as_detected(&out), (Encoding::Utf8, None, false));
    assert_eq!(out.detected.columns, vec!["1"]);
    assert_eq!(counts(&out), (480, 0, 0));
    assert!(out.rows.iter().any(|r| r.text == "770000"), "padding is trimmed");
}

#[test]
fn unicode_text_from_excel() {
    let out = read(&sample("unicode-text-utf16.txt"), None, &Limits::default()).unwrap();
    assert_eq!(as_detected(&out), (Encoding::Utf16Le, Some('\t'), true));
    assert_eq!(counts(&out), (300, 0, 0));
}

#[test]
fn semicolons_also_inside_quotes_and_no_last_newline() {
    let out = read(&sample("semicolon.csv"), None, &Limits::default()).unwrap();
    assert_eq!(as_detected(&out), (Encoding::Utf8, Some(';'), true));
    assert_eq!(out.detected.columns, vec!["uid", "city"]);
    assert_eq!(counts(&out), (200, 0, 0));
}

#[test]
fn gzip() {
    let out = read(&sample("big.csv.gz"), None, &Limits::default()).unwrap();
    assert_eq!(as_detected(&out), (Encoding::Utf8, None, true));
    assert!(out.detected.gzip);
    assert_eq!(counts(&out), (50_000, 0, 0));
}

#[test]
fn a_workbook() {
    let out = read(&sample("people.xlsx"), None, &Limits::default()).unwrap();
    assert_eq!(as_detected(&out), (Encoding::Xlsx, None, true));
    assert_eq!(out.detected.columns, vec!["用户ID", "姓名"]);
    assert_eq!(counts(&out), (200, 0, 2));
    assert_eq!(out.found.reasons, BTreeMap::from([(RejectReason::BadCell, 2)]));
    assert!(out.rows.iter().any(|r| r.text == "00000001"), "leading zeros stay");
    assert!(out.rows.iter().any(|r| r.text == "1200000000000031"), "whole numbers as digits");
    assert_eq!(out.rejects.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), vec!["", "3.5"]);
}

#[test]
fn damaged_bytes_are_a_warning_not_an_end() {
    let out = read(&sample("broken-bytes.csv"), None, &Limits::default()).unwrap();
    assert_eq!(as_detected(&out), (Encoding::Utf8, Some(','), true));
    assert_eq!(out.detected.bad_bytes, 3);
    assert_eq!(out.found.counts.bad_bytes, 3);
    assert_eq!(counts(&out), (3, 0, 0));
}

#[test]
fn duplicates_over_many_runs_on_disk_keep_the_first_and_say_which_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twice.csv");
    let mut text = String::from("user_id,name\n");
    for row in 1..=30_000 {
        text.push_str(&format!("u{},n{row}\n", row % 20_000));
    }
    std::fs::write(&path, text).unwrap();
    let limits = Limits { sort_bytes: 64 << 10, ..Limits::default() };
    let mapping = Mapping { variables: BTreeMap::from([("name".to_owned(), 1)]), ..Mapping::default() };
    let out = read(&path, Some(mapping), &limits).unwrap();
    assert_eq!(counts(&out), (20_000, 10_000, 0));
    assert_eq!(out.rejects.first().map(|r| (r.row, r.text.as_str())), Some((20_001, "u1")));
    assert_eq!(out.rejects.last().map(|r| (r.row, r.text.as_str())), Some((30_000, "u10000")));
    for row in &out.rows {
        let number: u32 = row.text[1..].parse().unwrap();
        let first = if number == 0 { 20_000 } else { number };
        assert_eq!(row.variables["name"], format!("n{first}"), "the first occurrence wins");
    }
}

#[test]
fn names_that_look_like_formulas_come_back_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.csv");
    std::fs::write(&path, "user_id\n=1 1\n@小 明\n-2 3\n").unwrap();
    let out = read(&path, None, &Limits::default()).unwrap();
    assert_eq!(counts(&out), (0, 0, 3));
    let file = String::from_utf8(rejects::lines(&out.rejects, Lang::Zh)).unwrap();
    assert!(file.contains(",'=1 1\r\n") && file.contains(",'@小 明\r\n") && file.contains(",'-2 3\r\n"), "{file}");
}

#[test]
fn variables_have_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.csv");
    std::fs::write(&path, format!("user_id,name\n1,ok\n2,{}\n", "长".repeat(2_000))).unwrap();
    let mapping = Mapping { variables: BTreeMap::from([("name".to_owned(), 1)]), ..Mapping::default() };
    let out = read(&path, Some(mapping), &Limits::default()).unwrap();
    assert_eq!(counts(&out), (1, 0, 1));
    assert_eq!(out.rejects[0].reason, RejectReason::TooLong);
}

#[test]
fn a_cancel_ends_the_reading_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample("big.csv.gz");
    let seen = look(&path, &Overrule::default(), &Limits::default()).unwrap();
    let progress = Progress::default();
    progress.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = run(&path, seen.reading, &Mapping::default(), &Limits::default(), folder.path(), &progress, &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.code, Code::WrongState);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A thousand liars: whatever comes, an answer or a refusal, never a panic, and the sums are right.
    #[test]
    fn any_bytes_give_a_sound_answer_or_a_refusal(
        head in prop_oneof![Just(&b""[..]), Just(&b"\xef\xbb\xbf"[..]), Just(&b"\xff\xfe"[..]), Just(&b"PK\x03\x04"[..]), Just(&b"\x1f\x8b\x08"[..]), Just(&b"id,\xd6\xd0\n"[..])],
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..400), "[0-9,;\t\"\n\r a=中]{0,300}".prop_map(String::into_bytes)],
        packed in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upload");
        let mut all = head.to_vec();
        all.extend_from_slice(&bytes);
        if packed {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(&all).unwrap();
            all = packer.finish().unwrap();
        }
        std::fs::write(&path, &all).unwrap();
        if let Ok(out) = read(&path, None, &Limits::default()) {
            sound(&out);
        }
    }
}
