//! SEVERAL NODES: what they agree on stands in Redis, and nothing durable stands only there.
//!
//! Comes in: the address of a Redis, this node's name. Goes out: the traits of [`super`].
//! Never: a fact that storage does not have too, a question that blocks when Redis is gone. Neighbours: none.
//! How to add one: a file here; its keys come from [`link::Link::key`], one key a call or one hash tag, so that Redis Cluster works.
//!
//! Redis gone: each node takes its share of every limit (limit / live nodes as last known), the flags known stay in force and
//! storage is read for new ones, breakers and probes are each node's own, locks are unknown. It heals by itself.

use std::sync::Arc;

use super::Coordination;
use crate::world::World;

mod desk;
mod flags;
mod limiter;
mod link;
mod listen;
mod locks;
mod nodes;
mod outbox;
mod quotas;
mod standstills;
#[cfg(test)]
mod tests;

/// Why coordination cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("redis_url: {0}")]
pub struct AddressError(String);

impl Coordination {
    /// Coordination with the other nodes at `url` (`redis://` or `rediss://`). Redis need not be there yet.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub fn redis(url: &str, node: &str, world: World) -> Result<Coordination, AddressError> {
        let link = link::Link::open(url, node)?;
        let wakes = Arc::new(super::memory::wakes::MemoryWakes::default());
        let flags = Arc::new(super::memory::flags::MemoryFlags::default());
        let stands = Arc::new(super::memory::standstills::MemoryStandstills::default());
        let outbox = outbox::open(&link);
        let nodes = Arc::new(nodes::RedisNodes::new(link.clone(), world.clone()));
        link.watch();
        listen::start(&link, &wakes, &flags, &stands, &nodes, world.clone());
        Ok(Coordination {
            limiter: Arc::new(limiter::RedisLimiter::new(link.clone(), nodes.roster())),
            flags: Arc::new(flags::RedisFlags { link: link.clone(), world: world.clone(), known: flags }),
            wakes: Arc::new(outbox::RedisWakes { here: wakes, outbox: outbox.clone() }),
            standstills: Arc::new(standstills::RedisStandstills { link: link.clone(), known: stands, outbox }),
            quotas: Arc::new(quotas::RedisQuotas::new(link.clone(), nodes.roster())),
            locks: Arc::new(locks::RedisLocks { link: link.clone() }),
            nonces: Arc::new(locks::RedisNonces { link }),
            nodes,
        })
    }
}
