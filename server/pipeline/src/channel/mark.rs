//! How far the sending of a chunk has come, on disk before it happens: a crash leaves only recipients before the mark
//! unknown. The mark moves in slices, and the next one is written while the present one is being sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use types::content::MessageClass;
use types::ids::ChunkNo;
use types::vendor::{PaceUnit, RepeatClass};

use crate::storage::apps::Lane;
use crate::storage::chunks::Claimed;
use crate::storage::{Result, Storage, StorageError};

/// A slice is about what the lane's pace allows in this time, or in three writes where the store is slow: at full speed a whole chunk, at
/// a slow pace a few recipients.
const SLICE_MS: u64 = 50;
const SLICE_MS_MOST: u64 = 250;
/// Turns at least: one chunk waits for its tokens while the next one's mark is written.
const TURNS: usize = 2;
/// Claiming a chunk and recording another take about so long together where the store is busy.
const AHEAD_MS: u64 = 200;
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

/// Which of a lane's chunks in hand may begin to send: whoever waits has not begun, and a crash leaves nobody of it unknown.
pub struct Stage {
    turns: Arc<Semaphore>,
    granted: Mutex<usize>,
}

impl Default for Stage {
    fn default() -> Stage {
        Stage { turns: Arc::new(Semaphore::new(0)), granted: Mutex::default() }
    }
}

/// Chunks of single sends that are sent at once: so that there is one while the last answers of another are waited for.
fn sent_at_once(lane: &Lane) -> usize {
    let in_flight = lane.settings.in_flight.max(1) as usize;
    in_flight.div_ceil(lane.vendor.lane_defaults().chunk as usize).clamp(TURNS, 8).min(in_flight)
}

/// Requests of one chunk, of a recipient each, that are out at once.
pub fn requests_at_once(lane: &Lane) -> usize {
    let in_flight = lane.settings.in_flight.max(1) as usize;
    if lane.vendor.lane_defaults().batch == 1 { in_flight.div_ceil(sent_at_once(lane)) } else { in_flight }
}

impl Stage {
    /// Chunks of one class that are claimed and not recorded yet. Of single sends as many more than are being sent as the pace uses up
    /// while one is claimed and another recorded.
    pub fn in_hand(lane: &Lane, class: MessageClass) -> usize {
        let defaults = lane.vendor.lane_defaults();
        match class {
            // Many small chunks of one recipient each.
            MessageClass::Transactional => 64,
            MessageClass::Bulk if defaults.batch == 1 => {
                let ahead = u64::from(lane.settings.pace_per_second) * AHEAD_MS / 1_000 / u64::from(defaults.chunk);
                sent_at_once(lane) + (ahead as usize).clamp(1, 6)
            }
            MessageClass::Bulk => (lane.settings.in_flight as usize).clamp(1, 64),
        }
    }

    /// Where chunks of this class wait for their turn; `None`: they go as they are claimed.
    pub fn turns(&self, lane: &Lane, class: MessageClass) -> Option<Arc<Semaphore>> {
        let singles = lane.vendor.lane_defaults().batch == 1;
        if class != MessageClass::Bulk || !(singles || marked(lane)) {
            return None;
        }
        let wanted = if singles { sent_at_once(lane) } else { TURNS };
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted > *granted {
            self.turns.add_permits(wanted - *granted);
            *granted = wanted;
        } else {
            *granted -= self.turns.forget_permits(*granted - wanted);
        }
        Some(self.turns.clone())
    }
}

/// Whether it must be known who may have been sent to.
fn marked(lane: &Lane) -> bool {
    matches!(lane.vendor.repeat_class(), RepeatClass::Replaces | RepeatClass::Nothing)
}

/// Recipients that a claim marks at once.
pub fn first_slice(lane: &Lane, class: MessageClass, writes: &Writes) -> u32 {
    // Where there are turns, its mark is written when it has its turn.
    if class == MessageClass::Bulk && marked(lane) { 0 } else { slice(lane, writes) }
}

fn slice(lane: &Lane, writes: &Writes) -> u32 {
    if !marked(lane) {
        return ALL;
    }
    let defaults = lane.vendor.lane_defaults();
    let batch = lane.settings.batch.clamp(1, defaults.batch);
    // Chunks of single sends share the pace: each moves at its part of it, and all together leave no more unknown than one would.
    let sharing = if defaults.batch == 1 { sent_at_once(lane) as u64 } else { 1 };
    let calls = (u64::from(lane.settings.pace_per_second) * writes.slice_ms() / 1_000 / sharing).max(1);
    let recipients = match defaults.pace_unit {
        PaceUnit::Requests => calls.saturating_mul(u64::from(batch)),
        PaceUnit::Targets => calls.max(u64::from(batch)),
    };
    u32::try_from(recipients).unwrap_or(ALL).max(SLICE_MIN)
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
        Mark { no, fence, count, slice: slice(lane, writes), writes: writes.clone(), durable: chunk.started, ahead: None }
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
