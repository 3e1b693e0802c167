//! One style sheet out of many: `@import`s of local files are put in place, comments are dropped.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

/// The text of `path` with every local `@import "file" [layer(name)] [media];` replaced by that file's text.
///
/// # Errors
/// A file that is missing, imported twice, lies on another host, or an `@import` that is not understood.
pub fn join(path: &Path) -> Result<String> {
    let mut seen = Vec::new();
    let mut out = String::new();
    add(path, &mut seen, &mut out)?;
    Ok(out)
}

fn add(path: &Path, seen: &mut Vec<PathBuf>, out: &mut String) -> Result<()> {
    ensure!(!seen.contains(&path.to_path_buf()), "{} is imported twice", path.display());
    seen.push(path.to_path_buf());
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    for line in without_comments(&text).lines() {
        let line = line.trim_end();
        match line.trim_start().strip_prefix("@import") {
            Some(rest) => {
                let import = Import::parse(rest).with_context(|| format!("{}: {line}", path.display()))?;
                let mut inner = String::new();
                add(&path.with_file_name(&import.file), seen, &mut inner)?;
                out.push_str(&import.wrap(&inner));
            }
            None if line.is_empty() => {}
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    Ok(())
}

/// `@import` after the keyword.
struct Import {
    file: String,
    layer: Option<String>,
    media: String,
}

impl Import {
    fn parse(rest: &str) -> Result<Import> {
        let rest = rest.trim();
        let Some(rest) = rest.strip_suffix(';') else { bail!("one @import per line, ended by a semicolon") };
        let rest = rest.trim().trim_start_matches("url(").trim_start();
        let quote = rest.chars().next().unwrap_or(' ');
        ensure!(quote == '"' || quote == '\'', "the file stands in quotes");
        let Some((file, tail)) = rest[1..].split_once(quote) else { bail!("the quote is not closed") };
        ensure!(!file.contains("//"), "style sheets of other hosts are not allowed");
        let mut tail = tail.trim_start().trim_start_matches(')').trim();
        let mut layer = None;
        if let Some(after) = tail.strip_prefix("layer(") {
            let Some((name, more)) = after.split_once(')') else { bail!("layer( is not closed") };
            layer = Some(name.trim().to_owned());
            tail = more.trim();
        }
        Ok(Import { file: file.to_owned(), layer, media: tail.to_owned() })
    }

    fn wrap(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some(layer) = &self.layer {
            text = format!("@layer {layer} {{\n{text}}}\n");
        }
        if !self.media.is_empty() {
            text = format!("@media {} {{\n{text}}}\n", self.media);
        }
        text
    }
}

/// Drops `/* … */` outside quotes.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut quote: Option<char> = None;
    while let Some(c) = chars.next() {
        match quote {
            Some(_) if c == '\\' => {
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            Some(q) if c == q => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '/' && chars.peek() == Some(&'*') => {
                chars.next();
                let mut last = ' ';
                for inner in chars.by_ref() {
                    if last == '*' && inner == '/' {
                        break;
                    }
                    last = inner;
                }
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(files: &[(&str, &str)]) -> Result<String> {
        let folder = tempfile::tempdir()?;
        for (name, text) in files {
            let path = folder.path().join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, text)?;
        }
        join(&folder.path().join("main.css"))
    }

    #[test]
    fn imports_stand_where_they_were_named() -> Result<()> {
        let css = joined(&[
            (
                "main.css",
                "/* first */\n@import \"tokens.css\";\n@import url('ui/button.css') layer(ui) (min-width: 40em);\nbody{color:red}\n",
            ),
            ("tokens.css", ":root{--ink:#111} /* ink */\n"),
            ("ui/button.css", "button{content:\"/* kept */\"}\n"),
        ])?;
        assert_eq!(
            css,
            ":root{--ink:#111}\n@media (min-width: 40em) {\n@layer ui {\nbutton{content:\"/* kept */\"}\n}\n}\nbody{color:red}\n"
        );
        Ok(())
    }

    #[test]
    fn a_circle_another_host_and_a_missing_file_are_refused() {
        for files in [
            &[("main.css", "@import \"a.css\";\n"), ("a.css", "@import \"main.css\";\n")][..],
            &[("main.css", "@import \"//fonts.example/x.css\";\n")][..],
            &[("main.css", "@import \"gone.css\";\n")][..],
            &[("main.css", "@import gone.css;\n")][..],
        ] {
            assert!(joined(files).is_err(), "{files:?}");
        }
    }
}
