//! Workbooks (.xlsx): first weighed without trusting what they say about themselves, then read cell by cell.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use calamine::{DataRef, Reader, Xlsx, XlsxError};
use types::problem::{Code, Problem};

use super::decode::too_much;
use super::rows::{Numbers, Row, Visit, too_long, too_wide};
use super::{Limits, internal, refuse};

/// Parts of a package, at most: its directory is held in memory.
const PARTS_MAX: usize = 10_000;
/// A part up to this size may look as it likes; a larger one must look like a sheet or a table of texts.
const SMALL_PART: u64 = 8 << 20;
/// The table of shared texts is held in memory.
const TEXTS_MAX: u64 = 64 << 20;
/// Bytes of one cell with all its mark-up.
const CELL_MAX: u64 = 256 << 10;
/// Whole numbers beyond this are no longer exact in a workbook.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Shows every row of the first sheet to `visit`. Blocking.
///
/// # Errors
/// Not a workbook, a bomb, a bound crossed, or what `visit` returned.
pub fn visit_sheet(path: &Path, header: bool, limits: &Limits, visit: &mut Visit<'_>) -> Result<(), Problem> {
    weigh(path, limits)?;
    let mut book: Xlsx<_> = Xlsx::new(BufReader::new(File::open(path).map_err(internal)?)).map_err(damaged)?;
    let name = book
        .sheet_names()
        .into_iter()
        .next()
        .ok_or_else(|| refuse(Code::InvalidBody, "工作簿里没有工作表", "the workbook has no sheet"))?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(damaged)?;
    let mut row = Assembled::default();
    let mut numbers = Numbers::new(header, limits);
    let mut at = None;
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(damaged)? {
        let (line, column) = cell.pos;
        if at != Some(line) {
            if row.show(&mut numbers, visit)?.is_break() {
                return Ok(());
            }
            at = Some(line);
        }
        let column = column as usize;
        let (text, bad) = written(&cell.value, cell.formula.is_some());
        if text.is_empty() && !bad {
            continue;
        }
        if column >= limits.columns {
            return Err(too_wide(numbers.peek(), limits));
        }
        row.put(column, &text, bad);
        if row.text.len() > limits.row_bytes {
            return Err(too_long(numbers.peek(), limits));
        }
    }
    // The last row: whether to go on no longer matters.
    row.show(&mut numbers, visit).map(drop)
}

/// The cells of one row so far.
#[derive(Default)]
struct Assembled {
    text: String,
    ends: Vec<usize>,
    bad: Vec<bool>,
}

impl Assembled {
    /// Cells come in order; one that steps back (a workbook that lies) is left out.
    fn put(&mut self, column: usize, text: &str, bad: bool) {
        if column < self.ends.len() {
            return;
        }
        self.ends.resize(column, self.text.len());
        self.bad.resize(column, false);
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.bad.push(bad);
    }

    fn show(&mut self, numbers: &mut Numbers, visit: &mut Visit<'_>) -> Result<ControlFlow<()>, Problem> {
        let blank = self.text.trim().is_empty() && !self.bad.contains(&true);
        let flow =
            if blank { ControlFlow::Continue(()) } else { visit(&Row::of(numbers.take()?, &self.text, &self.ends, &self.bad, true))? };
        self.text.clear();
        self.ends.clear();
        self.bad.clear();
        Ok(flow)
    }
}

/// A cell in words, and whether it is something else than text or a whole number.
fn written(value: &DataRef<'_>, formula: bool) -> (String, bool) {
    match value {
        DataRef::Empty => (String::new(), formula),
        DataRef::Int(n) => (n.to_string(), false),
        DataRef::Float(n) if n.fract() == 0.0 && n.abs() <= EXACT => (format!("{n:.0}"), false),
        DataRef::Float(n) => (n.to_string(), true),
        DataRef::String(text) => (text.replace('\0', "\u{fffd}"), false),
        DataRef::SharedString(text) => (text.replace('\0', "\u{fffd}"), false),
        DataRef::Bool(yes) => ((if *yes { "TRUE" } else { "FALSE" }).to_owned(), true),
        DataRef::DateTime(when) => {
            let (year, month, day, hour, minute, second, _) = when.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                (format!("{year:04}-{month:02}-{day:02}"), true)
            } else {
                (format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"), true)
            }
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => (text.clone(), true),
        DataRef::Error(error) => (error.to_string(), true),
    }
}

fn damaged(error: XlsxError) -> Problem {
    let en = format!("the workbook cannot be read ({error}); open it in Excel or WPS, save it as .xlsx or CSV, and upload that");
    refuse(Code::InvalidBody, format!("工作簿读不懂（{error}）；请用 Excel 或 WPS 打开后另存为 .xlsx 或 CSV 再上传"), en)
}

fn not_a_workbook() -> Problem {
    refuse(
        Code::InvalidBody,
        "这是一个 ZIP 压缩包而不是 Excel 工作簿；请解压后上传里面的文件",
        "this is a ZIP archive, not an Excel workbook; unpack it and upload the file inside",
    )
}

/// Unpacks every part once, keeping nothing, so that no claim of the file about its own size has to be believed.
fn weigh(path: &Path, limits: &Limits) -> Result<(), Problem> {
    let packed = std::fs::metadata(path).map_err(internal)?.len();
    if packed > limits.workbook_bytes {
        let most = limits.workbook_bytes >> 20;
        return Err(refuse(
            Code::TooLarge,
            format!("工作簿超过 {most} MiB；请另存为 CSV 后上传"),
            format!("the workbook is larger than {most} MiB; save it as CSV and upload that"),
        ));
    }
    if directory_entries(path)? > PARTS_MAX {
        return Err(too_much());
    }
    let mut zip = zip::ZipArchive::new(BufReader::new(File::open(path).map_err(internal)?)).map_err(|_| not_a_workbook())?;
    if !zip.file_names().any(|name| name.is_ok_and(|n| n.eq_ignore_ascii_case("xl/workbook.xml"))) {
        return Err(not_a_workbook());
    }
    let mut left = packed.saturating_mul(limits.expansion).max(limits.expansion_free).min(limits.text_bytes);
    let mut buffer = vec![0u8; 64 << 10];
    for index in 0..zip.len() {
        let unreadable = |_| damaged(XlsxError::FileNotFound(format!("part {index}")));
        let mut part = zip.by_index(index).map_err(unreadable)?;
        let texts = part.name().is_ok_and(|n| n.to_ascii_lowercase().contains("sharedstrings"));
        let (mut size, mut shape) = (0u64, Shape::default());
        loop {
            let n = part.read(&mut buffer).map_err(|_| damaged(XlsxError::FileNotFound(format!("part {index}"))))?;
            if n == 0 {
                break;
            }
            size += n as u64;
            left = left.checked_sub(n as u64).ok_or_else(too_much)?;
            let flat = shape.feed(buffer.get(..n).unwrap_or_default());
            if (texts && size > TEXTS_MAX) || (!texts && size > SMALL_PART && !flat) {
                return Err(refuse(
                    Code::TooLarge,
                    "工作簿中有过大的单元格或文本表；请另存为 CSV 后上传",
                    "the workbook holds an oversized cell or text table; save it as CSV and upload that",
                ));
            }
        }
    }
    Ok(())
}

/// Counts directory records by their signature: what the end record claims is not believed.
fn directory_entries(path: &Path) -> Result<usize, Problem> {
    let mut file = BufReader::with_capacity(64 << 10, File::open(path).map_err(internal)?);
    let mut buffer = vec![0u8; 64 << 10];
    let (mut kept, mut found) = (0, 0);
    loop {
        let n = file.read(buffer.get_mut(kept..).unwrap_or_default()).map_err(internal)?;
        if n == 0 {
            return Ok(found);
        }
        let filled = buffer.get(..kept + n).unwrap_or_default();
        found += filled.windows(4).filter(|w| *w == b"PK\x01\x02").count();
        let tail = filled.len().min(3);
        let rest = filled.get(filled.len() - tail..).unwrap_or_default().to_vec();
        kept = tail;
        buffer.get_mut(..tail).unwrap_or_default().copy_from_slice(&rest);
    }
}

/// Whether a part is a sheet whose cells stay small: no declarations or comments, and never far from one cell to the next.
#[derive(Default)]
struct Shape {
    recent: [u8; 2],
    since: u64,
    broken: bool,
}

impl Shape {
    /// `true` while all is well.
    fn feed(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            let [_, before] = self.recent;
            self.broken |= before == b'<' && *byte == b'!';
            self.since += 1;
            // `<c ` or `<c>` begins a cell.
            if self.recent == *b"<c" && matches!(byte, b' ' | b'>') {
                self.since = 0;
            }
            self.broken |= self.since > CELL_MAX;
            self.recent = [before, *byte];
        }
        !self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn book(sheet: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        let parts = [
            (
                "[Content_Types].xml",
                r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#,
            ),
            (
                "_rels/.rels",
                r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
            ),
            (
                "xl/workbook.xml",
                r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
            ),
            (
                "xl/_rels/workbook.xml.rels",
                r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
            ),
            ("xl/worksheets/sheet1.xml", sheet),
        ];
        for (name, text) in parts {
            zip.start_file(name, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        file
    }

    fn sheet(rows: &str) -> String {
        format!(
            r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
        )
    }

    fn read(sheet: &str) -> Result<Vec<Vec<(String, bool)>>, Problem> {
        let file = book(sheet);
        let mut rows = Vec::new();
        visit_sheet(file.path(), false, &Limits::default(), &mut |row| {
            rows.push((0..row.len()).map(|i| (row.text(i).unwrap().to_owned(), row.bad(i))).collect());
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    #[test]
    fn numbers_gaps_formulas_errors_and_blank_rows() {
        let rows = read(&sheet(
            r#"<row r="1"><c r="A1"><v>1200000000000031</v></c><c r="C1" t="inlineStr"><is><t>007</t></is></c></row>
               <row r="2"></row><row r="3"><c r="A3" s="1"/></row>
               <row r="4"><c r="A4"><f>B4</f><v/></c></row><row r="5"><c r="A5"><f>1+1</f><v>2</v></c></row>
               <row r="6"><c r="A6" t="e"><v>#N/A</v></c><c r="B6"><v>3.5</v></c><c r="C6" t="b"><v>1</v></c></row>
               <row r="7"><c r="A7"><v>1.2E+15</v></c><c r="B7"><v>1.2E+25</v></c></row>"#,
        ))
        .unwrap();
        let cell = |t: &str, bad| (t.to_owned(), bad);
        assert_eq!(
            rows,
            vec![
                vec![cell("1200000000000031", false), cell("", false), cell("007", false)],
                vec![cell("", true)],
                vec![cell("2", false)],
                vec![cell("#N/A", true), cell("3.5", true), cell("TRUE", true)],
                vec![cell("1200000000000000", false), cell("12000000000000000000000000", true)],
            ]
        );
    }

    #[test]
    fn bombs_and_liars_are_refused() {
        let bomb = sheet(&format!(r#"<row r="1"><c r="A1" t="inlineStr"><is><t>{}</t></is></c></row>"#, "7".repeat(9 << 20)));
        assert_eq!(read(&bomb).unwrap_err().code, Code::TooLarge);
        let wide = sheet(r#"<row r="1"><c r="ZZ1"><v>1</v></c></row>"#);
        assert_eq!(read(&wide).unwrap_err().code, Code::TooLarge);
        let long = sheet(&format!(r#"<row r="1"><c r="A1" t="inlineStr"><is><t>{}</t></is></c></row>"#, "7".repeat(70 << 10)));
        assert_eq!(read(&long).unwrap_err().code, Code::TooLarge);
        assert_eq!(read("<worksheet><sheetData><row><c><v>1</v>").unwrap_err().code, Code::InvalidBody);
        let entities = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet><sheetData><row r="1"><c r="A1" t="str"><v>&b;</v></c></row></sheetData></worksheet>"#;
        // Refused or read as it stands, never multiplied.
        if let Ok(rows) = read(entities) {
            assert!(rows.iter().flatten().all(|(text, _)| text.len() < 10));
        }
    }

    #[test]
    fn an_archive_that_is_no_workbook_is_refused_with_a_remedy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
        zip.start_file("../../etc/users.csv", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"user_id\n1\n").unwrap();
        zip.finish().unwrap();
        let error = visit_sheet(file.path(), true, &Limits::default(), &mut |_| panic!("no row")).unwrap_err();
        assert!(error.detail.unwrap().en.contains("unpack"));
    }
}
