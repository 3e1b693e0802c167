//! What waits in one lane and rank, read now and then: whose turn it is decides what is claimed.

use std::time::Duration;

use tokio::time::Instant;

use super::lanes::LaneConfig;
use crate::broker::route::per_second;
use crate::broker::turns::Line;
use crate::storage::chunks::{Claimed, Lease};
use crate::storage::{Result, Storage};
use types::content::Rank;

/// Who comes in is seen after this at the latest, where reading the line takes next to nothing;
const KEPT_LEAST: Duration = Duration::from_millis(200);
/// where it takes longer, it is read so much more rarely that it costs a fiftieth of the time.
const KEPT_TIMES: u32 = 50;
const KEPT_MOST: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct Waits {
    line: Line,
    /// What is known counts until then.
    until: Option<Instant>,
}

impl Waits {
    /// Leases up to `most` chunks in turn.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lease(&mut self, storage: &Storage, config: &LaneConfig, rank: Rank, lease: Lease<'_>, most: u32) -> Result<Vec<Claimed>> {
        loop {
            let known = !self.line.is_empty() && self.until.is_some_and(|until| Instant::now() < until);
            if !known {
                let begun = Instant::now();
                let flows = storage.chunks.flows(config.lane.no, rank.priority(), lease.now).await?;
                let took = begun.elapsed();
                self.until = Some(begun + (took * KEPT_TIMES).clamp(KEPT_LEAST, KEPT_MOST));
                self.line.seen(flows, lease.now, per_second(&config.lane));
            }
            if self.line.is_empty() {
                return Ok(Vec::new());
            }
            let turn = self.line.next(most);
            let claimed = storage.chunks.lease_in_turn(config.lane.no, lease, most, rank.priority(), &turn).await?;
            for chunk in &claimed {
                self.line.took(chunk.flow, chunk.count);
            }
            if claimed.len() < most as usize {
                self.until = None;
            }
            // Nothing is left of what was known: others may have come since.
            if !claimed.is_empty() || !known {
                return Ok(claimed);
            }
        }
    }
}
