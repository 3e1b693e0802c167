//! Passes in the store: all nodes use one, and make a new one in turns.

use std::io::{Error, ErrorKind, Result};
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use types::Millis;

use crate::storage::Storage;
use crate::vendors::pass::PassStore;
use crate::world::World;

/// A node that dies while it makes a pass keeps the others waiting so long. Signing takes milliseconds; who fetches for longer may
/// find that another node has fetched one, too, and uses that.
const TURN_MS: Millis = 30_000;
/// Between two looks whether the turn is free.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub struct SharedPasses {
    storage: Storage,
    world: World,
    /// Name of this process.
    owner: String,
    /// Where passes lay before they were in the store: what is still good there is used on.
    folder: PathBuf,
}

impl SharedPasses {
    pub fn new(storage: Storage, world: World, owner: String, folder: PathBuf) -> SharedPasses {
        SharedPasses { storage, world, owner, folder }
    }
}

#[async_trait]
impl PassStore for SharedPasses {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        if let Some(sealed) = self.storage.passes.get(key).await.map_err(Error::other)? {
            return Ok(Some(sealed));
        }
        match tokio::fs::read(self.folder.join(key)).await {
            Ok(sealed) => Ok(Some(sealed)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn turn(&self, key: &str) -> Result<()> {
        loop {
            let now = self.world.now();
            if self.storage.passes.take_turn(key, &self.owner, now, now + TURN_MS).await.map_err(Error::other)? {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn put(&self, key: &str, sealed: Vec<u8>) -> Result<bool> {
        self.storage.passes.put(key, &self.owner, sealed).await.map_err(Error::other)
    }

    async fn over(&self, key: &str) {
        if let Err(error) = self.storage.passes.end_turn(key, &self.owner).await {
            tracing::warn!(%error, "a turn at a pass could not be ended; it ends by itself");
        }
    }
}
