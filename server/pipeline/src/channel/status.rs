//! What a lane is doing right now, for the console's "why is it waiting". In memory: it describes this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use types::Millis;

use super::breaker::BreakerState;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneStatus {
    pub breaker: Option<BreakerState>,
    /// Closed by the vendor's quota answer until then.
    pub closed_until: Option<Millis>,
    /// The lane's own daily quota is used up until then.
    pub quota_until: Option<Millis>,
    /// Slowed by the vendor's rate answer until then.
    pub slow_until: Option<Millis>,
    /// The vendor's batch interface is limited: one recipient a request until then.
    pub singly_until: Option<Millis>,
    /// Class slug, the vendor's words, when.
    pub last_failure: Option<(String, String, Millis)>,
    pub last_success: Option<Millis>,
    /// Dead tokens that were left in place because too many died at once.
    pub mass_death_at: Option<Millis>,
}

/// Every lane's status.
#[derive(Clone, Default)]
pub struct Statuses(Arc<Mutex<BTreeMap<i64, LaneStatus>>>);

impl Statuses {
    pub fn get(&self, lane_no: i64) -> LaneStatus {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&lane_no).cloned().unwrap_or_default()
    }

    pub fn change(&self, lane_no: i64, change: impl FnOnce(&mut LaneStatus)) {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(lane_no).or_default());
    }
}
