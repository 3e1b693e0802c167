//! The lane's own daily quota: device messages accepted since the vendor's midnight, with what is in flight held back. Pure.

use types::Millis;

use super::retry::next_beijing_midnight;

/// Counts one day; the day is Beijing's, as the Chinese vendors count.
#[derive(Debug, Default)]
pub struct Quota {
    day_end: Millis,
    used: u64,
    reserved: u64,
}

impl Quota {
    /// Must `used` be read from the books first (start, or a new day)?
    pub const fn is_stale(&self, now: Millis) -> bool {
        now >= self.day_end
    }

    /// Starts a day with what the books say; what is in flight stays reserved.
    pub const fn start_day(&mut self, now: Millis, used: u64) {
        self.day_end = next_beijing_midnight(now);
        self.used = used;
    }

    pub const fn day_end(&self) -> Millis {
        self.day_end
    }

    /// Device messages that may still be handed over, 0 = none; `limit` 0 = no limit.
    pub const fn left(&self, limit: u64) -> u64 {
        if limit == 0 { u64::MAX } else { limit.saturating_sub(self.used + self.reserved) }
    }

    /// Holds back up to `wanted`; returns how many.
    pub fn reserve(&mut self, limit: u64, wanted: u64) -> u64 {
        let got = wanted.min(self.left(limit));
        self.reserved += got;
        got
    }

    /// Gives back a reservation, of which `accepted` were used.
    pub fn settle(&mut self, reserved: u64, accepted: u64) {
        self.reserved = self.reserved.saturating_sub(reserved);
        self.used += accepted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_the_limit_is_out_or_used() {
        let mut q = Quota::default();
        assert!(q.is_stale(0));
        q.start_day(0, 10);
        assert!(!q.is_stale(1));
        assert_eq!(q.reserve(100, 80), 80);
        assert_eq!(q.reserve(100, 80), 10);
        assert_eq!(q.reserve(100, 80), 0);
        q.settle(80, 50);
        assert_eq!(q.left(100), 30, "30 of the 80 were not accepted and come back");
        assert_eq!(q.left(0), u64::MAX);
        assert!(q.is_stale(q.day_end()));
    }
}
