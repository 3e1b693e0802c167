//! What a lane's own quotas leave for a class: the day's, and, of marketing, one of its own size beside it. Two ledgers of the same
//! kind; whoever needs both gets what both allow.

use types::Millis;
use types::content::MessageClass;

use super::lanes::LaneConfig;
use super::retry::next_beijing_midnight;
use super::step::Tools;
use crate::broker::quota::{bulk_ledger, bulk_today, used_today};
use crate::coordination::Reserved;
use crate::storage::Result;
use crate::storage::apps::LaneSettings;

/// Ledgers that count a message of this class, each with what the class may use of it.
fn ledgers(lane_no: i64, settings: &LaneSettings, class: MessageClass) -> Vec<(i64, u64)> {
    let mut out = Vec::with_capacity(2);
    if settings.daily_quota > 0 {
        out.push((lane_no, settings.quota_of(class)));
    }
    if class == MessageClass::Bulk && settings.bulk_quota > 0 {
        out.push((bulk_ledger(lane_no), settings.bulk_quota));
    }
    out
}

/// Until when the lane's quotas forbid this class, or `None`. Reads the books when nobody knows what was used today.
///
/// # Errors
/// When the books cannot be read.
pub async fn closed_until(tools: &Tools, config: &LaneConfig, class: MessageClass) -> Result<Option<Millis>> {
    let (lane, now) = (&config.lane, tools.world.now());
    let day = next_beijing_midnight(now);
    let mut closed = None;
    for (ledger, limit) in ledgers(lane.no, &lane.settings, class) {
        let left = match tools.coordination.quotas.left(ledger, day, limit).await {
            Some(left) => left,
            None => {
                let used = if ledger == lane.no {
                    used_today(&tools.storage, config.app.no, lane.vendor, now).await?
                } else {
                    bulk_today(&tools.storage, config.app.no, lane.vendor, now).await?
                };
                tools.coordination.quotas.begin(ledger, day, used).await;
                limit.saturating_sub(used)
            }
        };
        if left == 0 {
            closed = Some(day);
        }
    }
    Ok(closed)
}

/// Device messages of the day held back for one chunk.
pub struct Allowance {
    day: Millis,
    ledgers: Vec<i64>,
    pub granted: u64,
}

impl Allowance {
    /// Holds back up to `wanted` in every ledger that counts this class.
    pub async fn of(tools: &Tools, config: &LaneConfig, class: MessageClass, wanted: u64) -> Allowance {
        let (lane, day) = (&config.lane, next_beijing_midnight(tools.world.now()));
        let mut held: Vec<(i64, u64)> = Vec::with_capacity(2);
        let mut granted = wanted;
        for (ledger, limit) in ledgers(lane.no, &lane.settings, class) {
            granted = match tools.coordination.quotas.reserve(ledger, day, limit, granted).await {
                Reserved::Got(n) => n,
                // A day has just begun; the next look at the lane reads the books.
                Reserved::Unknown => 0,
            };
            held.push((ledger, granted));
        }
        // What a later ledger did not have is no use in an earlier one.
        for (ledger, n) in held.iter().filter(|(_, n)| *n > granted) {
            tools.coordination.quotas.settle(*ledger, day, n - granted, 0).await;
        }
        let ledgers: Vec<i64> = held.into_iter().map(|(ledger, _)| ledger).collect();
        let granted = if ledgers.is_empty() { u64::MAX } else { granted };
        Allowance { day, ledgers, granted }
    }

    /// Gives it back; `accepted` of it were used.
    pub async fn settle(&self, tools: &Tools, accepted: u64) {
        for ledger in &self.ledgers {
            tools.coordination.quotas.settle(*ledger, self.day, self.granted, accepted).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_counted_where() {
        use MessageClass::{Bulk, Transactional};
        let set = |daily_quota, bulk_quota| LaneSettings { daily_quota, bulk_quota, reserve_percent: 20, ..LaneSettings::default() };
        assert_eq!(ledgers(7, &set(0, 0), Bulk), []);
        assert_eq!(ledgers(7, &set(100, 0), Bulk), [(7, 80)]);
        assert_eq!(ledgers(7, &set(100, 0), Transactional), [(7, 100)]);
        assert_eq!(ledgers(7, &set(0, 30), Bulk), [(-7, 30)]);
        assert_eq!(ledgers(7, &set(0, 30), Transactional), []);
        assert_eq!(ledgers(7, &set(100, 30), Bulk), [(7, 80), (-7, 30)]);
    }
}
