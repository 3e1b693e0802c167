//! The policy page.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::policy::{Rules, Stopped};
use crate::text::Text;

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
    /// Business types with commas.
    pub key: String,
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

/// Why a row of a blacklist file is not on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryFault {
    Missing,
    TooLong,
    /// Control characters, or bytes that are no text.
    Damaged,
    /// A cell of a workbook that is neither text nor a whole number.
    NotText,
    Group,
    Reason,
}

impl EntryFault {
    pub const fn name(self) -> Text {
        match self {
            EntryFault::Missing => Text::new("没有账号", "no account"),
            EntryFault::TooLong => Text::new("账号超过 256 字节", "the account is longer than 256 bytes"),
            EntryFault::Damaged => Text::new("账号里有控制字符或乱码", "control characters or damaged text in the account"),
            EntryFault::NotText => {
                Text::new("单元格不是文本或整数；请设为文本格式", "the cell is neither text nor a whole number; format it as text")
            }
            EntryFault::Group => {
                Text::new("分组超过 40 字或有控制字符", "the group is longer than 40 characters or has control characters")
            }
            EntryFault::Reason => {
                Text::new("原因超过 200 字或有控制字符", "the reason is longer than 200 characters or has control characters")
            }
        }
    }
}

/// A row is counted from 1 without the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    pub row: u64,
    pub why: EntryFault,
}

/// What became of a blacklist file. `rows = added + duplicate + rejected`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    pub file: String,
    pub rows: u64,
    /// On the list now, those among them that were before.
    pub added: u64,
    /// The same account and group again.
    pub duplicate: u64,
    pub rejected: u64,
    /// The first of the rejected.
    pub named: Vec<RejectedRow>,
}
