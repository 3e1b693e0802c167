//! Who calls: apps by appKey or client key, kept for a few seconds with their opened secrets.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, RwLock};

use pipeline::access::keys::open_secret;
use pipeline::access::signature::Key;
use pipeline::house::House;
use pipeline::storage::apps::App;
use pipeline::storage::{Result, Storage};
use pipeline::vault::Vault;
use pipeline::world::World;
use types::Millis;

/// A changed app or an ended secret takes effect after this long at most.
const KEPT: Millis = 3_000;
/// A wrong signature looks again at an entry older than this, so that a new secret works at once.
const LOOK_AGAIN: Millis = 250;
/// `last_used_at` of a secret is written at most this often.
const TOUCH_EVERY: Millis = 60_000;
/// Entries kept; beyond it everything is looked up again.
const MOST: usize = 10_000;

/// An app that may call.
pub struct Caller {
    pub app: App,
    pub keys: Vec<Key>,
    secrets: Vec<(i64, AtomicI64)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    AppKey,
    ClientKey,
}

struct Known {
    caller: Arc<Caller>,
    at: Millis,
}

pub struct Callers {
    storage: Storage,
    vault: Arc<Vault>,
    world: World,
    known: RwLock<HashMap<(By, String), Known>>,
}

impl Callers {
    pub fn new(house: &House) -> Callers {
        Callers { storage: house.storage.clone(), vault: house.vault.clone(), world: house.world.clone(), known: RwLock::default() }
    }

    /// # Errors
    /// When the store fails. `None`: nobody has this key.
    pub async fn find(&self, by: By, key: &str) -> Result<Option<Arc<Caller>>> {
        self.find_fresh(by, key, KEPT).await
    }

    /// Looks again when what is known is older than a quarter of a second.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_again(&self, by: By, key: &str) -> Result<Option<Arc<Caller>>> {
        self.find_fresh(by, key, LOOK_AGAIN).await
    }

    async fn find_fresh(&self, by: By, key: &str, oldest: Millis) -> Result<Option<Arc<Caller>>> {
        if key.is_empty() || key.len() > 128 {
            return Ok(None);
        }
        let now = self.world.now();
        let name = (by, key.to_owned());
        if let Some(known) = self.known.read().unwrap_or_else(|e| e.into_inner()).get(&name)
            && (0..oldest).contains(&(now - known.at))
        {
            return Ok(Some(Arc::clone(&known.caller)));
        }
        let found = match by {
            By::AppKey => self.storage.apps.by_key(key).await?,
            By::ClientKey => self.storage.apps.by_client_key(key).await?,
        };
        let Some(app) = found else {
            self.known.write().unwrap_or_else(|e| e.into_inner()).remove(&name);
            return Ok(None);
        };
        let caller = Arc::new(self.open(by, app).await?);
        let mut known = self.known.write().unwrap_or_else(|e| e.into_inner());
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(name, Known { caller: Arc::clone(&caller), at: now });
        Ok(Some(caller))
    }

    async fn open(&self, by: By, app: App) -> Result<Caller> {
        let mut caller = Caller { app, keys: Vec::new(), secrets: Vec::new() };
        if by != By::AppKey {
            return Ok(caller);
        }
        for secret in self.storage.apps.secrets(caller.app.no).await? {
            match open_secret(&self.vault, &caller.app.id, &secret.sealed) {
                Ok(text) => {
                    caller.keys.push(Key::new(&text));
                    caller.secrets.push((secret.no, AtomicI64::new(secret.last_used_at.unwrap_or(0))));
                }
                Err(error) => tracing::error!(app = %caller.app.id, %error, "an appSecret cannot be opened with this master key"),
            }
        }
        Ok(caller)
    }

    /// Remembers that a secret was used, now and then.
    pub async fn touch(&self, caller: &Caller, which: usize) {
        let Some((no, last)) = caller.secrets.get(which) else { return };
        let now = self.world.now();
        let before = last.load(Ordering::Relaxed);
        if now - before < TOUCH_EVERY || last.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        if let Err(error) = self.storage.apps.touch_secret(*no, now).await {
            tracing::warn!(%error, "the last use of a secret was not written");
        }
    }
}
