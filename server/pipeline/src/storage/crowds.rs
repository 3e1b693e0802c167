//! Crowds: uploaded files, staged and confirmed crowds, their blocks.

use std::collections::BTreeMap;

use async_trait::async_trait;
use types::Millis;
use types::crowd::{CrowdCounts, Detected, Mapping, Overrule, RejectReason, UploadState};
use types::ids::{CrowdId, UploadId};
use types::listing::{Page, PageRequest};
use types::problem::Problem;
use types::vendor::Vendor;

use super::Result;
pub use super::crowd_frame::CrowdRow;
use super::crowd_frame::{Block, Reject};

/// A confirmed crowd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crowd {
    pub no: i64,
    pub id: CrowdId,
    pub app_no: i64,
    pub name: String,
    pub mapping: Mapping,
    /// Without its preview.
    pub detected: Detected,
    pub counts: CrowdCounts,
    /// Rejected rows by reason.
    pub reasons: BTreeMap<RejectReason, u64>,
    /// Blocks `0 .. blocks` hold `counts.valid` rows.
    pub blocks: i64,
    pub file_name: String,
    pub file_size: u64,
    /// Hex, of the file as it was uploaded.
    pub sha256: String,
    pub created_by: String,
    pub created_at: Millis,
    pub tags: Vec<String>,
}

/// Up to 1,000 recipients in key order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrowdBlock {
    pub seq: i64,
    pub rows: Vec<CrowdRow>,
}

/// A file on its way to being a crowd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub no: i64,
    pub id: UploadId,
    pub app_no: i64,
    pub state: UploadState,
    pub file_name: String,
    pub file_size: u64,
    pub sha256: String,
    /// Name inside the uploads folder.
    pub path: String,
    pub overrule: Overrule,
    pub detected: Detected,
    /// Of the columns: under it a mapping is remembered.
    pub signature: String,
    /// Of the last check.
    pub mapping: Option<Mapping>,
    pub counts: CrowdCounts,
    pub reasons: BTreeMap<RejectReason, u64>,
    /// Why the last check failed.
    pub problem: Option<Problem>,
    /// The staged or confirmed crowd.
    pub crowd_no: Option<i64>,
    pub created_by: String,
    pub created_at: Millis,
    pub changed_at: Millis,
}

#[derive(Clone, Debug)]
pub struct NewUpload {
    pub id: UploadId,
    pub app_no: i64,
    pub file_name: String,
    pub file_size: u64,
    pub sha256: String,
    pub path: String,
    pub detected: Detected,
    pub signature: String,
    pub created_by: String,
    pub now: Millis,
}

/// Recipients to look up, as a block names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    Users(Vec<String>),
    Devices(Vec<String>),
    Tokens(Vec<(Vendor, String)>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrowdFilter {
    /// Part of the name, any case.
    pub name: Option<String>,
    pub tag: Option<String>,
}

/// A check of which nobody spoke for so long is over: its process is gone.
pub const CHECK_LEASE_MS: Millis = 30_000;

#[async_trait]
pub trait Crowds: Send + Sync {
    async fn get(&self, id: &CrowdId) -> Result<Option<Crowd>>;
    /// Recipients of a confirmed crowd.
    async fn count(&self, id: &CrowdId) -> Result<Option<u64>>;
    /// Block `seq` from 0; `None` after the last one, or when the crowd is not confirmed.
    async fn block(&self, id: &CrowdId, seq: i64) -> Result<Option<CrowdBlock>>;
    /// Newest first.
    async fn list(&self, app_no: i64, filter: &CrowdFilter, page: &PageRequest) -> Result<Page<Crowd>>;
    /// The newest confirmed crowd made of the same bytes.
    async fn same_file(&self, app_no: i64, sha256: &str) -> Result<Option<Crowd>>;

    async fn add_upload(&self, upload: NewUpload) -> Result<()>;
    async fn upload(&self, app_no: i64, id: &UploadId) -> Result<Option<Upload>>;
    /// Not yet confirmed, newest first.
    async fn open_uploads(&self, app_no: i64) -> Result<Vec<Upload>>;
    /// How many files this person has open, over all apps.
    async fn count_open(&self, person: &str) -> Result<u64>;
    /// A new look at the file; what was staged from the old one is dropped. `Stale("upload")` when checking or confirmed.
    async fn set_detected(&self, id: &UploadId, overrule: &Overrule, detected: &Detected, signature: &str, now: Millis) -> Result<()>;
    /// Stages an empty crowd and returns its number; an earlier staged one is dropped. `Stale("upload")` when confirmed, or while
    /// somebody else checks it, who said so within [`CHECK_LEASE_MS`].
    async fn begin_check(&self, id: &UploadId, crowd: &CrowdId, mapping: &Mapping, now: Millis) -> Result<i64>;
    /// The check of this staged crowd goes on: nobody else may take it over. `Stale("upload")` when somebody has.
    async fn keep_check(&self, id: &UploadId, crowd_no: i64, now: Millis) -> Result<()>;
    /// Durable when it returns. Only into a staged crowd: `Stale("crowd")` otherwise.
    async fn add_blocks(&self, crowd_no: i64, blocks: Vec<Block>) -> Result<()>;
    /// `first` = number of the first reject block of these, from 0.
    async fn add_rejects(&self, crowd_no: i64, first: i64, rejects: Vec<Vec<Reject>>) -> Result<()>;
    /// `Stale("upload")` when the staged crowd is not this one any more.
    async fn finish_check(
        &self,
        id: &UploadId,
        crowd_no: i64,
        counts: &CrowdCounts,
        reasons: &BTreeMap<RejectReason, u64>,
        now: Millis,
    ) -> Result<()>;
    /// Drops what was staged and keeps the problem.
    async fn fail_check(&self, id: &UploadId, crowd_no: i64, problem: &Problem, now: Millis) -> Result<()>;
    /// Makes the staged crowd visible, remembers the mapping. Returns the crowd and the upload's file, no longer needed.
    /// `Conflict("crowd name")`, `Stale("upload")` when it is not checked.
    async fn confirm(&self, id: &UploadId, name: &str, by: &str, now: Millis) -> Result<(CrowdId, String)>;
    /// Forgets an unconfirmed upload; returns its file. `None` when there is none.
    async fn discard_upload(&self, id: &UploadId) -> Result<Option<String>>;
    /// Forgets every unconfirmed upload not touched since `before`; returns their files.
    async fn discard_stale(&self, before: Millis) -> Result<Vec<String>>;
    /// Deletes up to `max` blocks of dropped crowds; returns how many. 0 = all clean.
    async fn sweep_dropped(&self, max: u32) -> Result<u64>;
    /// Checks nobody spoke of since `before` go back to `received`: whoever checked is gone. Returns how many.
    async fn reset_checks(&self, before: Millis, now: Millis) -> Result<u64>;

    /// The next list of rejects from `seq`, in file order; `None` after the last.
    async fn rejects(&self, crowd_no: i64, seq: i64) -> Result<Option<Vec<Reject>>>;
    async fn mapping(&self, app_no: i64, signature: &str) -> Result<Option<Mapping>>;
    /// How many of up to 1,000 targets this app knows.
    async fn known(&self, app_no: i64, targets: &Targets) -> Result<u64>;
}
