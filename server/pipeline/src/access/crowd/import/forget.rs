//! Uploads that end without becoming a crowd: discarded, stale, or left behind by a process that is gone.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use types::ids::UploadId;
use types::problem::Problem;

use super::super::internal;
use super::{Crowds, STALE_AFTER};
use crate::storage::crowds::CHECK_LEASE_MS;

const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// Between two looks for checks that nobody goes on with.
const LOOK_EVERY: Duration = Duration::from_secs(10);

impl Crowds {
    /// Forgets an unconfirmed upload. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn discard(&self, app_no: i64, id: &UploadId) -> Result<bool, Problem> {
        if self.storage.crowds.upload(app_no, id).await.map_err(internal)?.is_none() {
            return Ok(false);
        }
        self.cancel(id);
        self.wait(id).await;
        let path = self.storage.crowds.discard_upload(id).await.map_err(internal)?;
        if let Some(path) = &path {
            self.remove(path).await;
            self.sweep().await;
        }
        Ok(path.is_some())
    }

    /// For upkeep, hourly: forgets what nobody confirmed for a day, deletes what was dropped. Returns the files forgotten.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn discard_stale(&self) -> Result<usize, Problem> {
        let files = self.storage.crowds.discard_stale(self.world.now() - STALE_AFTER).await.map_err(internal)?;
        for path in &files {
            self.remove(path).await;
        }
        self.sweep().await;
        Ok(files.len())
    }

    /// Once at start: checks that a crash cut off wait for the person again. `alone` = nobody else can be checking anything.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recover(&self, alone: bool) -> Result<(), Problem> {
        let now = self.world.now();
        let before = if alone { now } else { now - CHECK_LEASE_MS };
        self.storage.crowds.reset_checks(before, now).await.map_err(internal)?;
        self.give_makings_up(before).await;
        self.discard_stale().await.map(|_| ())
    }

    /// Takes back the checks of processes that are gone, and forgets stale uploads every hour, until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut swept = tokio::time::Instant::now();
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            let now = self.world.now();
            if let Err(error) = self.storage.crowds.reset_checks(now - CHECK_LEASE_MS, now).await {
                tracing::warn!(%error, "checks of processes that are gone could not be taken back");
            }
            self.give_makings_up(now - CHECK_LEASE_MS).await;
            if swept.elapsed() < SWEEP_EVERY {
                continue;
            }
            swept = tokio::time::Instant::now();
            if let Err(problem) = self.discard_stale().await {
                tracing::warn!(%problem, "stale uploads could not be forgotten; the next hour tries again");
            }
        }
    }

    pub(in crate::access::crowd) async fn sweep(&self) {
        loop {
            match self.storage.crowds.sweep_dropped(100).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "sweeping dropped crowds; the next round goes on");
                    return;
                }
            }
        }
    }

    pub(super) async fn remove(&self, path: &str) {
        if let Err(error) = tokio::fs::remove_file(self.folder.join(path)).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path, "an upload's file could not be removed");
        }
    }
}
