//! Standstills by lane.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::coordination::{Change, Standstill, Standstills};

/// (lane, kind): window and count.
type Strikes = HashMap<(i64, &'static str), (i64, u64)>;

#[derive(Default)]
pub struct MemoryStandstills {
    lanes: Mutex<HashMap<i64, Standstill>>,
    strikes: Mutex<Strikes>,
}

#[async_trait]
impl Standstills for MemoryStandstills {
    fn get(&self, lane_no: i64) -> Standstill {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).get(&lane_no).copied().unwrap_or_default()
    }

    fn change(&self, lane_no: i64, change: Change) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).entry(lane_no).or_default().change(change);
    }

    async fn strikes(&self, lane_no: i64, kind: &'static str, window: i64, n: u32) -> u64 {
        let mut strikes = self.strikes.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = strikes.entry((lane_no, kind)).or_insert((window, 0));
        if entry.0 != window {
            *entry = (window, 0);
        }
        entry.1 += u64::from(n);
        entry.1
    }

    /// The only process: its own breaker lets one through.
    async fn probe(&self, _: i64, _: Duration) -> bool {
        true
    }
}
