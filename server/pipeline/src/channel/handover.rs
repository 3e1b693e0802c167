//! From a lane that is out to the next one: waiting chunks that no vendor was ever asked about are taken apart, and every
//! device that has another usable token goes there. The rest waits for its lane. What may have been sent never moves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use types::Millis;
use types::content::{MessageClass, Rank};
use types::vendor::Vendor;

use super::step::Tools;
use crate::broker::health::{Standing, Standings};
use crate::broker::plan::new_chunk;
use crate::broker::route::{self, OpenLane};
use crate::broker::wakes;
use crate::coordination::Claim;
use crate::policy::Demands;
use crate::storage::apps::{App, Lane};
use crate::storage::chunks::{Claimed, HandOver, NewChunk, Next, Step};
use crate::storage::frame::{self, Outcomes, Recipient};
use crate::storage::messages::{Message, Origin};
use crate::storage::tallies::{Delta, Measure};
use crate::storage::{Result, StorageError};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// A node that fell silent loses its turn after this.
const TURN: Duration = Duration::from_secs(10);
/// A lane must be out for this long: shorter troubles mend themselves.
const PATIENCE_MS: Millis = 5_000;
/// Chunks taken apart at once.
const AT_ONCE: u32 = 16;
const LEASE_MS: Millis = 60_000;

/// Looks until told to stop.
pub async fn run(tools: Tools, stop: CancellationToken) {
    while !stop.is_cancelled() {
        // One node does: two would take the same chunks apart in turn.
        if tools.coordination.locks.claim("handover", TURN).await != Claim::Theirs
            && let Err(error) = round(&tools, &stop).await
        {
            tracing::error!(%error, "handing over stopped for a moment");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    tools.coordination.locks.release("handover").await;
}

/// One look at every app. Returns the recipients that changed lanes.
///
/// # Errors
/// When the store fails; what was not handed over stays where it was.
pub async fn round(tools: &Tools, stop: &CancellationToken) -> Result<u64> {
    let mut moved = 0;
    for app in tools.storage.apps.list().await? {
        let now = tools.world.now();
        let lanes = tools.storage.apps.lanes_of(app.no).await?;
        let is_out = |lane: &Lane, class| matches!(tools.healths.standing(app.no, lane.vendor, class, now), Standing::Out { .. });
        if !lanes.iter().any(|lane| MessageClass::ALL.into_iter().any(|class| is_out(lane, class))) {
            continue;
        }
        let credentials: BTreeSet<Vendor> = tools.storage.apps.credentials(app.no).await?.into_iter().map(|row| row.vendor).collect();
        let open: Vec<OpenLane> = lanes
            .iter()
            .filter(|lane| lane.settings.enabled && credentials.contains(&lane.vendor))
            .map(|lane| OpenLane { lane_no: lane.no, vendor: lane.vendor, chunk: route::chunk_size(lane.vendor, &lane.settings) })
            .collect();
        for class in MessageClass::ALL {
            let standings = tools.healths.standings(app.no, lanes.iter().map(|lane| lane.vendor), class, now);
            for lane in &lanes {
                let Standing::Out { why, since } = standings.of(lane.vendor) else { continue };
                if now - since < PATIENCE_MS {
                    continue;
                }
                let fit = |other: &OpenLane| other.vendor != lane.vendor && standings.of(other.vendor).share(now) > 0.0;
                let others: Vec<OpenLane> = open.iter().copied().filter(fit).collect();
                if !others.is_empty() {
                    let (lane_no, vendor) = (lane.no, lane.vendor);
                    let leaving = Leaving { tools, app: &app, lane_no, vendor, why, others: &others, standings: &standings };
                    for rank in Rank::ALL.into_iter().filter(|rank| rank.class() == class) {
                        moved += leaving.all_of(rank, stop).await?;
                    }
                }
            }
        }
    }
    Ok(moved)
}

/// A lane that is out, and where its recipients may go.
struct Leaving<'a> {
    tools: &'a Tools,
    app: &'a App,
    lane_no: i64,
    vendor: Vendor,
    why: &'a str,
    others: &'a [OpenLane],
    standings: &'a Standings,
}

impl Leaving<'_> {
    async fn all_of(&self, rank: Rank, stop: &CancellationToken) -> Result<u64> {
        let mut moved = 0;
        while !stop.is_cancelled() {
            let (chunks, owner, now) = (&self.tools.storage.chunks, &self.tools.owner, self.tools.world.now());
            let claimed = chunks.claim_untouched(self.lane_no, owner, now, now + LEASE_MS, AT_ONCE, rank.priority()).await?;
            let last = claimed.len() < AT_ONCE as usize;
            for chunk in claimed {
                moved += self.take_apart(chunk).await?;
            }
            if last {
                break;
            }
        }
        Ok(moved)
    }

    async fn take_apart(&self, chunk: Claimed) -> Result<u64> {
        let tools = self.tools;
        let Some(message) = tools.storage.messages.get(chunk.message_no).await? else {
            return Err(StorageError::Corrupt("chunk without its message".into()));
        };
        // Another lane shows nothing that could be taken back there.
        if message.origin == Origin::Recall {
            return self.put_back(chunk, tools.world.now()).await.map(|()| 0);
        }
        let recipients = frame::decode_recipients(&chunk.recipients)?;
        let total = recipients.len();
        let (stay, go) = self.sort(&message, recipients).await?;
        let moved = go.values().map(|(_, list)| list.len() as u64).sum();
        let now = tools.world.now();
        if moved == 0 {
            return self.put_back(chunk, now).await.map(|()| 0);
        }
        let order = if message.vendor_order.is_empty() { &self.app.vendor_order } else { &message.vendor_order };
        let mut chunks = Vec::new();
        let mut lanes = Vec::new();
        for (lane, list) in go.into_values() {
            let words =
                format!("{}; handed over from {}: {}", route::why(lane.vendor, order, &Standings::default()), self.vendor.slug(), self.why);
            for part in list.chunks(lane.chunk.max(1)) {
                let moved = new_chunk(&message, Some(lane), part, &Outcomes::waiting(part.len()), words.clone());
                chunks.push(NewChunk { policy: chunk.policy.clone(), ..moved });
            }
            lanes.push(lane.lane_no);
        }
        if !stay.is_empty() {
            let own = OpenLane { lane_no: self.lane_no, vendor: self.vendor, chunk: stay.len() };
            let words = format!("{}; waits for it: no other usable token", route::why(self.vendor, order, &Standings::default()));
            let stays = new_chunk(&message, Some(own), &stay, &Outcomes::waiting(stay.len()), words);
            chunks.push(NewChunk { policy: chunk.policy.clone(), ..stays });
        }
        let back = Delta {
            message_no: message.no,
            app_no: message.app_no,
            vendor: Some(self.vendor),
            measure: Measure::Planned,
            n: -(total as i64),
        };
        let over = HandOver { no: chunk.no, fence: chunk.fence, chunks, deltas: vec![back], now };
        match tools.storage.chunks.hand_over(over).await {
            Ok(()) => {
                metrics::counter!(crate::telemetry::HANDED_OVER, "vendor" => self.vendor.slug()).increment(moved);
                for lane in lanes {
                    tools.coordination.wakes.wake(&wakes::lane(lane));
                }
                Ok(moved)
            }
            // Paused or cancelled meanwhile: the chunk obeys that where it is.
            Err(StorageError::Stale(_)) => self.put_back(chunk, now).await.map(|()| 0),
            Err(error) => Err(error),
        }
    }

    /// Who stays, and who goes where.
    async fn sort(
        &self,
        message: &Message,
        recipients: Vec<Recipient>,
    ) -> Result<(Vec<Recipient>, BTreeMap<i64, (OpenLane, Vec<Recipient>)>)> {
        let order = if message.vendor_order.is_empty() { &self.app.vendor_order } else { &message.vendor_order };
        let demands = Demands { environment: self.app.environment, test_only: message.origin == Origin::Test };
        let mut stay = Vec::new();
        let mut go: BTreeMap<i64, (OpenLane, Vec<Recipient>)> = BTreeMap::new();
        let nos: Vec<i64> = recipients.iter().map(|r| r.device_no).collect();
        let reached = self.tools.storage.devices.reach_nos(self.app.no, &nos).await?;
        for (recipient, mut tokens) in recipients.into_iter().zip(reached) {
            tokens.retain(|reach| reach.vendor != self.vendor);
            match route::choose(&tokens, order, self.others, demands, self.standings) {
                Ok(choice) => {
                    let lane = choice.lane;
                    let moved = Recipient { token: choice.reach.token.clone(), ..recipient };
                    go.entry(lane.lane_no).or_insert_with(|| (lane, Vec::new())).1.push(moved);
                }
                Err(_) => stay.push(recipient),
            }
        }
        Ok((stay, go))
    }

    /// Back in line as it was; it is not looked at again, for it now counts a claim.
    async fn put_back(&self, chunk: Claimed, now: Millis) -> Result<()> {
        let step = Step {
            no: chunk.no,
            fence: chunk.fence,
            open: Vec::new(),
            outcomes: chunk.outcomes,
            next: Next::Wait { not_before: now },
            references: Vec::new(),
            onward: None,
            deltas: Vec::new(),
            now,
        };
        match self.tools.storage.chunks.record(step).await {
            Ok(()) | Err(StorageError::Stale(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
