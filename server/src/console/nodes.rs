//! Processes: what they tell of themselves, joined with the leases in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::error::AppError;
use app::ports::nodes::NodesPort;
use async_trait::async_trait;
use pipeline::house::House;
use types::vendor::Vendor;
use types::views::nodes::{NodeView, NodesView};

use super::failed;

pub struct NodesConsole {
    pub house: Arc<House>,
}

#[async_trait]
impl NodesPort for NodesConsole {
    async fn nodes(&self) -> Result<NodesView, AppError> {
        let (house, now) = (&self.house, self.house.world.now());
        let apps = house.storage.apps.list().await.map_err(|e| failed(&e))?;
        let names: BTreeMap<i64, String> = apps.into_iter().map(|app| (app.no, app.name)).collect();
        let lanes = house.storage.apps.lanes().await.map_err(|e| failed(&e))?;
        let lanes: BTreeMap<i64, (String, Vendor)> =
            lanes.into_iter().filter_map(|lane| Some((lane.no, (names.get(&lane.app_no)?.clone(), lane.vendor)))).collect();
        let mut leases: BTreeMap<String, u64> = house.storage.chunks.leases().await.map_err(|e| failed(&e))?.into_iter().collect();
        let nodes = house.coordination.nodes.list(now).await;
        let nodes = nodes
            .into_iter()
            .map(|seen| NodeView {
                own: seen.card.name == house.node(),
                leases: leases.remove(&seen.card.name).unwrap_or(0),
                lanes: seen.card.lanes.iter().filter_map(|no| lanes.get(no).cloned()).collect(),
                name: seen.card.name,
                roles: seen.card.roles,
                version: seen.card.version,
                started: seen.card.started,
                last_beat: seen.last_beat,
                alive: seen.alive,
                draining: seen.card.draining,
            })
            .collect();
        let (shared, linked) = (house.among_others(), house.coordination.nodes.linked());
        Ok(NodesView { now, nodes, shared, linked, orphaned: leases.values().sum() })
    }
}
