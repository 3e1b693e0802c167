//! How lanes stand, as pages show it.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::funnel::FunnelLane;
use crate::text::{Text, Words};
use crate::vendor::{PaceUnit, Vendor};

/// One word for a lane. The first that applies, from worst to best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneWord {
    SwitchedOff,
    NoCredential,
    /// Stopped until a person mends it.
    Paused,
    /// The vendor's quota is used up.
    QuotaClosed,
    Tripped,
    Probing,
    /// The quota of one class is used up; the other one flows.
    BulkClosed,
    UrgentClosed,
    /// The vendor asked us to slow down.
    Slowed,
    Flowing,
}

impl LaneWord {
    pub const fn name(self) -> Text {
        match self {
            LaneWord::SwitchedOff => Text::new("已停用", "Switched off"),
            LaneWord::NoCredential => Text::new("缺少凭据", "No credential"),
            LaneWord::Paused => Text::new("已停下", "Stopped"),
            LaneWord::QuotaClosed => Text::new("配额用尽", "Quota used up"),
            LaneWord::Tripped => Text::new("熔断", "Tripped"),
            LaneWord::Probing => Text::new("试探中", "Probing"),
            LaneWord::BulkClosed => Text::new("批量配额用尽", "Bulk quota used up"),
            LaneWord::UrgentClosed => Text::new("即时配额用尽", "Urgent quota used up"),
            LaneWord::Slowed => Text::new("限速", "Slowed"),
            LaneWord::Flowing => Text::new("通畅", "Flowing"),
        }
    }

    /// What it means and what to do.
    pub const fn meaning(self) -> Text {
        match self {
            LaneWord::SwitchedOff => {
                Text::new("通道被人停用；在应用页启用后才会发送", "Somebody switched this lane off; switch it on at the app page")
            }
            LaneWord::NoCredential => Text::new(
                "没有厂商凭据，什么都发不出去；请在应用页填写",
                "Nothing can be sent without a vendor credential; enter one at the app page",
            ),
            LaneWord::Paused => Text::new("需要人处理后才会继续", "Goes on only after a person has mended it"),
            LaneWord::QuotaClosed => Text::new("等厂商配额重置后自动继续", "Goes on by itself when the vendor's quota is reset"),
            LaneWord::Tripped => {
                Text::new("厂商连续失败，暂歇片刻后自动试探", "The vendor failed in a row; it rests, then tries one request")
            }
            LaneWord::Probing => Text::new("正用一个请求试探厂商是否恢复", "One request is out to see whether the vendor is back"),
            LaneWord::BulkClosed => Text::new(
                "批量消息等配额重置；留给即时消息的部分照常发送",
                "Bulk messages wait for the quota's reset; what a person waits for goes on",
            ),
            LaneWord::UrgentClosed => {
                Text::new("即时消息等厂商配额重置；批量消息照常发送", "Urgent messages wait for the vendor's reset; bulk messages go on")
            }
            LaneWord::Slowed => Text::new("厂商要求放慢，稍后自动恢复", "The vendor asked for a slower pace; it recovers by itself"),
            LaneWord::Flowing => Text::new("正常发送", "Sending as it should"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFailure {
    /// Slug of a failure class.
    pub class: String,
    pub words: String,
    pub at: Millis,
}

/// What happened to a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneEventKind {
    /// The breaker tripped, or its probe failed.
    Tripped,
    /// A probe came back well.
    Flowing,
    /// A quota answer closed the lane for one class.
    BulkClosed,
    UrgentClosed,
    /// A chunk took its sender down too often and was set aside.
    SetAside,
}

impl LaneEventKind {
    pub const ALL: [LaneEventKind; 5] =
        [LaneEventKind::Tripped, LaneEventKind::Flowing, LaneEventKind::BulkClosed, LaneEventKind::UrgentClosed, LaneEventKind::SetAside];

    pub const fn slug(self) -> &'static str {
        match self {
            LaneEventKind::Tripped => "tripped",
            LaneEventKind::Flowing => "flowing",
            LaneEventKind::BulkClosed => "bulk_closed",
            LaneEventKind::UrgentClosed => "urgent_closed",
            LaneEventKind::SetAside => "set_aside",
        }
    }

    pub fn parse(text: &str) -> Option<LaneEventKind> {
        Self::ALL.into_iter().find(|kind| kind.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            LaneEventKind::Tripped => Text::new("熔断", "Tripped"),
            LaneEventKind::Flowing => Text::new("恢复", "Flowing again"),
            LaneEventKind::BulkClosed => Text::new("批量配额用尽", "Bulk quota used up"),
            LaneEventKind::UrgentClosed => Text::new("即时配额用尽", "Urgent quota used up"),
            LaneEventKind::SetAside => Text::new("批次隔离", "Chunk set aside"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneEventView {
    pub what: LaneEventKind,
    pub at: Millis,
    pub until: Option<Millis>,
    /// By which rule, the vendor's words, which process saw it.
    pub words: String,
    pub node: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneView {
    pub vendor: Vendor,
    pub word: LaneWord,
    /// Why it is stopped, in the words that were recorded.
    pub reason: Option<String>,
    /// When it goes on by itself.
    pub until: Option<Millis>,
    pub base_url: String,
    /// In the vendor's own unit, per second.
    pub pace_per_second: u32,
    pub pace_unit: PaceUnit,
    pub batch: u32,
    pub in_flight: u32,
    /// 0 = none known.
    pub daily_quota: u64,
    pub waiting_devices: u64,
    pub waiting_chunks: u64,
    /// Chunks set aside.
    pub poisoned: u64,
    /// When the oldest waiting chunk was made.
    pub oldest: Option<Millis>,
    pub today: FunnelLane,
    /// Devices submitted in the last full minute.
    pub last_minute: u64,
    pub last_success: Option<Millis>,
    pub last_failure: Option<LastFailure>,
    /// Dead tokens were left in place because too many died at once.
    pub mass_death_at: Option<Millis>,
    /// Ways out, when there are several.
    pub ways: Vec<crate::egress::WayView>,
    /// What follows its sends, in words.
    pub follow: Words,
    /// When its breaker trips, in words.
    pub breaker: Words,
    /// What happened to it last, newest first.
    pub history: Vec<LaneEventView>,
}

/// When a lane's breaker trips.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerView {
    pub vendor: Vendor,
    pub settings: crate::breaker::BreakerSettings,
}

/// What follows a lane's sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowView {
    pub vendor: Vendor,
    pub rules: crate::follow::FollowUp,
    /// Of its quota for marketing, today; `None` = it has none, or nothing was sent yet.
    pub bulk_used: Option<u64>,
}

/// Who of a message was accepted and not heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentView {
    pub id: crate::ids::MessageId,
    pub title: String,
    pub now: Millis,
    pub deadline: Millis,
    pub lanes: Vec<SilentLane>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentLane {
    pub vendor: Vendor,
    pub accepted: u64,
    pub delivered: u64,
    /// Accepted without a receipt.
    pub silent: u64,
    /// Device messages accepted once more.
    pub resent: u64,
    pub rule: Words,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanesView {
    pub now: Millis,
    pub lanes: Vec<LaneView>,
    pub back_door: BackDoorView,
}

/// How receipts come in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackDoorView {
    /// Bodies not applied yet, of all apps.
    pub fresh: u64,
    /// Receipts that wait for their message.
    pub orphans: u64,
    /// Orphans given up after seven days.
    pub dropped: u64,
    /// Bodies with a part that was not believed, newest first.
    pub refused: Vec<RefusedBody>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedBody {
    pub at: Millis,
    /// `None` = our client.
    pub vendor: Option<Vendor>,
    pub bytes: u64,
    pub found: u32,
    pub refused: u32,
    pub error: String,
}
