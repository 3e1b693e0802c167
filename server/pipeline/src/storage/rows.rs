//! Reading stored values back: every code, number and JSON text that is not ours ends as `Corrupt`, naming its column.

use serde::Serialize;
use serde::de::DeserializeOwned;
use types::vendor::{Environment, Vendor};

use crate::storage::{Result, StorageError};

pub fn corrupt(column: &str, value: impl std::fmt::Display) -> StorageError {
    StorageError::Corrupt(format!("{column}: {value}"))
}

/// Of a code column: the word it stands for.
pub fn word<T>(column: &str, code: i64, read: impl FnOnce(i64) -> Option<T>) -> Result<T> {
    read(code).ok_or_else(|| corrupt(column, format_args!("no such code {code}")))
}

pub fn vendor(column: &str, code: i64) -> Result<Vendor> {
    word(column, code, Vendor::from_code)
}

/// 0 stands for "no lane".
pub fn vendor_or_none(column: &str, code: i64) -> Result<Option<Vendor>> {
    if code == 0 { Ok(None) } else { vendor(column, code).map(Some) }
}

pub fn code_or_zero(vendor: Option<Vendor>) -> i64 {
    vendor.map_or(0, Vendor::code)
}

pub fn environment(column: &str, code: i64) -> Result<Environment> {
    word(column, code, Environment::from_code)
}

/// Of a slug column.
pub fn slug<T>(column: &str, text: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    read(text).ok_or_else(|| corrupt(column, "unknown word"))
}

pub fn number<T: TryFrom<i64>>(column: &str, value: i64) -> Result<T> {
    T::try_from(value).map_err(|_| corrupt(column, "out of range"))
}

/// The text of the error is not kept: it may quote the value.
pub fn json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| corrupt(column, format_args!("bad JSON at column {}", e.column())))
}

/// # Errors
/// `Corrupt` when a value has no JSON form (a map with keys that are no text).
pub fn to_json<T: Serialize + ?Sized>(column: &str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|_| corrupt(column, "cannot be written as JSON"))
}

/// Our cursors are the number of the last row shown; anything else starts at the beginning.
pub fn before(after: Option<&str>) -> i64 {
    after.and_then(|text| text.parse().ok()).unwrap_or(i64::MAX)
}
