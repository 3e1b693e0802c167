//! The same funnel, counted anew from every recipient: proves the counters.

use types::Millis;
use types::funnel::Funnel;
use types::ids::ChunkNo;
use types::receipt::ReceiptKind;

use crate::storage::frame::Outcomes;
use crate::storage::tallies::{Measure, fold};
use crate::storage::{Result, Storage};

/// Chunks read at once.
const AT_ONCE: u32 = 200;

/// Counts outcomes and marks of all chunks. Costs time linear in the recipients (about 1 s per 10 million).
///
/// # Errors
/// When the store fails or a chunk cannot be read.
pub async fn of_message(storage: &Storage, message_no: i64) -> Result<Funnel> {
    let mut counters = std::collections::BTreeMap::new();
    let mut after = ChunkNo(0);
    loop {
        let chunks = storage.chunks.of_message(message_no, after, AT_ONCE).await?;
        let Some(last) = chunks.last() else { break };
        after = last.no;
        for chunk in chunks {
            let mut add = |measure, n: i64| *counters.entry((chunk.vendor, measure)).or_insert(0i64) += n;
            add(Measure::Planned, i64::from(chunk.count));
            for ((outcome, reason), n) in Outcomes::decode(&chunk.outcomes)?.counts() {
                add(Measure::Outcome { outcome, reason: reason.slug, words: reason.words }, n);
            }
            let mut by_byte = [0i64; 256];
            for byte in &chunk.marks {
                by_byte[usize::from(*byte)] += 1;
            }
            for bit in (0..8u8).map(|i| 1 << i) {
                let n: i64 = (0..=255u8).zip(by_byte).filter(|(byte, _)| byte & bit != 0).map(|(_, n)| n).sum();
                if let Some(kind) = ReceiptKind::of_bit(bit).filter(|_| n > 0) {
                    add(Measure::Receipt(kind), n);
                }
            }
        }
    }
    Ok(fold(counters.into_iter().map(|((vendor, measure), n)| (vendor, measure, n))))
}

/// The result of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    pub counters: Funnel,
    pub recounted: Funnel,
    pub at: Millis,
}

impl Audit {
    /// Equal to the unit, lane by lane, reason by reason.
    pub fn agrees(&self) -> bool {
        self.counters == self.recounted
    }
}

/// Compares counters and recount. While a message runs, both are read until one reading of the counters before and after the
/// recount is the same, at most `tries` times.
///
/// # Errors
/// When the store fails.
pub async fn audit(storage: &Storage, message_no: i64, now: Millis, tries: u32) -> Result<Audit> {
    let mut counters = super::funnel::of_message(storage, message_no).await?;
    for _ in 1..tries.max(1) {
        let recounted = of_message(storage, message_no).await?;
        let again = super::funnel::of_message(storage, message_no).await?;
        if again == counters {
            return Ok(Audit { counters, recounted, at: now });
        }
        counters = again;
    }
    let recounted = of_message(storage, message_no).await?;
    Ok(Audit { counters, recounted, at: now })
}
