//! Daily quotas by lane.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use types::Millis;

use crate::coordination::{Quotas, Reserved};

#[derive(Default)]
pub struct MemoryQuotas {
    lanes: Mutex<HashMap<i64, Day>>,
}

struct Day {
    end: Millis,
    used: u64,
    reserved: u64,
}

#[async_trait]
impl Quotas for MemoryQuotas {
    async fn begin(&self, lane_no: i64, day: Millis, used: u64) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.get(&lane_no).is_none_or(|known| known.end < day) {
            lanes.insert(lane_no, Day { end: day, used, reserved: 0 });
        }
    }

    async fn left(&self, lane_no: i64, day: Millis, limit: u64) -> Option<u64> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.get(&lane_no).filter(|known| known.end == day).map(|today| limit.saturating_sub(today.used + today.reserved))
    }

    async fn reserve(&self, lane_no: i64, day: Millis, limit: u64, wanted: u64) -> Reserved {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(today) = lanes.get_mut(&lane_no).filter(|known| known.end == day) else { return Reserved::Unknown };
        let got = wanted.min(limit.saturating_sub(today.used + today.reserved));
        today.reserved += got;
        Reserved::Got(got)
    }

    async fn settle(&self, lane_no: i64, day: Millis, reserved: u64, accepted: u64) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        // What was reserved yesterday and accepted today counts for yesterday: the books told it when today began.
        if let Some(today) = lanes.get_mut(&lane_no).filter(|known| known.end == day) {
            today.reserved = today.reserved.saturating_sub(reserved);
            today.used += accepted;
        }
    }
}
