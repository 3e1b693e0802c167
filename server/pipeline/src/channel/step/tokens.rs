//! A step's tokens: waited for with a lease that outlives them, and nothing in flight stands still meanwhile.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::OwnedSemaphorePermit;
use types::Millis;
use types::content::MessageClass;

use super::{LEASE_MARGIN_MS, TOKEN_WAIT_MAX, Work};
use crate::channel::call::Leave;
use crate::channel::guard::Guard;
use crate::channel::turnstile::{Waiting, YIELD};
use crate::coordination::Permit;
use crate::storage::{Result, StorageError};
use crate::telemetry;

/// Why a request did not leave.
pub(super) enum Held {
    /// The message, or its lane, was stopped.
    Stopped,
    /// So many tokens at once cannot be had for now.
    TooMany,
    /// The lease was lost, or the store cannot be asked.
    Lost(StorageError),
}

/// The token was taken before: the many requests of a lane that takes one recipient each.
pub(super) struct AtHand(pub Permit);

impl Leave for AtHand {
    type Held = Infallible;

    async fn leave(&self) -> std::result::Result<Permit, Infallible> {
        Ok(self.0)
    }
}

/// Tokens that are waited for.
pub(super) struct Wanted<'a, 'b> {
    pub work: &'a Work<'b>,
    pub n: u32,
    pub guard: &'a Guard,
    /// Given up with the token in the hand: the next chunk begins.
    pub turn: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Leave for Wanted<'_, '_> {
    type Held = Held;

    async fn leave(&self) -> std::result::Result<Permit, Held> {
        let permit = self.work.take(self.n, self.guard).await?;
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(permit)
    }
}

/// Waits for this while the requests that are out go on: a request is on its way as soon as it has its token, and no look into the
/// store holds it back.
pub(super) async fn beside<T, F: Future>(
    wanted: impl Future<Output = T>,
    flying: &mut FuturesUnordered<F>,
    landed: &mut Vec<F::Output>,
) -> T {
    let mut wanted = std::pin::pin!(wanted);
    loop {
        tokio::select! {
            biased;
            Some(answer) = flying.next() => landed.push(answer),
            out = &mut wanted => return out,
        }
    }
}

/// The name of a lane's limit. Limits of vendors begin so and are kept whatever happens.
pub fn limit_key(lane_no: i64) -> String {
    format!("{}{lane_no}", crate::coordination::STRICT)
}

impl Work<'_> {
    /// Waits for its turn to begin, with a lease that lives on.
    pub(super) async fn turn(&self) -> Result<Option<OwnedSemaphorePermit>> {
        let Some(turns) = self.terms.begin.turns.clone() else { return Ok(None) };
        // One place in the line, however often the lease is looked at.
        let mut turn = std::pin::pin!(turns.acquire_owned());
        loop {
            tokio::select! {
                biased;
                // Never closed.
                turn = &mut turn => return Ok(turn.ok()),
                () = tokio::time::sleep(TOKEN_WAIT_MAX) => self.keep_lease().await?,
            }
        }
    }

    /// Until this goes, who is less urgent leaves the tokens.
    pub(super) fn wait(&self) -> Waiting {
        self.terms.turnstile.wait(self.terms.rank)
    }

    pub(super) async fn try_take(&self, n: u32) -> std::result::Result<Permit, Duration> {
        if self.terms.turnstile.must_yield(self.terms.rank) {
            return Err(YIELD);
        }
        self.tools.coordination.limiter.take(&limit_key(self.config.lane.no), self.pace(), n).await
    }

    /// Waits for tokens, with a lease that outlives the request they are for.
    pub(super) async fn take(&self, n: u32, guard: &Guard) -> std::result::Result<Permit, Held> {
        let asked = tokio::time::Instant::now();
        let _waiting = self.wait();
        loop {
            self.keep_lease().await.map_err(Held::Lost)?;
            if self.stop().is_some() || self.blocked(guard) {
                return Err(Held::Stopped);
            }
            let wait = match self.try_take(n).await {
                Ok(permit) => {
                    self.waited(asked.elapsed());
                    self.lag();
                    return Ok(permit);
                }
                Err(wait) => wait,
            };
            if n > self.most() {
                return Err(Held::TooMany);
            }
            tokio::select! {
                () = tokio::time::sleep(wait.min(TOKEN_WAIT_MAX)) => {}
                () = self.tools.stopping.cancelled() => {}
            }
        }
    }

    /// How long what a person waits for took from the door of the house to here.
    pub(super) fn lag(&self) {
        if self.message.class == MessageClass::Transactional {
            let lag = (self.tools.world.now() - self.message.created_at).max(0) as f64 / 1_000.0;
            metrics::histogram!(telemetry::DISPATCH_LAG_SECONDS, "vendor" => self.config.lane.vendor.slug()).record(lag);
        }
    }

    fn waited(&self, time: Duration) {
        metrics::histogram!(telemetry::RATE_LIMIT_WAIT_SECONDS, "app" => self.app_label(), "vendor" => self.config.lane.vendor.slug())
            .record(time.as_secs_f64());
    }

    pub(super) fn app_label(&self) -> String {
        self.config.app.id.to_string()
    }

    fn pace(&self) -> f64 {
        f64::from(self.terms.now.borrow().lane.settings.pace_per_second.max(1))
    }

    /// The largest take there is: a node on its own has its share only.
    pub(super) fn most(&self) -> u32 {
        self.tools.coordination.limiter.most(&limit_key(self.config.lane.no), self.pace())
    }

    /// The lease must be longer than one more request with its time-out; else another node could send the same.
    pub(super) async fn keep_lease(&self) -> Result<()> {
        let need = self.tools.world.now() + Millis::from(self.config.lane.settings.timeout_ms) + LEASE_MARGIN_MS / 2;
        if self.lease_until.load(Ordering::Relaxed) < need {
            let until = need + LEASE_MARGIN_MS;
            self.tools.storage.chunks.renew(self.chunk.no, self.chunk.fence, until).await?;
            self.lease_until.store(until, Ordering::Relaxed);
        }
        Ok(())
    }
}
