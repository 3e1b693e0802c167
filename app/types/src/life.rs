//! The life of campaigns, messages and recipients: states, who may follow whom, which are final.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// A campaign's state. `Scheduled` waits for its time; `Running` is planned and sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignState {
    Draft,
    Scheduled,
    /// Its time passed while nobody was there to start it, by more than it allows: a person decides.
    Missed,
    Running,
    Paused,
    Finished,
    Cancelled,
}

impl CampaignState {
    pub const ALL: [CampaignState; 7] = [
        CampaignState::Draft,
        CampaignState::Scheduled,
        CampaignState::Missed,
        CampaignState::Running,
        CampaignState::Paused,
        CampaignState::Finished,
        CampaignState::Cancelled,
    ];

    pub const fn slug(self) -> &'static str {
        match self {
            CampaignState::Draft => "draft",
            CampaignState::Scheduled => "scheduled",
            CampaignState::Missed => "missed",
            CampaignState::Running => "running",
            CampaignState::Paused => "paused",
            CampaignState::Finished => "finished",
            CampaignState::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<CampaignState> {
        Self::ALL.into_iter().find(|s| s.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            CampaignState::Draft => Text::new("草稿", "Draft"),
            CampaignState::Scheduled => Text::new("已排期", "Scheduled"),
            CampaignState::Missed => Text::new("已误点", "Missed its time"),
            CampaignState::Running => Text::new("发送中", "Running"),
            CampaignState::Paused => Text::new("已暂停", "Paused"),
            CampaignState::Finished => Text::new("已完成", "Finished"),
            CampaignState::Cancelled => Text::new("已取消", "Cancelled"),
        }
    }

    /// The transition table; the diagram in ARCHITECTURE.md is drawn from it by a test.
    pub const fn may_become(self) -> &'static [CampaignState] {
        use CampaignState::*;
        match self {
            Draft => &[Scheduled, Running, Cancelled],
            Scheduled => &[Draft, Missed, Running, Cancelled],
            Missed => &[Draft, Running, Cancelled],
            Running => &[Paused, Finished, Cancelled],
            Paused => &[Running, Cancelled, Finished],
            Finished | Cancelled => &[],
        }
    }

    pub const fn is_final(self) -> bool {
        self.may_become().is_empty()
    }
}

/// A message's state in the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Durable; its recipients are still being turned into chunks.
    Planning,
    /// All chunks exist.
    Sending,
    Paused,
    Finished,
    Cancelled,
}

impl MessageState {
    pub const ALL: [MessageState; 5] =
        [MessageState::Planning, MessageState::Sending, MessageState::Paused, MessageState::Finished, MessageState::Cancelled];

    pub const fn code(self) -> i64 {
        match self {
            MessageState::Planning => 0,
            MessageState::Sending => 1,
            MessageState::Paused => 2,
            MessageState::Finished => 3,
            MessageState::Cancelled => 4,
        }
    }

    pub fn from_code(code: i64) -> Option<MessageState> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    pub const fn slug(self) -> &'static str {
        match self {
            MessageState::Planning => "planning",
            MessageState::Sending => "sending",
            MessageState::Paused => "paused",
            MessageState::Finished => "finished",
            MessageState::Cancelled => "cancelled",
        }
    }

    pub const fn name(self) -> Text {
        match self {
            MessageState::Planning => Text::new("编排中", "Planning"),
            MessageState::Sending => Text::new("发送中", "Sending"),
            MessageState::Paused => Text::new("已暂停", "Paused"),
            MessageState::Finished => Text::new("已完成", "Finished"),
            MessageState::Cancelled => Text::new("已取消", "Cancelled"),
        }
    }
}

/// What finally became of one recipient of one message. `Waiting` is the absence of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Waiting,
    Accepted,
    Refused,
    Filtered,
    Expired,
    Cancelled,
    /// Handed to the vendor, answer unknown.
    Uncertain,
}

impl Outcome {
    pub const ALL: [Outcome; 7] = [
        Outcome::Waiting,
        Outcome::Accepted,
        Outcome::Refused,
        Outcome::Filtered,
        Outcome::Expired,
        Outcome::Cancelled,
        Outcome::Uncertain,
    ];

    /// Three bits in the chunk's outcome list.
    pub const fn code(self) -> u8 {
        match self {
            Outcome::Waiting => 0,
            Outcome::Accepted => 1,
            Outcome::Refused => 2,
            Outcome::Filtered => 3,
            Outcome::Expired => 4,
            Outcome::Cancelled => 5,
            Outcome::Uncertain => 6,
        }
    }

    pub fn from_code(code: u8) -> Option<Outcome> {
        Self::ALL.into_iter().find(|o| o.code() == code)
    }

    pub const fn slug(self) -> &'static str {
        match self {
            Outcome::Waiting => "waiting",
            Outcome::Accepted => "accepted",
            Outcome::Refused => "refused",
            Outcome::Filtered => "filtered",
            Outcome::Expired => "expired",
            Outcome::Cancelled => "cancelled",
            Outcome::Uncertain => "uncertain",
        }
    }

    pub fn parse(text: &str) -> Option<Outcome> {
        Self::ALL.into_iter().find(|o| o.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            Outcome::Waiting => Text::new("等待", "Waiting"),
            Outcome::Accepted => Text::new("已接收", "Accepted"),
            Outcome::Refused => Text::new("拒绝", "Refused"),
            Outcome::Filtered => Text::new("过滤", "Filtered"),
            Outcome::Expired => Text::new("过期", "Expired"),
            Outcome::Cancelled => Text::new("取消", "Cancelled"),
            Outcome::Uncertain => Text::new("不确定", "Uncertain"),
        }
    }

    /// Whether a later step may still change it. An unknown answer may be repeated once by its vendor's class.
    pub const fn is_final(self) -> bool {
        !matches!(self, Outcome::Waiting)
    }
}

/// Why a recipient was left out before any vendor was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterRule {
    /// No device of this app knows this user, device id or token.
    NoDevice,
    /// The person switched notifications off on this device.
    SwitchOff,
    /// Token of the other environment.
    Environment,
    /// Token set aside after the vendor refused it.
    Quarantined,
    /// No enabled lane with a credential for this device.
    NoLane,
    /// A test send reaches registered test devices only.
    NotTestDevice,
    /// The copy, filled for this recipient, breaks the vendor's bound.
    Content,
    /// The account is on the blacklist, for everything or for this business type.
    Blacklist,
    /// The message is for other versions of the app.
    Version,
    /// Quiet hours, by a rule that drops.
    QuietHours,
    /// The person had as many messages as the app's rule allows.
    Cap,
    /// The same content went to this person a moment ago.
    SameContent,
    /// The vendor takes no more marketing for this device today.
    VendorCap,
    /// A recall: the vendor of this device has no means to take back what it has taken.
    NoRecall,
    /// A recall: it was clicked or cleared, nothing is left to be taken back.
    Opened,
}

impl FilterRule {
    pub const ALL: [FilterRule; 15] = [
        FilterRule::NoDevice,
        FilterRule::SwitchOff,
        FilterRule::Environment,
        FilterRule::Quarantined,
        FilterRule::NoLane,
        FilterRule::NotTestDevice,
        FilterRule::Content,
        FilterRule::Blacklist,
        FilterRule::Version,
        FilterRule::QuietHours,
        FilterRule::Cap,
        FilterRule::SameContent,
        FilterRule::VendorCap,
        FilterRule::NoRecall,
        FilterRule::Opened,
    ];

    pub const fn slug(self) -> &'static str {
        match self {
            FilterRule::NoDevice => "no_device",
            FilterRule::SwitchOff => "switch_off",
            FilterRule::Environment => "environment",
            FilterRule::Quarantined => "quarantined",
            FilterRule::NoLane => "no_lane",
            FilterRule::NotTestDevice => "not_test_device",
            FilterRule::Content => "content",
            FilterRule::Blacklist => "blacklist",
            FilterRule::Version => "version",
            FilterRule::QuietHours => "quiet_hours",
            FilterRule::Cap => "cap",
            FilterRule::SameContent => "same_content",
            FilterRule::VendorCap => "vendor_cap",
            FilterRule::NoRecall => "no_recall",
            FilterRule::Opened => "opened",
        }
    }

    pub fn parse(text: &str) -> Option<FilterRule> {
        Self::ALL.into_iter().find(|r| r.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            FilterRule::NoDevice => Text::new("没有设备", "No device"),
            FilterRule::SwitchOff => Text::new("通知开关关闭", "Notifications switched off"),
            FilterRule::Environment => Text::new("环境不符", "Other environment"),
            FilterRule::Quarantined => Text::new("令牌已隔离", "Token set aside"),
            FilterRule::NoLane => Text::new("没有可用通道", "No usable lane"),
            FilterRule::NotTestDevice => Text::new("不是测试设备", "Not a test device"),
            FilterRule::Content => Text::new("内容超出厂商限制", "Content over the vendor's bound"),
            FilterRule::Blacklist => Text::new("黑名单", "On the blacklist"),
            FilterRule::Version => Text::new("应用版本不符", "Other app version"),
            FilterRule::QuietHours => Text::new("免打扰时段", "Quiet hours"),
            FilterRule::Cap => Text::new("频控", "Frequency cap"),
            FilterRule::SameContent => Text::new("重复内容", "Same content again"),
            FilterRule::VendorCap => Text::new("厂商单设备上限", "Vendor's cap per device"),
            FilterRule::NoRecall => Text::new("厂商收不回", "The vendor cannot recall"),
            FilterRule::Opened => Text::new("已点开或清除", "Clicked or cleared already"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_slugs_read_back() {
        for o in Outcome::ALL {
            assert_eq!(Outcome::from_code(o.code()), Some(o));
            assert_eq!(Outcome::parse(o.slug()), Some(o));
        }
        for s in CampaignState::ALL {
            assert_eq!(CampaignState::parse(s.slug()), Some(s));
        }
        for s in MessageState::ALL {
            assert_eq!(MessageState::from_code(s.code()), Some(s));
        }
    }

    #[test]
    fn final_states_lead_nowhere_and_every_other_can_be_cancelled() {
        for s in CampaignState::ALL {
            assert_eq!(s.is_final(), matches!(s, CampaignState::Finished | CampaignState::Cancelled));
            if !s.is_final() {
                assert!(s.may_become().contains(&CampaignState::Cancelled), "{}", s.slug());
            }
        }
    }
}
