//! A crowd made out of others: set operations, and rules over what devices are and what people did.

use serde::{Deserialize, Serialize};

use crate::ids::{CampaignId, CrowdId};
use crate::policy::Versions;
use crate::text::{Text, Words};
use crate::vendor::Vendor;

/// Steps of one making, at most.
pub const STEPS_MAX: usize = 8;
/// Tags of a crowd, and characters of one, at most.
pub const TAGS_MAX: usize = 8;
pub const TAG_LENGTH: usize = 20;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetOp {
    /// Who is in either.
    #[default]
    Union,
    /// Who is in both.
    Intersect,
    /// Who is in the first and not in the second.
    Minus,
}

impl SetOp {
    pub const ALL: [SetOp; 3] = [SetOp::Union, SetOp::Intersect, SetOp::Minus];

    pub const fn slug(self) -> &'static str {
        match self {
            SetOp::Union => "union",
            SetOp::Intersect => "intersect",
            SetOp::Minus => "minus",
        }
    }

    pub fn parse(text: &str) -> Option<SetOp> {
        Self::ALL.into_iter().find(|op| op.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            SetOp::Union => Text::new("加上", "and also"),
            SetOp::Intersect => Text::new("只留同时在", "only who is also in"),
            SetOp::Minus => Text::new("去掉", "without"),
        }
    }

    pub const fn sign(self) -> &'static str {
        match self {
            SetOp::Union => "∪",
            SetOp::Intersect => "∩",
            SetOp::Minus => "−",
        }
    }
}

/// Facts of a device; all empty = every device of the app. A fact the device never told fits no rule about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceRule {
    /// Holds a usable token of this vendor.
    pub vendor: Option<Vendor>,
    /// Part of the model, any case.
    pub model: String,
    pub os: Versions,
    pub app: Versions,
    /// Seen within so many days before the making began.
    pub seen_days: Option<u32>,
    /// Not seen for so many days before the making began.
    pub unseen_days: Option<u32>,
}

/// What became of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// The vendor accepted it.
    Accepted,
    Delivered,
    Clicked,
}

impl Deed {
    pub const ALL: [Deed; 3] = [Deed::Accepted, Deed::Delivered, Deed::Clicked];

    pub const fn slug(self) -> &'static str {
        match self {
            Deed::Accepted => "accepted",
            Deed::Delivered => "delivered",
            Deed::Clicked => "clicked",
        }
    }

    pub fn parse(text: &str) -> Option<Deed> {
        Self::ALL.into_iter().find(|deed| deed.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            Deed::Accepted => Text::new("厂商已接收", "accepted by the vendor"),
            Deed::Delivered => Text::new("已送达", "delivered"),
            Deed::Clicked => Text::new("已点击", "clicked"),
        }
    }
}

/// Who was reached by campaigns, or clicked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeedRule {
    pub deed: Deed,
    /// Id and name; `None` = any campaign.
    pub campaign: Option<(CampaignId, String)>,
    /// Only messages made within so many days before the making began. Receipts keep no time of their own.
    pub days: Option<u32>,
}

/// Where the recipients of one step come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Crowd { id: CrowdId, name: String },
    Devices(DeviceRule),
    Deeds(DeedRule),
}

/// Steps go from left to right; the first one's `op` says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub op: SetOp,
    pub source: Source,
}

/// Whether who is in the sources of `mask` (bit by bit, from the first) is in the result.
pub fn decide(ops: &[SetOp], mask: u32) -> bool {
    ops.iter().enumerate().fold(false, |inside, (i, op)| {
        let here = mask >> i & 1 == 1;
        match (i, op) {
            (0, _) => here,
            (_, SetOp::Union) => inside || here,
            (_, SetOp::Intersect) => inside && here,
            (_, SetOp::Minus) => inside && !here,
        }
    })
}

/// `复诊 ∪ 会员 − 已点击`: for the list and the log.
pub fn formula(steps: &[Step]) -> Words {
    let one = |of: fn(&Words) -> &str| {
        let parts = steps.iter().enumerate().map(|(i, step)| {
            let words = step.source.words();
            if i == 0 { of(&words).to_owned() } else { format!("{} {}", step.op.sign(), of(&words)) }
        });
        parts.collect::<Vec<_>>().join(" ")
    };
    Words::new(one(|w| w.zh.as_str()), one(|w| w.en.as_str()))
}

impl Source {
    pub fn words(&self) -> Words {
        match self {
            Source::Crowd { name, .. } => Words::new(name.clone(), name.clone()),
            Source::Devices(rule) => rule.words(),
            Source::Deeds(rule) => rule.words(),
        }
    }
}

impl DeviceRule {
    pub fn words(&self) -> Words {
        let (mut zh, mut en) = (Vec::new(), Vec::new());
        let mut say = |a: String, b: String| {
            zh.push(a);
            en.push(b);
        };
        if let Some(vendor) = self.vendor {
            say(vendor.name().zh.to_owned(), vendor.name().en.to_owned());
        }
        if !self.model.is_empty() {
            say(format!("机型含「{}」", self.model), format!("model has “{}”", self.model));
        }
        for (zh, en, versions) in [("系统", "OS", &self.os), ("应用", "app", &self.app)] {
            if *versions != Versions::default() {
                let ends = |open: &str| {
                    let end = |e: &Option<String>| e.clone().unwrap_or_else(|| open.to_owned());
                    format!("{}–{}", end(&versions.min), end(&versions.max))
                };
                say(format!("{zh} {}", ends("…")), format!("{en} {}", ends("…")));
            }
        }
        if let Some(days) = self.seen_days {
            say(format!("{days} 天内来过"), format!("seen within {days} days"));
        }
        if let Some(days) = self.unseen_days {
            say(format!("{days} 天没来"), format!("not seen for {days} days"));
        }
        if zh.is_empty() {
            return Words::new("全部终端", "all devices");
        }
        Words::new(format!("终端（{}）", zh.join("，")), format!("devices ({})", en.join(", ")))
    }
}

impl DeedRule {
    pub fn words(&self) -> Words {
        let deed = self.deed.name();
        let (mut zh, mut en) = match &self.campaign {
            Some((_, name)) => (format!("「{name}」{}", deed.zh), format!("“{name}” {}", deed.en)),
            None => (format!("任一任务{}", deed.zh), format!("any campaign {}", deed.en)),
        };
        if let Some(days) = self.days {
            zh.push_str(&format!("，{days} 天内"));
            en.push_str(&format!(", of the last {days} days"));
        }
        Words::new(zh, en)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MakingState {
    Making,
    Made,
    Failed,
    Cancelled,
}

impl MakingState {
    pub const ALL: [MakingState; 4] = [MakingState::Making, MakingState::Made, MakingState::Failed, MakingState::Cancelled];

    pub const fn slug(self) -> &'static str {
        match self {
            MakingState::Making => "making",
            MakingState::Made => "made",
            MakingState::Failed => "failed",
            MakingState::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<MakingState> {
        Self::ALL.into_iter().find(|s| s.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            MakingState::Making => Text::new("计算中", "being made"),
            MakingState::Made => Text::new("已完成", "made"),
            MakingState::Failed => Text::new("未完成", "failed"),
            MakingState::Cancelled => Text::new("已停止", "stopped"),
        }
    }
}

/// How many there are, and how many of them a vendor could be asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSize {
    pub rows: u64,
    /// Recipients with a usable token of this vendor; who has several counts in several.
    pub vendors: Vec<(Vendor, u64)>,
    /// Recipients without any.
    pub without: u64,
}

/// How far a making is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakingProgress {
    /// Devices and messages looked through for rules.
    pub gathered: u64,
    /// Rows joined, of all sources; 0 of 0 while rules are looked through.
    pub joined: u64,
    pub all: u64,
}

/// Tags as people type them: split at commas, trimmed, each once.
pub fn tags_of(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split([',', '，', '、', ';', '；']).map(str::trim).filter(|t| !t.is_empty()) {
        if !tags.iter().any(|t| t == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_from_left_to_right() {
        use SetOp::*;
        // (a ∪ b) − c
        let ops = [Union, Union, Minus];
        assert!(decide(&ops, 0b001) && decide(&ops, 0b010));
        assert!(!decide(&ops, 0b100) && !decide(&ops, 0b101));
        // (a − b) ∪ c: what was taken away may come back
        let ops = [Union, Minus, Union];
        assert!(!decide(&ops, 0b011) && decide(&ops, 0b111));
        assert!(!decide(&[Minus, Intersect], 0b01) && decide(&[Minus, Intersect], 0b11), "the first op says nothing");
        assert!(!decide(&[], 0b1));
    }

    #[test]
    fn a_making_reads_as_a_formula() {
        let crowd = |name: &str| Source::Crowd { id: CrowdId::from_bytes([1; 16]), name: name.into() };
        let rule = DeviceRule { vendor: Some(Vendor::Xiaomi), seen_days: Some(30), ..DeviceRule::default() };
        let steps = [
            Step { op: SetOp::Union, source: crowd("复诊") },
            Step { op: SetOp::Minus, source: Source::Deeds(DeedRule { deed: Deed::Clicked, campaign: None, days: Some(7) }) },
            Step { op: SetOp::Intersect, source: Source::Devices(rule) },
        ];
        let words = formula(&steps);
        assert_eq!(words.zh, "复诊 − 任一任务已点击，7 天内 ∩ 终端（小米，30 天内来过）");
        assert_eq!(words.en, "复诊 − any campaign clicked, of the last 7 days ∩ devices (Xiaomi, seen within 30 days)");
    }

    #[test]
    fn tags_are_split_and_kept_once() {
        assert_eq!(tags_of(" 会员，复诊, 会员 、;"), ["会员", "复诊"]);
    }
}
