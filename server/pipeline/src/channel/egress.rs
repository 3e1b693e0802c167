//! Which way out: by share among the ways that work. A way that finds no way through rests, longer each time, and is tried
//! again; a request that certainly never left takes another way at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use types::Millis;

/// Failures in a row that set a way aside.
const FAILURES: u32 = 3;
const REST_MS: Millis = 5_000;
const LONGEST_MS: Millis = 120_000;

/// How one way of a lane fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WayHealth {
    pub requests: u64,
    pub failed: u64,
    in_a_row: u32,
    rest: Millis,
    pub out_until: Option<Millis>,
}

/// Every lane's ways, by their place in the settings; in memory, each process sees with its own eyes.
#[derive(Default)]
pub struct Egresses(Mutex<BTreeMap<i64, Vec<WayHealth>>>);

impl Egresses {
    fn change<T>(&self, lane_no: i64, ways: usize, change: impl FnOnce(&mut [WayHealth]) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list = all.entry(lane_no).or_default();
        list.resize(ways, WayHealth::default());
        change(list)
    }

    /// A way among `shares` that is not in `tried`; `chance` in 0..1. Ways at rest are taken only when all others are out.
    pub fn pick(&self, lane_no: i64, shares: &[u32], tried: &[usize], now: Millis, chance: f64) -> Option<usize> {
        self.change(lane_no, shares.len(), |list| {
            let open: Vec<usize> = (0..shares.len()).filter(|i| !tried.contains(i)).collect();
            let well = |i: &usize| list[*i].out_until.is_none_or(|until| now >= until);
            let fit: Vec<usize> = open.iter().copied().filter(|i| shares[*i] > 0 && well(i)).collect();
            let total: u64 = fit.iter().map(|i| u64::from(shares[*i])).sum();
            let mut left = (chance.clamp(0.0, 1.0) * total as f64) as u64;
            for i in &fit {
                let share = u64::from(shares[*i]);
                if left < share {
                    return Some(*i);
                }
                left -= share;
            }
            // Spare ways (share 0) that work, before any that rests.
            fit.last()
                .copied()
                .or_else(|| open.iter().copied().find(well))
                .or_else(|| open.into_iter().min_by_key(|i| list[*i].out_until.unwrap_or(0)))
        })
    }

    /// What became of a request on this way: `reached` = the vendor (or its silence) was on the other end.
    pub fn note(&self, lane_no: i64, ways: usize, way: usize, reached: bool, now: Millis) {
        self.change(lane_no, ways, |list| {
            let Some(health) = list.get_mut(way) else { return };
            health.requests += 1;
            if reached {
                *health = WayHealth { in_a_row: 0, rest: 0, out_until: None, ..*health };
                return;
            }
            health.failed += 1;
            health.in_a_row += 1;
            if health.in_a_row >= FAILURES {
                health.rest = (health.rest * 2).clamp(REST_MS, LONGEST_MS);
                health.out_until = Some(now + health.rest);
            }
        });
    }

    pub fn of(&self, lane_no: i64, ways: usize) -> Vec<WayHealth> {
        self.change(lane_no, ways, |list| list.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept_a_dead_way_rests_and_comes_back() {
        let egresses = Egresses::default();
        let shares = [70, 30, 0];
        let count = |now: Millis| {
            let mut out = [0; 3];
            for i in 0..1_000 {
                out[egresses.pick(1, &shares, &[], now, f64::from(i) / 1_000.0).expect("a way")] += 1;
            }
            out
        };
        assert_eq!(count(0), [700, 300, 0]);
        for _ in 0..3 {
            egresses.note(1, 3, 0, false, 0);
        }
        assert_eq!(count(1_000), [0, 1_000, 0], "the first one rests");
        assert_eq!(count(REST_MS), [700, 300, 0], "and is tried again");
        egresses.note(1, 3, 0, false, REST_MS);
        assert_eq!(count(2 * REST_MS), [0, 1_000, 0], "longer this time");
        assert_eq!(egresses.pick(1, &shares, &[1], 2 * REST_MS, 0.5), Some(2), "a spare way before one that rests");
        assert_eq!(egresses.pick(1, &shares, &[1, 2], 2 * REST_MS, 0.5), Some(0), "all else tried");
        assert_eq!(egresses.pick(1, &shares, &[0, 1, 2], 0, 0.5), None);
        egresses.note(1, 3, 0, true, 2 * REST_MS);
        assert_eq!(count(2 * REST_MS), [700, 300, 0]);
        assert_eq!((egresses.of(1, 3)[0].requests, egresses.of(1, 3)[0].failed), (5, 4));
    }
}
