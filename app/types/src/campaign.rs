//! What a campaign is made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::content::MessageClass;
use crate::hours::Hours;
use crate::ids::{CopyId, CrowdId};
use crate::text::Text;
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
    /// Started later than so many minutes after its time, it waits for a person instead; `None` = it never asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_after: Option<u32>,
    /// Sends in these hours only; `None` = at any hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
}

/// Most minutes a schedule may be late by itself: a week.
pub const ASK_AFTER_MAX: u32 = 7 * 24 * 60;

/// What vendors must hold is made ready from so long before a scheduled start.
pub const AHEAD_MS: Millis = 10 * 60_000;

/// Deadline when nobody says one.
pub const DEFAULT_LIFE_MS: Millis = 24 * 3_600_000;

/// A part of a campaign that a second person judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// What people read.
    Message,
    /// When, and by which lanes.
    Delivery,
    /// Who.
    Audience,
}

impl Section {
    pub const ALL: [Section; 3] = [Section::Message, Section::Delivery, Section::Audience];

    pub const fn slug(self) -> &'static str {
        match self {
            Section::Message => "message",
            Section::Delivery => "delivery",
            Section::Audience => "audience",
        }
    }

    pub fn parse(text: &str) -> Option<Section> {
        Self::ALL.into_iter().find(|s| s.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            Section::Message => Text::new("内容", "Message"),
            Section::Delivery => Text::new("发送", "Delivery"),
            Section::Audience => Text::new("人群", "Audience"),
        }
    }
}

/// What somebody said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Would somebody look at this?
    Asked,
    Approved,
    Refused,
}

impl Said {
    pub const ALL: [Said; 3] = [Said::Asked, Said::Approved, Said::Refused];

    pub const fn slug(self) -> &'static str {
        match self {
            Said::Asked => "asked",
            Said::Approved => "approved",
            Said::Refused => "refused",
        }
    }

    pub fn parse(text: &str) -> Option<Said> {
        Self::ALL.into_iter().find(|s| s.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            Said::Asked => Text::new("请求审批", "Asked for approval"),
            Said::Approved => Text::new("通过", "Approved"),
            Said::Refused => Text::new("驳回", "Refused"),
        }
    }
}
