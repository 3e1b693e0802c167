//! From text to numbered rows (csv rules of RFC 4180, forgiving), with bounds on row, columns and count.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use types::crowd::{Delimiter, Encoding};
use types::problem::{Code, Problem};

use super::decode::{self, Container, Text};
use super::{Limits, internal, refuse, sheet};

/// One row while it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// From 1; 0 = the header.
    pub number: u64,
    text: &'a str,
    ends: &'a [usize],
    bad: &'a [bool],
    padded: bool,
}

impl<'a> Row<'a> {
    /// `text` holds the fields one after the other, `ends` where each ends. `bad`: cells that are neither text nor a whole
    /// number. `padded`: fields beyond the last are empty, not missing (workbooks do not write empty cells).
    pub fn of(number: u64, text: &'a str, ends: &'a [usize], bad: &'a [bool], padded: bool) -> Row<'a> {
        Row { number, text, ends, bad, padded }
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The field, untrimmed; `None` when the row is too short.
    pub fn text(&self, column: usize) -> Option<&'a str> {
        let Some(end) = self.ends.get(column) else { return self.padded.then_some("") };
        let start = column.checked_sub(1).and_then(|c| self.ends.get(c)).copied().unwrap_or(0);
        self.text.get(start..*end)
    }

    pub fn bad(&self, column: usize) -> bool {
        self.bad.get(column).copied().unwrap_or(false)
    }

    pub fn fields(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let row = *self;
        (0..row.len()).map(move |i| row.text(i).unwrap_or_default())
    }
}

/// Called for every row; may stop early.
pub type Visit<'v> = dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, Problem> + 'v;

/// How a file is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub container: Container,
    pub encoding: Encoding,
    pub delimiter: Delimiter,
    pub header: bool,
}

/// Shows every row of the file to `visit`. Returns the sequences that were no text. Blocking.
///
/// # Errors
/// A bound was crossed, the file is damaged, or what `visit` returned.
pub fn visit_file(path: &Path, reading: Reading, limits: &Limits, read: Arc<AtomicU64>, visit: &mut Visit<'_>) -> Result<u64, Problem> {
    if reading.encoding == Encoding::Xlsx {
        let size = std::fs::metadata(path).map_err(internal)?.len();
        sheet::visit_sheet(path, reading.header, limits, visit)?;
        read.store(size, std::sync::atomic::Ordering::Relaxed);
        return Ok(0);
    }
    let source = decode::open(path, reading.container, limits, read)?;
    visit_text(Text::new(source, reading.encoding), reading.delimiter, reading.header, limits, visit)
}

/// The same over any source of text.
///
/// # Errors
/// As [`visit_file`].
pub fn visit_text<R: Read>(
    mut source: Text<R>,
    delimiter: Delimiter,
    header: bool,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<u64, Problem> {
    let mut parser = Parser::new(delimiter, limits);
    let mut numbers = Numbers::new(header, limits);
    let mut chunk = Vec::new();
    loop {
        let more = source.fill(&mut chunk)?;
        let mut input = chunk.as_slice();
        // An empty input tells the parser that the file is over: only when it is.
        while !(more && input.is_empty()) {
            match parser.record(&mut input, numbers.peek())? {
                Step::More => break,
                Step::End => return Ok(source.bad()),
                Step::Record => {
                    let (text, ends) = parser.take()?;
                    if let [_] = ends
                        && text.trim().is_empty()
                    {
                        continue;
                    }
                    let number = numbers.take()?;
                    if visit(&Row::of(number, text, ends, &[], false))?.is_break() {
                        return Ok(source.bad());
                    }
                }
            }
        }
    }
}

/// Row numbers with their bound.
pub(super) struct Numbers {
    next: u64,
    max: u64,
}

impl Numbers {
    pub(super) fn new(header: bool, limits: &Limits) -> Numbers {
        Numbers { next: u64::from(!header), max: limits.rows }
    }

    pub(super) fn take(&mut self) -> Result<u64, Problem> {
        let number = self.next;
        if number > self.max {
            return Err(refuse(
                Code::TooLarge,
                format!("文件超过 {} 行，请拆成几个文件上传", self.max),
                format!("the file has more than {} rows; split it and upload the parts", self.max),
            ));
        }
        self.next += 1;
        Ok(number)
    }

    pub(super) fn peek(&self) -> u64 {
        self.next
    }
}

/// The words for too many columns.
pub(super) fn too_wide(row: u64, limits: &Limits) -> Problem {
    refuse(
        Code::TooLarge,
        format!("第 {row} 行的列数超过 {}；请检查分隔符，或删去不需要的列", limits.columns),
        format!("row {row} has more than {} columns; check the delimiter or remove columns", limits.columns),
    )
}

/// The words for a row without end.
pub(super) fn too_long(row: u64, limits: &Limits) -> Problem {
    refuse(
        Code::TooLarge,
        format!("第 {row} 行超过 {} KiB；多半是引号没有成对，或文件没有换行，请检查该行", limits.row_bytes >> 10),
        format!(
            "row {row} is longer than {} KiB; most likely a quote is never closed or the file has no line breaks",
            limits.row_bytes >> 10
        ),
    )
}

enum Step {
    More,
    Record,
    End,
}

struct Parser {
    core: Reader,
    text: Vec<u8>,
    len: usize,
    ends: Vec<usize>,
    count: usize,
    limits: Limits,
}

impl Parser {
    fn new(delimiter: Delimiter, limits: &Limits) -> Parser {
        // NUL never comes out of `Text`: with it nothing is split.
        let sign = delimiter.sign().and_then(|c| u8::try_from(c).ok()).unwrap_or(0);
        let core = ReaderBuilder::new().delimiter(sign).build();
        Parser { core, text: vec![0; 1_024], len: 0, ends: vec![0; 16], count: 0, limits: *limits }
    }

    /// Reads on; an empty `input` means the end of the file.
    fn record(&mut self, input: &mut &[u8], row: u64) -> Result<Step, Problem> {
        loop {
            let (result, read, written, ended) = self.core.read_record(
                input,
                self.text.get_mut(self.len..).unwrap_or_default(),
                self.ends.get_mut(self.count..).unwrap_or_default(),
            );
            *input = input.get(read..).unwrap_or_default();
            self.len += written;
            self.count += ended;
            match result {
                ReadRecordResult::InputEmpty => return Ok(Step::More),
                ReadRecordResult::Record => return Ok(Step::Record),
                ReadRecordResult::End => return Ok(Step::End),
                ReadRecordResult::OutputFull if self.text.len() >= self.limits.row_bytes => return Err(too_long(row, &self.limits)),
                ReadRecordResult::OutputFull => self.text.resize((self.text.len() * 2).min(self.limits.row_bytes), 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() > self.limits.columns => return Err(too_wide(row, &self.limits)),
                ReadRecordResult::OutputEndsFull => self.ends.resize((self.ends.len() * 2).min(self.limits.columns + 1), 0),
            }
        }
    }

    fn take(&mut self) -> Result<(&str, &[usize]), Problem> {
        let text = std::str::from_utf8(self.text.get(..self.len).unwrap_or_default()).map_err(internal)?;
        let ends = self.ends.get(..self.count).unwrap_or_default();
        if ends.len() > self.limits.columns {
            return Err(too_wide(0, &self.limits));
        }
        self.len = 0;
        self.count = 0;
        Ok((text, ends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, delimiter: Delimiter, header: bool, limits: &Limits) -> Result<Vec<(u64, Vec<String>)>, Problem> {
        let mut rows = Vec::new();
        visit_text(Text::new(text.as_bytes(), Encoding::Utf8), delimiter, header, limits, &mut |row| {
            rows.push((row.number, row.fields().map(str::to_owned).collect()));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    #[test]
    fn quotes_line_breaks_blank_lines_and_a_missing_last_newline() {
        let rows = read("id,note\r\n1,\"a,\"\"b\"\"\n second\"\n\n   \n2,x\n3", Delimiter::Comma, true, &Limits::default()).unwrap();
        let want: Vec<(u64, Vec<String>)> =
            [(0, vec!["id", "note"]), (1, vec!["1", "a,\"b\"\n second"]), (2, vec!["2", "x"]), (3, vec!["3"])]
                .into_iter()
                .map(|(n, f)| (n, f.into_iter().map(str::to_owned).collect()))
                .collect();
        assert_eq!(rows, want);
        assert_eq!(read("a,b\nc", Delimiter::Nothing, false, &Limits::default()).unwrap()[0].1, vec!["a,b"]);
        assert!(read("", Delimiter::Comma, true, &Limits::default()).unwrap().is_empty());
    }

    /// Two gigabytes of one letter, made while they are read.
    struct Endless(u64);

    impl Read for Endless {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.min(buf.len() as u64);
            buf[..n as usize].fill(b'7');
            self.0 -= n;
            Ok(n as usize)
        }
    }

    #[test]
    fn a_line_of_two_gigabytes_is_refused_after_its_first_64_kib() {
        let mut source = Endless(2 << 30);
        let error =
            visit_text(Text::new(&mut source, Encoding::Utf8), Delimiter::Comma, false, &Limits::default(), &mut |_| panic!("no row"))
                .unwrap_err();
        assert_eq!(error.code, Code::TooLarge);
        assert!(error.detail.unwrap().en.contains("row 1"));
        assert!(source.0 > (2 << 30) - (1 << 20), "stopped early");
    }

    #[test]
    fn bounds_on_quotes_columns_and_rows() {
        let limits = Limits { rows: 3, columns: 4, ..Limits::default() };
        let open = format!("1\n2,\"{}", "x\n".repeat(40_000));
        assert!(read(&open, Delimiter::Comma, false, &limits).unwrap_err().detail.unwrap().en.contains("row 2"));
        assert_eq!(read("1,2,3,4", Delimiter::Comma, false, &limits).unwrap()[0].1.len(), 4);
        assert_eq!(read("1,2,3,4,5", Delimiter::Comma, false, &limits).unwrap_err().code, Code::TooLarge);
        assert_eq!(read("1\n2\n3", Delimiter::Comma, false, &limits).unwrap().len(), 3);
        assert_eq!(read("h\n1\n2\n3", Delimiter::Comma, true, &limits).unwrap().len(), 4);
        assert_eq!(read("1\n2\n3\n4", Delimiter::Comma, false, &limits).unwrap_err().code, Code::TooLarge);
    }
}
