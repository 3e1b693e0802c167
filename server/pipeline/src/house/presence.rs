//! Whether this process may work on its store: alone or together with others that meet in the same Redis, and that it still may.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{BuildError, House};
use crate::coordination::meeting::{Meeting, Seen, Verdict};
use crate::coordination::{BEAT_EVERY, NodeCard};
use crate::storage::StorageError;

/// How long a start waits for a process that is still draining.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks whether this process may still work on its store.
const STAY_EVERY: Duration = Duration::from_secs(1);
const IN_THE_WAY_ALONE: &str = "another process works on this database; without redis_url there can be only one, for two would send at \
    twice the pace. Stop the other one, or give every process the same redis_url";
const IN_THE_WAY_SHARED: &str = "a process without redis_url works on this database; the two would send at twice the pace. Stop it, or give \
    it the same redis_url";

const MEETS_ELSEWHERE: &str = "other processes work on this database with another redis_url: each group would send at the full pace. Give \
    every process of this database the same redis_url";
const STRANGERS: &str = "the Redis of redis_url serves the processes of another database: they would share pace and quotas by mistake. Give \
    each database a Redis, or a database number of it (redis://host/1), of its own";
/// A line to Redis that is just opening is waited for, and looked at so often.
const LINK_PATIENCE: Duration = Duration::from_secs(3);
const LINK_LOOK: Duration = Duration::from_millis(50);

impl House {
    /// Comes into the store, or says who is in the way. A process that is still draining is waited for.
    pub(super) async fn enter(&self) -> Result<(), BuildError> {
        let started = tokio::time::Instant::now();
        while !self.storage.tenancy.enter(self.alone).await? {
            if started.elapsed() >= LOCK_PATIENCE {
                return Err(BuildError::Other(if self.alone { IN_THE_WAY_ALONE } else { IN_THE_WAY_SHARED }.to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// One look whether the nodes of this store meet where this one does; what follows is done.
    async fn look(&self, meeting: &mut Meeting) -> Result<Verdict, StorageError> {
        let nodes = &self.coordination.nodes;
        let name = self.storage.meetings.name(&hex::encode(self.world.id())).await?;
        let place = nodes.place().await;
        let others = nodes.list(self.world.now()).await.iter().any(|node| node.alive && node.card.name != self.card.name);
        let seen = Seen { store: &name.name, beats: name.beats, fresh: name.fresh, place, others };
        let verdict = meeting.look(&seen);
        match verdict {
            Verdict::Met | Verdict::Restore => {
                if verdict == Verdict::Restore {
                    nodes.name_place(&name.name, false).await;
                }
                self.storage.meetings.beat(None).await?;
            }
            // Of two who find nobody one goes first; the other then finds the name.
            Verdict::Take { replace } if self.storage.meetings.beat(Some(name.beats)).await? => nodes.name_place(&name.name, replace).await,
            _ => {}
        }
        Ok(verdict)
    }

    /// Waits until it is known that every node of this store agrees in the same Redis. When that does not answer, this node takes its share
    /// of every limit, as ever, and goes on asking.
    pub(super) async fn meet(&self) -> Result<Meeting, BuildError> {
        let mut meeting = Meeting::default();
        loop {
            let wait = match self.look(&mut meeting).await? {
                Verdict::Met => return Ok(meeting),
                Verdict::Elsewhere => return Err(BuildError::Other(MEETS_ELSEWHERE.to_owned())),
                Verdict::Strangers => return Err(BuildError::Other(STRANGERS.to_owned())),
                // The line may just be opening.
                Verdict::Unknown if self.opened.elapsed() > LINK_PATIENCE => {
                    tracing::warn!("Redis does not answer: whether the other nodes use the same one is asked again with every heartbeat");
                    return Ok(meeting);
                }
                Verdict::Unknown => LINK_LOOK,
                Verdict::Take { .. } | Verdict::Restore => LINK_LOOK,
                Verdict::Wait => BEAT_EVERY,
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Looks whether this process may still work here. The store may have been away for a while, and somebody else may have come in.
    pub(super) async fn stay(self: Arc<Self>) {
        while self.left.run_until_cancelled(tokio::time::sleep(STAY_EVERY)).await.is_some() {
            match self.storage.tenancy.stays().await {
                Ok(true) => {}
                Ok(false) if self.left.is_cancelled() => return,
                Ok(false) => {
                    tracing::error!("{}", if self.alone { IN_THE_WAY_ALONE } else { IN_THE_WAY_SHARED });
                    self.ousted.store(true, Ordering::Relaxed);
                    self.stop.cancel();
                    return;
                }
                Err(error) => tracing::warn!(%error, "whether this process may still work cannot be asked"),
            }
        }
    }

    /// Another process came into the store while this one could not hold it; this one stopped.
    pub fn ousted(&self) -> bool {
        self.ousted.load(Ordering::Relaxed)
    }

    /// What this node tells of itself now.
    pub(super) fn card(&self) -> NodeCard {
        NodeCard { draining: self.stop.is_cancelled(), lanes: self.statuses.working(), ..self.card.clone() }
    }

    pub(super) async fn heartbeat(self: Arc<Self>, mut meeting: Option<Meeting>) {
        while self.left.run_until_cancelled(tokio::time::sleep(BEAT_EVERY)).await.is_some() {
            self.coordination.nodes.beat(&self.card()).await;
            let Some(meeting) = &mut meeting else { continue };
            match self.look(meeting).await {
                Ok(Verdict::Elsewhere | Verdict::Strangers) => {
                    tracing::error!("{MEETS_ELSEWHERE}");
                    self.ousted.store(true, Ordering::Relaxed);
                    self.stop.cancel();
                    return;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "whether the other nodes use the same Redis cannot be asked"),
            }
        }
    }

    /// One process a store: a second one would take the first one's leases for a dead process's. An old process that is still
    /// draining is waited for.
    pub(super) async fn lock_folder(&self) -> Result<(), BuildError> {
        let path = self.data_dir.join("working.lock");
        let failed = |error: std::io::Error| BuildError::Other(format!("{}: {error}", path.display()));
        let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let started = tokio::time::Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(std::fs::TryLockError::WouldBlock) if started.elapsed() < LOCK_PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(BuildError::Other(format!(
                        "another process works on {}; stop it first, or give this one its own data folder",
                        self.data_dir.display()
                    )));
                }
                Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(())
    }
}
