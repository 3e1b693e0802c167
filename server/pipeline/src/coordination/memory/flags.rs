//! Stop flags by message number.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::coordination::{Flags, Stop};

/// A flag is set before the store knows of it; what the store says of so young a flag may be older than the flag.
const YOUNG: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct MemoryFlags {
    stops: RwLock<HashMap<i64, (Stop, Instant)>>,
}

impl MemoryFlags {
    pub fn put(&self, message_no: i64, stop: Option<Stop>) {
        let mut stops = self.stops.write().unwrap_or_else(PoisonError::into_inner);
        match stop {
            Some(stop) => stops.insert(message_no, (stop, Instant::now())),
            None => stops.remove(&message_no),
        };
    }
}

#[async_trait]
impl Flags for MemoryFlags {
    async fn set(&self, message_no: i64, stop: Option<Stop>) {
        self.put(message_no, stop);
    }

    fn get(&self, message_no: i64) -> Option<Stop> {
        self.stops.read().unwrap_or_else(PoisonError::into_inner).get(&message_no).map(|(stop, _)| *stop)
    }

    fn replace(&self, truth: &[(i64, Stop)]) {
        let mut stops = self.stops.write().unwrap_or_else(PoisonError::into_inner);
        stops.retain(|_, (_, set)| set.elapsed() < YOUNG);
        for (no, stop) in truth {
            stops.entry(*no).or_insert((*stop, Instant::now()));
        }
    }
}
