//! Imports flow one way: the table at the top of `src/lib.rs` is the law, and this test reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Doors every room may use.
const DOORS: [&str; 4] = ["types", "world", "vault", "telemetry"];

fn source(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

/// Room -> rooms it may import, from the table's rows.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(source("src/lib.rs")).expect("lib.rs");
    let rows: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! | ")?.strip_suffix(" |")?.split_once(" | "))
        .filter(|(room, _)| *room != "room")
        .collect();
    let rooms: BTreeSet<String> = rows.iter().flat_map(|(rooms, _)| rooms.split(", ")).map(str::to_owned).collect();
    rows.into_iter()
        .flat_map(|(names, may)| {
            let may: BTreeSet<String> = match may {
                "nothing else" => BTreeSet::new(),
                _ if may.starts_with("every room") => rooms.clone(),
                // `vendors (reading only)` is `vendors`.
                list => list.split(", ").filter_map(|entry| entry.split(' ').next()).map(str::to_owned).collect(),
            };
            names.split(", ").map(move |name| (name.to_owned(), may.clone())).collect::<Vec<_>>()
        })
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// What follows every `crate::` outside comments, up to the next `::` or other sign; braces are opened.
fn crate_paths(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                let mut word = String::new();
                let mut fresh = true;
                for c in group.chars() {
                    match c {
                        '}' if depth == 0 => break,
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => fresh = true,
                        c if c.is_alphanumeric() || c == '_' => {
                            if fresh {
                                word.push(c);
                            }
                            continue;
                        }
                        c if c.is_whitespace() => continue,
                        _ => {}
                    }
                    if !word.is_empty() {
                        found.insert(std::mem::take(&mut word));
                        fresh = c == ',' && depth == 0;
                    }
                }
                if !word.is_empty() {
                    found.insert(word);
                }
            }
            None => {
                found.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
        }
    }
    found
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let table = table();
    assert!(table.len() >= 10, "the table in lib.rs could not be read: {table:?}");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (room, may) in &table {
        let folder = source("src").join(room);
        let files = if folder.is_dir() { rust_files(&folder) } else { vec![folder.with_extension("rs")] };
        for file in files {
            let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            for used in crate_paths(&text) {
                seen += 1;
                if table.contains_key(&used) && used != *room && !may.contains(&used) && !DOORS.contains(&used.as_str()) {
                    wrong.push(format!("{} imports {used}, which {room} may not", file.display()));
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} imports found: does the test still read the code?");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_stands_in_the_table() {
    let table = table();
    for entry in fs::read_dir(source("src")).expect("src") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            let name = path.file_name().and_then(|n| n.to_str()).expect("name").to_owned();
            assert!(table.contains_key(&name), "{name} is not in the table of lib.rs");
        }
    }
}

#[test]
fn the_reader_of_imports_understands_groups() {
    let code = "use crate::storage::Storage;\nuse crate::{broker, vendors::{dialect, pass}, world::World};\n// crate::house\nlet x = crate::policy::ask();";
    let found: Vec<String> = crate_paths(code).into_iter().collect();
    assert_eq!(found, ["broker", "policy", "storage", "vendors", "world"]);
}
