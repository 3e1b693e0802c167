//! The copy workbench: what was asked, and what each vendor makes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::copies::{CopyBrief, CopyForm};
use crate::Millis;
use crate::category::Mismatch;
use crate::content::Content;
use crate::cut::{Counts, Cut};
use crate::field::FieldError;
use crate::funnel::StageTotal;
use crate::ids::{CampaignId, CrowdId, MessageId};
use crate::sensitive::{Found, Severity};
use crate::text::Words;
use crate::vendor::Vendor;
use crate::vendor::means::Mean;

/// The page's form: the words, with whose values they are filled, and what to look at besides. Also the page's query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkbenchAsk {
    /// The words as typed; looked at when `typed` is set, else those of the stored version.
    pub form: CopyForm,
    pub typed: bool,
    /// Number of the stored version; empty = the newest.
    pub version: String,
    /// Id of a crowd, or empty.
    pub crowd: String,
    /// Row of the crowd, from 1.
    pub row: String,
    /// `1` or `-1`, from the buttons beside the row.
    pub step: String,
    /// Values for everybody, one `name=value` a line.
    pub values: String,
    /// Slug of a message class.
    pub class: String,
    /// Ask the links whether they answer.
    pub links: bool,
}

/// What one vendor would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Said {
    /// Read back from the very request.
    Built { title: String, body: String, bytes: u64 },
    /// The request cannot be built: the recipient is filtered.
    Unsayable { reason: String },
    /// No usable credential: nothing can be built.
    NoCredential,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorText {
    pub vendor: Vendor,
    pub said: Said,
    /// The texts the limits are laid over.
    pub title: String,
    pub body: String,
    pub counts: (Counts, Counts),
    pub cuts: Vec<Cut>,
    /// Parts of the content this vendor leaves out.
    pub lacks: Vec<Mean>,
    /// Shows a picture beside this text.
    pub picture: bool,
}

/// A row of the crowd that lacks a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LackingRow {
    /// From 1, in the order of the crowd.
    pub row: u64,
    /// As the file named it; a token is masked.
    pub who: String,
    pub names: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacking {
    /// Variables without a fallback and without a value for everybody.
    pub need: Vec<String>,
    pub rows: u64,
    /// Fewer than `rows` when the crowd is too large to be read while a person waits.
    pub looked_at: u64,
    pub lacking: u64,
    /// The first hundred.
    pub first: Vec<LackingRow>,
}

/// Rows a page lists.
pub const LACKING_SHOWN: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdLook {
    pub id: CrowdId,
    pub name: String,
    pub rows: u64,
    /// From 1.
    pub row: u64,
    pub values: BTreeMap<String, String>,
    pub lacking: Lacking,
}

/// Something like it that this app sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SentBefore {
    pub message: MessageId,
    pub campaign: Option<CampaignId>,
    pub title: String,
    pub body: String,
    pub at: Millis,
    pub likeness: f64,
    pub accepted: u64,
    /// (clicked, delivered, accepted where clicks cannot be measured).
    pub clicks: (u64, u64, u64),
}

impl SentBefore {
    pub fn of_clicks(total: StageTotal) -> (u64, u64, u64) {
        (total.value, total.denominator, total.left_out)
    }
}

/// An address in the copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkLook {
    pub field: String,
    pub url: String,
    /// `None` = not asked; else whether it answers well, and the words.
    pub answer: Option<(bool, Words)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkbenchView {
    pub copy: CopyBrief,
    /// The stored version the words began with.
    pub number: u32,
    pub form: CopyForm,
    pub app_name: String,
    pub class: String,
    pub values: String,
    /// Complaints about the words as typed.
    pub errors: Vec<FieldError>,
    /// Filled as the sender fills it.
    pub content: Content,
    /// Variables without value and fallback.
    pub missing: Vec<String>,
    pub vendors: Vec<VendorText>,
    /// Crowds to choose from.
    pub crowds: Vec<(CrowdId, String, u64)>,
    pub crowd: Option<CrowdLook>,
    pub found: Vec<Found>,
    pub mismatches: Vec<Mismatch>,
    pub before: Vec<SentBefore>,
    /// So many days were looked at, and so many messages of them.
    pub before_days: u32,
    pub before_messages: u64,
    pub links: Vec<LinkLook>,
}

/// One word of the app's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordView {
    pub text: String,
    pub severity: Severity,
    pub added_by: String,
    pub added_at: Millis,
}

/// The app's list of words, one page of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordsView {
    pub words: crate::listing::Page<WordView>,
    /// Of the whole list.
    pub counts: Vec<(Severity, u64)>,
    /// Ours, while the list has no marketing words of its own.
    pub built_in: Vec<String>,
}
