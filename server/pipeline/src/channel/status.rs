//! What a lane is doing right now, for the console's "why is it waiting". In memory: it describes this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use types::Millis;
use types::content::MessageClass;

use super::breaker::BreakerState;
use crate::coordination::{ByClass, Standstill};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneStatus {
    pub breaker: Option<BreakerState>,
    /// Closed for a class by the vendor's quota answer until then.
    pub closed: ByClass,
    /// The lane's own daily quota is used up for a class until then.
    pub quota: ByClass,
    /// Slowed by the vendor's rate answer until then.
    pub slow_until: Option<Millis>,
    /// The vendor's batch interface is limited: one recipient a request until then.
    pub singly_until: Option<Millis>,
    /// Class slug, the vendor's words, when.
    pub last_failure: Option<(String, String, Millis)>,
    pub last_success: Option<Millis>,
    /// Dead tokens that were left in place because too many died at once.
    pub mass_death_at: Option<Millis>,
    /// Chunks of this process in flight.
    pub in_flight: u32,
}

impl LaneStatus {
    /// Joined with what the other nodes know.
    pub fn with(mut self, shared: Standstill) -> LaneStatus {
        if let (None | Some(BreakerState::Flowing), Some((until, _))) = (self.breaker, shared.tripped) {
            self.breaker = Some(BreakerState::Tripped { until });
        }
        if shared.tripped.is_none() && self.breaker.is_some() {
            self.breaker = Some(BreakerState::Flowing);
        }
        self.closed = self.closed.later(shared.closed);
        self.quota = shared.quota;
        self.slow_until = self.slow_until.max(shared.slow_until);
        self.singly_until = self.singly_until.max(shared.singly_until);
        self
    }
}

impl LaneStatus {
    /// Until when no message of this class goes for want of quota.
    pub fn used_up(&self, class: MessageClass, now: Millis) -> Option<Millis> {
        self.closed.of(class).max(self.quota.of(class)).filter(|until| *until > now)
    }
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

    /// The lanes with chunks of this process in flight.
    pub fn working(&self) -> Vec<i64> {
        let lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().filter(|(_, status)| status.in_flight > 0).map(|(no, _)| *no).collect()
    }
}
