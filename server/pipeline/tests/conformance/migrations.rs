//! Both stores have the same history.

use std::collections::BTreeMap;
use std::path::Path;

/// The migrations of a store: file name -> text.
fn of(store: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(store);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap())).collect()
}

/// Table -> its columns, as far as CREATE TABLE and ALTER TABLE … ADD COLUMN tell.
fn tables(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut table = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["CREATE", "TABLE", name, "("] => table = Some((*name).to_owned()),
            ["ALTER", "TABLE", name, "ADD", "COLUMN", column, ..] => {
                found.entry((*name).to_owned()).or_default().push((*column).to_owned())
            }
            [first, ..] if first.starts_with(')') => table = None,
            [first, ..] => {
                let named = first.starts_with(|c: char| c.is_ascii_lowercase()) && line.starts_with("    ");
                if let (Some(table), true) = (&table, named) {
                    found.entry(table.clone()).or_default().push((*first).to_owned());
                }
            }
            [] => {}
        }
    }
    found
}

#[test]
fn both_stores_have_the_same_migrations_tables_and_columns() {
    let (sqlite, postgres) = (of("sqlite"), of("postgres"));
    assert!(sqlite.len() >= 7);
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>(), "same numbers and names");
    for (file, text) in &sqlite {
        let mut theirs = tables(&postgres[file]);
        let mut ours = tables(text);
        // What differs: the tables that are cut into days, the parts of counters, and how nonces are kept.
        theirs.remove("day_table");
        theirs.remove("nonce");
        ours.remove("nonce");
        for counter in ["tally", "series"] {
            theirs.entry(counter.to_owned()).and_modify(|columns| columns.retain(|c| c != "part"));
        }
        theirs.retain(|_, columns| !columns.is_empty());
        assert_eq!(ours, theirs, "{file}");
    }
}
