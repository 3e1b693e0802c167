//! The compact lists of a crowd: blocks of recipients in key order, blocks of rejected rows. Pure: bytes in, bytes out.
//!
//! Keys are not stored: [`key_of_named`] finds them again. Names of variables stand once per block.

use std::collections::BTreeMap;

use types::crowd::{KeyKind, RejectReason};
use types::vendor::Vendor;

use super::frame::{Reader, key_of_named, put_text, put_varint};
use super::{Result, StorageError};

/// Rows in one block, at most; only the last block of a crowd holds fewer.
pub const BLOCK_ROWS: usize = 1_000;

/// One recipient as the file named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrowdRow {
    /// `frame::key_of` of what follows.
    pub key: i64,
    pub kind: KeyKind,
    /// Only for tokens.
    pub vendor: Option<Vendor>,
    pub text: String,
    /// Variable name -> value; empty values left out.
    pub variables: BTreeMap<String, String>,
}

/// A block as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// From 0, without gaps, in key order.
    pub seq: i64,
    pub count: i64,
    pub first_key: i64,
    pub last_key: i64,
    pub bytes: Vec<u8>,
}

/// Collects the rows of one block.
pub struct BlockWriter {
    head: Vec<u8>,
    body: Vec<u8>,
    kind: KeyKind,
    seq: i64,
    count: i64,
    first_key: i64,
    last_key: i64,
}

/// A vendor's number as one byte, which all of them fit.
pub fn code_of(vendor: Vendor) -> u8 {
    vendor.code().to_le_bytes()[0]
}

impl BlockWriter {
    /// `names` are the variables, in the order the indexes of [`put_value`] speak of.
    pub fn new(kind: KeyKind, names: &[String]) -> BlockWriter {
        let mut head = vec![1, kind.code() as u8];
        put_varint(&mut head, names.len() as u64);
        for name in names {
            put_text(&mut head, name);
        }
        BlockWriter { head, body: Vec::new(), kind, seq: 0, count: 0, first_key: 0, last_key: 0 }
    }

    pub fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// `values` is what [`put_value`] wrote (may be empty). Rows come in key order.
    pub fn push(&mut self, key: i64, vendor: Option<Vendor>, text: &str, values: &[u8]) {
        debug_assert!(self.count == 0 || key >= self.last_key);
        if self.count == 0 {
            self.first_key = key;
        }
        self.last_key = key;
        self.count += 1;
        if self.kind == KeyKind::Token {
            self.body.push(vendor.map_or(0, code_of));
        }
        // Lowercase hex is kept as bytes: half the size of an APNs token.
        let hex = text.len() >= 16 && text.len().is_multiple_of(2) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match hex::decode(text) {
            Ok(bytes) if hex => {
                put_varint(&mut self.body, (bytes.len() as u64) << 1 | 1);
                self.body.extend_from_slice(&bytes);
            }
            _ => {
                put_varint(&mut self.body, (text.len() as u64) << 1);
                self.body.extend_from_slice(text.as_bytes());
            }
        }
        put_varint(&mut self.body, values.len() as u64);
        self.body.extend_from_slice(values);
    }

    /// The block so far; the writer goes on with the next one.
    pub fn take(&mut self) -> Block {
        let mut bytes = Vec::with_capacity(self.head.len() + self.body.len() + 3);
        bytes.extend_from_slice(&self.head);
        put_varint(&mut bytes, self.count.cast_unsigned());
        bytes.extend_from_slice(&self.body);
        let block = Block { seq: self.seq, count: self.count, first_key: self.first_key, last_key: self.last_key, bytes };
        self.body.clear();
        self.seq += 1;
        self.count = 0;
        block
    }
}

/// One value of a row: index of its name, then the text.
pub fn put_value(out: &mut Vec<u8>, name: usize, value: &str) {
    put_varint(out, name as u64);
    put_text(out, value);
}

/// # Errors
/// `Corrupt` when the bytes are not what [`BlockWriter`] wrote.
pub fn decode_block(bytes: &[u8]) -> Result<Vec<CrowdRow>> {
    let corrupt = |what: &str| StorageError::Corrupt(format!("crowd block: {what}"));
    let mut read = Reader { bytes };
    if read.byte()? != 1 {
        return Err(corrupt("unknown version"));
    }
    let kind = KeyKind::from_code(i64::from(read.byte()?)).ok_or_else(|| corrupt("unknown kind"))?;
    let mut names = Vec::new();
    for _ in 0..read.count()? {
        names.push(read.text()?);
    }
    let n = read.count()?;
    let mut rows = Vec::with_capacity(n);
    for _ in 0..n {
        let vendor = if kind == KeyKind::Token { Vendor::from_code(i64::from(read.byte()?)) } else { None };
        let size = read.varint()?;
        let len = usize::try_from(size >> 1).unwrap_or(usize::MAX);
        let raw = read.take(len)?;
        let text = if size & 1 == 1 { hex::encode(raw) } else { String::from_utf8(raw.to_vec()).map_err(|_| corrupt("not UTF-8"))? };
        let mut variables = BTreeMap::new();
        let len = read.count()?;
        let mut values = Reader { bytes: read.take(len)? };
        while !values.bytes.is_empty() {
            let index = usize::try_from(values.varint()?).unwrap_or(usize::MAX);
            let name = names.get(index).ok_or_else(|| corrupt("unknown variable"))?;
            variables.insert(name.clone(), values.text()?);
        }
        let key = key_of_named(kind, vendor.map_or("", Vendor::slug), &text);
        rows.push(CrowdRow { key, kind, vendor, text, variables });
    }
    Ok(rows)
}

/// A row that is not in the crowd, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Number of the data row in the file, from 1.
    pub row: u64,
    pub reason: RejectReason,
    /// The key as the file has it, cut to 256 characters.
    pub text: String,
}

/// In the order of row numbers (checked in debug builds).
pub fn encode_rejects(rejects: &[Reject]) -> Vec<u8> {
    debug_assert!(rejects.is_sorted_by_key(|r| r.row));
    let mut out = Vec::with_capacity(rejects.len() * 24);
    put_varint(&mut out, rejects.len() as u64);
    let mut last = 0;
    for reject in rejects {
        put_varint(&mut out, reject.row - last);
        last = reject.row;
        out.push(reject.reason.code());
        put_text(&mut out, &reject.text);
    }
    out
}

/// # Errors
/// `Corrupt` when the bytes are not what [`encode_rejects`] wrote.
pub fn decode_rejects(bytes: &[u8]) -> Result<Vec<Reject>> {
    let mut read = Reader { bytes };
    let n = read.count()?;
    let mut out = Vec::with_capacity(n);
    let mut row = 0u64;
    for _ in 0..n {
        row = row.wrapping_add(read.varint()?);
        let reason = RejectReason::from_code(read.byte()?).ok_or_else(|| StorageError::Corrupt("rejects: unknown reason".into()))?;
        out.push(Reject { row, reason, text: read.text()? });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[0-9a-f]{64}", "[0-9a-fA-F]{15,18}", ".{0,80}"]
    }

    proptest! {
        #[test]
        fn a_block_reads_back(rows in prop::collection::vec((text(), 0usize..11, ".{0,9}", any::<bool>()), 0..40)) {
            let names = vec!["name".to_owned(), "城市".to_owned()];
            let mut writer = BlockWriter::new(KeyKind::Token, &names);
            let mut rows: Vec<CrowdRow> = rows.into_iter().map(|(text, vendor, value, second)| {
                let vendor = Vendor::ALL[vendor];
                let mut variables = BTreeMap::new();
                if !value.is_empty() {
                    variables.insert(names[usize::from(second)].clone(), value);
                }
                CrowdRow { key: key_of_named(KeyKind::Token, vendor.slug(), &text), kind: KeyKind::Token, vendor: Some(vendor), text, variables }
            }).collect();
            rows.sort_by_key(|r| r.key);
            for row in &rows {
                let mut values = Vec::new();
                for (name, value) in &row.variables {
                    put_value(&mut values, names.iter().position(|n| n == name).unwrap(), value);
                }
                writer.push(row.key, row.vendor, &row.text, &values);
            }
            let block = writer.take();
            prop_assert_eq!(block.count, rows.len() as i64);
            prop_assert_eq!(decode_block(&block.bytes).unwrap(), rows);
        }

        #[test]
        fn rejects_read_back(list in prop::collection::vec((0u64..1_000_000, 0usize..8, ".{0,20}"), 0..40)) {
            let mut list: Vec<Reject> = list.into_iter().map(|(row, reason, text)| Reject { row, reason: RejectReason::ALL[reason], text }).collect();
            list.sort_by_key(|r| r.row);
            prop_assert_eq!(decode_rejects(&encode_rejects(&list)).unwrap(), list);
        }

        #[test]
        fn damaged_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_block(&bytes);
            let _ = decode_rejects(&bytes);
        }
    }
}
