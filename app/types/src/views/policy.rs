//! The policy page.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::policy::{Rules, Stopped};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    /// Sent back with a change: somebody else's in between is refused, not overwritten.
    pub revision: i64,
    pub rules: Rules,
    pub stopped: Option<Stopped>,
    pub changed_by: String,
    pub changed_at: Millis,
    pub affected: Affected,
}

/// Whom the rules affect now, counted from what is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    pub at: Millis,
    /// In the order of the caps.
    pub caps: Vec<AtCap>,
    /// In the order of the quiet hours.
    pub quiet: Vec<Hushed>,
    pub held: HeldNow,
    pub blocked_entries: u64,
    pub blocked_accounts: u64,
}

/// Persons who had as many as a cap allows, since then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtCap {
    pub since: Millis,
    pub persons: u64,
}

/// Devices for which it is quiet now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hushed {
    pub devices: u64,
    /// The latest end.
    pub until: Option<Millis>,
}

/// What waits for the end of quiet hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldNow {
    pub chunks: u64,
    pub devices: u64,
    pub first: Option<Millis>,
    pub last: Option<Millis>,
}

/// One entry of the blacklist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedView {
    pub user_id: String,
    /// A business type; empty = all.
    pub group: String,
    pub reason: String,
    pub added_by: String,
    pub added_at: Millis,
}

/// The rules as a form sends them; rows left empty count for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyForm {
    pub zone: String,
    pub quiet: Vec<QuietRow>,
    pub caps: Vec<CapRow>,
    /// Minutes, or empty.
    pub same: String,
    pub same_exempt: bool,
    pub vendors: Vec<VendorRow>,
    /// Devices, or empty for none.
    pub approve_above: String,
    /// Devices, or empty for none.
    pub confirm_above: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuietRow {
    /// `HH:MM`
    pub from: String,
    pub to: String,
    /// Business types with commas; empty = all.
    pub businesses: String,
    /// `app` or `user`.
    pub by: String,
    /// `hold` or `drop`.
    pub then: String,
    pub exempt: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CapRow {
    pub most: String,
    /// `day` or `week`.
    pub per: String,
    pub business: String,
    pub exempt: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VendorRow {
    pub vendor: String,
    pub most: String,
    pub source: String,
    pub as_of: String,
}
