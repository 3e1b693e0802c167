//! The rules of the house that a compiler does not know (who may import whom is `imports.rs`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const LONGEST: usize = 600;
/// Modules of the crate that are no rooms.
const BASE: [&str; 3] = ["world", "vault", "telemetry"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Files below `folder` with one of these endings, without what was built or installed.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && !["target", "node_modules", "vendor", "fixtures", "snapshots"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if endings.iter().any(|e| name.ends_with(e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text without comments. Good enough for paths and tags: no string of ours holds `//` before one.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

fn rooms(lib: &str) -> BTreeSet<String> {
    lib.lines()
        .filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'))
        .filter(|name| !BASE.contains(name))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_room_says_what_it_is_for() {
    let src = root().join("server/pipeline/src");
    let lib = std::fs::read_to_string(src.join("lib.rs")).unwrap();
    let mut wrong = Vec::new();
    for room in rooms(&lib) {
        let Ok(text) = std::fs::read_to_string(src.join(&room).join("mod.rs")) else {
            assert!(src.join(format!("{room}.rs")).exists(), "{room} is a file or a folder");
            continue;
        };
        let header: String = text.lines().take_while(|l| l.starts_with("//!")).collect::<Vec<_>>().join("\n");
        for line in ["Comes in", "Goes out", "Never", "How to"] {
            if !header.contains(line) {
                wrong.push(format!("{room}/mod.rs lacks `{line}` in its header"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long_to_read() {
    let root = root();
    let mut wrong = Vec::new();
    for folder in ["app", "frontend", "server", "style", "migrations", "end2end"] {
        for file in files(&root.join(folder), &[".rs", ".css", ".sql", ".ts", ".js", ".mjs"]) {
            let lines = std::fs::read_to_string(&file).unwrap().lines().count();
            if lines > LONGEST {
                wrong.push(format!("{}: {lines} lines, at most {LONGEST}", file.strip_prefix(&root).unwrap().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn text_areas_are_drawn_by_one_component() {
    let app = root().join("app/src");
    let drawing: Vec<PathBuf> =
        files(&app, &[".rs"]).into_iter().filter(|f| code(&std::fs::read_to_string(f).unwrap()).contains("<textarea")).collect();
    assert!(drawing.len() <= 1, "`<textarea` belongs into the TextArea component only: {drawing:?}");
    for file in drawing {
        assert!(std::fs::read_to_string(&file).unwrap().contains("fn TextArea"), "{}", file.display());
    }
}

#[test]
fn the_face_never_sees_the_machine() {
    let root = root();
    let mut wrong = Vec::new();
    let mut look = |folder: &str, forbidden: &[&str]| {
        for file in files(&root.join(folder), &[".rs", "Cargo.toml"]) {
            let text = std::fs::read_to_string(&file).unwrap();
            let manifest = file.ends_with("Cargo.toml");
            let text = if manifest { text } else { code(&text) };
            for name in forbidden {
                let is_named = text.match_indices(name).any(|(at, _)| {
                    let before = text[..at].chars().next_back();
                    let after = &text[at + name.len()..];
                    let alone = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-' || c == '/');
                    alone && if manifest { after.starts_with([' ', '.', '=']) } else { after.starts_with("::") }
                });
                if is_named {
                    wrong.push(format!("{} names {name}", file.strip_prefix(&root).unwrap().display()));
                }
            }
        }
    };
    look("app", &["pipeline", "sqlx", "simulator"]);
    look("frontend", &["pipeline", "sqlx", "simulator", "server"]);
    look("server/simulator", &["pipeline", "app", "sqlx"]);
    look("server/pipeline/src", &["app", "simulator"]);
    look("app/types", &["tokio", "leptos", "axum", "reqwest", "rand"]);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
