//! The only node.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use types::Millis;

use crate::coordination::{NodeCard, Nodes, SeenNode};

#[derive(Default)]
pub struct MemoryNodes {
    own: Mutex<Option<NodeCard>>,
}

#[async_trait]
impl Nodes for MemoryNodes {
    async fn beat(&self, card: &NodeCard) {
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = Some(card.clone());
    }

    async fn leave(&self) {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Who can be asked is alive.
    async fn list(&self, now: Millis) -> Vec<SeenNode> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).clone();
        own.map(|card| SeenNode { card, last_beat: now, alive: true }).into_iter().collect()
    }

    fn linked(&self) -> bool {
        true
    }
}
