//! What is known of every app's policy: read at most twice a second, at once where it was changed in this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use types::Millis;

use crate::storage::policy::AppPolicy;
use crate::storage::{Result, Storage};
use crate::world::World;

/// A change made by another process is seen after at most this long, milliseconds.
const KEPT_MS: Millis = 500;

type Known = BTreeMap<i64, (Millis, Arc<AppPolicy>)>;

#[derive(Clone)]
pub struct Policies {
    storage: Storage,
    world: World,
    known: Arc<Mutex<Known>>,
    /// One planning step at a time decides about an app's caps in this process; between processes the store does.
    turns: Arc<Mutex<BTreeMap<i64, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Policies {
    pub fn new(storage: Storage, world: World) -> Policies {
        Policies { storage, world, known: Arc::default(), turns: Arc::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// When the store fails.
    pub async fn of(&self, app_no: i64) -> Result<Arc<AppPolicy>> {
        let now = self.world.now();
        if let Some((read_at, policy)) = self.known().get(&app_no)
            && (*read_at..*read_at + KEPT_MS).contains(&now)
        {
            return Ok(policy.clone());
        }
        self.read(app_no).await
    }

    /// Reads it anew: after a change.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(&self, app_no: i64) -> Result<Arc<AppPolicy>> {
        let now = self.world.now();
        let policy = Arc::new(self.storage.policy.get(app_no).await?);
        self.known().insert(app_no, (now, policy.clone()));
        Ok(policy)
    }

    /// Whether the app's stop switch is on, as far as it is known: asked before every request.
    pub fn stopped(&self, app_no: i64) -> bool {
        self.known().get(&app_no).is_some_and(|(_, policy)| policy.stopped.is_some())
    }

    /// Whose turn it is to decide about caps of this app.
    pub fn turn(&self, app_no: i64) -> Arc<tokio::sync::Mutex<()>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(app_no).or_default().clone()
    }
}
