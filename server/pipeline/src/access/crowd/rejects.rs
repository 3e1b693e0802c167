//! Rejected rows as a CSV that opens in Excel and starts no formula. Pure.

use types::text::{Lang, Text};

use crate::access::spreadsheet;
use crate::storage::crowd_frame::Reject;

const COLUMNS: [Text; 4] =
    [Text::new("行号", "row"), Text::new("原因代码", "reason"), Text::new("原因", "explanation"), Text::new("标识", "key")];

/// The byte-order mark (Excel needs it for UTF-8) and the header line.
pub fn head(lang: Lang) -> Vec<u8> {
    spreadsheet::head(&COLUMNS.map(|c| c.get(lang)))
}

/// The lines of some rejects.
pub fn lines(rejects: &[Reject], lang: Lang) -> Vec<u8> {
    let mut out = Vec::with_capacity(rejects.len() * 48);
    for reject in rejects {
        spreadsheet::line(&mut out, &[&reject.row.to_string(), reject.reason.slug(), reject.reason.name().get(lang), &reject.text]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::spreadsheet::harmless;
    use proptest::prelude::*;
    use types::crowd::RejectReason;

    #[test]
    fn the_file_as_excel_gets_it() {
        let rejects = [
            Reject { row: 3, reason: RejectReason::EmptyKey, text: String::new() },
            Reject { row: 9, reason: RejectReason::BadCharacter, text: "=HYPERLINK(\"x\",1) 2".into() },
        ];
        let text = String::from_utf8([head(Lang::En), lines(&rejects, Lang::En)].concat()).unwrap();
        assert_eq!(
            text,
            "\u{feff}row,reason,explanation,key\r\n3,empty_key,empty key,\r\n\
             9,bad_character,white space or control character inside the key,\"'=HYPERLINK(\"\"x\"\",1) 2\"\r\n"
        );
        assert_eq!(harmless("=1+1"), "'=1+1");
        assert_eq!(harmless("@小明"), "'@小明");
        assert_eq!(harmless("-2+3"), "'-2+3");
        assert_eq!(harmless("小明"), "小明");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn no_cell_starts_a_formula_and_no_row_breaks(texts in prop::collection::vec("[=+@\\-\t\r\n \"',a中]{0,8}", 0..20)) {
            let rejects: Vec<Reject> =
                texts.iter().enumerate().map(|(i, t)| Reject { row: i as u64 + 1, reason: RejectReason::BadToken, text: t.clone() }).collect();
            let bytes = lines(&rejects, Lang::Zh);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
            let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(rows.len(), texts.len());
            for (row, text) in rows.iter().zip(&texts) {
                let cell = &row[3];
                prop_assert!(!cell.trim_start_matches(' ').starts_with(['=', '+', '-', '@', '\t', '\r']));
                prop_assert_eq!(cell.strip_prefix('\'').filter(|_| harmless(text) != *text).unwrap_or(cell), text);
            }
        }
    }
}
