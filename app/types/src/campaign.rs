//! What a campaign is made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::content::MessageClass;
use crate::ids::{CopyId, CrowdId};
use crate::vendor::Vendor;

/// When it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Schedule {
    #[default]
    Now,
    /// `local` is `YYYY-MM-DDTHH:MM` in `zone`; `at` is the instant the server computed from them.
    At { local: String, zone: String, at: Millis },
}

/// The editable part of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignSpec {
    pub name: String,
    pub crowd: Option<CrowdId>,
    pub copy: Option<CopyId>,
    /// Version of the copy; fixed when the campaign starts.
    pub copy_version: Option<u32>,
    /// Values of the copy's variables for everybody; a crowd column of the same name wins.
    pub variables: BTreeMap<String, String>,
    pub class: MessageClass,
    /// Free label of the business line, 0–40 characters.
    pub business: String,
    /// Preference of lanes; empty = the app's order.
    pub vendor_order: Vec<Vendor>,
    /// App versions it is for; `None` = all.
    #[serde(default)]
    pub versions: Option<crate::policy::Versions>,
    pub schedule: Schedule,
    /// Nothing is sent after this. `None` = 24 h after the start.
    pub deadline: Option<Millis>,
}

/// What vendors must hold is made ready from so long before a scheduled start.
pub const AHEAD_MS: Millis = 10 * 60_000;

/// Deadline when nobody says one.
pub const DEFAULT_LIFE_MS: Millis = 24 * 3_600_000;
