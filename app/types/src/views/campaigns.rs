//! Campaigns as pages show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::campaign::CampaignSpec;
use crate::content::Content;
use crate::field::FieldError;
use crate::funnel::{Equation, Loss};
use crate::ids::{CampaignId, CopyId, CrowdId, DeviceId, MessageId};
use crate::life::{CampaignState, FilterRule, MessageState};
use crate::problem::Problem;
use crate::text::{Text, Words};
use crate::vendor::{Environment, Vendor};

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignBrief {
    pub id: CampaignId,
    pub name: String,
    pub business: String,
    pub state: CampaignState,
    /// Of its message; empty before the start.
    pub equation: Equation,
    pub due_at: Option<Millis>,
    pub created_at: Millis,
    pub created_by: String,
    pub started_at: Option<Millis>,
    pub finished_at: Option<Millis>,
}

/// The campaign form as typed; field names are those of the inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignForm {
    pub name: String,
    pub business: String,
    /// Slug of a `MessageClass`.
    pub class: String,
    /// Ids, or empty.
    pub crowd: String,
    pub copy: String,
    /// A number, or empty for the newest at the start.
    pub copy_version: String,
    /// One `name=value` a line.
    pub variables: String,
    /// `app` for the app's order, or vendor slugs separated by commas.
    pub lanes: String,
    /// `now` or `at`.
    pub when: String,
    /// `YYYY-MM-DDTHH:MM` in `zone`.
    pub local: String,
    /// IANA name.
    pub zone: String,
    /// `YYYY-MM-DDTHH:MM` in `zone`, or empty for 24 h after the start.
    pub deadline: String,
    /// App versions it is for, `1.2.3`; empty = no end.
    pub version_min: String,
    pub version_max: String,
}

/// Something to choose in the composer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdChoice {
    pub id: CrowdId,
    pub name: String,
    pub rows: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyChoice {
    pub id: CopyId,
    pub name: String,
    pub version: u32,
}

/// A registered test device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestDevice {
    pub id: DeviceId,
    pub model: String,
    pub user: Option<String>,
    pub vendors: Vec<Vendor>,
}

/// Everything the composer offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    pub crowds: Vec<CrowdChoice>,
    pub copies: Vec<CopyChoice>,
    pub test_devices: Vec<TestDevice>,
    /// Vendors with an open lane, in the app's order.
    pub vendors: Vec<Vendor>,
    /// IANA zones, the person's own first.
    pub zones: Vec<String>,
    pub default_title: String,
}

/// Who would be reached. When `looked_at < rows`, the counts are of a sample spread evenly over the crowd.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    pub rows: u64,
    pub looked_at: u64,
    /// Devices that would be sent to, by vendor.
    pub reachable: BTreeMap<Vendor, u64>,
    /// Devices left out, by rule; a row without a device counts 1.
    pub filtered: Vec<(FilterRule, u64)>,
    /// Rows looked at that have no value for a variable without fallback: (variable, rows).
    pub missing: Vec<(String, u64)>,
    /// Seconds each lane needs for all of it at its pace.
    pub seconds: BTreeMap<Vendor, u64>,
}

impl Estimate {
    pub fn reached(&self) -> u64 {
        self.reachable.values().sum()
    }

    pub const fn is_sample(&self) -> bool {
        self.looked_at < self.rows
    }
}

/// What one recipient would see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The row's own variables; masked nothing: these are the words of the push.
    pub content: Content,
    /// Variables that had neither value nor fallback.
    pub missing: Vec<String>,
}

/// The state of one step of the composer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Everything that must be mended before the start; field names as in [`CampaignForm`].
    pub errors: Vec<FieldError>,
    /// What was done without being asked (a time that does not exist moved on, say).
    pub notes: Vec<Words>,
    pub estimate: Option<Estimate>,
    /// Rendered for up to three recipients of the crowd.
    pub samples: Vec<Sample>,
    /// When it would start and when nothing is sent any more.
    pub starts_at: Option<Millis>,
    pub deadline: Option<Millis>,
}

/// A test send or a resend of the campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideMessage {
    pub id: MessageId,
    pub state: MessageState,
    pub at: Millis,
    pub by: String,
    pub equation: Equation,
    pub losses: Vec<Loss>,
}

/// One campaign, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignView {
    pub id: CampaignId,
    pub revision: i64,
    pub state: CampaignState,
    pub spec: CampaignSpec,
    pub form: CampaignForm,
    pub app_name: String,
    pub environment: Environment,
    pub crowd_name: Option<String>,
    pub copy_name: Option<String>,
    pub due_at: Option<Millis>,
    pub message: Option<MessageId>,
    pub trouble: Option<Problem>,
    pub created_at: Millis,
    pub created_by: String,
    pub changed_at: Millis,
    pub changed_by: String,
    pub started_at: Option<Millis>,
    pub finished_at: Option<Millis>,
    /// Newest first.
    pub tests: Vec<SideMessage>,
    pub resends: Vec<SideMessage>,
}

/// One lane of a running campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneProgress {
    /// `None` = recipients that never got a lane.
    pub vendor: Option<Vendor>,
    pub equation: Equation,
    /// Refused, expired and uncertain.
    pub failed: u64,
    /// Outcomes per second over the last ten seconds; `None` = not looked at long enough.
    pub rate: Option<f64>,
    /// When it is done at this rate.
    pub eta: Option<Millis>,
    pub why_waiting: Option<Words>,
}

/// How far a lane's preparation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AheadStage {
    Nothing,
    UnderWay,
    Ready,
    WithoutPicture,
    Failed,
}

impl AheadStage {
    pub const fn name(self) -> Text {
        match self {
            AheadStage::Nothing => Text::new("无需准备", "Nothing needed"),
            AheadStage::UnderWay => Text::new("准备中", "Under way"),
            AheadStage::Ready => Text::new("已就绪", "Ready"),
            AheadStage::WithoutPicture => Text::new("已就绪，无图", "Ready, no picture"),
            AheadStage::Failed => Text::new("没有成功", "Failed"),
        }
    }
}

/// What was made ready at one vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneAhead {
    pub vendor: Vendor,
    pub stage: AheadStage,
    /// The vendor's words and what will happen.
    pub words: Option<Words>,
    pub at: Millis,
}

/// What is made ready at vendors before the first batch: contents saved, pictures uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ahead {
    /// When it begins; only while scheduled.
    pub from: Option<Millis>,
    pub lanes: Vec<LaneAhead>,
}

/// How far a campaign is, at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignProgress {
    pub state: CampaignState,
    pub message_state: Option<MessageState>,
    pub equation: Equation,
    pub lanes: Vec<LaneProgress>,
    /// Largest first.
    pub losses: Vec<Loss>,
    /// The last lane's.
    pub eta: Option<Millis>,
    pub deadline: Option<Millis>,
    /// When this was counted.
    pub at: Millis,
    #[serde(default)]
    pub ahead: Ahead,
    /// How far a ramp is open, and why it stands.
    #[serde(default)]
    pub ramp: Option<Words>,
}

impl CampaignProgress {
    /// Whether it may still change by itself.
    pub const fn is_moving(&self) -> bool {
        !matches!(self.state, CampaignState::Draft) && (!self.state.is_final() || self.equation.waiting > 0)
    }
}
