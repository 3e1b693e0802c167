//! Pictures on their way to vendors: fetched once for all lanes, kept for minutes, never on disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use types::Millis;

use crate::vendors::picture::Picture;
use crate::vendors::transport::Transport;

/// Pictures in memory at once, each up to two mebibytes.
const KEPT: usize = 6;
const KEPT_MS: Millis = 10 * 60_000;
/// What could not be had is not asked for again before that.
const AGAIN_MS: Millis = 20_000;

type Fetched = Result<Arc<Picture>, String>;

#[derive(Default)]
struct Place {
    last: tokio::sync::Mutex<Option<(Millis, Fetched)>>,
}

#[derive(Default)]
pub struct Pictures {
    places: Mutex<HashMap<String, Arc<Place>>>,
    allowed: RwLock<Vec<String>>,
}

impl Pictures {
    /// Hosts that may be of this network.
    pub fn allow(&self, hosts: Vec<String>) {
        *self.allowed.write().unwrap_or_else(PoisonError::into_inner) = hosts;
    }

    pub fn allowed(&self) -> Vec<String> {
        self.allowed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The picture at `url`; whoever asks meanwhile waits for the same.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn get(&self, transport: &Transport, url: &str, ca_pem: Option<&str>, now: Millis) -> Fetched {
        let place = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            if places.len() >= KEPT && !places.contains_key(url) {
                places.retain(|_, place| Arc::strong_count(place) > 1);
            }
            places.entry(url.to_owned()).or_default().clone()
        };
        let mut last = place.last.lock().await;
        if let Some((at, fetched)) = last.as_ref() {
            let kept = if fetched.is_ok() { KEPT_MS } else { AGAIN_MS };
            if now - at < kept {
                return fetched.clone();
            }
        }
        let fetched = transport.fetch(url, ca_pem, &self.allowed()).await.and_then(Picture::read).map(Arc::new);
        *last = Some((now, fetched.clone()));
        fetched
    }
}
