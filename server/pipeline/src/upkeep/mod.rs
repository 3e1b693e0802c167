//! THE CARETAKER: lapsed leases, expiry, settling; later also retention and alarms.
//!
//! Comes in: time. Goes out: states moved on. Never: a vendor. Neighbours: storage, coordination, broker.
//! How to add one: a step that is safe to repeat, called from [`Caretaker::round`].

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use types::Millis;

use crate::broker::{onward, resend, wakes};
use crate::coordination::{Claim, Coordination};
use crate::storage::people::AuditCheck;
use crate::storage::retention::Walked;
use crate::storage::{Result, Storage};
use crate::world::World;

/// Between two rounds.
const EVERY: Duration = Duration::from_millis(500);
/// A node that fell silent loses its turn after this.
const TURN: Duration = Duration::from_secs(10);
/// Chunks expired in one go, so that the writer is never held long.
const EXPIRE_AT_ONCE: u32 = 200;
/// Minute buckets are kept for two days; hours stay.
const MINUTES_KEPT_MS: Millis = 2 * 86_400_000;
/// Slots no rule looks at any more (`policy::caps`), and how many go in one transaction.
const SLOTS_KEPT_MS: Millis = 8 * 86_400_000;
const SLOTS_AT_ONCE: u32 = 5_000;
/// What vendors kept for us is told for a week after its end.
const MATERIALS_KEPT_MS: Millis = 7 * 86_400_000;
const FORGET_AT_ONCE: u32 = 2_000;
/// Chunks forgotten in one transaction, and so many transactions an hour: 20 million recipients.
const CHUNKS_AT_ONCE: u32 = 100;
const CHUNK_PARTS: u32 = 200;
/// Parts of the walk along request ids in an hour.
const REFERENCE_PARTS: u32 = 500;
/// What happened to lanes is kept for thirty days.
const EVENTS_KEPT_MS: Millis = 30 * 86_400_000;
/// Rounds between two looks at what can be forgotten: about an hour.
const FORGET_EVERY: u64 = 7_200;
/// Rounds between two steps of the daily walk along the audit log (half a minute), and entries in one step.
const AUDIT_EVERY: u64 = 60;
const AUDIT_AT_ONCE: u32 = 5_000;

#[derive(Clone)]
pub struct Caretaker {
    storage: Storage,
    coordination: Coordination,
    world: World,
    /// This process is the only one: leases of any other owner are dead.
    sole_owner: Option<String>,
    /// Days for which the recipients of a message that is over are kept; 0 = for good.
    keep_days: Arc<AtomicU32>,
    references: Arc<Mutex<Option<Walked>>>,
}

impl Caretaker {
    pub fn new(storage: Storage, coordination: Coordination, world: World, sole_owner: Option<String>) -> Caretaker {
        Caretaker { storage, coordination, world, sole_owner, keep_days: Arc::default(), references: Arc::default() }
    }

    /// How long recipients of messages that are over are kept, in days; 0 = for good.
    pub fn keep_recipients(&self, days: u32) {
        self.keep_days.store(days, Ordering::Relaxed);
    }

    /// Forgets who was in old messages, a part at a time. Safe to repeat, and to stop anywhere.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_old(&self, now: Millis) -> Result<u64> {
        let days = self.keep_days.load(Ordering::Relaxed);
        if days == 0 {
            return Ok(0);
        }
        let before = now - Millis::from(days) * 86_400_000;
        let mut gone = 0;
        for _ in 0..CHUNK_PARTS {
            let n = self.storage.retention.forget(before, now, CHUNKS_AT_ONCE).await?;
            if n == 0 {
                break;
            }
            gone += n;
        }
        self.storage.retention.drop_days(before).await?;
        // A part of the walk each time: it has no hurry.
        let mut after = self.references.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for _ in 0..REFERENCE_PARTS {
            after = self.storage.retention.forget_references(after, FORGET_AT_ONCE).await?;
            if after.is_none() {
                break;
            }
        }
        *self.references.lock().unwrap_or_else(PoisonError::into_inner) = after;
        Ok(gone)
    }

    /// At start, before any lane claims: leases of a process that is gone go back in line.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn wake_up(&self) -> Result<u64> {
        self.storage.chunks.release_lapsed(self.world.now(), self.sole_owner.as_deref()).await
    }

    pub async fn run(self, stop: CancellationToken) {
        let mut rounds = 0u64;
        while !stop.is_cancelled() {
            // One node does; with nobody to ask every node does, for each step is safe to repeat.
            if self.coordination.locks.claim("upkeep", TURN).await != Claim::Theirs
                && let Err(error) = self.round(rounds).await
            {
                tracing::error!(%error, "a round of upkeep failed; the next one tries again");
            }
            rounds += 1;
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
        self.coordination.locks.release("upkeep").await;
    }

    /// Everything that is due now. Safe to repeat.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn round(&self, rounds: u64) -> Result<()> {
        let now = self.world.now();
        let released = self.storage.chunks.release_lapsed(now, None).await?;
        if released > 0 {
            tracing::warn!(chunks = released, "leases ran out and went back in line");
            for lane in self.storage.apps.lanes().await? {
                self.coordination.wakes.wake(&wakes::lane(lane.no));
            }
        }
        while self.storage.chunks.expire(now, EXPIRE_AT_ONCE).await? > 0 {}
        onward::round(&self.storage, &self.coordination, &self.world).await?;
        resend::opened(&self.storage, &self.coordination, &self.world).await?;
        while !self.storage.messages.settle(now).await?.is_empty() {}
        if rounds.is_multiple_of(AUDIT_EVERY)
            && let Some(AuditCheck::BrokenAt(no)) = self.storage.people.audit_check_again(now, AUDIT_AT_ONCE).await?
        {
            tracing::error!(no, "the audit log is not as it was written; `carillon admin audit-check` walks all of it");
            metrics::counter!(crate::telemetry::AUDIT_BROKEN).increment(1);
        }
        if rounds.is_multiple_of(FORGET_EVERY) {
            self.storage.tallies.forget_minutes(now - MINUTES_KEPT_MS).await?;
            while self.storage.policy.forget_slots(now - SLOTS_KEPT_MS, SLOTS_AT_ONCE).await? == u64::from(SLOTS_AT_ONCE) {}
            while self.storage.materials.clear(now - MATERIALS_KEPT_MS, FORGET_AT_ONCE).await? >= u64::from(FORGET_AT_ONCE) {}
            while self.storage.resends.forget(now, FORGET_AT_ONCE).await? == u64::from(FORGET_AT_ONCE) {}
            let gone = self.forget_old(now).await?;
            if gone > 0 {
                tracing::info!(chunks = gone, "recipients of old messages were forgotten; their counters stay");
            }
            self.storage.lane_events.forget(now - EVENTS_KEPT_MS).await?;
        }
        Ok(())
    }
}
