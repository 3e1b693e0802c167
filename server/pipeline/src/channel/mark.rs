//! How far the sending of a chunk has come, on disk before it happens: a crash leaves only recipients before the mark
//! unknown. The mark moves in slices, and the next one is written while the present one is being sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use types::ids::ChunkNo;
use types::vendor::{PaceUnit, RepeatClass};

use crate::storage::apps::Lane;
use crate::storage::chunks::Claimed;
use crate::storage::{Result, Storage, StorageError};

/// A slice is about what the lane's pace allows in this time, or in three writes where the store is slow: at full speed a whole chunk, at
/// a slow pace a few recipients.
const SLICE_MS: u64 = 50;
const SLICE_MS_MOST: u64 = 250;
/// Recipients in a slice at least.
const SLICE_MIN: u32 = 20;
/// Everybody: a repeat is safe, so nothing need be known.
const ALL: u32 = u32::MAX;

/// How long writing a mark takes, smoothed, in microseconds.
#[derive(Clone, Default)]
pub struct Writes(Arc<AtomicU64>);

impl Writes {
    fn took(&self, time: Duration) {
        let took = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).min(10_000_000);
        let old = self.0.load(Ordering::Relaxed);
        self.0.store((old * 7 + took) / 8, Ordering::Relaxed);
    }

    fn slice_ms(&self) -> u64 {
        (self.0.load(Ordering::Relaxed) * 3 / 1_000).clamp(SLICE_MS, SLICE_MS_MOST)
    }
}

/// Recipients that a claim marks at once.
pub fn first_slice(lane: &Lane, writes: &Writes) -> u32 {
    match lane.vendor.repeat_class() {
        RepeatClass::ServerDrops | RepeatClass::PhoneShowsOnce => ALL,
        RepeatClass::Replaces | RepeatClass::Nothing => {
            let defaults = lane.vendor.lane_defaults();
            let batch = lane.settings.batch.clamp(1, defaults.batch);
            let calls = (u64::from(lane.settings.pace_per_second) * writes.slice_ms() / 1_000).max(1);
            let recipients = match defaults.pace_unit {
                PaceUnit::Requests => calls.saturating_mul(u64::from(batch)),
                PaceUnit::Targets => calls.max(u64::from(batch)),
            };
            u32::try_from(recipients).unwrap_or(ALL).max(SLICE_MIN)
        }
    }
}

/// The mark of one chunk in hand.
pub struct Mark {
    no: ChunkNo,
    fence: i64,
    count: u32,
    slice: u32,
    writes: Writes,
    /// On disk.
    durable: u32,
    ahead: Option<(u32, JoinHandle<Result<()>>)>,
}

impl Mark {
    pub fn of(chunk: &Claimed, lane: &Lane, writes: &Writes) -> Mark {
        let (no, fence, count) = (chunk.no, chunk.fence, chunk.count);
        Mark { no, fence, count, slice: first_slice(lane, writes), writes: writes.clone(), durable: chunk.started, ahead: None }
    }

    /// Returns when the recipient at this place may be sent to.
    ///
    /// # Errors
    /// `Stale` when the lease was lost, and when the store fails: then it must not be sent to.
    pub async fn reach(&mut self, storage: &Storage, place: usize) -> Result<()> {
        let place = u32::try_from(place).unwrap_or(ALL);
        while place >= self.durable {
            let (to, written) = match self.ahead.take() {
                Some(ahead) => ahead,
                None => self.write(storage, place),
            };
            written.await.map_err(|_| StorageError::Stale("mark"))??;
            self.durable = to;
        }
        let near = self.durable.saturating_sub(self.slice / 2);
        if self.ahead.is_none() && self.durable < self.count && place >= near {
            self.ahead = Some(self.write(storage, self.durable));
        }
        Ok(())
    }

    /// Begins to write a mark beyond this place.
    fn write(&self, storage: &Storage, place: u32) -> (u32, JoinHandle<Result<()>>) {
        let to = place.saturating_add(self.slice).max(place.saturating_add(1)).min(self.count.max(place.saturating_add(1)));
        let (storage, no, fence) = (storage.clone(), self.no, self.fence);
        let writes = self.writes.clone();
        let written = tokio::spawn(async move {
            let begun = tokio::time::Instant::now();
            storage.chunks.begin(no, fence, to).await?;
            writes.took(begun.elapsed());
            Ok(())
        });
        (to, written)
    }
}
