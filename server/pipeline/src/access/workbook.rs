//! A workbook (XLSX) written from front to end without going back: rows are deflated as they come, memory holds what was not taken
//! yet. Every cell is an inline text, never a formula, so nothing in it is carried out.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

/// Rows of a sheet, as Excel allows; what is more goes to the next sheet, under the same head.
const ROWS_MAX: u32 = 1_048_576;
/// Characters of a cell, as Excel allows (it counts UTF-16).
const CELL_MAX: usize = 32_767;

const TYPES: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const SHEET: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// What was written and not taken yet.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct Workbook {
    zip: ZipWriter<StreamWriter<Out>>,
    out: Out,
    columns: Vec<String>,
    sheets: u32,
    /// Rows of the sheet that is open.
    rows: u32,
    rows_max: u32,
    buffer: String,
}

impl Workbook {
    pub fn new(columns: Vec<String>) -> Workbook {
        let out = Out::default();
        Workbook { zip: ZipWriter::new_stream(out.clone()), out, columns, sheets: 0, rows: 0, rows_max: ROWS_MAX, buffer: String::new() }
    }

    /// # Errors
    /// Of the compressor.
    pub fn row(&mut self, cells: &[String]) -> io::Result<()> {
        if self.sheets == 0 || self.rows >= self.rows_max {
            self.next_sheet()?;
        }
        self.write_row(cells)
    }

    fn write_row(&mut self, cells: &[String]) -> io::Result<()> {
        self.rows += 1;
        self.buffer.clear();
        self.buffer.push_str("<row>");
        for cell in cells {
            self.buffer.push_str("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
            escape(&mut self.buffer, cell);
            self.buffer.push_str("</t></is></c>");
        }
        self.buffer.push_str("</row>");
        self.zip.write_all(self.buffer.as_bytes())
    }

    fn next_sheet(&mut self) -> io::Result<()> {
        self.close_sheet()?;
        self.sheets += 1;
        self.rows = 0;
        let name = format!("xl/worksheets/sheet{}.xml", self.sheets);
        self.part(&name, &format!("{XML}<worksheet xmlns=\"{SHEET}\"><sheetData>"))?;
        let head = std::mem::take(&mut self.columns);
        let written = self.write_row(&head);
        self.columns = head;
        written
    }

    fn close_sheet(&mut self) -> io::Result<()> {
        if self.sheets == 0 { Ok(()) } else { self.zip.write_all(b"</sheetData></worksheet>") }
    }

    /// Begins a part of the package with this text.
    fn part(&mut self, name: &str, text: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        self.zip.start_file(name, options)?;
        self.zip.write_all(text.as_bytes())
    }

    /// What is ready to be sent.
    pub fn take(&mut self) -> Bytes {
        std::mem::take(&mut *self.out.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }

    /// The rest. A workbook without rows has its head.
    ///
    /// # Errors
    /// Of the compressor.
    pub fn finish(mut self) -> io::Result<Bytes> {
        if self.sheets == 0 {
            self.next_sheet()?;
        }
        self.close_sheet()?;
        let each = |of: &dyn Fn(u32) -> String| (1..=self.sheets).map(of).collect::<String>();
        let sheets = each(&|n| format!("<sheet name=\"{n}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>"));
        let relations = each(&|n| format!("<Relationship Id=\"rId{n}\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"));
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml";
        let overrides = each(&|n| format!("<Override PartName=\"/xl/worksheets/sheet{n}.xml\" ContentType=\"{kind}.worksheet+xml\"/>"));
        let book = format!("{XML}<workbook xmlns=\"{SHEET}\" xmlns:r=\"{OFFICE}\"><sheets>{sheets}</sheets></workbook>");
        self.part("xl/workbook.xml", &book)?;
        self.part("xl/_rels/workbook.xml.rels", &format!("{XML}<Relationships xmlns=\"{RELATIONS}\">{relations}</Relationships>"))?;
        let root = format!("<Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/>");
        self.part("_rels/.rels", &format!("{XML}<Relationships xmlns=\"{RELATIONS}\">{root}</Relationships>"))?;
        let types = format!(
            "{XML}<Types xmlns=\"{TYPES}\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Override PartName=\"/xl/workbook.xml\" ContentType=\"{kind}.sheet.main+xml\"/>{overrides}</Types>"
        );
        self.part("[Content_Types].xml", &types)?;
        let out = self.out.clone();
        self.zip.finish()?;
        let rest = std::mem::take(&mut *out.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(rest.into())
    }
}

/// XML text. What XML 1.0 cannot carry becomes U+FFFD; what is too long for a cell ends.
fn escape(out: &mut String, text: &str) {
    let mut units = 0;
    for c in text.chars() {
        units += c.len_utf16();
        if units > CELL_MAX {
            return;
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A bare one would be read as a line feed.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' | '\u{20}'..='\u{fffd}' | '\u{10000}'.. => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};
    use proptest::prelude::*;

    use super::*;

    fn written(columns: &[&str], rows: &[Vec<String>], rows_max: u32) -> Vec<u8> {
        let mut book = Workbook::new(columns.iter().map(|c| (*c).to_owned()).collect());
        book.rows_max = rows_max;
        let mut bytes = Vec::new();
        for row in rows {
            book.row(row).unwrap();
            bytes.extend_from_slice(&book.take());
        }
        bytes.extend_from_slice(&book.finish().unwrap());
        bytes
    }

    fn read(bytes: Vec<u8>) -> Vec<Vec<Vec<String>>> {
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
        let text = |cell: &Data| match cell {
            Data::String(text) => text.clone(),
            Data::Empty => String::new(),
            other => panic!("no text: {other:?}"),
        };
        let mut sheets = Vec::new();
        for name in book.sheet_names() {
            assert!(book.worksheet_formula(&name).unwrap().cells().next().is_none(), "a formula");
            let range = book.worksheet_range(&name).unwrap();
            sheets.push(range.rows().map(|row| row.iter().map(text).collect()).collect());
        }
        sheets
    }

    #[test]
    fn nothing_in_a_cell_is_carried_out_or_gets_out_of_it() {
        let evil = ["=1+1", "@SUM(A1)", "+1", "-1", "</t></is></c><c><f>1+1</f></c>", "&lt;", "\u{1}\u{b}", "中文 𝄞 \u{202e}"];
        let rows: Vec<Vec<String>> = evil.iter().map(|text| vec![(*text).to_owned(), "2026-11-21T17:00:00+08:00".to_owned()]).collect();
        let sheets = read(written(&["值", "at"], &rows, ROWS_MAX));
        assert_eq!(sheets[0][0], ["值", "at"]);
        let got: Vec<&str> = sheets[0][1..].iter().map(|row| row[0].as_str()).collect();
        let want: Vec<String> = evil.iter().map(|text| text.replace(['\u{1}', '\u{b}'], "\u{fffd}")).collect();
        assert_eq!(got, want);
        assert_eq!(sheets[0][1][1], "2026-11-21T17:00:00+08:00");
    }

    #[test]
    fn a_full_sheet_is_followed_by_another_and_an_empty_one_has_its_head() {
        let rows: Vec<Vec<String>> = (0..7).map(|n| vec![n.to_string()]).collect();
        let sheets = read(written(&["n"], &rows, 4));
        let lengths: Vec<usize> = sheets.iter().map(Vec::len).collect();
        assert_eq!(lengths, [4, 4, 2]);
        assert_eq!((sheets[1][0][0].as_str(), sheets[1][1][0].as_str()), ("n", "3"));
        assert_eq!(read(written(&["n"], &[], 4)), [vec![vec!["n".to_owned()]]]);
        let long = read(written(&["n"], &[vec!["长".repeat(40_000)]], 4));
        assert_eq!(long[0][1][0].chars().count(), CELL_MAX);
    }

    #[test]
    fn what_was_taken_is_held_no_more() {
        let mut book = Workbook::new(vec!["n".into()]);
        let mut most = 0;
        for n in 0..20_000u64 {
            book.row(&[format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))]).unwrap();
            if n % 1_000 == 0 {
                most = most.max(book.take().len());
            }
        }
        assert!(most < 128 * 1_024, "{most} bytes for a thousand rows");
    }

    proptest! {
        #[test]
        fn any_text_reads_back(rows in prop::collection::vec(prop::collection::vec("[a-z中=<&\"'\\n ]{0,12}", 2..3), 1..8)) {
            let got = read(written(&["a", "b"], &rows, ROWS_MAX));
            // A range ends with its last cell that holds something.
            let cell = |r: usize, c: usize| got[0].get(r + 1).and_then(|row| row.get(c)).cloned().unwrap_or_default();
            for (r, row) in rows.iter().enumerate() {
                for (c, text) in row.iter().enumerate() {
                    prop_assert_eq!(&cell(r, c), text);
                }
            }
        }
    }
}
