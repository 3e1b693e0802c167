//! CROWD FILES: bytes in any shape people have them -> a crowd in key order, and the rows that are not in it with why.
//!
//! ```text
//! receive (to disk) -> detect (first 64 KiB) -> person maps columns -> check:
//!     decode -> rows -> keys -> sort (runs on disk, merged) -> blocks of 1,000 + rejects by row number -> confirm
//! ```
//!
//! Or out of crowds that are there: `recipe` (the form) -> `making` -> `gather` (rules, as sorted sets) -> `join` -> blocks.
//!
//! Comes in: a stream of bytes, a person's choices. Goes out: a staged crowd, invisible until confirmed.
//! Never: the whole file in memory, a half-stored crowd. How to add a kind of file: `detect` names it, `rows` reads it.

pub mod check;
pub mod decode;
pub mod detect;
pub mod gather;
pub mod import;
pub mod join;
pub mod keys;
pub mod making;
pub mod recipe;
pub mod rejects;
pub mod rows;
pub mod sheet;
pub mod sort;

use types::problem::{Code, Problem};
use types::text::Words;

/// What a file may ask of us.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the uploaded file.
    pub upload_bytes: u64,
    /// Bytes of a workbook (its directory and shared texts are held in memory).
    pub workbook_bytes: u64,
    /// Bytes after unpacking gzip or a workbook.
    pub text_bytes: u64,
    /// Unpacked bytes for each packed one, beyond [`Limits::expansion_free`].
    pub expansion: u64,
    /// Unpacked bytes that are never questioned: short files pack well.
    pub expansion_free: u64,
    pub rows: u64,
    /// Bytes of one row.
    pub row_bytes: usize,
    pub columns: usize,
    /// Bytes of all variables of one row together.
    pub variable_bytes: usize,
    /// Files a person may have waiting for confirmation.
    pub open_uploads: u64,
    /// Memory of one sort run; runs beyond it go to disk.
    pub sort_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            upload_bytes: 1 << 30,
            workbook_bytes: 64 << 20,
            text_bytes: 4 << 30,
            expansion: 20,
            expansion_free: 8 << 20,
            rows: 10_000_000,
            row_bytes: 64 << 10,
            columns: 200,
            variable_bytes: 2_048,
            open_uploads: 20,
            sort_bytes: 24 << 20,
        }
    }
}

/// A refusal with its remedy.
pub(crate) fn refuse(code: Code, zh: impl Into<String>, en: impl Into<String>) -> Problem {
    Problem::because(code, Words::new(zh, en))
}

/// Something of ours failed: said in the log, not to the caller.
pub(crate) fn internal(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "crowd file");
    Problem::new(Code::Internal)
}

/// What a reader refused travels inside an I/O error; anything else is a damaged file or ours.
pub(crate) fn from_io(error: std::io::Error) -> Problem {
    use std::io::ErrorKind;
    let kind = error.kind();
    match error.downcast::<Problem>() {
        Ok(problem) => problem,
        Err(_) if matches!(kind, ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof) => refuse(
            Code::InvalidBody,
            "压缩文件已损坏或不完整，请重新压缩后上传",
            "the compressed file is damaged or cut short; pack it again and upload it once more",
        ),
        Err(error) => internal(error),
    }
}
