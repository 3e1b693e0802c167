//! Stop flags by message number.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::coordination::{Flags, Stop};

#[derive(Default)]
pub struct MemoryFlags {
    stops: RwLock<HashMap<i64, Stop>>,
}

impl Flags for MemoryFlags {
    fn set(&self, message_no: i64, stop: Option<Stop>) {
        let mut stops = self.stops.write().unwrap_or_else(PoisonError::into_inner);
        match stop {
            Some(stop) => stops.insert(message_no, stop),
            None => stops.remove(&message_no),
        };
    }

    fn get(&self, message_no: i64) -> Option<Stop> {
        self.stops.read().unwrap_or_else(PoisonError::into_inner).get(&message_no).copied()
    }
}
