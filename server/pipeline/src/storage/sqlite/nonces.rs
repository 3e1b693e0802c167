//! Nonces: known in memory at once, on disk before anything the call does.
//!
//! A call need not wait for a commit of its nonce's own. It is handed to the writer before the call's work is, and the writer
//! takes what was handed to it along at the end of whatever it does next: so what a call wrote is never on disk without its nonce.
//! What others wrote is read back: once, when this process was told that it works alone, else before every answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::Mutex as AsyncMutex;
use types::Millis;
use xxhash_rust::xxh3::xxh3_64;

use crate::storage::{Result, StorageError};

const SHARDS: usize = 16;
/// Nonces known at once, all shards; a caller beyond it is refused rather than believed.
const MOST: usize = 4_000_000;
/// Between two sweeps of a shard.
const SWEEP_MS: Millis = 15_000;
/// Rows of ended nonces removed with one write; far more than one write adds.
const FORGET: i64 = 32;
/// Rows read at once.
const AT_ONCE: i64 = 1_000;

/// 64 bits of app and nonce: two different ones meet once in some 10^12 calls, and then a call must be sent again.
fn name(app_no: i64, nonce: &str) -> u64 {
    let mut bytes = Vec::with_capacity(8 + nonce.len());
    bytes.extend_from_slice(&app_no.to_be_bytes());
    bytes.extend_from_slice(nonce.as_bytes());
    xxh3_64(&bytes)
}

#[derive(Default)]
struct Shard {
    until: HashMap<u64, Millis>,
    swept: Millis,
}

/// What the writer shall put on disk with its next commit.
#[derive(Default)]
pub struct Pending {
    list: Vec<(u64, Millis)>,
    now: Millis,
}

pub struct Nonces {
    shards: [Mutex<Shard>; SHARDS],
    /// The last row read.
    read: AsyncMutex<i64>,
    /// Nobody else writes any more, and all that others wrote was read.
    alone: AtomicBool,
    pending: Mutex<Pending>,
}

impl Nonces {
    pub fn new() -> Nonces {
        Nonces {
            shards: std::array::from_fn(|_| Mutex::default()),
            read: AsyncMutex::new(0),
            alone: AtomicBool::new(false),
            pending: Mutex::default(),
        }
    }

    fn shard(&self, name: u64) -> std::sync::MutexGuard<'_, Shard> {
        // The table's own hash uses the low bits too; the high ones choose the shard.
        self.shards[(name >> 60) as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Some(true)` = new, `Some(false)` = known, `None` = no room.
    fn put(&self, name: u64, now: Millis, until: Millis) -> Option<bool> {
        let mut shard = self.shard(name);
        if now - shard.swept >= SWEEP_MS || shard.until.len() >= MOST / SHARDS {
            shard.until.retain(|_, until| *until >= now);
            shard.swept = now;
        }
        let room = shard.until.len() < MOST / SHARDS;
        match shard.until.entry(name) {
            std::collections::hash_map::Entry::Occupied(known) if *known.get() >= now => Some(false),
            std::collections::hash_map::Entry::Occupied(mut over) => {
                over.insert(until);
                Some(true)
            }
            std::collections::hash_map::Entry::Vacant(free) if room => {
                free.insert(until);
                Some(true)
            }
            std::collections::hash_map::Entry::Vacant(_) => None,
        }
    }

    /// Is it new? Then it is handed to the writer; `true` in the second place when nothing was waiting there before, and the
    /// writer must be woken in case nothing else will.
    pub async fn remember(&self, readers: &SqlitePool, app_no: i64, nonce: &str, now: Millis, until: Millis) -> Result<(bool, bool)> {
        let name = name(app_no, nonce);
        if !self.alone.load(Ordering::Relaxed) {
            self.read_others(readers, now).await?;
        }
        match self.put(name, now, until) {
            Some(true) => {}
            Some(false) => return Ok((false, false)),
            None => return Err(StorageError::Conflict("nonces: too many calls in the last minutes")),
        }
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.list.push((name, until));
        pending.now = now;
        Ok((true, pending.list.len() == 1))
    }

    /// From now on only this process writes.
    pub async fn be_alone(&self, readers: &SqlitePool, now: Millis) -> Result<()> {
        self.read_others(readers, now).await?;
        self.alone.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// What stands on disk and was not read yet.
    async fn read_others(&self, readers: &SqlitePool, now: Millis) -> Result<()> {
        let mut last = self.read.lock().await;
        loop {
            let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as("SELECT no, names FROM nonce WHERE no > $1 ORDER BY no LIMIT $2")
                .bind(*last)
                .bind(AT_ONCE)
                .fetch_all(readers)
                .await?;
            for (no, bytes) in &rows {
                for pair in bytes.chunks_exact(16) {
                    let (name, until) = pair.split_at(8);
                    let number = |part: &[u8]| part.try_into().map(u64::from_be_bytes).unwrap_or_default();
                    self.put(number(name), now, number(until).cast_signed());
                }
                *last = *no;
            }
            if (rows.len() as i64) < AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Writes what was handed over, inside the writer's transaction. `false` = nothing was.
    pub async fn write(&self, conn: &mut SqliteConnection) -> sqlx::Result<bool> {
        let (list, now) = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            (std::mem::take(&mut pending.list), pending.now)
        };
        let Some(until) = list.iter().map(|(_, until)| *until).max() else { return Ok(false) };
        let mut bytes = Vec::with_capacity(list.len() * 16);
        for (name, until) in list {
            bytes.extend_from_slice(&name.to_be_bytes());
            bytes.extend_from_slice(&until.to_be_bytes());
        }
        let done = sqlx::query("INSERT INTO nonce (until, names) VALUES ($1, $2)").bind(until).bind(bytes).execute(&mut *conn).await?;
        if done.last_insert_rowid() % (FORGET / 2) == 0 {
            sqlx::query("DELETE FROM nonce WHERE until < $1 AND no IN (SELECT no FROM nonce ORDER BY no LIMIT $2)")
                .bind(now)
                .bind(FORGET)
                .execute(conn)
                .await?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_counts_once_until_it_runs_out() {
        let nonces = Nonces::new();
        let one = name(1, "n");
        assert_ne!(one, name(2, "n"), "nonces belong to their app");
        assert_eq!(nonces.put(one, 0, 100), Some(true));
        assert_eq!(nonces.put(one, 100, 200), Some(false));
        assert_eq!(nonces.put(one, 101, 200), Some(true));
        // A sweep takes what ran out and nothing else.
        assert_eq!(nonces.put(one, 101 + SWEEP_MS, 200 + SWEEP_MS), Some(true));
        assert_eq!(nonces.put(one, 101 + SWEEP_MS, 200 + SWEEP_MS), Some(false));
    }

    #[test]
    fn no_room_is_no_licence() {
        let nonces = Nonces::new();
        let mut shard = nonces.shard(0);
        shard.until = (0..(MOST / SHARDS) as u64).map(|n| (n + 1, 1_000)).collect();
        drop(shard);
        assert_eq!(nonces.put(0, 10, 2_000), None);
        assert_eq!(nonces.put(1, 10, 2_000), Some(false), "known ones are still refused");
        assert_eq!(nonces.put(0, 1_001, 2_000), Some(true), "there is room when they ran out");
    }
}
