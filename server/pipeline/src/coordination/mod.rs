//! WHAT NODES AGREE ON: pace, flags, wake-ups. Traits here; `memory/` for one process (Redis joins later behind the same traits).
//!
//! Comes in: questions about tokens, flags, wake-ups. Goes out: permits and signals.
//! Never: anything that must survive a restart (that is `storage`). Neighbours: none.
//! How to add one: a trait here, a twin in `memory/`, a case in `tests/conformance/coordination.rs`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub mod memory;

/// Token bucket per lane, computed from elapsed time; burst is at most one second's worth divided by ten (never over the
/// configured rate in any one-second window by more than nothing: the bucket starts empty and holds `rate / 10`, at least 1).
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Takes `n` tokens for `key` at `rate` per second, or says how long to wait before asking again. Never partially.
    async fn take(&self, key: &str, rate: f64, n: u32) -> Result<(), Duration>;
}

/// What the send stage must obey at once, by message number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Paused,
    Cancelled,
}

/// Stop flags: set by controls, read before every vendor call. Storage stays the truth; this is the fast copy.
pub trait Flags: Send + Sync {
    fn set(&self, message_no: i64, stop: Option<Stop>);
    fn get(&self, message_no: i64) -> Option<Stop>;
}

/// Wake-ups: "there is work for this room". Lossy by design; every sleeper also has a time-out.
pub trait Wakes: Send + Sync {
    fn wake(&self, what: &str);
    /// A handle that completes when `what` is woken after the handle was made, so nothing is missed between look and sleep.
    fn listen(&self, what: &str) -> Arc<tokio::sync::Notify>;
}

/// All of coordination, built once by `house`.
#[derive(Clone)]
pub struct Coordination {
    pub limiter: Arc<dyn Limiter>,
    pub flags: Arc<dyn Flags>,
    pub wakes: Arc<dyn Wakes>,
}
