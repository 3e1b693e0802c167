//! Crowds as pages show them.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::crowd::{CrowdCounts, Detected, KeyKind, Mapping, Overrule, RejectReason, UploadState};
use crate::ids::{CampaignId, CrowdId, MakingId, UploadId};
use crate::listing::Page;
use crate::making::{MakingProgress, MakingState, SetOp, SetSize};
use crate::problem::Problem;
use crate::text::Words;

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
    pub tags: Vec<String>,
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
    pub tags: Vec<String>,
    /// For a crowd made out of others: how.
    pub made: Option<MakingView>,
}

/// Start of a making from every device instead of from a crowd.
pub const ALL_DEVICES: &str = "devices";

/// What a making is asked by: as the form sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CombineForm {
    pub name: String,
    /// A crowd's id, or [`ALL_DEVICES`].
    pub start: String,
    /// What rows name when no crowd says it.
    pub key: String,
    pub op1: String,
    pub set1: String,
    pub op2: String,
    pub set2: String,
    pub op3: String,
    pub set3: String,
    /// Empty = no rule over devices.
    pub device_op: String,
    pub vendor: String,
    pub model: String,
    pub os_min: String,
    pub os_max: String,
    pub app_min: String,
    pub app_max: String,
    pub seen_days: String,
    pub unseen_days: String,
    /// Empty = no rule over what people did.
    pub deed_op: String,
    pub deed: String,
    pub campaign: String,
    pub deed_days: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CombineView {
    pub crowds: Vec<CrowdLine>,
    pub campaigns: Vec<(CampaignId, String)>,
    /// The last ones, newest first.
    pub makings: Vec<MakingView>,
}

/// One step of a making.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakingStep {
    pub op: SetOp,
    pub words: Words,
    pub crowd: Option<CrowdId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakingView {
    pub id: MakingId,
    pub name: String,
    pub key: KeyKind,
    pub state: MakingState,
    pub formula: Words,
    pub steps: Vec<MakingStep>,
    pub progress: MakingProgress,
    /// Of every step, then of the result; empty until made.
    pub sizes: Vec<SetSize>,
    pub problem: Option<Problem>,
    pub crowd: Option<CrowdId>,
    pub created_by: String,
    pub created_at: Millis,
    pub changed_at: Millis,
}

/// What the upload route answers to scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    pub upload: UploadId,
}
