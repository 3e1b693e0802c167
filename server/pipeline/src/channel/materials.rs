//! What vendors keep for us (saved contents, pictures): in memory first, on disk for the next life, made by one for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use types::Millis;

use crate::storage::Storage;
use crate::storage::materials::Material;

/// Materials and desks remembered; past this they are read from the store again.
const KEPT: usize = 10_000;
/// A picture that could not be uploaded is tried again after this.
const LEFT_OUT_MS: Millis = 20_000;

type Key = (i64, String);

#[derive(Default)]
pub struct Materials {
    known: Mutex<HashMap<Key, (String, Millis)>>,
    desks: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
    /// Pictures that could not be brought to the vendor, with the reason and until when nobody tries again.
    left_out: Mutex<HashMap<Key, (Millis, String)>>,
}

impl Materials {
    /// Held while a material is made.
    pub fn desk(&self, lane_no: i64, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        if desks.len() >= KEPT {
            desks.retain(|_, desk| Arc::strong_count(desk) > 1);
        }
        desks.entry((lane_no, key.to_owned())).or_default().clone()
    }

    /// Why a picture is left out, while nobody tries again.
    pub fn left_out(&self, lane_no: i64, key: &str, now: Millis) -> Option<String> {
        let left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        left_out.get(&(lane_no, key.to_owned())).filter(|(until, _)| now < *until).map(|(_, words)| words.clone())
    }

    pub fn leave_out(&self, lane_no: i64, key: &str, words: &str, now: Millis) {
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        left_out.retain(|_, (until, _)| now < *until);
        left_out.insert((lane_no, key.to_owned()), (now + LEFT_OUT_MS, words.to_owned()));
    }

    /// The vendor's id and its end, when one is known that still lives.
    pub async fn known(&self, storage: &Storage, lane_no: i64, key: &str, now: Millis) -> Option<(String, Millis)> {
        let place = (lane_no, key.to_owned());
        if let Some((id, ends_at)) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&place)
            && now < *ends_at
        {
            return Some((id.clone(), *ends_at));
        }
        match storage.materials.get(lane_no, key).await {
            Ok(found) => {
                let material = found.filter(|m| now < m.ends_at)?;
                let id = material.vendor_id?;
                self.remember(place, id.clone(), material.ends_at);
                Some((id, material.ends_at))
            }
            Err(error) => {
                tracing::warn!(%error, lane = lane_no, "kept materials could not be read; a new one is made");
                None
            }
        }
    }

    fn remember(&self, place: Key, id: String, ends_at: Millis) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(place, (id, ends_at));
    }

    /// Remembers it; a store that fails costs at most one more request after a restart.
    pub async fn keep(&self, storage: &Storage, material: Material) {
        if let Some(id) = &material.vendor_id {
            self.remember((material.lane_no, material.key.clone()), id.clone(), material.ends_at);
        }
        if let Err(error) = storage.materials.put(&material).await {
            tracing::warn!(%error, lane = material.lane_no, "a material could not be kept");
        }
    }

    pub async fn forget(&self, storage: &Storage, lane_no: i64, key: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&(lane_no, key.to_owned()));
        if let Err(error) = storage.materials.forget(lane_no, key).await {
            tracing::warn!(%error, lane = lane_no, "a material could not be forgotten");
        }
    }
}
