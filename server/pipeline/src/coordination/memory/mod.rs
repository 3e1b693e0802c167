//! One process: limits, flags and wake-ups in memory.

use std::sync::Arc;

use super::Coordination;

mod flags;
mod limiter;
mod wakes;

impl Coordination {
    /// Coordination for a single process; it starts empty.
    pub fn memory() -> Coordination {
        Coordination {
            limiter: Arc::new(limiter::MemoryLimiter::default()),
            flags: Arc::new(flags::MemoryFlags::default()),
            wakes: Arc::new(wakes::MemoryWakes::default()),
        }
    }
}
