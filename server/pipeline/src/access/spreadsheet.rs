//! Files for people: CSV that opens in Excel, or a workbook; no cell starts a formula. Written part by part while it is sent.

use std::borrow::Cow;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use types::Millis;
use types::views::shell::ZoneTable;

use super::workbook::Workbook;
use crate::storage::{Result, StorageError};

/// What a file is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Xlsx,
}

impl Format {
    /// Of an address that ends in `.csv` or `.xlsx`.
    pub fn of_path(path: &str) -> Format {
        if path.ends_with(".xlsx") { Format::Xlsx } else { Format::Csv }
    }

    pub const fn ending(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// Some lines of a file, cell by cell.
pub type Lines = Vec<Vec<String>>;
/// A file as it is sent.
pub type File = BoxStream<'static, Result<Bytes>>;

/// The whole file: a head, and the lines as they come. Memory holds one part of them.
pub fn file(format: Format, columns: &[&str], lines: impl Stream<Item = Result<Lines>> + Send + 'static) -> File {
    match format {
        Format::Csv => {
            let head = head(columns);
            let parts = lines.map(|lines| {
                let mut out = Vec::new();
                for cells in lines? {
                    line(&mut out, &cells.iter().map(String::as_str).collect::<Vec<_>>());
                }
                Ok(Bytes::from(out))
            });
            futures::stream::once(async move { Ok(Bytes::from(head)) }).chain(parts).boxed()
        }
        Format::Xlsx => {
            let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
            let start = (Some(Workbook::new(columns)), lines.boxed());
            let parts = futures::stream::try_unfold(start, |(book, mut lines)| async move {
                let Some(mut book) = book else { return Ok(None) };
                let spoilt = |error: std::io::Error| StorageError::Corrupt(format!("workbook: {error}"));
                match lines.next().await {
                    Some(part) => {
                        for cells in part? {
                            book.row(&cells).map_err(spoilt)?;
                        }
                        let bytes = book.take();
                        Ok(Some((bytes, (Some(book), lines))))
                    }
                    None => Ok(Some((book.finish().map_err(spoilt)?, (None, lines)))),
                }
            });
            parts.boxed()
        }
    }
}

/// A time as a cell: RFC 3339 with the zone's offset, as text that no spreadsheet turns round.
pub fn stamp(at: Millis, zone: &ZoneTable) -> String {
    let time = jiff::Timestamp::from_millisecond(at).and_then(|time| {
        let offset = jiff::tz::Offset::from_seconds(zone.offset_at(at))?;
        Ok(time.display_with_offset(offset).to_string())
    });
    time.unwrap_or_default()
}

/// A field that a spreadsheet would take for a formula gets an apostrophe before it (full-width signs too: Excel in
/// Chinese and Japanese accepts them).
pub fn harmless(field: &str) -> Cow<'_, str> {
    let first = field.trim_start_matches(' ').chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '＝' | '＋' | '－' | '＠') => format!("'{field}").into(),
        _ => field.into(),
    }
}

/// The byte-order mark (Excel needs it for UTF-8) and the header line.
pub fn head(columns: &[&str]) -> Vec<u8> {
    let mut out = "\u{feff}".as_bytes().to_vec();
    line(&mut out, columns);
    out
}

/// One line of RFC 4180: CRLF at its end, quotes where needed.
pub fn line(out: &mut Vec<u8>, fields: &[&str]) {
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let field = harmless(field);
        if field.contains(['"', ',', '\r', '\n']) {
            out.push(b'"');
            out.extend_from_slice(field.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(field.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_names_its_offset() {
        let zone = ZoneTable { name: "Asia/Shanghai".into(), steps: vec![(0, 8 * 3_600)] };
        assert_eq!(stamp(1_795_251_600_000, &zone), "2026-11-21T17:00:00+08:00");
        assert_eq!(stamp(1_795_251_600_000, &ZoneTable::default()), "2026-11-21T09:00:00+00:00");
    }
}
