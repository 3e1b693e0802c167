//! What limits count with: a sliding window, and a day that ends where the vendor's day ends.

use std::collections::VecDeque;

use types::Millis;

const SHANGHAI_MILLIS: i64 = 8 * 3_600_000;
const DAY_MILLIS: i64 = 86_400_000;
pub(crate) const SECOND_MICROS: i64 = 1_000_000;
pub(crate) const MINUTE_MICROS: i64 = 60 * SECOND_MICROS;

/// The number of the day in Asia/Shanghai.
pub(crate) fn day_of(now: Millis) -> i64 {
    (now + SHANGHAI_MILLIS).div_euclid(DAY_MILLIS)
}

/// The hour of the day in Asia/Shanghai.
pub(crate) fn hour_of(now: Millis) -> i64 {
    (now + SHANGHAI_MILLIS).rem_euclid(DAY_MILLIS) / 3_600_000
}

/// What the last second (or minute) took; at most `limit` fits in any window of that length.
#[derive(Default)]
pub(crate) struct Window {
    taken: VecDeque<(i64, u32)>,
    sum: u64,
}

impl Window {
    /// Takes a place for a request at `now` (microseconds), or says that the second is full.
    pub(crate) fn admit(&mut self, now: i64, limit: u32) -> bool {
        self.admit_many(now, limit, 1, SECOND_MICROS)
    }

    /// Takes `weight` places, all or none, in a window of `length` microseconds.
    pub(crate) fn admit_many(&mut self, now: i64, limit: u32, weight: u32, length: i64) -> bool {
        while let Some((at, old)) = self.taken.front().copied() {
            if now - at < length {
                break;
            }
            self.taken.pop_front();
            self.sum -= u64::from(old);
        }
        let fits = self.sum + u64::from(weight) <= u64::from(limit);
        if fits && weight > 0 {
            self.taken.push_back((now, weight));
            self.sum += u64::from(weight);
        }
        fits
    }

    /// Places taken, and microseconds until the oldest of them is free again.
    pub(crate) fn state(&self, now: i64, length: i64) -> (u64, i64) {
        (self.sum, self.taken.front().map_or(0, |(at, _)| (at + length - now).max(0)))
    }
}

/// Device messages of one day, which ends at 00:00 Asia/Shanghai.
#[derive(Default)]
pub(crate) struct Day {
    number: i64,
    spent: u64,
}

impl Day {
    fn turn(&mut self, now: Millis) {
        let number = day_of(now);
        if number != self.number {
            *self = Day { number, spent: 0 };
        }
    }

    pub(crate) fn left(&mut self, now: Millis, quota: u64) -> u64 {
        self.turn(now);
        quota.saturating_sub(self.spent)
    }

    pub(crate) fn spend(&mut self, now: Millis, count: u64) {
        self.turn(now);
        self.spent += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides_and_never_holds_more_than_its_limit() {
        let mut window = Window::default();
        let admitted: Vec<bool> = [0, 1, 2, 999_999, 1_000_000, 1_000_001, 1_000_002].map(|at| window.admit(at, 3)).into();
        assert_eq!(admitted, [true, true, true, false, true, true, true]);
        let mut window = Window::default();
        let admitted = [(0, 600), (1, 500), (2, 400), (1_000_000, 600)].map(|(at, w)| window.admit_many(at, 1_000, w, SECOND_MICROS));
        assert_eq!(admitted, [true, false, true, true]);
    }

    #[test]
    fn the_day_ends_at_midnight_in_shanghai() {
        let midnight = 1_795_132_800_000 - SHANGHAI_MILLIS;
        let mut day = Day::default();
        day.spend(midnight - 1, 7);
        assert_eq!((day.left(midnight - 1, 10), day.left(midnight, 10)), (3, 10));
        assert_eq!((hour_of(midnight - 1), hour_of(midnight)), (23, 0));
    }
}
