//! The compact lists inside a chunk. Pure: bytes in, bytes out.
//!
//! Recipients: sorted by key; per recipient a key difference, a device number, a token, and only where needed the text
//! that named it and its variables. Outcomes: one byte per recipient (3 bits outcome, 5 bits index of a reason table); who waits
//! with a reason was asked before, and the answer is unknown.

use std::collections::BTreeMap;

use types::crowd::KeyKind;
use types::life::Outcome;
use types::receipt::mark;
use types::vendor::Vendor;

use super::{Result, StorageError};

/// Recipients in one chunk, at most.
pub const CHUNK_MAX: usize = 1_000;

/// The order of recipients inside a message: a stable 64-bit hash of what named the recipient.
/// Found again from a user id, a device id or a token without any table.
pub fn key_of(kind: KeyKind, vendor: Option<Vendor>, text: &str) -> i64 {
    key_of_named(kind, vendor.map_or("", Vendor::slug), text)
}

/// The same for a vendor by its slug: crowd files also name vendors without a lane (yet).
pub fn key_of_named(kind: KeyKind, vendor: &str, text: &str) -> i64 {
    let parts = [kind.slug().as_bytes(), &[0], vendor.as_bytes(), &[0], text.as_bytes()];
    let mut together = [0u8; 240];
    let len: usize = parts.iter().map(|p| p.len()).sum();
    // One call over a short slice is many times cheaper than the streaming state.
    let digest = match together.get_mut(..len) {
        Some(together) => {
            let mut rest = &mut *together;
            for part in parts {
                let (head, tail) = rest.split_at_mut(part.len());
                head.copy_from_slice(part);
                rest = tail;
            }
            xxhash_rust::xxh3::xxh3_64(together)
        }
        None => xxhash_rust::xxh3::xxh3_64(&parts.concat()),
    };
    i64::from_ne_bytes(digest.to_ne_bytes())
}

/// Marks after which a repeat by the same lane is of no use: it arrived, or the vendor said why it never will.
pub const SAID_SOMETHING: u8 = mark::DELIVERED | mark::TOKEN_DEAD | mark::OVER_QUOTA | mark::DISCARDED;

/// In the words of a rule: what stands before it is the rule, and what follows is the message the place was lost to.
/// Counters keep the rule, the recipient's own reason keeps both.
pub const LOST_TO: &str = "; had ";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipient {
    pub key: i64,
    /// 0 = no registered device.
    pub device_no: i64,
    /// Empty when filtered for having none.
    pub token: String,
    /// What the caller or the crowd called it; kept only when no device says who it is.
    pub target: String,
    /// Own variables (crowd columns); empty for most.
    pub variables: BTreeMap<String, String>,
}

/// `recipients` must be sorted by key (checked in debug builds).
pub fn encode_recipients(recipients: &[Recipient]) -> Vec<u8> {
    debug_assert!(recipients.is_sorted_by_key(|r| r.key));
    let mut out = Vec::with_capacity(recipients.len() * 44 + 8);
    put_varint(&mut out, recipients.len() as u64);
    let mut last = 0i64;
    for r in recipients {
        put_varint(&mut out, r.key.wrapping_sub(last).cast_unsigned());
        last = r.key;
        put_varint(&mut out, r.device_no.max(0).cast_unsigned());
        let hex = r.token.len() == 64 && r.token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let flags = u8::from(hex) | (u8::from(!r.target.is_empty()) << 1) | (u8::from(!r.variables.is_empty()) << 2);
        out.push(flags);
        match hex::decode(&r.token) {
            Ok(bytes) if hex => out.extend_from_slice(&bytes),
            _ => put_text(&mut out, &r.token),
        }
        if !r.target.is_empty() {
            put_text(&mut out, &r.target);
        }
        if !r.variables.is_empty() {
            put_varint(&mut out, r.variables.len() as u64);
            for (name, value) in &r.variables {
                put_text(&mut out, name);
                put_text(&mut out, value);
            }
        }
    }
    out
}

/// # Errors
/// `Corrupt` when the bytes are not what [`encode_recipients`] wrote.
pub fn decode_recipients(bytes: &[u8]) -> Result<Vec<Recipient>> {
    let mut read = Reader { bytes };
    let n = read.count()?;
    let mut out = Vec::with_capacity(n);
    let mut last = 0i64;
    for _ in 0..n {
        let key = last.wrapping_add(read.varint()?.cast_signed());
        last = key;
        let device_no = read.varint()?.cast_signed();
        let flags = read.byte()?;
        let token = if flags & 1 == 1 { hex::encode(read.take(32)?) } else { read.text()? };
        let target = if flags & 2 == 2 { read.text()? } else { String::new() };
        let mut variables = BTreeMap::new();
        if flags & 4 == 4 {
            for _ in 0..read.count()? {
                let name = read.text()?;
                variables.insert(name, read.text()?);
            }
        }
        out.push(Recipient { key, device_no, token, target, variables });
    }
    Ok(out)
}

/// Why, for a group of recipients: slug of a class or rule, and the vendor's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    pub slug: String,
    pub words: String,
}

/// The outcomes of one chunk, in the order of its recipients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    packed: Vec<u8>,
    reasons: Vec<Reason>,
}

/// Index 0 means "no reason"; 30 named ones; 31 collects the rest.
const REASON_MAX: usize = 31;

impl Outcomes {
    pub fn waiting(n: usize) -> Outcomes {
        Outcomes { packed: vec![0; n], reasons: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.packed.len()
    }

    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    pub fn get(&self, i: usize) -> (Outcome, Option<&Reason>) {
        let byte = self.packed.get(i).copied().unwrap_or(0);
        let outcome = Outcome::from_code(byte >> 5).unwrap_or(Outcome::Uncertain);
        let index = usize::from(byte & 31);
        (outcome, index.checked_sub(1).and_then(|i| self.reasons.get(i)))
    }

    pub fn set(&mut self, i: usize, outcome: Outcome, reason: Option<Reason>) {
        let index = match reason {
            None => 0,
            Some(reason) => match self.reasons.iter().position(|r| *r == reason) {
                Some(at) => at + 1,
                None if self.reasons.len() + 1 < REASON_MAX => {
                    self.reasons.push(reason);
                    self.reasons.len()
                }
                // Keep the class, drop the words: still countable.
                None => {
                    let short = Reason { slug: reason.slug, words: String::new() };
                    match self.reasons.iter().position(|r| *r == short) {
                        Some(at) => at + 1,
                        None if self.reasons.len() < REASON_MAX => {
                            self.reasons.push(short);
                            self.reasons.len()
                        }
                        None => REASON_MAX,
                    }
                }
            },
        };
        if let Some(byte) = self.packed.get_mut(i) {
            *byte = (outcome.code() << 5) | u8::try_from(index).unwrap_or(0);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Outcome, Option<&Reason>)> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Indexes of recipients without an outcome.
    pub fn open(&self) -> Vec<usize> {
        self.packed.iter().enumerate().filter(|(_, b)| **b >> 5 == 0).map(|(i, _)| i).collect()
    }

    /// Was asked once and the answer is unknown: waits for a repeat, but may have been reached already. The reason says why.
    pub fn mark_asked(&mut self, i: usize, reason: Reason) {
        if self.get(i).0 == Outcome::Waiting {
            self.set(i, Outcome::Waiting, Some(reason));
        }
    }

    /// Ends everybody who still waits as `outcome`; who may have been reached already ends as uncertain, for the same reason
    /// as he waited. Returns how many ended how.
    pub fn end_open(&mut self, outcome: Outcome) -> BTreeMap<(Outcome, Reason), i64> {
        self.end_open_for(outcome, None)
    }

    /// The same, for a reason.
    pub fn end_open_for(&mut self, outcome: Outcome, why: Option<&Reason>) -> BTreeMap<(Outcome, Reason), i64> {
        let mut ended = BTreeMap::new();
        for i in self.open() {
            let (becomes, reason) = match self.get(i).1.cloned() {
                Some(asked) => (Outcome::Uncertain, Some(asked)),
                None => (outcome, why.cloned()),
            };
            *ended.entry((becomes, reason.clone().unwrap_or_default())).or_default() += 1;
            self.set(i, becomes, reason);
        }
        ended
    }

    /// What arrived was accepted, whatever became of the answer: uncertain recipients with the mark of arrival become accepted;
    /// with `waiting` also those whose answer has not been recorded yet. Returns who, and the reason an uncertain outcome had.
    pub fn believe(&mut self, marks: &[u8], waiting: bool) -> Vec<(usize, Option<Reason>)> {
        let mut out = Vec::new();
        for (i, byte) in marks.iter().enumerate().take(self.packed.len()) {
            if byte & mark::DELIVERED == 0 {
                continue;
            }
            match self.get(i) {
                (Outcome::Uncertain, reason) => out.push((i, Some(reason.cloned().unwrap_or_default()))),
                (Outcome::Waiting, _) if waiting => out.push((i, None)),
                _ => continue,
            }
            self.set(i, Outcome::Accepted, None);
        }
        out
    }

    /// Of a list of those who are sent to again: who was heard of meanwhile, or can never be, need not be.
    pub fn heard(&mut self, marks: &[u8]) {
        for at in self.open() {
            if marks.get(at).is_some_and(|byte| byte & SAID_SOMETHING != 0) {
                self.set(at, Outcome::Cancelled, None);
            }
        }
    }

    pub fn any(&self, outcome: Outcome) -> bool {
        self.packed.iter().any(|byte| byte >> 5 == outcome.code())
    }

    /// (outcome, reason) -> how many; `Waiting` left out.
    pub fn counts(&self) -> BTreeMap<(Outcome, Reason), i64> {
        let mut by_byte = [0i64; 256];
        for byte in &self.packed {
            by_byte[usize::from(*byte)] += 1;
        }
        let mut out = BTreeMap::new();
        for (byte, n) in (0u8..=255).zip(by_byte) {
            if n > 0 && byte >> 5 != 0 {
                let outcome = Outcome::from_code(byte >> 5).unwrap_or(Outcome::Uncertain);
                let mut reason = usize::from(byte & 31).checked_sub(1).and_then(|i| self.reasons.get(i)).cloned().unwrap_or_default();
                if outcome == Outcome::Filtered
                    && let Some(at) = reason.words.find(LOST_TO)
                {
                    reason.words.truncate(at);
                }
                *out.entry((outcome, reason)).or_default() += n;
            }
        }
        out
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.packed.len() + 16);
        put_varint(&mut out, self.reasons.len() as u64);
        for reason in &self.reasons {
            put_text(&mut out, &reason.slug);
            put_text(&mut out, &reason.words);
        }
        put_varint(&mut out, self.packed.len() as u64);
        out.extend_from_slice(&self.packed);
        out
    }

    /// # Errors
    /// `Corrupt` when the bytes are not what [`Outcomes::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Outcomes> {
        let mut read = Reader { bytes };
        let mut reasons = Vec::new();
        for _ in 0..read.count()? {
            let slug = read.text()?;
            reasons.push(Reason { slug, words: read.text()? });
        }
        let n = read.count()?;
        Ok(Outcomes { packed: read.take(n)?.to_vec(), reasons })
    }
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.bytes.split_at_checked(n).ok_or_else(|| StorageError::Corrupt("chunk: cut short".into()))?;
        self.bytes = rest;
        Ok(head)
    }

    pub(super) fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(StorageError::Corrupt("chunk: number too long".into()))
    }

    /// A count can never exceed the bytes left, so a damaged one cannot make us reserve memory.
    pub(super) fn count(&mut self) -> Result<usize> {
        let n = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        if n > self.bytes.len() { Err(StorageError::Corrupt("chunk: count too large".into())) } else { Ok(n) }
    }

    pub(super) fn text(&mut self) -> Result<String> {
        let n = self.count()?;
        String::from_utf8(self.take(n)?.to_vec()).map_err(|_| StorageError::Corrupt("chunk: not UTF-8".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn recipient() -> impl Strategy<Value = Recipient> {
        (
            any::<i64>(),
            0..i64::MAX,
            prop_oneof!["[0-9a-f]{64}", ".{0,80}"],
            ".{0,20}",
            prop::collection::btree_map(".{0,8}", ".{0,8}", 0..3),
        )
            .prop_map(|(key, device_no, token, target, variables)| Recipient { key, device_no, token, target, variables })
    }

    proptest! {
        #[test]
        fn recipients_read_back(mut list in prop::collection::vec(recipient(), 0..40)) {
            list.sort_by_key(|r| r.key);
            prop_assert_eq!(decode_recipients(&encode_recipients(&list)).unwrap(), list);
        }

        #[test]
        fn damaged_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_recipients(&bytes);
            let _ = Outcomes::decode(&bytes);
        }

        #[test]
        fn outcomes_read_back_and_their_counts_sum_up(steps in prop::collection::vec((0usize..50, 1u8..7, 0u8..60), 0..200)) {
            let mut outcomes = Outcomes::waiting(50);
            for (i, code, reason) in steps {
                let reason = (reason > 0).then(|| Reason { slug: format!("class{}", reason % 3), words: format!("w{reason}") });
                outcomes.set(i, Outcome::from_code(code).unwrap(), reason);
            }
            let back = Outcomes::decode(&outcomes.encode()).unwrap();
            prop_assert_eq!(&back, &outcomes);
            let counted: i64 = back.counts().values().sum();
            prop_assert_eq!(counted as usize + back.open().len(), 50);
        }
    }

    #[test]
    fn an_apple_token_costs_half_its_text() {
        let list: Vec<Recipient> = (0..1000)
            .map(|i| Recipient { key: (i - 500) << 54, device_no: i, token: format!("{i:064x}"), ..Recipient::default() })
            .collect();
        assert!(encode_recipients(&list).len() < 1000 * 45);
    }
}
