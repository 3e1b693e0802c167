//! One lane's loops: urgent chunks and bulk chunks are claimed apart, so that a person's message never waits behind a crowd.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::Millis;
use types::content::MessageClass;
use types::life::Outcome;

use super::breaker::{Breaker, BreakerRules, BreakerState};
use super::lanes::LaneConfig;
use super::quota::Quota;
use super::retry::next_beijing_midnight;
use super::step::{self, Effect, LEASE_MARGIN_MS, Terms, Tools};
use crate::broker::wakes;
use crate::storage::StorageError;
use crate::storage::apps::CREDENTIAL_REFUSED;
use crate::storage::chunks::Claimed;
use crate::storage::tallies::{Grain, Measure, Point};

/// Longest sleep of an idle lane: a lost wake-up costs at most this.
const IDLE: Duration = Duration::from_secs(1);
const DAY_MS: Millis = 86_400_000;

/// What the two loops of a lane share.
struct Shared {
    tools: Tools,
    config: watch::Receiver<Arc<LaneConfig>>,
    breaker: Mutex<Breaker>,
    quota: Mutex<Quota>,
    stop: CancellationToken,
}

/// Runs a lane until told to stop, then drains what is in flight.
pub async fn run(tools: Tools, config: watch::Receiver<Arc<LaneConfig>>, stop: CancellationToken) {
    let shared =
        Arc::new(Shared { tools, config, breaker: Mutex::new(Breaker::new(BreakerRules::default())), quota: Mutex::default(), stop });
    let tracker = TaskTracker::new();
    let urgent = claim_loop(shared.clone(), MessageClass::Transactional, tracker.clone());
    let bulk = claim_loop(shared, MessageClass::Bulk, tracker.clone());
    tokio::join!(urgent, bulk);
    tracker.close();
    tracker.wait().await;
}

/// Chunks of one class in flight at once: what a crash can leave unknown.
fn chunks_at_once(config: &LaneConfig, class: MessageClass) -> usize {
    let defaults = config.lane.vendor.lane_defaults();
    match class {
        // Many small chunks of one recipient each.
        MessageClass::Transactional => 64,
        MessageClass::Bulk if defaults.batch == 1 => {
            (config.lane.settings.in_flight as usize).div_ceil(defaults.chunk as usize).clamp(1, 8)
        }
        MessageClass::Bulk => (config.lane.settings.in_flight as usize).clamp(1, 64),
    }
}

async fn claim_loop(shared: Arc<Shared>, class: MessageClass, tracker: TaskTracker) {
    let stop = shared.stop.clone();
    let tools = &shared.tools;
    let mut config = shared.config.clone();
    let lane_no = config.borrow().lane.no;
    let woken = tools.coordination.wakes.listen(&wakes::lane(lane_no));
    let permits = Arc::new(Semaphore::new(0));
    let mut granted = 0usize;
    while !stop.is_cancelled() {
        let now_config = config.borrow_and_update().clone();
        let wanted = chunks_at_once(&now_config, class);
        if wanted > granted {
            permits.add_permits(wanted - granted);
            granted = wanted;
        } else if wanted < granted {
            granted -= permits.forget_permits(granted - wanted);
        }
        if class == MessageClass::Bulk {
            let halted = shared.halted(&now_config);
            tools.healths.halted(now_config.app.no, now_config.lane.vendor, tools.world.now(), halted);
        }
        let app_stopped = tools.policies.of(now_config.app.no).await.is_ok_and(|policy| policy.stopped.is_some());
        let pause = match shared.stand_still(&now_config).or(app_stopped.then_some(IDLE)) {
            Some(wait) => Some(wait),
            None => shared.used_up(&now_config).await,
        };
        let claimed = match pause {
            Some(_) => 0,
            None => shared.claim(&now_config, class, &permits, &tracker).await,
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
    /// What routing should know: nothing goes here, and why.
    fn halted(&self, config: &LaneConfig) -> Option<String> {
        if !config.lane.settings.enabled {
            return Some("switched off".to_owned());
        }
        if let Some(reason) = &config.lane.paused {
            return Some(format!("stopped: {reason}"));
        }
        let now = self.tools.world.now();
        let status = self.tools.statuses.get(config.lane.no);
        if status.closed_until.max(status.quota_until).is_some_and(|until| now < until) {
            return Some("its quota is used up".to_owned());
        }
        match self.breaker.lock().unwrap_or_else(PoisonError::into_inner).state() {
            BreakerState::Flowing => None,
            BreakerState::Tripped { .. } | BreakerState::Probing => {
                let words = status.last_failure.map_or(String::new(), |(_, words, _)| format!(": {words}"));
                Some(format!("breaker tripped{words}"))
            }
        }
    }

    /// How long this lane must not claim, or `None`.
    fn stand_still(&self, config: &LaneConfig) -> Option<Duration> {
        if !config.lane.settings.enabled || config.lane.paused.is_some() || config.opened.is_none() {
            return Some(IDLE);
        }
        let now = self.tools.world.now();
        let status = self.tools.statuses.get(config.lane.no);
        let until = [status.closed_until, status.slow_until].into_iter().flatten().filter(|until| *until > now).max();
        if let Some(until) = until {
            return Some(Duration::from_millis((until - now).unsigned_abs()).min(IDLE));
        }
        let state = self.breaker.lock().unwrap_or_else(PoisonError::into_inner).state();
        match state {
            BreakerState::Flowing => None,
            BreakerState::Tripped { until } if now >= until => None,
            BreakerState::Tripped { until } => Some(Duration::from_millis((until - now).unsigned_abs()).min(IDLE)),
            BreakerState::Probing => Some(Duration::from_millis(100)),
        }
    }

    fn quota(&self) -> MutexGuard<'_, Quota> {
        self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the lane's own daily quota forbids everything, or `None`. Reads the books at the start of a day.
    async fn used_up(&self, config: &LaneConfig) -> Option<Duration> {
        let limit = config.lane.settings.daily_quota;
        let now = self.tools.world.now();
        if limit == 0 {
            return None;
        }
        if self.quota().is_stale(now) {
            let from = next_beijing_midnight(now) - DAY_MS;
            match self.tools.storage.tallies.series(Some(config.app.no), Grain::Hour, from, now + 1).await {
                Ok(points) => {
                    let accepted = |p: &Point| matches!(p.measure, Measure::Outcome { outcome: Outcome::Accepted, .. });
                    let used: i64 = points.iter().filter(|p| p.vendor == Some(config.lane.vendor) && accepted(p)).map(|p| p.n).sum();
                    self.quota().start_day(now, used.max(0).unsigned_abs());
                }
                Err(error) => {
                    tracing::error!(%error, lane = config.lane.no, "today's use could not be read; the lane waits");
                    return Some(IDLE);
                }
            }
        }
        let quota = self.quota();
        let closed_until = (quota.left(limit) == 0).then(|| quota.day_end());
        drop(quota);
        self.tools.statuses.change(config.lane.no, |status| status.quota_until = closed_until);
        closed_until.map(|until| Duration::from_millis((until - now).max(0).unsigned_abs()).min(IDLE))
    }

    /// Claims what free permits allow and starts it. Returns how many chunks were started.
    async fn claim(
        self: &Arc<Self>,
        config: &Arc<LaneConfig>,
        class: MessageClass,
        permits: &Arc<Semaphore>,
        tracker: &TaskTracker,
    ) -> usize {
        let first = tokio::select! {
            Ok(first) = permits.clone().acquire_owned() => first,
            () = self.stop.cancelled() => return 0,
        };
        let mut held = vec![first];
        while let Ok(permit) = permits.clone().try_acquire_owned() {
            held.push(permit);
        }
        let now = self.tools.world.now();
        let asked = {
            let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
            if !breaker.ask(now) {
                return 0;
            }
            // One probe only.
            if breaker.state() == BreakerState::Probing { 1 } else { held.len() }
        };
        let lease_until = now + Millis::from(config.lane.settings.timeout_ms) + LEASE_MARGIN_MS;
        let claimed =
            self.tools.storage.chunks.claim(config.lane.no, &self.tools.owner, now, lease_until, asked as u32, class.priority()).await;
        let chunks = match claimed {
            Ok(chunks) => chunks,
            Err(error) => {
                tracing::error!(%error, lane = config.lane.no, "chunks could not be claimed");
                Vec::new()
            }
        };
        if chunks.is_empty() {
            self.breaker.lock().unwrap_or_else(PoisonError::into_inner).unused(now);
            return 0;
        }
        let n = chunks.len();
        for (chunk, permit) in chunks.into_iter().zip(held) {
            let (shared, config) = (self.clone(), config.clone());
            let allowance = self.quota().reserve(config.lane.settings.daily_quota, u64::from(chunk.count));
            let terms = Terms { lease_until, allowance };
            tracker.spawn(async move { shared.one(&config, chunk, terms, permit).await });
        }
        n
    }

    async fn one(&self, config: &LaneConfig, chunk: Claimed, terms: Terms, permit: OwnedSemaphorePermit) {
        let no = chunk.no;
        let done = step::work(&self.tools, config, chunk, terms, &self.breaker).await;
        self.quota().settle(terms.allowance, done.as_ref().map_or(0, |effect| effect.accepted));
        match done {
            Ok(effect) => self.after(config, effect).await,
            Err(StorageError::Stale(what)) => tracing::warn!(chunk = no.0, what, "the lease was lost; the other holder's word counts"),
            Err(error) => tracing::error!(chunk = no.0, %error, "a chunk's result could not be stored; it comes back by its lease"),
        }
        drop(permit);
        self.tools.coordination.wakes.wake(&wakes::lane(config.lane.no));
    }

    async fn after(&self, config: &LaneConfig, effect: Effect) {
        let now = self.tools.world.now();
        let state = self.breaker.lock().unwrap_or_else(PoisonError::into_inner).state();
        let (app_no, vendor) = (config.app.no, config.lane.vendor);
        self.tools.healths.answered(app_no, vendor, now, effect.accepted, effect.accepted + effect.failed);
        self.tools.statuses.change(config.lane.no, |status| {
            status.breaker = Some(state);
            if let Some(until) = effect.slow_until {
                status.slow_until = Some(until);
            }
            if let Some(until) = effect.closed_until {
                status.closed_until = Some(until);
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
