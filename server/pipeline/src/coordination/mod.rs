//! WHAT NODES AGREE ON: pace, flags, wake-ups, standstills, quotas, locks, nonces, who is alive. Traits here; `memory/` for one
//! process, `redis/` for several.
//!
//! Comes in: questions about tokens, flags, turns. Goes out: permits and signals.
//! Never: anything that must survive a restart (that is `storage`). Neighbours: none.
//! How to add one: a trait here, a twin in `memory/`, one in `redis/`, a case in `tests/conformance/coordination.rs`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use types::Millis;
use types::content::MessageClass;

pub mod meeting;
pub mod memory;
pub mod redis;

/// Keys that begin so are limits of others (a vendor's pace): never exceeded, whatever is lost. The rest are our own: after a loss they
/// begin anew.
pub const STRICT: &str = "lane/";

/// Tokens that were taken, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The lease they are of; 0 = none.
    slot: u64,
    n: u32,
    at: tokio::time::Instant,
}

/// Token bucket per lane, computed from elapsed time; burst is at most one second's worth divided by ten (never over the
/// configured rate in any one-second window by more than nothing: the bucket starts empty and holds `rate / 10`, at least 1).
/// Tokens are for use at once: who takes them and waits may meet another's in one window.
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Takes `n` tokens for `key` at `rate` per second, or says how long to wait before asking again. Never partially.
    async fn take(&self, key: &str, rate: f64, n: u32) -> Result<Permit, Duration>;

    /// The request of these tokens has its answer. One that took longer than usual may have reached the vendor that much later, and
    /// counts for that much longer.
    fn answered(&self, key: &str, permit: Permit);

    /// The largest single take that can succeed now: a node on its own takes its share of the limit only.
    fn most(&self, key: &str, rate: f64) -> u32;

    /// The key will be used soon: what a first use costs is done now.
    async fn prepare(&self, key: &str, rate: f64);
}

/// What the send stage must obey at once, by message number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Paused,
    Cancelled,
}

/// Stop flags: set by controls, read before every vendor call. Storage stays the truth; this is the fast copy.
#[async_trait]
pub trait Flags: Send + Sync {
    /// In force here when this is called, and told to every node when it returns.
    async fn set(&self, message_no: i64, stop: Option<Stop>);
    fn get(&self, message_no: i64) -> Option<Stop>;
    /// The truth as the store had it a moment ago: `stops` is in force here, and besides it only what was set in the last seconds
    /// (a flag is set before the store knows).
    fn replace(&self, stops: &[(i64, Stop)]);
}

/// Wake-ups: "there is work for this room". Lossy by design; every sleeper also has a time-out.
pub trait Wakes: Send + Sync {
    /// On every node. A name is one word.
    fn wake(&self, what: &str);
    /// In this process only.
    fn nudge(&self, what: &str);
    /// A handle that completes when `what` is woken after the handle was made, so nothing is missed between look and sleep.
    fn listen(&self, what: &str) -> Arc<tokio::sync::Notify>;
}

/// Woken when this node may have missed something the others said: what it keeps a copy of is to be read again.
pub const MISSED: &str = "missed";

/// A time for each class of messages: vendors count marketing apart, and we keep a part of the day for what a person waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByClass {
    pub transactional: Option<Millis>,
    pub bulk: Option<Millis>,
}

impl ByClass {
    pub const fn of(&self, class: MessageClass) -> Option<Millis> {
        match class {
            MessageClass::Transactional => self.transactional,
            MessageClass::Bulk => self.bulk,
        }
    }

    pub const fn set(&mut self, class: MessageClass, at: Option<Millis>) {
        match class {
            MessageClass::Transactional => self.transactional = at,
            MessageClass::Bulk => self.bulk = at,
        }
    }

    /// The later of both, class by class.
    pub fn later(self, other: ByClass) -> ByClass {
        ByClass { transactional: self.transactional.max(other.transactional), bulk: self.bulk.max(other.bulk) }
    }
}

/// Why a lane stands still, as every node knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standstill {
    /// The breaker is tripped until then, after so many milliseconds of rest.
    pub tripped: Option<(Millis, Millis)>,
    /// Closed for a class by the vendor's quota answer to one of its messages, until then.
    pub closed: ByClass,
    /// Slowed by the vendor's rate answer until then.
    pub slow_until: Option<Millis>,
    /// The vendor's batch interface is limited until then.
    pub singly_until: Option<Millis>,
    /// The lane's own daily quota is used up for a class until then.
    pub quota: ByClass,
}

/// One thing that changed about a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Tripped { until: Millis, rest_ms: Millis },
    Flowing,
    Closed { class: MessageClass, until: Millis },
    Slow { until: Millis },
    Singly { until: Millis },
    QuotaUsed { class: MessageClass, until: Option<Millis> },
}

impl Standstill {
    pub const fn change(&mut self, change: Change) {
        match change {
            Change::Tripped { until, rest_ms } => self.tripped = Some((until, rest_ms)),
            Change::Flowing => self.tripped = None,
            Change::Closed { class, until } => self.closed.set(class, Some(until)),
            Change::Slow { until } => self.slow_until = Some(until),
            Change::Singly { until } => self.singly_until = Some(until),
            Change::QuotaUsed { class, until } => self.quota.set(class, until),
        }
    }
}

/// Breakers and vendors' stop answers, shared: what one node learned the others need not learn by the same mistake.
/// Its loss is harmless: each node then learns for itself.
#[async_trait]
pub trait Standstills: Send + Sync {
    fn get(&self, lane_no: i64) -> Standstill;
    /// In force here at once, on the others soon.
    fn change(&self, lane_no: i64, change: Change);
    /// May this node send the one request that finds out whether the vendor is well? One node at a time; the right ends after `lasts`.
    async fn probe(&self, lane_no: i64, lasts: Duration) -> bool;
    /// Adds `n` errors of a kind to a window's count; returns how many all nodes counted, or this one alone when nobody can be asked.
    async fn strikes(&self, lane_no: i64, kind: &'static str, window: i64, n: u32) -> u64;
}

/// What is left of a lane's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// So many may be handed over, 0 = none.
    Got(u64),
    /// Nobody knows what was used today: read the books and say so with [`Quotas::begin`].
    Unknown,
}

/// A lane's own daily quota: device messages accepted since the vendor's midnight, with what is in flight held back.
/// The books in storage are the truth; this is the count between two looks at them. `day` is the end of the vendor's day.
#[async_trait]
pub trait Quotas: Send + Sync {
    /// Starts a day with what the books say; without effect when another node was faster.
    async fn begin(&self, lane_no: i64, day: Millis, used: u64);
    /// What may still be handed over, `None` = read the books.
    async fn left(&self, lane_no: i64, day: Millis, limit: u64) -> Option<u64>;
    /// Holds back up to `wanted` of `limit`.
    async fn reserve(&self, lane_no: i64, day: Millis, limit: u64, wanted: u64) -> Reserved;
    /// Gives back a reservation, of which `accepted` were used.
    async fn settle(&self, lane_no: i64, day: Millis, reserved: u64, accepted: u64);
}

/// An answer to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Ours until the time asked for is over, counted from the question. The fence is larger than that of every holder before.
    Mine {
        fence: i64,
    },
    Theirs,
    /// Nobody can be asked. Who needs exactly one stands still; who is safe to repeat goes on.
    Unknown,
}

/// Exactly one node does this. Claims are by node: asking again makes one's own longer.
#[async_trait]
pub trait Locks: Send + Sync {
    async fn claim(&self, name: &str, lasts: Duration) -> Claim;
    async fn release(&self, name: &str);
}

/// Numbers used once by signed calls. The store remembers them durably; here a replay is refused without asking it.
#[async_trait]
pub trait Nonces: Send + Sync {
    /// `Some(false)` = it was used before; `Some(true)` = not as far as known here; `None` = only the store knows.
    async fn first(&self, app_no: i64, nonce: &str, kept: Duration) -> Option<bool>;
}

/// What a node tells of itself with every heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCard {
    pub name: String,
    pub roles: Vec<String>,
    pub version: String,
    pub started: Millis,
    /// Takes tokens: counts when the limit is shared out.
    pub sends: bool,
    /// On its way out: takes no new work.
    pub draining: bool,
    /// Numbers of the lanes with chunks of this node in flight.
    pub lanes: Vec<i64>,
}

/// A node as the others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenNode {
    pub card: NodeCard,
    pub last_beat: Millis,
    pub alive: bool,
}

/// Between two heartbeats.
pub const BEAT_EVERY: Duration = Duration::from_secs(2);
/// Without a heartbeat for so long a node counts as gone.
pub const GONE_AFTER_MS: Millis = 8_000;
/// A node that is gone stays on the list for so long.
pub const LISTED_MS: Millis = 3_600_000;

/// Who is there.
#[async_trait]
pub trait Nodes: Send + Sync {
    async fn beat(&self, card: &NodeCard);
    /// This node leaves for good.
    async fn leave(&self);
    /// Every node of the last hour, by name; as last known when nobody can be asked.
    async fn list(&self, now: Millis) -> Vec<SeenNode>;
    /// Whether this node hears and is heard at present.
    fn linked(&self) -> bool;
    /// The name of the store whose nodes meet here; `None` = nobody can be asked.
    async fn place(&self) -> Option<Option<String>> {
        None
    }
    /// Gives the place this name; one that it has stays unless it is to be replaced.
    async fn name_place(&self, _name: &str, _replace: bool) {}
}

/// All of coordination, built once by `house`.
#[derive(Clone)]
pub struct Coordination {
    pub limiter: Arc<dyn Limiter>,
    pub flags: Arc<dyn Flags>,
    pub wakes: Arc<dyn Wakes>,
    pub standstills: Arc<dyn Standstills>,
    pub quotas: Arc<dyn Quotas>,
    pub locks: Arc<dyn Locks>,
    pub nonces: Arc<dyn Nonces>,
    pub nodes: Arc<dyn Nodes>,
}
