//! Standstills: kept in memory for the lanes, stored and told through Redis. A field a lane and kind.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use types::Millis;
use types::content::MessageClass;

use super::link::Link;
use super::outbox::{Outbox, Tell};
use crate::coordination::memory::standstills::MemoryStandstills;
use crate::coordination::{Change, Standstill, Standstills};

/// Channel, and the hash of what is in force.
pub const CHANNEL: &str = "standstills";

/// Longer than any window.
const STRIKES_KEPT_MS: u64 = 120_000;

pub struct RedisStandstills {
    pub link: Link,
    pub known: Arc<MemoryStandstills>,
    pub outbox: Outbox,
}

/// `lane/kind` and the value; `None` = lifted.
fn write(lane_no: i64, change: Change) -> (String, Option<String>) {
    let (kind, value) = match change {
        Change::Tripped { until, rest_ms } => ("tripped", Some(format!("{until}+{rest_ms}"))),
        Change::Flowing => ("tripped", None),
        Change::Closed { class: MessageClass::Bulk, until } => ("closed", Some(until.to_string())),
        Change::Closed { class: MessageClass::Transactional, until } => ("closed-transactional", Some(until.to_string())),
        Change::Slow { until } => ("slow", Some(until.to_string())),
        Change::Singly { until } => ("singly", Some(until.to_string())),
        Change::QuotaUsed { class: MessageClass::Bulk, until } => ("quota", until.map(|until| until.to_string())),
        Change::QuotaUsed { class: MessageClass::Transactional, until } => ("quota-transactional", until.map(|until| until.to_string())),
    };
    (format!("{lane_no}/{kind}"), value)
}

/// A field and its value (`-` = lifted) as lane and change.
pub fn read(field: &str, value: &str) -> Option<(i64, Change)> {
    let (lane, kind) = field.split_once('/')?;
    let until = || value.parse::<Millis>().ok();
    let (kind, class) = kind.strip_suffix("-transactional").map_or((kind, MessageClass::Bulk), |kind| (kind, MessageClass::Transactional));
    let change = match (kind, value) {
        ("tripped", "-") => Change::Flowing,
        ("tripped", value) => {
            let (until, rest) = value.split_once('+')?;
            Change::Tripped { until: until.parse().ok()?, rest_ms: rest.parse().ok()? }
        }
        ("quota", "-") => Change::QuotaUsed { class, until: None },
        ("quota", _) => Change::QuotaUsed { class, until: Some(until()?) },
        ("closed", _) => Change::Closed { class, until: until()? },
        ("slow", _) => Change::Slow { until: until()? },
        ("singly", _) => Change::Singly { until: until()? },
        _ => return None,
    };
    Some((lane.parse().ok()?, change))
}

/// When a stored field says nothing any more; a tripped breaker stays until somebody found the vendor well.
pub const fn over(change: Change, now: Millis) -> bool {
    match change {
        Change::Tripped { .. } | Change::Flowing | Change::QuotaUsed { until: None, .. } => false,
        Change::Closed { until, .. } | Change::Slow { until } | Change::Singly { until } | Change::QuotaUsed { until: Some(until), .. } => {
            until <= now
        }
    }
}

#[async_trait]
impl Standstills for RedisStandstills {
    fn get(&self, lane_no: i64) -> Standstill {
        self.known.get(lane_no)
    }

    fn change(&self, lane_no: i64, change: Change) {
        let before = self.known.get(lane_no);
        self.known.change(lane_no, change);
        if self.known.get(lane_no) != before {
            let (field, value) = write(lane_no, change);
            let _ = self.outbox.try_send(Tell::Stand { field, value });
        }
    }

    async fn strikes(&self, lane_no: i64, kind: &'static str, window: i64, n: u32) -> u64 {
        let own = self.known.strikes(lane_no, kind, window, n).await;
        let key = self.link.key(&format!("{{lane/{lane_no}}}:strikes:{kind}:{window}"));
        let mut pipe = redis::pipe();
        pipe.cmd("INCRBY").arg(&key).arg(n);
        pipe.cmd("PEXPIRE").arg(&key).arg(STRIKES_KEPT_MS).ignore();
        self.link.pipe::<(u64,)>(&pipe).await.map_or(own, |(all,)| all.max(own))
    }

    async fn probe(&self, lane_no: i64, lasts: Duration) -> bool {
        let key = self.link.key(&format!("{{lane/{lane_no}}}:probe"));
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg(key).arg(self.link.node()).arg("NX").arg("PX").arg(lasts.as_millis() as u64);
        match self.link.pipe::<(Option<String>,)>(&pipe).await {
            Ok((set,)) => set.is_some(),
            // Each node finds out for itself.
            Err(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for change in [
            Change::Tripped { until: 17, rest_ms: 2_000 },
            Change::Flowing,
            Change::Closed { class: MessageClass::Bulk, until: 5 },
            Change::Closed { class: MessageClass::Transactional, until: 5 },
            Change::Slow { until: 6 },
            Change::Singly { until: 7 },
            Change::QuotaUsed { class: MessageClass::Bulk, until: Some(8) },
            Change::QuotaUsed { class: MessageClass::Transactional, until: Some(8) },
            Change::QuotaUsed { class: MessageClass::Transactional, until: None },
        ] {
            let (field, value) = write(42, change);
            assert_eq!(read(&field, value.as_deref().unwrap_or("-")), Some((42, change)), "{field}");
        }
        assert_eq!(read("42/tripped", "soon"), None);
        assert_eq!(read("x/closed", "5"), None);
    }
}
