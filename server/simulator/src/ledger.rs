//! The ledger: the truth about what the twin took. 32 bytes per device message, append-only, optionally on disk.
//!
//! A device message is *taken* when a phone would get it, whether or not the caller heard the answer. The judge of a
//! chaos run compares exactly this with what the caller believes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use types::Millis;
use types::vendor::Vendor;
use xxhash_rust::xxh3::xxh3_128;

pub use crate::record::{Record, Verdict, token_hash};

mod withdrawn;
pub(crate) use withdrawn::Taken;

/// Title and body as they arrived, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stored {
    pub title: String,
    pub body: String,
}

/// One row of [`Ledger::counts`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    pub vendor: Vendor,
    pub key: String,
    pub verdict: Verdict,
    pub count: u64,
}

/// Device messages that reached a phone more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repeats {
    /// (key, token) pairs taken more than once: shown once (Xiaomi jobkey) or replaced (APNs collapse id).
    pub same_key: u64,
    /// Takings beyond the first of those pairs.
    pub extra: u64,
    /// (text, token) pairs that came under different keys, or again without any key: shown twice.
    pub other_key: u64,
    /// `same_key` by vendor.
    pub by_vendor: BTreeMap<String, u64>,
}

/// The busiest one-second window in the unit that the vendor counts, and how many windows were over a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Windows {
    pub requests: u64,
    /// Most accepted requests, or targets in them, in any second (sliding).
    pub busiest: u64,
    /// Requests that closed a window over `limit`.
    pub over: u64,
    /// Requests that were refused for pace, and for a used-up quota.
    pub refused: u64,
    pub quota_refused: u64,
}

/// One of the last device messages, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub at: Millis,
    pub vendor: Vendor,
    pub key: String,
    pub verdict: Verdict,
    pub token_hash: String,
    pub title: String,
    pub body: String,
}

/// How a whole request ended, with how many.
pub type Answers = BTreeMap<String, u64>;

#[derive(Default)]
struct Books {
    records: Vec<Record>,
    keys: Vec<String>,
    key_numbers: HashMap<String, u32>,
    texts: Vec<Stored>,
    text_numbers: HashMap<u128, u32>,
    answers: BTreeMap<Vendor, Answers>,
    /// Requests refused for pace and for quota.
    limited: BTreeMap<Vendor, (u64, u64)>,
    file: Option<Files>,
}

struct Files {
    records: File,
    names: File,
    unwritten: Vec<u8>,
}

/// A picture as it was uploaded (or the address it was named by), byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub vendor: Vendor,
    pub id: String,
    pub bytes: Vec<u8>,
}

/// Pictures kept in memory: the last ones.
const PICTURES: usize = 64;

/// See the module.
pub struct Ledger {
    books: Mutex<Books>,
    pictures: Mutex<VecDeque<Picture>>,
}

/// Numbers of a key and a text, taken once per request.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    key: u32,
    text: u32,
}

const RECORDS_BEFORE_WRITE: usize = 2_048;

impl Ledger {
    /// In memory, or continued from and appended to `folder` (`ledger.records`, `ledger.names`).
    pub(crate) fn open(folder: Option<&Path>) -> Result<Ledger, crate::Trouble> {
        let mut books = Books::default();
        // Number 0 is "no key" and "no text".
        books.keys.push(String::new());
        books.key_numbers.insert(String::new(), 0);
        books.texts.push(Stored::default());
        if let Some(folder) = folder {
            std::fs::create_dir_all(folder)?;
            let open = |name: &str| OpenOptions::new().create(true).read(true).append(true).open(folder.join(name));
            let (mut records, mut names) = (open("ledger.records")?, open("ledger.names")?);
            let mut bytes = Vec::new();
            names.read_to_end(&mut bytes)?;
            let whole = books.read_names(&bytes);
            names.set_len(whole as u64)?;
            bytes.clear();
            records.read_to_end(&mut bytes)?;
            let (known_keys, known_texts) = (books.keys.len(), books.texts.len());
            // A record whose names were lost in a crash of the twin keeps its token and says "no key".
            books.records = bytes
                .as_chunks::<32>()
                .0
                .iter()
                .map(Record::read)
                .map(|r| Record {
                    key: if (r.key as usize) < known_keys { r.key } else { 0 },
                    text: if (r.text as usize) < known_texts { r.text } else { 0 },
                    ..r
                })
                .collect();
            records.set_len((books.records.len() * 32) as u64)?;
            books.file = Some(Files { records, names, unwritten: Vec::new() });
        }
        Ok(Ledger { books: Mutex::new(books), pictures: Mutex::default() })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers for this request's key and text.
    pub(crate) fn name(&self, key: &str, title: &str, body: &str) -> Names {
        let mut books = self.books();
        Names { key: books.key_number(key), text: books.text_number(title, body) }
    }

    /// Writes one request's device messages. `answer`: how the request as a whole ended; empty when that is counted already.
    pub(crate) fn write(
        &self,
        vendor: Vendor,
        at_micros: i64,
        names: Names,
        trace: u64,
        answer: &str,
        devices: impl Iterator<Item = (u64, Verdict)>,
    ) {
        let mut books = self.books();
        let from = books.records.len();
        books.records.extend(devices.map(|(token, v)| Record::new(vendor, v, at_micros, token, names.key, names.text, trace)));
        if !answer.is_empty() {
            books.count(vendor, answer);
        }
        books.persist(from);
    }

    /// Counts a request that was refused as a whole before its devices were looked at.
    pub(crate) fn refuse(&self, vendor: Vendor, answer: &str) {
        self.books().count(vendor, answer);
    }

    /// The same, for a request that came too fast (`quota` false) or after the day's last message.
    pub(crate) fn refuse_over_limit(&self, vendor: Vendor, answer: &str, quota: bool) {
        let mut books = self.books();
        books.count(vendor, answer);
        let (pace, day) = books.limited.entry(vendor).or_default();
        *(if quota { day } else { pace }) += 1;
    }

    pub(crate) fn keep_picture(&self, vendor: Vendor, id: &str, bytes: &[u8]) {
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        if pictures.len() == PICTURES {
            pictures.pop_front();
        }
        pictures.push_back(Picture { vendor, id: id.to_owned(), bytes: bytes.to_vec() });
    }

    /// The pictures this vendor took, oldest first.
    pub fn pictures(&self, vendor: Vendor) -> Vec<Picture> {
        let pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        pictures.iter().filter(|p| p.vendor == vendor).cloned().collect()
    }

    /// Writes what is still in memory to the file.
    pub(crate) fn flush(&self) {
        self.books().write_out();
    }

    pub(crate) fn reset(&self) -> std::io::Result<()> {
        self.pictures.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut books = self.books();
        books.records = Vec::new();
        books.answers.clear();
        books.limited.clear();
        match &mut books.file {
            Some(files) => {
                files.unwritten.clear();
                files.records.set_len(0)
            }
            None => Ok(()),
        }
    }

    /// Device messages on the books.
    pub fn len(&self) -> usize {
        self.books().records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Device messages taken, over all keys.
    pub fn taken(&self) -> u64 {
        self.books().records.iter().filter(|r| r.verdict().taken()).count() as u64
    }

    /// How often each token (by [`token_hash`]) was taken under `key`.
    pub fn taken_under(&self, vendor: Vendor, key: &str) -> HashMap<u64, u32> {
        let books = self.books();
        let mut found = HashMap::new();
        let Some(number) = books.key_numbers.get(key) else { return found };
        for record in books.records.iter().filter(|r| r.key == *number && r.vendor() == vendor && r.verdict().taken()) {
            *found.entry(record.token).or_insert(0) += 1;
        }
        found
    }

    /// How often each token (by [`token_hash`]) was taken by `vendor`, under whatever key.
    pub fn taken_by(&self, vendor: Vendor) -> HashMap<u64, u32> {
        let mut found = HashMap::new();
        for record in self.books().records.iter().filter(|r| r.vendor() == vendor && r.verdict().taken()) {
            *found.entry(record.token).or_insert(0) += 1;
        }
        found
    }

    /// Every key seen, with the vendor that took something under it.
    pub fn keys(&self) -> Vec<(Vendor, String)> {
        let mut keys: Vec<_> = self.counts().into_iter().map(|c| (c.vendor, c.key)).collect();
        keys.dedup();
        keys
    }

    /// Device messages by vendor, key and verdict.
    pub fn counts(&self) -> Vec<Count> {
        let books = self.books();
        let mut found: HashMap<(Vendor, u32, Verdict), u64> = HashMap::new();
        for r in &books.records {
            *found.entry((r.vendor(), r.key, r.verdict())).or_insert(0) += 1;
        }
        let mut rows: Vec<_> = found
            .into_iter()
            .map(|((vendor, key, verdict), count)| Count { vendor, key: books.keys[key as usize].clone(), verdict, count })
            .collect();
        rows.sort_by(|a, b| (a.vendor, &a.key, a.verdict).cmp(&(b.vendor, &b.key, b.verdict)));
        rows
    }

    /// How requests ended, by vendor and code or reason.
    pub fn answers(&self) -> BTreeMap<Vendor, Answers> {
        self.books().answers.clone()
    }

    /// Tokens that got the same thing more than once. `key`: only under this key.
    pub fn repeats(&self, key: Option<&str>) -> Repeats {
        let books = self.books();
        let wanted = key.map(|k| books.key_numbers.get(k).copied().unwrap_or(u32::MAX));
        let taken = books.records.iter().filter(|r| r.verdict().taken() && wanted.is_none_or(|w| w == r.key));
        let mut rows: Vec<(Vendor, u64, u32, u32)> = taken.map(|r| (r.vendor(), r.token, r.text, r.key)).collect();
        rows.sort_unstable();
        let mut repeats = Repeats::default();
        for same in rows.chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2)) {
            let keys = same.chunk_by(|a, b| a.3 == b.3);
            let mut different = 0;
            let mut keyless_again = false;
            for group in keys {
                different += 1;
                if group.len() > 1 {
                    if group[0].3 == 0 {
                        keyless_again = true;
                    } else {
                        repeats.same_key += 1;
                        repeats.extra += group.len() as u64 - 1;
                        *repeats.by_vendor.entry(group[0].0.slug().to_owned()).or_insert(0) += 1;
                    }
                }
            }
            repeats.other_key += u64::from(different > 1 || keyless_again);
        }
        repeats
    }

    /// One-second windows of a vendor against `limit`, in the vendor's own unit (requests or targets).
    pub fn windows(&self, vendor: Vendor, limit: u64) -> Windows {
        let books = self.books();
        let (refused, quota_refused) = books.limited.get(&vendor).copied().unwrap_or_default();
        let requests = requests(&books.records, vendor);
        let mut windows = Windows { requests: requests.len() as u64, refused, quota_refused, ..Windows::default() };
        let (mut first, mut within) = (0, 0);
        for (at, weight) in &requests {
            within += weight;
            while at - requests[first].0 >= 1_000_000 {
                within -= requests[first].1;
                first += 1;
            }
            windows.busiest = windows.busiest.max(within);
            windows.over += u64::from(within > limit);
        }
        windows
    }

    /// Taken device messages per wall-clock second (epoch seconds).
    pub fn rates(&self, vendor: Vendor) -> BTreeMap<i64, u64> {
        let mut rates = BTreeMap::new();
        for r in self.books().records.iter().filter(|r| r.vendor() == vendor && r.verdict().taken()) {
            *rates.entry(r.micros() / 1_000_000).or_insert(0) += 1;
        }
        rates
    }

    /// What this token last stored.
    pub fn last_of(&self, vendor: Vendor, token: &str) -> Option<Entry> {
        let hash = token_hash(token);
        let books = self.books();
        books.records.iter().rev().find(|r| r.token == hash && r.vendor() == vendor && r.verdict().taken()).map(|r| books.entry(r))
    }

    /// The newest `count` device messages, newest first.
    pub fn last(&self, count: usize) -> Vec<Entry> {
        let books = self.books();
        books.records.iter().rev().take(count).map(|r| books.entry(r)).collect()
    }
}

/// Accepted requests in order of time with what the vendor charges for each: 1, or its targets. The devices of one request
/// share its trace and its time of admission.
fn requests(records: &[Record], vendor: Vendor) -> Vec<(i64, u64)> {
    let by_target = crate::kit::counts_targets(vendor);
    let of_vendor = records.iter().filter(|r| r.vendor() == vendor && r.verdict() != Verdict::Refused);
    let mut rows: Vec<(i64, u64)> = of_vendor.map(|r| (r.micros(), r.trace)).collect();
    rows.sort_unstable();
    rows.chunk_by(|a, b| a == b).map(|same| (same[0].0, if by_target { same.len() as u64 } else { 1 })).collect()
}

impl Books {
    fn key_number(&mut self, key: &str) -> u32 {
        if let Some(number) = self.key_numbers.get(key) {
            return *number;
        }
        let number = u32::try_from(self.keys.len()).unwrap_or(0);
        self.keys.push(key.to_owned());
        self.key_numbers.insert(key.to_owned(), number);
        self.persist_name(b'k', &[key]);
        number
    }

    fn text_number(&mut self, title: &str, body: &str) -> u32 {
        if title.is_empty() && body.is_empty() {
            return 0;
        }
        let hash = xxh3_128(title.as_bytes()) ^ xxh3_128(body.as_bytes()).rotate_left(64);
        if let Some(number) = self.text_numbers.get(&hash) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(0);
        self.texts.push(Stored { title: title.to_owned(), body: body.to_owned() });
        self.text_numbers.insert(hash, number);
        self.persist_name(b't', &[title, body]);
        number
    }

    fn count(&mut self, vendor: Vendor, answer: &str) {
        let answers = self.answers.entry(vendor).or_default();
        match answers.get_mut(answer) {
            Some(count) => *count += 1,
            None => drop(answers.insert(answer.to_owned(), 1)),
        }
    }

    fn entry(&self, r: &Record) -> Entry {
        let text = &self.texts[r.text as usize];
        Entry {
            at: r.micros() / 1_000,
            vendor: r.vendor(),
            key: self.keys[r.key as usize].clone(),
            verdict: r.verdict(),
            token_hash: format!("{:016x}", r.token),
            title: text.title.clone(),
            body: text.body.clone(),
        }
    }

    fn persist(&mut self, from: usize) {
        let Some(files) = &mut self.file else { return };
        for record in &self.records[from..] {
            files.unwritten.extend_from_slice(&record.bytes());
        }
        if files.unwritten.len() >= RECORDS_BEFORE_WRITE * 32 {
            self.write_out();
        }
    }

    /// Kind, then each text with its length before it.
    fn persist_name(&mut self, kind: u8, texts: &[&str]) {
        let Some(files) = &mut self.file else { return };
        let mut line = vec![kind];
        for text in texts {
            line.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
            line.extend_from_slice(text.as_bytes());
        }
        if let Err(e) = files.names.write_all(&line) {
            tracing::warn!(error = %e, "the simulator's ledger file cannot be written");
        }
    }

    fn write_out(&mut self) {
        let Some(files) = &mut self.file else { return };
        if let Err(e) = files.records.write_all(&files.unwritten) {
            tracing::warn!(error = %e, "the simulator's ledger file cannot be written");
        }
        files.unwritten.clear();
    }

    /// Takes every whole name of `bytes`; returns how many bytes those are.
    fn read_names(&mut self, bytes: &[u8]) -> usize {
        fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
            let (head, after) = rest.split_first_chunk::<4>()?;
            let (text, after) = after.split_at_checked(u32::from_le_bytes(*head) as usize)?;
            *rest = after;
            std::str::from_utf8(text).ok()
        }
        let mut rest = bytes;
        loop {
            let mut ahead = rest;
            let read = match ahead.split_first() {
                Some((b'k', after)) => {
                    ahead = after;
                    text(&mut ahead).map(|key| self.key_number(key))
                }
                Some((b't', after)) => {
                    ahead = after;
                    text(&mut ahead).and_then(|title| text(&mut ahead).map(|body| self.text_number(title, body)))
                }
                _ => None,
            };
            if read.is_none() {
                return bytes.len() - rest.len();
            }
            rest = ahead;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One request, accepted and not, at this time under this key.
    pub fn note(ledger: &Ledger, at: i64, key: &str, trace: u64, tokens: &[(&str, Verdict)]) {
        let names = ledger.name(key, "Title", "Body");
        ledger.write(Vendor::Xiaomi, at, names, trace, "0", tokens.iter().map(|(t, v)| (token_hash(t), *v)));
    }

    #[test]
    fn repeats_with_the_same_key_and_with_another_are_told_apart() -> Result<(), crate::Trouble> {
        let ledger = Ledger::open(None)?;
        note(&ledger, 1_000_000, "k1", 1, &[("a", Verdict::Accepted), ("b", Verdict::Accepted), ("bad", Verdict::BadToken)]);
        note(&ledger, 1_100_000, "k1", 2, &[("a", Verdict::AcceptedUnheard), ("bad", Verdict::BadToken)]);
        note(&ledger, 1_200_000, "k2", 3, &[("b", Verdict::Accepted), ("c", Verdict::Accepted)]);
        note(&ledger, 1_300_000, "", 4, &[("d", Verdict::Accepted), ("d", Verdict::Accepted)]);
        let all = ledger.repeats(None);
        assert_eq!((all.same_key, all.extra, all.other_key), (1, 1, 2));
        assert_eq!(ledger.repeats(Some("k1")).other_key, 0);
        assert_eq!(ledger.taken(), 7);
        assert_eq!(ledger.taken_under(Vendor::Xiaomi, "k1")[&token_hash("a")], 2);
        assert!(!ledger.taken_under(Vendor::Xiaomi, "k1").contains_key(&token_hash("bad")));
        assert_eq!(ledger.last_of(Vendor::Xiaomi, "b").map(|e| e.key), Some("k2".into()));
        Ok(())
    }

    #[test]
    fn the_busiest_second_slides() -> Result<(), crate::Trouble> {
        let ledger = Ledger::open(None)?;
        for (trace, at) in [600_000, 900_000, 1_100_000, 1_599_990, 1_600_000].into_iter().enumerate() {
            note(&ledger, at, "k", trace as u64, &[("a", Verdict::Accepted), ("b", Verdict::Accepted)]);
        }
        let windows = ledger.windows(Vendor::Xiaomi, 3);
        assert_eq!((windows.requests, windows.busiest, windows.over), (5, 4, 2));
        assert_eq!(ledger.rates(Vendor::Xiaomi), BTreeMap::from([(0, 4), (1, 6)]));
        Ok(())
    }

    #[test]
    fn the_file_brings_everything_back_even_after_a_torn_write() -> Result<(), crate::Trouble> {
        let folder = tempfile::tempdir()?;
        let ledger = Ledger::open(Some(folder.path()))?;
        note(&ledger, 1_000_000, "k1", 1, &[("a", Verdict::Accepted), ("b", Verdict::BadToken)]);
        ledger.flush();
        let before = (ledger.counts(), ledger.last(9));
        drop(ledger);
        OpenOptions::new().append(true).open(folder.path().join("ledger.records"))?.write_all(&[7; 13])?;
        OpenOptions::new().append(true).open(folder.path().join("ledger.names"))?.write_all(&[b'k', 200, 0, 0, 0, b'x'])?;
        let again = Ledger::open(Some(folder.path()))?;
        assert_eq!((again.counts(), again.last(9)), before);
        note(&again, 2_000_000, "k2", 2, &[("a", Verdict::Accepted)]);
        again.flush();
        drop(again);
        let third = Ledger::open(Some(folder.path()))?;
        assert_eq!(third.len(), 3);
        assert_eq!(third.last_of(Vendor::Xiaomi, "a").map(|e| (e.key, e.title)), Some(("k2".into(), "Title".into())));
        Ok(())
    }
}
