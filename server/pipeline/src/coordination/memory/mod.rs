//! One process: limits, flags, wake-ups and the rest in memory.

use std::sync::Arc;

use super::Coordination;

pub(in crate::coordination) mod flags;
pub(in crate::coordination) mod limiter;
mod locks;
mod nodes;
pub(in crate::coordination) mod quotas;
pub(in crate::coordination) mod standstills;
pub(in crate::coordination) mod wakes;

impl Coordination {
    /// Coordination for a single process; it starts empty.
    pub fn memory() -> Coordination {
        Coordination {
            limiter: Arc::new(limiter::MemoryLimiter::default()),
            flags: Arc::new(flags::MemoryFlags::default()),
            wakes: Arc::new(wakes::MemoryWakes::default()),
            standstills: Arc::new(standstills::MemoryStandstills::default()),
            quotas: Arc::new(quotas::MemoryQuotas::default()),
            locks: Arc::new(locks::MemoryLocks::default()),
            nonces: Arc::new(locks::NoNonces),
            nodes: Arc::new(nodes::MemoryNodes::default()),
        }
    }
}
