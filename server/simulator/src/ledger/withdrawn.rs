//! What callers took back.

use std::collections::{BTreeMap, HashSet};

use types::vendor::Vendor;

use super::{Ledger, Record, Verdict};

/// What a withdrawal names.
pub(crate) enum Taken<'a> {
    /// Everybody in the request with this number.
    Request(u64),
    /// These tokens (by [`token_hash`]), under this key.
    Key { key: &'a str, tokens: &'a HashSet<u64> },
}

impl Ledger {
    /// Takes back what stands under a request's number, or under a key for these tokens: one record each, once. Returns how many.
    pub(crate) fn withdraw(&self, vendor: Vendor, at_micros: i64, trace: u64, what: Taken<'_>) -> u64 {
        let mut books = self.books();
        let key = match what {
            Taken::Key { key, .. } => books.key_numbers.get(key).copied().unwrap_or(u32::MAX),
            Taken::Request(_) => 0,
        };
        let meant = |r: &Record| match &what {
            Taken::Request(number) => r.trace == *number,
            Taken::Key { tokens, .. } => r.key == key && tokens.contains(&r.token),
        };
        // Withdrawn or not, by token and key, in the order of time.
        let mut shown: BTreeMap<(u64, u32), Option<u32>> = BTreeMap::new();
        let mut asked: Vec<(u64, u32)> = Vec::new();
        for record in books.records.iter().filter(|r| r.vendor() == vendor) {
            if record.verdict().taken() {
                shown.insert((record.token, record.key), Some(record.text));
                if meant(record) {
                    asked.push((record.token, record.key));
                }
            } else if record.verdict() == Verdict::Withdrawn {
                shown.insert((record.token, record.key), None);
            }
        }
        asked.sort_unstable();
        asked.dedup();
        let from = books.records.len();
        for (token, key) in asked {
            if let Some(Some(text)) = shown.get(&(token, key)) {
                let record = Record::new(vendor, Verdict::Withdrawn, at_micros, token, key, *text, trace);
                books.records.push(record);
            }
        }
        books.persist(from);
        (books.records.len() - from) as u64
    }

    /// How many device messages of a vendor were taken back.
    pub fn withdrawn(&self, vendor: Vendor) -> u64 {
        self.books().records.iter().filter(|r| r.vendor() == vendor && r.verdict() == Verdict::Withdrawn).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::note;
    use crate::ledger::token_hash;

    #[test]
    fn what_is_taken_back_is_taken_back_once_and_may_come_again() -> Result<(), crate::Trouble> {
        let ledger = Ledger::open(None)?;
        note(&ledger, 1_000_000, "k1", 1, &[("a", Verdict::Accepted), ("b", Verdict::AcceptedUnheard), ("bad", Verdict::BadToken)]);
        note(&ledger, 1_100_000, "k2", 2, &[("a", Verdict::Accepted)]);
        assert_eq!(ledger.withdraw(Vendor::Xiaomi, 1_200_000, 3, Taken::Request(1)), 2);
        assert_eq!(ledger.withdraw(Vendor::Xiaomi, 1_300_000, 4, Taken::Request(1)), 0, "once");
        let tokens = HashSet::from([token_hash("a"), token_hash("b")]);
        assert_eq!(ledger.withdraw(Vendor::Xiaomi, 1_400_000, 5, Taken::Key { key: "k2", tokens: &tokens }), 1);
        assert_eq!(ledger.withdraw(Vendor::Xiaomi, 1_400_000, 5, Taken::Key { key: "unheard", tokens: &tokens }), 0);
        note(&ledger, 1_500_000, "k1", 6, &[("a", Verdict::Accepted)]);
        assert_eq!(ledger.withdraw(Vendor::Xiaomi, 1_600_000, 7, Taken::Request(6)), 1);
        assert_eq!((ledger.withdrawn(Vendor::Xiaomi), ledger.taken()), (4, 4));
        Ok(())
    }
}
