//! One lane's loops: urgent chunks, those of key business and other bulk are claimed apart, so that a person's message never waits
//! behind a crowd, and neither does what the app calls key.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::Millis;
use types::content::{MessageClass, Rank};
use types::ids::ChunkNo;
use types::views::lanes::LaneEventKind;

use super::allowance::{self, Allowance};
use super::breaker::BreakerState;
use super::guard::Guard;
use super::lanes::LaneConfig;
use super::line::Waits;
use super::mark::{Stage, first_slice};
use super::status::LaneStatus;
use super::step::{self, Effect, LEASE_MARGIN_MS, Terms, Tools};
use super::turnstile::Turnstile;
use crate::broker::wakes;
use crate::coordination::Change;
use crate::storage::StorageError;
use crate::storage::apps::CREDENTIAL_REFUSED;
use crate::storage::chunks::{Claimed, Lease};

/// Longest sleep of an idle lane: a lost wake-up costs at most this.
const IDLE: Duration = Duration::from_secs(1);
/// A chunk whose runner broke down rests so long.
const BROKE_DOWN_REST_MS: Millis = 1_000;

/// What the loops of a lane share.
struct Shared {
    tools: Tools,
    config: watch::Receiver<Arc<LaneConfig>>,
    guard: Guard,
    turnstile: Arc<Turnstile>,
    stop: CancellationToken,
    /// By rank: nobody waits for the turn of who is less urgent.
    stages: [Stage; Rank::ALL.len()],
}

/// Runs a lane until told to stop, then drains what is in flight.
pub async fn run(tools: Tools, config: watch::Receiver<Arc<LaneConfig>>, stop: CancellationToken) {
    let guard = Guard::new(config.borrow().lane.no, &tools.owner, tools.coordination.standstills.clone());
    let shared = Arc::new(Shared { tools, config, guard, turnstile: Arc::default(), stages: Default::default(), stop });
    let tracker = TaskTracker::new();
    let [urgent, key, bulk] = Rank::ALL.map(|rank| claim_loop(shared.clone(), rank, tracker.clone()));
    tokio::join!(urgent, key, bulk);
    tracker.close();
    tracker.wait().await;
    shared.keep_history().await;
}

async fn claim_loop(shared: Arc<Shared>, rank: Rank, tracker: TaskTracker) {
    let class = rank.class();
    let stop = shared.stop.clone();
    let tools = &shared.tools;
    let mut config = shared.config.clone();
    let lane_no = config.borrow().lane.no;
    let woken = tools.coordination.wakes.listen(&wakes::lane(lane_no));
    let permits = Arc::new(Semaphore::new(0));
    let mut granted = 0usize;
    let mut line = Waits::default();
    while !stop.is_cancelled() {
        let now_config = config.borrow_and_update().clone();
        let wanted = Stage::in_hand(&now_config.lane, class);
        if wanted > granted {
            permits.add_permits(wanted - granted);
            granted = wanted;
        } else if wanted < granted {
            granted -= permits.forget_permits(granted - wanted);
        }
        let app_stopped = tools.policies.of(now_config.app.no).await.is_ok_and(|policy| policy.stopped.is_some());
        let pause = match shared.stand_still(&now_config, class).or(app_stopped.then_some(IDLE)) {
            Some(wait) => Some(wait),
            None => shared.used_up(&now_config, class).await,
        };
        shared.tell_routing(&now_config, class);
        shared.guard.set_rules(&now_config.lane.settings.breaker, now_config.lane.settings.pace_per_second);
        shared.keep_history().await;
        let claimed = match pause {
            Some(_) => 0,
            None => shared.claim(&now_config, rank, &mut line, &permits, &tracker).await,
        };
        if claimed > 0 {
            continue;
        }
        let wait = pause.unwrap_or(IDLE);
        tokio::select! {
            () = woken.notified() => {}
            () = tokio::time::sleep(wait) => {}
            changed = config.changed() => if changed.is_err() { return },
            () = stop.cancelled() => {}
        }
    }
}

impl Shared {
    /// Tells the other nodes what failed here, and stores what happened to the lane.
    async fn keep_history(&self) {
        self.guard.merge(self.tools.world.now()).await;
        let events = self.guard.take_events();
        if !events.is_empty()
            && let Err(error) = self.tools.storage.lane_events.add(events).await
        {
            tracing::warn!(%error, "what happened to a lane could not be stored");
        }
    }

    /// What routing should know: nothing goes here, or nothing of this class, and why.
    fn tell_routing(&self, config: &LaneConfig, class: MessageClass) {
        let (app_no, vendor, now) = (config.app.no, config.lane.vendor, self.tools.world.now());
        let used_up = self.status(config.lane.no).used_up(class, now);
        self.tools.healths.shut(app_no, vendor, class, now, used_up.map(|_| "its quota is used up".to_owned()));
        if class == MessageClass::Bulk {
            self.tools.healths.halted(app_no, vendor, now, self.halted(config));
        }
    }

    fn halted(&self, config: &LaneConfig) -> Option<String> {
        if !config.lane.settings.enabled {
            return Some("switched off".to_owned());
        }
        if let Some(reason) = &config.lane.paused {
            return Some(format!("stopped: {reason}"));
        }
        match self.guard.state() {
            BreakerState::Flowing => None,
            BreakerState::Tripped { .. } | BreakerState::Probing => {
                let words = self.status(config.lane.no).last_failure.map_or(String::new(), |(_, words, _)| format!(": {words}"));
                Some(format!("breaker tripped{words}"))
            }
        }
    }

    /// How long this lane must not claim, or `None`.
    fn stand_still(&self, config: &LaneConfig, class: MessageClass) -> Option<Duration> {
        if !config.lane.settings.enabled || config.lane.paused.is_some() || config.opened.is_none() {
            return Some(IDLE);
        }
        let now = self.tools.world.now();
        let status = self.status(config.lane.no);
        let until = [status.closed.of(class), status.slow_until].into_iter().flatten().filter(|until| *until > now).max();
        if let Some(until) = until {
            return Some(Duration::from_millis((until - now).unsigned_abs()).min(IDLE));
        }
        let state = self.guard.state();
        match state {
            BreakerState::Flowing => None,
            BreakerState::Tripped { until } if now >= until => None,
            BreakerState::Tripped { until } => Some(Duration::from_millis((until - now).unsigned_abs()).min(IDLE)),
            BreakerState::Probing => Some(Duration::from_millis(100)),
        }
    }

    /// What this node and the others know of the lane.
    fn status(&self, lane_no: i64) -> LaneStatus {
        self.tools.statuses.get(lane_no).with(self.tools.coordination.standstills.get(lane_no))
    }

    /// How long the lane's own quotas forbid this class, or `None`.
    async fn used_up(&self, config: &LaneConfig, class: MessageClass) -> Option<Duration> {
        let (lane_no, now) = (config.lane.no, self.tools.world.now());
        let closed_until = match allowance::closed_until(&self.tools, config, class).await {
            Ok(closed_until) => closed_until,
            Err(error) => {
                tracing::error!(%error, lane = lane_no, "today's use could not be read; the lane waits");
                return Some(IDLE);
            }
        };
        self.tools.coordination.standstills.change(lane_no, Change::QuotaUsed { class, until: closed_until });
        closed_until.map(|until| Duration::from_millis((until - now).max(0).unsigned_abs()).min(IDLE))
    }

    /// Claims what free permits allow and starts it. Returns how many chunks were started.
    async fn claim(
        self: &Arc<Self>,
        config: &Arc<LaneConfig>,
        rank: Rank,
        line: &mut Waits,
        permits: &Arc<Semaphore>,
        tracker: &TaskTracker,
    ) -> usize {
        let class = rank.class();
        let first = tokio::select! {
            Ok(first) = permits.clone().acquire_owned() => first,
            () = self.stop.cancelled() => return 0,
        };
        let mut held = vec![first];
        while let Ok(permit) = permits.clone().try_acquire_owned() {
            held.push(permit);
        }
        let now = self.tools.world.now();
        if !self.guard.ask(now, Duration::from_millis(u64::from(config.lane.settings.timeout_ms))).await {
            return 0;
        }
        // One probe only.
        let asked = if self.guard.state() == BreakerState::Probing { 1 } else { held.len() };
        let lease_until = now + Millis::from(config.lane.settings.timeout_ms) + LEASE_MARGIN_MS;
        let lease =
            Lease { owner: &self.tools.owner, now, until: lease_until, started: first_slice(&config.lane, class, &self.tools.writes) };
        let claimed = match rank {
            Rank::Urgent => self.tools.storage.chunks.lease(config.lane.no, lease, asked as u32, rank.priority()).await,
            Rank::Key | Rank::Bulk => line.lease(&self.tools.storage, config, rank, lease, asked as u32).await,
        };
        let chunks = match claimed {
            Ok(chunks) => chunks,
            Err(error) => {
                tracing::error!(%error, lane = config.lane.no, "chunks could not be claimed");
                Vec::new()
            }
        };
        if chunks.is_empty() {
            self.guard.unused(now);
            return 0;
        }
        let n = chunks.len();
        for (chunk, permit) in chunks.into_iter().zip(held) {
            let (shared, config) = (self.clone(), config.clone());
            self.tools.statuses.change(config.lane.no, |status| status.in_flight += 1);
            tracker.spawn(async move { shared.one(&config, rank, chunk, lease_until, permit).await });
        }
        n
    }

    async fn one(&self, config: &LaneConfig, rank: Rank, chunk: Claimed, lease_until: Millis, permit: OwnedSemaphorePermit) {
        let (no, class) = (chunk.no, rank.class());
        let allowance = Allowance::of(&self.tools, config, class, u64::from(chunk.count)).await;
        let (allowed, turnstile, now) = (allowance.granted, self.turnstile.clone(), self.config.clone());
        let begin = self.stages[rank as usize].begin(&config.lane, class);
        let terms = Terms { lease_until, allowance: allowed, rank, turnstile, begin, now };
        let fence = chunk.fence;
        let done = AssertUnwindSafe(step::work(&self.tools, config, chunk, terms, &self.guard)).catch_unwind().await;
        let Ok(done) = done else {
            self.broke_down(config, no, fence).await;
            return self.over(config, permit);
        };
        // The probe asked the vendor nothing (its time ran out, it was held): the next one may.
        if done.as_ref().is_ok_and(|effect| effect.well == 0 && effect.strikes == 0) {
            self.guard.unused(self.tools.world.now());
        }
        allowance.settle(&self.tools, done.as_ref().map_or(0, |effect| effect.accepted)).await;
        match done {
            Ok(effect) => self.after(config, class, effect).await,
            Err(StorageError::Stale(what)) => tracing::warn!(chunk = no.0, what, "the lease was lost; the other holder's word counts"),
            Err(error @ StorageError::Corrupt(_)) => {
                tracing::error!(chunk = no.0, %error, "a chunk cannot be worked on");
                self.broke_down(config, no, fence).await;
            }
            Err(error) => tracing::error!(chunk = no.0, %error, "a chunk's result could not be stored; it comes back by its lease"),
        }
        self.over(config, permit);
    }

    /// The runner of a chunk broke down over it, and nobody knows what it had sent: its lease ends at once. What it took of the day's
    /// quota stays taken.
    async fn broke_down(&self, config: &LaneConfig, no: ChunkNo, fence: i64) {
        let now = self.tools.world.now();
        self.guard.unused(now);
        tracing::error!(chunk = no.0, lane = config.lane.no, vendor = config.lane.vendor.slug(), "the sender of a chunk broke down");
        match self.tools.storage.chunks.lapse(no, fence, now, now + BROKE_DOWN_REST_MS).await {
            Ok(()) | Err(StorageError::Stale(_)) => {}
            Err(error) => tracing::error!(chunk = no.0, %error, "its lease could not be ended; it runs out by itself"),
        }
    }

    fn over(&self, config: &LaneConfig, permit: OwnedSemaphorePermit) {
        drop(permit);
        self.tools.statuses.change(config.lane.no, |status| status.in_flight = status.in_flight.saturating_sub(1));
        // A permit is free: the affair of this process alone.
        self.tools.coordination.wakes.nudge(&wakes::lane(config.lane.no));
    }

    async fn after(&self, config: &LaneConfig, class: MessageClass, effect: Effect) {
        let now = self.tools.world.now();
        let state = self.guard.state();
        let (app_no, vendor) = (config.app.no, config.lane.vendor);
        self.tools.healths.answered(app_no, vendor, now, effect.accepted, effect.accepted + effect.failed);
        let standstills = &self.tools.coordination.standstills;
        if let Some(until) = effect.slow_until {
            standstills.change(config.lane.no, Change::Slow { until });
        }
        if let Some(until) = effect.closed_until {
            let is_news = standstills.get(config.lane.no).closed.of(class) < Some(until);
            standstills.change(config.lane.no, Change::Closed { class, until });
            let what = match class {
                MessageClass::Bulk => LaneEventKind::BulkClosed,
                MessageClass::Transactional => LaneEventKind::UrgentClosed,
            };
            let words = effect.last_failure.as_ref().map_or(String::new(), |(_, words)| words.clone());
            if is_news {
                self.guard.remember(what, Some(until), words, now);
            }
        }
        self.tools.statuses.change(config.lane.no, |status| {
            status.breaker = Some(state);
            if let Some(until) = effect.slow_until {
                status.slow_until = Some(until);
            }
            if let Some(until) = effect.closed_until {
                status.closed.set(class, Some(until));
            }
            if effect.well > 0 {
                status.last_success = Some(now);
            }
            if let Some((class, words)) = &effect.last_failure {
                status.last_failure = Some((class.clone(), words.clone(), now));
            }
        });
        if let Some(words) = effect.pause {
            tracing::error!(
                lane = config.lane.no,
                vendor = config.lane.vendor.slug(),
                words,
                "the credential was refused; the lane stands still until it is renewed"
            );
            if let Err(error) =
                self.tools.storage.apps.pause_lane(config.lane.no, Some(format!("{CREDENTIAL_REFUSED}: {words}")), None).await
            {
                tracing::error!(%error, "the lane could not be paused");
            }
            self.tools.coordination.wakes.wake(wakes::LANES);
        }
    }
}
