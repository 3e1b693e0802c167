//! Messages and their recipients, as pages show them.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::content::MessageClass;
use crate::funnel::{Equation, Funnel};
use crate::ids::{CampaignId, DeviceId, MessageId};
use crate::life::{MessageState, Outcome};
use crate::text::{Text, Words};
use crate::vendor::Vendor;

/// Who made a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginView {
    Api,
    Campaign,
    Test,
    Resend,
    Onward,
    Recall,
}

impl OriginView {
    pub const ALL: [OriginView; 6] =
        [OriginView::Api, OriginView::Campaign, OriginView::Test, OriginView::Resend, OriginView::Onward, OriginView::Recall];

    pub const fn slug(self) -> &'static str {
        match self {
            OriginView::Api => "api",
            OriginView::Campaign => "campaign",
            OriginView::Test => "test",
            OriginView::Resend => "resend",
            OriginView::Onward => "onward",
            OriginView::Recall => "recall",
        }
    }

    pub fn parse(text: &str) -> Option<OriginView> {
        Self::ALL.into_iter().find(|o| o.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            OriginView::Api => Text::new("接口", "API"),
            OriginView::Campaign => Text::new("推送任务", "Campaign"),
            OriginView::Test => Text::new("测试发送", "Test send"),
            OriginView::Resend => Text::new("补发", "Resend"),
            OriginView::Onward => Text::new("改走下一通道", "Next lane"),
            OriginView::Recall => Text::new("召回", "Recall"),
        }
    }
}

/// Query of the list. Empty = everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageQuery {
    /// Slug of a message state.
    pub state: String,
    pub origin: String,
    pub campaign: String,
    /// Beginning of the id, or the account that sent it.
    pub text: String,
    /// A recipient's account: messages that were planned for one of this person's devices.
    pub user: String,
    /// Slug of a vendor: some of it went by this lane.
    pub vendor: String,
    /// From where it was sent, exactly.
    pub ip: String,
    /// `YYYY-MM-DDTHH:MM` in the console's zone.
    pub from: String,
    pub to: String,
    pub after: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageBrief {
    pub id: MessageId,
    pub title: String,
    pub state: MessageState,
    pub origin: OriginView,
    pub class: MessageClass,
    pub account: String,
    pub campaign: Option<CampaignId>,
    pub equation: Equation,
    pub created_at: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    pub brief: MessageBrief,
    pub body: String,
    pub business: String,
    pub address: String,
    pub deadline: Millis,
    pub finished_at: Option<Millis>,
    pub funnel: Funnel,
    /// Distinct answers to "why this lane", of the first chunks.
    pub why: Vec<(Option<Vendor>, Words)>,
}

/// Query of the recipients. Empty = everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecipientQuery {
    pub outcome: String,
    /// Slug of a vendor, or `none` for those without a lane.
    pub vendor: String,
    pub reason: String,
    /// The vendor's words, exactly; `-` = those without any.
    pub words: String,
    /// Slug of a receipt kind.
    pub receipt: String,
    pub after: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientView {
    pub device: Option<DeviceId>,
    pub user: Option<String>,
    /// What the caller called it, when no device says who it is.
    pub target: String,
    /// Masked.
    pub token: String,
    pub vendor: Option<Vendor>,
    pub outcome: Outcome,
    pub reason: String,
    pub words: String,
    pub marks: u8,
    pub why: Words,
    pub at: Millis,
}
