//! Variables in a copy: `{{name}}` or `{{name|fallback}}`. Pure: the browser's preview and the sender use this one function.

use std::collections::{BTreeMap, BTreeSet};

use crate::content::Content;
use crate::field::FieldError;
use crate::text::Words;

/// One piece of a parsed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Plain(String),
    Variable { name: String, fallback: Option<String> },
}

/// Splits a text. A `{{` without `}}` or with a bad name is a complaint, never silently sent.
pub fn parse(text: &str) -> Result<Vec<Piece>, Words> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        if start > 0 {
            pieces.push(Piece::Plain(rest[..start].to_owned()));
        }
        let after = &rest[start + 2..];
        let end = after.find("}}").ok_or_else(|| Words::new("变量缺少结尾 }}", "a variable lacks its closing }}"))?;
        let inner = &after[..end];
        let (name, fallback) = match inner.split_once('|') {
            Some((name, fallback)) => (name.trim(), Some(fallback.trim().to_owned())),
            None => (inner.trim(), None),
        };
        let good = !name.is_empty() && name.chars().count() <= 32 && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !good {
            return Err(Words::new(
                format!("变量名「{name}」只能用字母、汉字、数字和下划线，最多 32 个字"),
                format!("variable name \"{name}\" may hold letters, digits and underscore, at most 32"),
            ));
        }
        pieces.push(Piece::Variable { name: name.to_owned(), fallback });
        rest = &after[end + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Plain(rest.to_owned()));
    }
    Ok(pieces)
}

/// Fills a text. `missing` collects the names that had neither value nor fallback (they become nothing).
pub fn fill(text: &str, values: &BTreeMap<String, String>, missing: &mut BTreeSet<String>) -> String {
    let Ok(pieces) = parse(text) else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => out.push_str(&plain),
            Piece::Variable { name, fallback } => match values.get(&name).filter(|v| !v.trim().is_empty()) {
                Some(value) => out.push_str(value.trim()),
                None => match fallback {
                    Some(fallback) => out.push_str(&fallback),
                    None => {
                        missing.insert(name);
                    }
                },
            },
        }
    }
    out
}

/// Every variable a content uses, over all vendors.
pub fn variables(content: &Content) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, text) in texts(content) {
        for piece in parse(text).unwrap_or_default() {
            if let Piece::Variable { name, .. } = piece {
                names.insert(name);
            }
        }
    }
    names
}

/// Complaints about the syntax of variables, field by field.
pub fn check(content: &Content) -> Vec<FieldError> {
    texts(content).into_iter().filter_map(|(field, text)| parse(text).err().map(|reason| FieldError { field, reason })).collect()
}

/// The content with every variable filled, and the names that were missing.
pub fn render(content: &Content, values: &BTreeMap<String, String>) -> (Content, BTreeSet<String>) {
    let mut missing = BTreeSet::new();
    let mut out = content.clone();
    out.title = fill(&content.title, values, &mut missing);
    out.body = fill(&content.body, values, &mut missing);
    out.subtitle = content.subtitle.as_ref().map(|s| fill(s, values, &mut missing));
    for over in out.overrides.values_mut() {
        over.title = over.title.as_ref().map(|s| fill(s, values, &mut missing));
        over.body = over.body.as_ref().map(|s| fill(s, values, &mut missing));
    }
    (out, missing)
}

/// Every text of a content that variables may stand in, by its field.
pub fn texts(content: &Content) -> Vec<(String, &str)> {
    let mut out = vec![("title".to_owned(), content.title.as_str()), ("body".to_owned(), content.body.as_str())];
    if let Some(subtitle) = &content.subtitle {
        out.push(("subtitle".to_owned(), subtitle));
    }
    for (vendor, over) in &content.overrides {
        if let Some(title) = &over.title {
            out.push((format!("overrides.{}.title", vendor.slug()), title));
        }
        if let Some(body) = &over.body {
            out.push((format!("overrides.{}.body", vendor.slug()), body));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn values_then_fallback_then_missing() {
        let mut missing = BTreeSet::new();
        assert_eq!(fill("{{姓名|您好}}，号源 {{ n }} 个", &values(&[("n", "3")]), &mut missing), "您好，号源 3 个");
        assert!(missing.is_empty());
        assert_eq!(fill("{{x}}!", &values(&[("x", "  ")]), &mut missing), "!");
        assert_eq!(missing.into_iter().collect::<Vec<_>>(), ["x"]);
    }

    #[test]
    fn a_broken_variable_is_a_complaint() {
        let content = Content { title: "{{a".into(), body: "{{b-c}}".into(), ..Content::default() };
        let fields: Vec<_> = check(&content).into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["title", "body"]);
    }

    #[test]
    fn a_value_is_never_read_as_a_variable() {
        let mut missing = BTreeSet::new();
        assert_eq!(fill("{{a}}", &values(&[("a", "{{b}}"), ("b", "no")]), &mut missing), "{{b}}");
    }
}
