//! The gauges of a house: what lanes, nodes and campaigns look like now.

use std::collections::BTreeMap;

use super::House;
use crate::broker::quota::bulk_ledger;
use crate::channel::breaker::BreakerState;
use crate::channel::retry::next_beijing_midnight;
use crate::storage::chunks::Backlog;
use crate::telemetry;

impl House {
    /// Sets the gauges that describe lanes and nodes, for whoever asks for the metrics now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn measure(&self) -> Result<(), crate::storage::StorageError> {
        let now = self.world.now();
        let nodes = self.coordination.nodes.list(now).await;
        for role in ["console", "api", "worker", "scheduler"] {
            let n = nodes.iter().filter(|node| node.alive && node.card.roles.iter().any(|own| own == role)).count();
            metrics::gauge!(telemetry::NODES, "role" => role).set(n as f64);
        }
        metrics::gauge!(telemetry::NODES_LINKED).set(f64::from(u8::from(self.coordination.nodes.linked())));
        let missed: BTreeMap<i64, u64> = self.storage.campaigns.missed().await?.into_iter().collect();
        let apps: BTreeMap<i64, String> = self.storage.apps.list().await?.into_iter().map(|app| (app.no, app.id.to_string())).collect();
        for (no, app) in &apps {
            metrics::gauge!(telemetry::CAMPAIGNS_MISSED, "app" => app.clone()).set(missed.get(no).copied().unwrap_or(0) as f64);
        }
        let backlog: BTreeMap<i64, Backlog> = self.storage.chunks.backlog().await?.into_iter().collect();
        let aside: BTreeMap<i64, u64> = self.storage.chunks.poisoned_by_lane().await?.into_iter().collect();
        for lane in self.storage.apps.lanes().await? {
            let Some(app) = apps.get(&lane.app_no).filter(|_| lane.settings.enabled) else { continue };
            let labels = [("app", app.clone()), ("vendor", lane.vendor.slug().to_owned())];
            let waiting = backlog.get(&lane.no).copied().unwrap_or_default();
            metrics::gauge!(telemetry::CHUNKS_SET_ASIDE, &labels).set(aside.get(&lane.no).copied().unwrap_or(0) as f64);
            metrics::gauge!(telemetry::LANE_DEPTH, &labels).set(waiting.recipients as f64);
            let age = waiting.oldest.map_or(0, |oldest| (now - oldest).max(0));
            metrics::gauge!(telemetry::LANE_OLDEST_AGE_SECONDS, &labels).set(age as f64 / 1_000.0);
            let state = match self.lane_status(lane.no).breaker {
                None | Some(BreakerState::Flowing) => 0.0,
                Some(BreakerState::Tripped { .. }) => 1.0,
                Some(BreakerState::Probing) => 2.0,
            };
            metrics::gauge!(telemetry::BREAKER_STATE, &labels).set(state);
            let (quota, day) = (lane.settings.daily_quota, next_beijing_midnight(now));
            if quota > 0
                && let Some(left) = self.coordination.quotas.left(lane.no, day, quota).await
            {
                metrics::gauge!(telemetry::QUOTA_REMAINING_RATIO, &labels).set(left as f64 / quota as f64);
            }
            let bulk = lane.settings.bulk_quota;
            if bulk > 0
                && let Some(left) = self.coordination.quotas.left(bulk_ledger(lane.no), day, bulk).await
            {
                metrics::gauge!(telemetry::BULK_QUOTA_REMAINING_RATIO, &labels).set(left as f64 / bulk as f64);
            }
        }
        Ok(())
    }
}
