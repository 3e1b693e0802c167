//! Crowds as pages show them.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::crowd::{CrowdCounts, Detected, KeyKind, Mapping, Overrule, RejectReason, UploadState};
use crate::ids::{CrowdId, UploadId};
use crate::listing::Page;
use crate::problem::Problem;

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdLine {
    pub id: CrowdId,
    pub name: String,
    pub key: KeyKind,
    pub valid: u64,
    pub unknown: u64,
    pub file_name: String,
    pub created_at: Millis,
}

/// A file somebody uploaded and nobody confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadLine {
    pub id: UploadId,
    pub file_name: String,
    pub file_size: u64,
    pub state: UploadState,
    pub created_at: Millis,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdList {
    pub crowds: Page<CrowdLine>,
    pub uploads: Vec<UploadLine>,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckProgress {
    pub bytes: u64,
    pub bytes_read: u64,
    pub rows_read: u64,
    pub rows_stored: u64,
}

/// One upload, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadView {
    pub id: UploadId,
    pub file_name: String,
    pub file_size: u64,
    pub state: UploadState,
    pub detected: Detected,
    pub overrule: Overrule,
    pub mapping: Mapping,
    /// The mapping comes from the last file with these columns.
    pub remembered: bool,
    /// The crowd made of the same bytes.
    pub same_file: Option<CrowdLine>,
    pub counts: CrowdCounts,
    pub reasons: Vec<(RejectReason, u64)>,
    pub problem: Option<Problem>,
    pub progress: Option<CheckProgress>,
    pub created_at: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdView {
    pub id: CrowdId,
    pub name: String,
    pub mapping: Mapping,
    /// Without its preview.
    pub detected: Detected,
    pub counts: CrowdCounts,
    pub reasons: Vec<(RejectReason, u64)>,
    pub file_name: String,
    pub file_size: u64,
    pub sha256: String,
    /// A person's name, or what the API caller is called.
    pub created_by: String,
    pub created_at: Millis,
}

/// What the upload route answers to scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    pub upload: UploadId,
}
