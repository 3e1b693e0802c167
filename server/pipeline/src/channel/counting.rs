//! What a step changed, as counters. Pure.

use std::collections::BTreeMap;

use types::life::Outcome;
use types::vendor::Vendor;

use crate::storage::chunks::Claimed;
use crate::storage::frame::Reason;
use crate::storage::tallies::{Delta, Measure};

/// The change of counts as tally deltas; a count that fell (an outcome corrected) gives a negative one.
pub fn deltas(
    chunk: &Claimed,
    vendor: Vendor,
    before: &BTreeMap<(Outcome, Reason), i64>,
    after: &BTreeMap<(Outcome, Reason), i64>,
) -> Vec<Delta> {
    let mut change: BTreeMap<&(Outcome, Reason), i64> = BTreeMap::new();
    for (key, n) in after {
        *change.entry(key).or_default() += n;
    }
    for (key, n) in before {
        *change.entry(key).or_default() -= n;
    }
    change
        .into_iter()
        .filter(|(_, n)| *n != 0)
        .map(|((outcome, reason), n)| Delta {
            message_no: chunk.message_no,
            app_no: chunk.app_no,
            vendor: Some(vendor),
            measure: Measure::Outcome { outcome: *outcome, reason: reason.slug.clone(), words: reason.words.clone() },
            n,
        })
        .collect()
}
