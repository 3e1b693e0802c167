//! Reading JSON as strictly as the manuals write it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What stands at a dotted path; `null` is nothing.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key)).filter(|v| !v.is_null())
}

/// A text at a path; empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or("")
}

/// A text that is there and not all blank.
pub(crate) fn filled(value: &Value, path: &str) -> bool {
    !text(value, path).trim().is_empty()
}

pub(crate) fn int(value: &Value, path: &str) -> Option<i64> {
    at(value, path).and_then(Value::as_i64)
}

/// A number, or digits in a text: where the manual lets both pass.
pub(crate) fn number(value: &Value, path: &str) -> Option<i64> {
    let found = at(value, path)?;
    found.as_i64().or_else(|| found.as_str()?.trim().parse().ok())
}

/// A text, or a number or flag as text.
pub(crate) fn loose(value: &Value, path: &str) -> String {
    at(value, path).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).unwrap_or_default()
}

#[derive(Clone, Copy)]
pub(crate) enum Form {
    Text,
    Int,
    Flag,
    Object,
    List,
}

impl Form {
    fn fits(self, value: &Value) -> bool {
        match self {
            Form::Text => value.is_string(),
            Form::Int => value.is_i64(),
            Form::Flag => value.is_boolean(),
            Form::Object => value.is_object(),
            Form::List => value.is_array(),
        }
    }
}

/// The first of these paths whose value is there and of another form.
pub(crate) fn misformed<'a>(value: &Value, forms: &[(&'a str, Form)]) -> Option<&'a str> {
    forms.iter().find(|(path, form)| at(value, path).is_some_and(|v| !form.fits(v))).map(|(path, _)| *path)
}

/// The first key of an object that is not among these.
pub(crate) fn unknown<'a>(value: Option<&'a Value>, known: &[&str]) -> Option<&'a str> {
    value?.as_object()?.keys().find(|k| !known.contains(&k.as_str())).map(String::as_str)
}

/// The texts of a list; nothing when one of them is none.
pub(crate) fn texts<'a>(value: &'a Value, path: &str) -> Option<Vec<&'a str>> {
    at(value, path)?.as_array()?.iter().map(Value::as_str).collect()
}

/// The fields of a form body, the last one of a name counts.
pub(crate) fn form(body: &[u8]) -> BTreeMap<String, String> {
    serde_urlencoded::from_bytes(body).unwrap_or_default()
}

/// The fields of a form as one object of texts, numbers and flags read where they are meant.
pub(crate) fn from_form(form: &BTreeMap<String, String>) -> Value {
    Value::Object(form.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect::<Map<_, _>>())
}

/// Whether a number that is there lies within these bounds.
pub(crate) fn within(value: &Value, path: &str, bounds: std::ops::RangeInclusive<i64>) -> bool {
    at(value, path).is_none_or(|v| v.as_i64().is_some_and(|n| bounds.contains(&n)))
}

/// Whether a text that is there is one of these.
pub(crate) fn one_of(value: &Value, path: &str, known: &[&str]) -> bool {
    at(value, path).is_none_or(|v| v.as_str().is_some_and(|t| known.contains(&t)))
}

/// Whether a text that is there has at most so many characters.
pub(crate) fn short(value: &Value, path: &str, most: usize) -> bool {
    at(value, path).is_none_or(|v| v.as_str().is_some_and(|t| t.chars().count() <= most))
}

/// Whether an address that is there is `https`.
pub(crate) fn https(value: &Value, path: &str) -> bool {
    let given = text(value, path);
    given.is_empty() || given.starts_with("https://")
}
