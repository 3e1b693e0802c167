//! How far the sending of a chunk has come, on disk before it happens: a crash leaves only recipients before the mark
//! unknown. The mark moves in slices, and the next one is written while the present one is being sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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
/// Turns where a request holds many: one chunk waits for its tokens while the next one's mark is written.
const TURNS: usize = 2;
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
#[derive(Default)]
pub struct Stage {
    turns: Places,
    /// Recipients of single sends who may have been sent to and are not recorded.
    unknown: Places,
}

/// Places of which there may be more or fewer from now on.
struct Places {
    all: Arc<Semaphore>,
    granted: Mutex<usize>,
}

impl Default for Places {
    fn default() -> Places {
        Places { all: Arc::new(Semaphore::new(0)), granted: Mutex::default() }
    }
}

impl Places {
    fn of(&self, wanted: usize) -> Arc<Semaphore> {
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted > *granted {
            self.all.add_permits(wanted - *granted);
            *granted = wanted;
        } else {
            *granted -= self.all.forget_permits(*granted - wanted);
        }
        self.all.clone()
    }
}

/// What a chunk needs of its lane before it begins.
#[derive(Clone, Debug, Default)]
pub struct Begin {
    /// Where it waits for its turn.
    pub turns: Option<Arc<Semaphore>>,
    /// Where the recipients it begins with take places until they are recorded,
    unknown: Option<Arc<Semaphore>>,
    /// so many of one chunk at most.
    each: u32,
}

/// Chunks of single sends that are sent at once. Together they fit into what may be unknown, so that none waits for another to end.
fn sent_at_once(lane: &Lane) -> usize {
    (lane.settings.in_flight as usize / lane.vendor.lane_defaults().chunk as usize).clamp(1, 8)
}

/// Requests of one chunk, of a recipient each, that are out at once.
pub fn requests_at_once(lane: &Lane) -> usize {
    let in_flight = lane.settings.in_flight.max(1) as usize;
    if lane.vendor.lane_defaults().batch == 1 { in_flight.div_ceil(sent_at_once(lane)) } else { in_flight }
}

impl Stage {
    /// Chunks of one class that are claimed and not recorded yet. Of single sends no more than may be unknown after a crash: also one that
    /// was begun before a crash and is claimed again counts until it is recorded.
    pub fn in_hand(lane: &Lane, class: MessageClass) -> usize {
        let defaults = lane.vendor.lane_defaults();
        match class {
            // Many small chunks of one recipient each.
            MessageClass::Transactional => 64,
            MessageClass::Bulk if defaults.batch == 1 => sent_at_once(lane),
            MessageClass::Bulk => (lane.settings.in_flight as usize).clamp(1, 64),
        }
    }

    /// How chunks of this class begin; those without turns go as they are claimed.
    pub fn begin(&self, lane: &Lane, class: MessageClass) -> Begin {
        let defaults = lane.vendor.lane_defaults();
        let singles = defaults.batch == 1;
        if class != MessageClass::Bulk || !(singles || marked(lane)) {
            return Begin::default();
        }
        let unknown = (lane.settings.in_flight as usize).max(defaults.chunk as usize);
        Begin {
            turns: Some(self.turns.of(if singles { sent_at_once(lane) } else { TURNS })),
            unknown: (singles && marked(lane)).then(|| self.unknown.of(unknown)),
            each: defaults.chunk,
        }
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
    ahead: Option<(u32, JoinHandle<Result<Option<OwnedSemaphorePermit>>>)>,
    begin: Begin,
    /// Given back when the chunk is recorded.
    places: Vec<OwnedSemaphorePermit>,
}

impl Mark {
    pub fn of(chunk: &Claimed, lane: &Lane, writes: &Writes, begin: &Begin) -> Mark {
        let (no, fence, count) = (chunk.no, chunk.fence, chunk.count);
        let (slice, writes, begin) = (slice(lane, writes), writes.clone(), begin.clone());
        Mark { no, fence, count, slice, writes, durable: chunk.started, ahead: None, begin, places: Vec::new() }
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
            self.places.extend(written.await.map_err(|_| StorageError::Stale("mark"))??);
            self.durable = to;
        }
        let near = self.durable.saturating_sub(self.slice / 2);
        if self.ahead.is_none() && self.durable < self.count && place >= near {
            self.ahead = Some(self.write(storage, self.durable));
        }
        Ok(())
    }

    /// Begins to write a mark beyond this place.
    fn write(&self, storage: &Storage, place: u32) -> (u32, JoinHandle<Result<Option<OwnedSemaphorePermit>>>) {
        let to = place.saturating_add(self.slice).max(place.saturating_add(1)).min(self.count.max(place.saturating_add(1)));
        let (storage, no, fence) = (storage.clone(), self.no, self.fence);
        let (writes, unknown) = (self.writes.clone(), self.begin.unknown.clone());
        let held: usize = self.places.iter().map(OwnedSemaphorePermit::num_permits).sum();
        let more = to.saturating_sub(self.durable).min(self.begin.each.saturating_sub(u32::try_from(held).unwrap_or(ALL)));
        let written = tokio::spawn(async move {
            let places = match unknown {
                // Never closed.
                Some(unknown) => unknown.acquire_many_owned(more).await.ok(),
                None => None,
            };
            let begun = tokio::time::Instant::now();
            storage.chunks.begin(no, fence, to).await?;
            writes.took(begun.elapsed());
            Ok(places)
        });
        (to, written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::apps::LaneSettings;
    use types::vendor::Vendor;

    fn lane(vendor: Vendor, pace_per_second: u32, in_flight: u32, batch: u32) -> Lane {
        Lane {
            no: 1,
            app_no: 1,
            vendor,
            settings: LaneSettings { pace_per_second, in_flight, batch, ..LaneSettings::default() },
            paused: None,
        }
    }

    #[test]
    fn what_is_in_hand_fits_into_what_may_be_in_flight() {
        let in_hand = |lane| Stage::in_hand(&lane, MessageClass::Bulk);
        assert_eq!(in_hand(lane(Vendor::Apns, 5_000, 500, 1)), 2);
        assert_eq!(in_hand(lane(Vendor::Apns, 1_000, 200, 1)), 1);
        assert_eq!(in_hand(lane(Vendor::Apns, 250, 40, 1)), 1);
        assert_eq!(in_hand(lane(Vendor::Huawei, 4_000, 4, 1_000)), 4);
        assert_eq!(requests_at_once(&lane(Vendor::Apns, 5_000, 500, 1)), 250);
    }

    #[tokio::test]
    async fn turns_and_places_follow_the_settings() {
        let stage = Stage::default();
        let free =
            |begin: &Begin| (begin.turns.as_ref().map(|s| s.available_permits()), begin.unknown.as_ref().map(|s| s.available_permits()));
        let begin = stage.begin(&lane(Vendor::Apns, 5_000, 500, 1), MessageClass::Bulk);
        assert_eq!(free(&begin), (Some(2), Some(500)));
        let held = begin.unknown.clone().unwrap().acquire_many_owned(450).await.unwrap();
        // Fewer from now on; what is held comes back first.
        let begin = stage.begin(&lane(Vendor::Apns, 5_000, 250, 1), MessageClass::Bulk);
        assert_eq!(free(&begin), (Some(1), Some(0)));
        drop(held);
        let begin = stage.begin(&lane(Vendor::Apns, 5_000, 250, 1), MessageClass::Bulk);
        assert_eq!(free(&begin), (Some(1), Some(250)));
        assert_eq!(free(&stage.begin(&lane(Vendor::Apns, 5_000, 250, 1), MessageClass::Transactional)), (None, None));
        assert_eq!(free(&Stage::default().begin(&lane(Vendor::Huawei, 4_000, 4, 1_000), MessageClass::Bulk)), (Some(2), None));
        assert_eq!(free(&Stage::default().begin(&lane(Vendor::Xiaomi, 5, 4, 1_000), MessageClass::Bulk)), (None, None));
    }
}
