//! A token bucket that paces, and a log of the last second that never lets more than `rate` through in any one-second window
//! (a bucket alone lets `rate` plus its burst through). The second is the vendor's: what is between the token and the vendor's clock
//! takes some milliseconds more or less, and now and then far more. Time is tokio's, so tests can hold it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::coordination::{Limiter, Permit};

pub const WINDOW: Duration = Duration::from_secs(1);
/// A use counts for this much longer: the way to the vendor is not equally long every time. The window gives so much of every second
/// away.
pub const SPARE: Duration = Duration::from_millis(8);
/// Takes within one slot are remembered together: at most a thousand slots per key.
const SLOT: Duration = Duration::from_millis(1);
/// The bucket holds this part of a second's tokens, so that a late wake-up costs no pace.
const BURST: f64 = 0.1;
/// What an answer says at least: a shorter sleep than this is a busy loop.
pub const SHORTEST: Duration = Duration::from_micros(100);

#[derive(Default)]
pub struct MemoryLimiter {
    keys: Mutex<HashMap<String, Pace>>,
}

/// One limited thing.
pub struct Pace {
    tokens: f64,
    filled: Instant,
    /// In the order of their last use.
    recent: VecDeque<Slot>,
    in_window: u64,
    usual: Usual,
}

/// How long an answer takes when nothing is in its way: the shortest of the first ones, then what nine in ten take longer than.
#[derive(Default)]
struct Usual {
    known: Option<Duration>,
    seen: u32,
}

/// So many answers are few.
const FEW: u32 = 8;
/// Later by less is not late.
const HARDLY_LATE: Duration = Duration::from_millis(4);

impl Usual {
    /// By how much this one was later; the first of all may have been late with all of it.
    fn late(&mut self, took: Duration) -> Duration {
        let Some(usual) = self.known else {
            self.known = Some(took);
            return took;
        };
        self.seen = self.seen.saturating_add(1);
        self.known = Some(match took {
            _ if self.seen < FEW => took.min(usual),
            _ if took > usual => usual + (usual / 256).max(Duration::from_micros(2)),
            _ => usual - (usual - took) / 4,
        });
        took.saturating_sub(usual)
    }
}

struct Slot {
    first: Instant,
    last: Instant,
    n: u64,
}

impl Pace {
    /// Starts empty: a restart never adds a burst to what the process before it took.
    pub fn new(now: Instant) -> Pace {
        Pace { tokens: 0.0, filled: now, recent: VecDeque::new(), in_window: 0, usual: Usual::default() }
    }

    pub fn take(&mut self, now: Instant, rate: f64, n: u32) -> Result<(), Duration> {
        let holds = (rate * BURST).max(1.0);
        self.tokens = (self.tokens + now.duration_since(self.filled).as_secs_f64() * rate).min(holds);
        self.filled = now;
        self.forget(now);
        // More than the bucket holds is taken on credit from a full one: the next takers wait it off.
        let lacking = f64::from(n).min(holds) - self.tokens;
        // Float dust must not make a caller wait for nothing.
        let bucket = if lacking > 1e-6 { Duration::from_secs_f64(lacking / rate) } else { Duration::ZERO };
        let wait = bucket.max(self.until_window_has_room(now, rate, n));
        if wait > Duration::ZERO {
            return Err(wait.max(SHORTEST));
        }
        self.tokens -= f64::from(n);
        self.remember(now, u64::from(n));
        Ok(())
    }

    fn forget(&mut self, now: Instant) {
        while self.recent.front().is_some_and(|slot| now.saturating_duration_since(slot.last) > WINDOW + SPARE) {
            self.in_window -= self.recent.pop_front().map_or(0, |slot| slot.n);
        }
    }

    /// Tokens that somebody else's bucket gave: only the window is looked at here.
    pub fn note(&mut self, now: Instant, rate: f64, n: u32) -> Result<(), Duration> {
        self.forget(now);
        let wait = self.until_window_has_room(now, rate, n);
        if wait > Duration::ZERO {
            return Err(wait.max(SHORTEST));
        }
        self.remember(now, u64::from(n));
        Ok(())
    }

    /// A take of more than `rate` fits no window; it goes when the window is empty.
    fn until_window_has_room(&self, now: Instant, rate: f64, n: u32) -> Duration {
        let may_hold = (rate - f64::from(n)).max(0.0);
        let mut held = self.in_window;
        let mut wait = Duration::ZERO;
        for slot in &self.recent {
            if held as f64 <= may_hold {
                break;
            }
            held -= slot.n;
            // One nanosecond past the window: both its ends belong to it.
            wait = (slot.last + WINDOW + SPARE + Duration::from_nanos(1)).saturating_duration_since(now);
        }
        wait
    }

    /// By how much what was taken then came later to the vendor than what is usually taken; it counts from then.
    pub fn answered(&mut self, now: Instant, at: Instant, n: u32) -> Duration {
        let late = self.usual.late(now.duration_since(at));
        if late <= HARDLY_LATE {
            return Duration::ZERO;
        }
        let i = self.recent.partition_point(|slot| slot.last < at);
        if let Some(slot) = self.recent.get_mut(i).filter(|slot| slot.first <= at) {
            let moved = slot.n.min(u64::from(n));
            slot.n -= moved;
            self.put(at + late, moved);
        }
        late
    }

    fn remember(&mut self, now: Instant, n: u64) {
        self.in_window += n;
        self.put(now, n);
    }

    /// Uses within one slot are remembered together. What came late is in the line already, somewhat ahead of now.
    fn put(&mut self, at: Instant, n: u64) {
        let place = self.recent.partition_point(|slot| slot.last <= at);
        let before = place.checked_sub(1).and_then(|i| self.recent.get_mut(i));
        match before {
            Some(slot) if at.duration_since(slot.first) < SLOT => {
                slot.last = at;
                slot.n += n;
            }
            _ => self.recent.insert(place, Slot { first: at, last: at, n }),
        }
    }
}

#[async_trait]
impl Limiter for MemoryLimiter {
    async fn take(&self, key: &str, rate: f64, n: u32) -> Result<Permit, Duration> {
        let now = Instant::now();
        let permit = Permit { slot: 0, n, at: now };
        if n == 0 {
            return Ok(permit);
        }
        if !rate.is_finite() || rate <= 0.0 {
            return Err(WINDOW);
        }
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = match keys.get_mut(key) {
            Some(pace) => pace.take(now, rate, n),
            None => keys.entry(key.to_owned()).or_insert_with(|| Pace::new(now)).take(now, rate, n),
        };
        taken.map(|()| permit)
    }

    fn answered(&self, key: &str, permit: Permit) {
        if let Some(pace) = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get_mut(key) {
            pace.answered(Instant::now(), permit.at, permit.n);
        }
    }

    fn most(&self, _: &str, _: f64) -> u32 {
        u32::MAX
    }

    async fn prepare(&self, _: &str, _: f64) {}
}
