//! What a push is: one unified content; each vendor's dialect changes only what it must.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::vendor::Vendor;

/// How urgent: decides the place in every line (design, 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageClass {
    /// A person waits for it (a doctor's reply, a code). Never behind bulk.
    Transactional,
    #[default]
    Bulk,
}

impl MessageClass {
    pub const ALL: [MessageClass; 2] = [MessageClass::Transactional, MessageClass::Bulk];

    /// Smaller goes first.
    pub const fn priority(self) -> i64 {
        match self {
            MessageClass::Transactional => Rank::Urgent.priority(),
            MessageClass::Bulk => Rank::Bulk.priority(),
        }
    }

    /// The class of a stored priority.
    pub fn of_priority(priority: i64) -> MessageClass {
        Rank::of_priority(priority).class()
    }

    pub const fn slug(self) -> &'static str {
        match self {
            MessageClass::Transactional => "transactional",
            MessageClass::Bulk => "bulk",
        }
    }

    pub fn parse(text: &str) -> Option<MessageClass> {
        Self::ALL.into_iter().find(|c| c.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            MessageClass::Transactional => Text::new("交易类", "Transactional"),
            MessageClass::Bulk => Text::new("批量", "Bulk"),
        }
    }
}

/// The place in every line: the class, and within bulk what the app calls key business ([`crate::policy::Rules::key_businesses`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rank {
    Urgent,
    /// Bulk of a key business type.
    Key,
    #[default]
    Bulk,
}

impl Rank {
    pub const ALL: [Rank; 3] = [Rank::Urgent, Rank::Key, Rank::Bulk];

    /// Smaller goes first.
    pub const fn priority(self) -> i64 {
        match self {
            Rank::Urgent => 0,
            Rank::Key => 5,
            Rank::Bulk => 10,
        }
    }

    /// The rank of a stored priority.
    pub fn of_priority(priority: i64) -> Rank {
        Self::ALL.into_iter().find(|rank| rank.priority() == priority).unwrap_or_default()
    }

    pub const fn class(self) -> MessageClass {
        match self {
            Rank::Urgent => MessageClass::Transactional,
            Rank::Key | Rank::Bulk => MessageClass::Bulk,
        }
    }
}

impl From<MessageClass> for Rank {
    fn from(class: MessageClass) -> Rank {
        match class {
            MessageClass::Transactional => Rank::Urgent,
            MessageClass::Bulk => Rank::Bulk,
        }
    }
}

/// What a tap does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Click {
    #[default]
    OpenApp,
    /// A web page, https only.
    Url { url: String },
    /// A page inside the app: `scheme://path` on iOS, an `intent:` URI on Android.
    Link { link: String },
}

/// iOS interruption level; other vendors have no such field and say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interruption {
    Passive,
    #[default]
    Active,
    TimeSensitive,
}

/// The fields a vendor may say differently. Empty = as in the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Override {
    pub title: Option<String>,
    pub body: Option<String>,
    /// Android notification channel (`extra.channel_id` on Xiaomi).
    pub channel_id: Option<String>,
    /// The vendor's own message category (`IM`, `MARKETING`, …): decides quota, sound and place at most vendors.
    pub category: Option<String>,
    /// A private template approved by the vendor.
    pub template: Option<Template>,
}

/// A private template: the vendor holds the text, we send its variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Template {
    pub id: String,
    /// Names as the template has them.
    pub values: BTreeMap<String, String>,
}

/// One unified content. Bounds are checked by [`crate::meter`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Content {
    /// Empty = the app's default title.
    pub title: String,
    pub body: String,
    /// iOS only.
    pub subtitle: Option<String>,
    pub click: Click,
    /// https; shown by iOS's extension; vendors without pictures leave it out, and the console says so.
    pub image: Option<String>,
    /// Absolute number; absent = unchanged.
    pub badge: Option<u32>,
    /// iOS sound name, or `default`; absent = silent on iOS.
    pub sound: Option<String>,
    pub interruption: Interruption,
    /// iOS grouping.
    pub thread: Option<String>,
    /// Show even while the app is in front (Android).
    pub show_in_foreground: bool,
    /// Android vendors that ask for it per message.
    pub vibrate: bool,
    pub light: bool,
    pub channel_id: Option<String>,
    /// Handed to the app as they are; at most 10.
    pub extras: BTreeMap<String, String>,
    pub overrides: BTreeMap<Vendor, Override>,
}

impl Content {
    pub fn title_for(&self, vendor: Vendor) -> &str {
        self.overrides.get(&vendor).and_then(|o| o.title.as_deref()).unwrap_or(&self.title)
    }

    pub fn body_for(&self, vendor: Vendor) -> &str {
        self.overrides.get(&vendor).and_then(|o| o.body.as_deref()).unwrap_or(&self.body)
    }

    pub fn channel_for(&self, vendor: Vendor) -> Option<&str> {
        self.overrides.get(&vendor).and_then(|o| o.channel_id.as_deref()).or(self.channel_id.as_deref())
    }

    pub fn category_for(&self, vendor: Vendor) -> Option<&str> {
        self.overrides.get(&vendor).and_then(|o| o.category.as_deref()).filter(|c| !c.trim().is_empty())
    }

    pub fn template_for(&self, vendor: Vendor) -> Option<&Template> {
        self.overrides.get(&vendor).and_then(|o| o.template.as_ref()).filter(|t| !t.id.trim().is_empty())
    }
}
