//! One reading of a whole file: rows -> keys -> order -> blocks and rejects. Blocking and bounded; knows no storage.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use types::crowd::{CrowdCounts, KeyKind, Mapping, RejectReason};
use types::problem::{Code, Problem};
use types::vendor::Vendor;

use super::keys::{self, trim};
use super::rows::{self, Reading, Row};
use super::sort::Sorter;
use super::{Limits, internal, refuse};
use crate::storage::crowd_frame::{BLOCK_ROWS, Block, BlockWriter, Reject, code_of, put_value};
use crate::storage::crowds::Targets;
use crate::storage::frame::key_of_named;

/// Characters of a rejected key that are kept.
const REJECT_TEXT: usize = 256;
/// Memory for rejects before they go to disk.
const REJECT_BYTES: usize = 4 << 20;

/// How far a reading has come; shared with whoever watches. All in its own unit, all only growing.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of the file.
    pub bytes: AtomicU64,
    pub bytes_read: Arc<AtomicU64>,
    pub rows_read: AtomicU64,
    /// Rows put in order and handed on for storing.
    pub rows_ordered: AtomicU64,
    pub rows_stored: AtomicU64,
    pub cancelled: AtomicBool,
}

impl Progress {
    fn go_on(&self) -> Result<(), Problem> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(refuse(Code::WrongState, "检查已取消", "the check was cancelled"));
        }
        Ok(())
    }
}

/// What a reading gives, piece by piece.
#[derive(Debug)]
pub enum Piece {
    /// A block in key order, and how its rows name their recipients.
    Block(Block, Targets),
    /// Rejects in the order of row numbers.
    Rejects(Vec<Reject>),
}

/// Where pieces go; may block (that is the back-pressure).
pub type Emit<'e> = dyn FnMut(Piece) -> Result<(), Problem> + 'e;

/// Refuses a mapping that the columns do not allow.
///
/// # Errors
/// Field by field.
pub fn check_mapping(mapping: &Mapping, columns: usize) -> Result<(), Problem> {
    let mut errors = Vec::new();
    let mut column = |field: String, number: u32| {
        if number as usize >= columns {
            errors.push(types::field::FieldError::new(
                field,
                types::text::Words::new(format!("文件只有 {columns} 列"), format!("the file has only {columns} columns")),
            ));
        }
    };
    column("key_column".into(), mapping.key_column);
    if let Some(number) = mapping.vendor_column {
        column("vendor_column".into(), number);
    }
    for (name, number) in &mapping.variables {
        column(format!("variables.{name}"), *number);
    }
    if mapping.key == KeyKind::Token && mapping.vendor_column.is_none() && mapping.vendor.is_none() {
        errors.push(types::field::FieldError::new(
            "vendor_column",
            types::text::Words::new(
                "请选择厂商所在的列，或为所有行选一个厂商",
                "choose the column of the vendor, or one vendor for all rows",
            ),
        ));
    }
    for name in mapping.variables.keys() {
        let good = (1..=32).contains(&name.chars().count()) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !good {
            errors.push(types::field::FieldError::new(
                format!("variables.{name}"),
                types::text::Words::new(
                    "变量名只能由字母、数字和下划线组成，最多 32 个字符",
                    "a variable name holds letters, digits and underscores, at most 32",
                ),
            ));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors)) }
}

/// Reads the whole file and emits its blocks (first) and rejects (after them). `unknown` stays 0: the caller counts it.
///
/// # Errors
/// A bound, a damaged file, a cancel, a full disk, or what `emit` returned. Nothing is left in `folder` either way.
pub fn run(
    path: &Path,
    reading: Reading,
    mapping: &Mapping,
    limits: &Limits,
    folder: &Path,
    progress: &Progress,
    emit: &mut Emit<'_>,
) -> Result<Found, Problem> {
    let mut found = Found::default();
    let mut valid = Sorter::new(folder.to_owned(), limits.sort_bytes);
    let mut rejects = Sorter::new(folder.to_owned(), REJECT_BYTES);
    let columns: Vec<u32> = mapping.variables.values().copied().collect();
    let mut carried = Carried::default();
    found.counts.bad_bytes = rows::visit_file(path, reading, limits, progress.bytes_read.clone(), &mut |row| {
        if row.number == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        if row.number.is_multiple_of(1_024) {
            progress.go_on()?;
            progress.rows_read.store(row.number, Ordering::Relaxed);
        }
        found.counts.rows += 1;
        let judged = keys::key(row, mapping).and_then(|key| carried.fill(row, &columns, limits).map(|()| key));
        match judged {
            Ok(key) => {
                let slug = key.vendor.map_or("", Vendor::slug);
                let order = key_of_named(mapping.key, slug, &key.text);
                carried.tie.clear();
                carried.tie.push(key.vendor.map_or(0, code_of));
                carried.tie.extend_from_slice(key.text.as_bytes());
                valid.add(order, &carried.tie, &carried.rest).map_err(internal)?;
            }
            Err(reason) => {
                found.counts.malformed += 1;
                let text = row.text(mapping.key_column as usize).unwrap_or_default();
                reject(&mut rejects, row.number, reason, text)?;
                *found.reasons.entry(reason).or_default() += 1;
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    progress.rows_read.store(found.counts.rows, Ordering::Relaxed);

    let names: Vec<String> = mapping.variables.keys().cloned().collect();
    let mut writer = BlockWriter::new(mapping.key, &names);
    let mut targets = Gathered::new(mapping.key);
    let mut merge = valid.finish().map_err(internal)?;
    let mut last: Option<(i64, Vec<u8>)> = None;
    while let Some(entry) = merge.next().map_err(internal)? {
        let (code, raw) = entry.tie.split_first().unwrap_or((&0, &[]));
        let text = std::str::from_utf8(raw).map_err(internal)?;
        let (number, values) = entry.rest.split_at_checked(8).unwrap_or_default();
        if last.as_ref().is_some_and(|(key, tie)| *key == entry.key && tie == entry.tie) {
            found.counts.duplicate += 1;
            *found.reasons.entry(RejectReason::Duplicate).or_default() += 1;
            let number = number.try_into().map_or(0, u64::from_le_bytes);
            reject(&mut rejects, number, RejectReason::Duplicate, text)?;
            continue;
        }
        let vendor = Vendor::from_code(i64::from(*code));
        writer.push(entry.key, vendor, text, values);
        targets.push(vendor, text);
        found.counts.valid += 1;
        let (key, tie) = last.get_or_insert_default();
        *key = entry.key;
        tie.clear();
        tie.extend_from_slice(entry.tie);
        if writer.len() == BLOCK_ROWS {
            progress.go_on()?;
            emit(Piece::Block(writer.take(), targets.take()))?;
            progress.rows_ordered.store(found.counts.valid, Ordering::Relaxed);
        }
    }
    drop(merge);
    if !writer.is_empty() {
        emit(Piece::Block(writer.take(), targets.take()))?;
    }
    progress.rows_ordered.store(found.counts.valid, Ordering::Relaxed);
    emit_rejects(rejects, progress, emit)?;
    Ok(found)
}

/// The sums, and the rejects by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub counts: CrowdCounts,
    pub reasons: std::collections::BTreeMap<RejectReason, u64>,
}

fn reject(rejects: &mut Sorter, number: u64, reason: RejectReason, text: &str) -> Result<(), Problem> {
    let end = text.char_indices().nth(REJECT_TEXT).map_or(text.len(), |(at, _)| at);
    let text = text.get(..end).unwrap_or_default();
    rejects.add(number.cast_signed(), &[reason.code()], text.as_bytes()).map_err(internal)
}

fn emit_rejects(rejects: Sorter, progress: &Progress, emit: &mut Emit<'_>) -> Result<(), Problem> {
    let mut merge = rejects.finish().map_err(internal)?;
    let mut list = Vec::new();
    while let Some(entry) = merge.next().map_err(internal)? {
        let code = entry.tie.first().copied().unwrap_or(0);
        let reason = RejectReason::from_code(code).ok_or_else(|| internal("a run holds an unknown reason"))?;
        let text = String::from_utf8_lossy(entry.rest).into_owned();
        list.push(Reject { row: entry.key.cast_unsigned(), reason, text });
        if list.len() == BLOCK_ROWS {
            progress.go_on()?;
            emit(Piece::Rejects(std::mem::take(&mut list)))?;
        }
    }
    if list.is_empty() { Ok(()) } else { emit(Piece::Rejects(list)) }
}

/// What travels with a key through the sort: row number (8 bytes), then the encoded values.
#[derive(Default)]
struct Carried {
    tie: Vec<u8>,
    rest: Vec<u8>,
}

impl Carried {
    fn fill(&mut self, row: &Row<'_>, columns: &[u32], limits: &Limits) -> Result<(), RejectReason> {
        self.rest.clear();
        self.rest.extend_from_slice(&row.number.to_le_bytes());
        for (name, column) in columns.iter().enumerate() {
            let value = trim(row.text(*column as usize).unwrap_or_default());
            if !value.is_empty() {
                put_value(&mut self.rest, name, value);
            }
        }
        if self.rest.len() > limits.variable_bytes + 8 { Err(RejectReason::TooLong) } else { Ok(()) }
    }
}

struct Gathered {
    kind: KeyKind,
    texts: Vec<String>,
    vendors: Vec<Vendor>,
}

impl Gathered {
    fn new(kind: KeyKind) -> Gathered {
        Gathered { kind, texts: Vec::new(), vendors: Vec::new() }
    }

    fn push(&mut self, vendor: Option<Vendor>, text: &str) {
        self.texts.push(text.to_owned());
        self.vendors.extend(vendor);
    }

    fn take(&mut self) -> Targets {
        let texts = std::mem::take(&mut self.texts);
        let vendors = std::mem::take(&mut self.vendors);
        match self.kind {
            KeyKind::User => Targets::Users(texts),
            KeyKind::Device => Targets::Devices(texts),
            KeyKind::Token => Targets::Tokens(vendors.into_iter().zip(texts).collect()),
        }
    }
}
