//! The funnel and the equation: counts with a source, sums that must close.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::life::Outcome;
use crate::text::Text;
use crate::vendor::Vendor;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Planned,
    Filtered,
    Submitted,
    Accepted,
    Delivered,
    Displayed,
    Clicked,
}

/// Who says so. The console prints the sign beside every figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// ● counted by our server or our client
    Measured,
    /// ◐ said by the vendor
    Vendor,
    /// ○ concluded from something else
    Inferred,
    /// – nobody can say
    NotMeasurable,
}

impl Source {
    pub const fn sign(self) -> &'static str {
        match self {
            Source::Measured => "●",
            Source::Vendor => "◐",
            Source::Inferred => "○",
            Source::NotMeasurable => "–",
        }
    }

    pub const fn name(self) -> Text {
        match self {
            Source::Measured => Text::new("测得", "measured"),
            Source::Vendor => Text::new("厂商告知", "said by the vendor"),
            Source::Inferred => Text::new("推断", "inferred"),
            Source::NotMeasurable => Text::new("不可测", "not measurable"),
        }
    }
}

impl Stage {
    pub const ALL: [Stage; 7] =
        [Stage::Planned, Stage::Filtered, Stage::Submitted, Stage::Accepted, Stage::Delivered, Stage::Displayed, Stage::Clicked];

    pub const fn slug(self) -> &'static str {
        match self {
            Stage::Planned => "planned",
            Stage::Filtered => "filtered",
            Stage::Submitted => "submitted",
            Stage::Accepted => "accepted",
            Stage::Delivered => "delivered",
            Stage::Displayed => "displayed",
            Stage::Clicked => "clicked",
        }
    }

    pub const fn name(self) -> Text {
        match self {
            Stage::Planned => Text::new("计划", "Planned"),
            Stage::Filtered => Text::new("过滤", "Filtered"),
            Stage::Submitted => Text::new("已提交", "Submitted"),
            Stage::Accepted => Text::new("厂商接收", "Vendor accepted"),
            Stage::Delivered => Text::new("送达", "Delivered"),
            Stage::Displayed => Text::new("展示", "Displayed"),
            Stage::Clicked => Text::new("点击", "Clicked"),
        }
    }

    /// Exact definition with its unit, shown behind (?).
    pub const fn definition(self) -> Text {
        match self {
            Stage::Planned => Text::new(
                "任务展开后的接收设备数；没有设备的一行按 1 计",
                "Devices after the recipients were resolved; a row without a device counts as 1",
            ),
            Stage::Filtered => Text::new("请求厂商之前被规则留下的设备数", "Devices left out by a rule before any vendor was asked"),
            Stage::Submitted => Text::new(
                "已交给厂商并有结果的设备数：接收 + 拒绝 + 不确定",
                "Devices handed to a vendor with a result: accepted + refused + uncertain",
            ),
            Stage::Accepted => Text::new(
                "厂商应答接收的设备数，含应答不明、后来由送达证实的；不代表送达",
                "Devices the vendor's answer took, or whose answer was lost and whose arrival proves it; not a delivery",
            ),
            Stage::Delivered => Text::new(
                "有送达证据的设备数：厂商回执、客户端上报，或由点击推得",
                "Devices with proof of arrival: vendor receipt, client report, or a click",
            ),
            Stage::Displayed => {
                Text::new("客户端上报展示，或由点击、清除推得的设备数", "Devices whose client reported showing, or clicked or cleared it")
            }
            Stage::Clicked => Text::new("有点击回执或上报的设备数", "Devices with a click receipt or report"),
        }
    }

    /// The stage a rate of this one is computed over.
    pub const fn denominator(self) -> Option<Stage> {
        match self {
            Stage::Planned => None,
            Stage::Filtered | Stage::Submitted => Some(Stage::Planned),
            Stage::Accepted => Some(Stage::Submitted),
            Stage::Delivered => Some(Stage::Accepted),
            Stage::Displayed | Stage::Clicked => Some(Stage::Delivered),
        }
    }
}

/// planned = filtered + accepted + refused + expired + cancelled + uncertain + waiting, at every instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equation {
    pub planned: u64,
    pub filtered: u64,
    pub accepted: u64,
    pub refused: u64,
    pub expired: u64,
    pub cancelled: u64,
    pub uncertain: u64,
    pub waiting: u64,
}

impl Equation {
    pub fn add(&mut self, outcome: Outcome, n: u64) {
        match outcome {
            Outcome::Waiting => self.waiting += n,
            Outcome::Accepted => self.accepted += n,
            Outcome::Refused => self.refused += n,
            Outcome::Filtered => self.filtered += n,
            Outcome::Expired => self.expired += n,
            Outcome::Cancelled => self.cancelled += n,
            Outcome::Uncertain => self.uncertain += n,
        }
    }

    pub const fn get(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Waiting => self.waiting,
            Outcome::Accepted => self.accepted,
            Outcome::Refused => self.refused,
            Outcome::Filtered => self.filtered,
            Outcome::Expired => self.expired,
            Outcome::Cancelled => self.cancelled,
            Outcome::Uncertain => self.uncertain,
        }
    }

    pub const fn sum(&self) -> u64 {
        self.filtered + self.accepted + self.refused + self.expired + self.cancelled + self.uncertain + self.waiting
    }

    /// Does it balance?
    pub const fn holds(&self) -> bool {
        self.planned == self.sum()
    }

    pub const fn submitted(&self) -> u64 {
        self.accepted + self.refused + self.uncertain
    }

    pub const fn done(&self) -> u64 {
        self.planned - self.waiting
    }

    pub fn merge(&mut self, other: &Equation) {
        self.planned += other.planned;
        for outcome in Outcome::ALL {
            self.add(outcome, other.get(outcome));
        }
    }
}

/// One named part of a loss.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Loss {
    /// `None` for recipients that never got a lane.
    pub vendor: Option<Vendor>,
    pub outcome: Outcome,
    /// Slug of a [`crate::life::FilterRule`] or [`crate::failure::FailureClass`], or empty.
    pub reason: String,
    /// The vendor's own code and words, or empty.
    pub words: String,
    pub devices: u64,
}

/// Everything the funnel page shows for one message, or for an app over a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    pub total: Equation,
    /// Recipients without a lane are under `None`.
    pub lanes: Vec<FunnelLane>,
    pub losses: Vec<Loss>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunnelLane {
    pub vendor: Option<Vendor>,
    pub equation: Equation,
    /// Slug of the receipt kind -> devices.
    pub receipts: BTreeMap<String, u64>,
}

impl FunnelLane {
    /// `None` when nobody can measure it.
    pub fn stage(&self, stage: Stage) -> Option<u64> {
        let receipt = |slug: &str| self.receipts.get(slug).copied().unwrap_or(0);
        if let Some(vendor) = self.vendor
            && vendor.source_of(stage) == Source::NotMeasurable
        {
            return None;
        }
        match stage {
            Stage::Planned => Some(self.equation.planned),
            Stage::Filtered => Some(self.equation.filtered),
            Stage::Submitted => Some(self.equation.submitted()),
            Stage::Accepted => Some(self.equation.accepted),
            Stage::Delivered | Stage::Displayed | Stage::Clicked => Some(receipt(stage.slug())),
        }
    }
}

impl Funnel {
    /// Sum over the lanes that can be measured, with the sum of the denominator over the same lanes.
    /// A rate is only ever `value / denominator` of one call.
    pub fn stage(&self, stage: Stage) -> StageTotal {
        let mut total = StageTotal { value: 0, denominator: 0, left_out: 0 };
        for lane in &self.lanes {
            let below = stage.denominator().map_or(lane.equation.planned, |d| lane.stage(d).unwrap_or(0));
            match lane.stage(stage) {
                Some(value) => {
                    total.value += value;
                    total.denominator += below;
                }
                None => total.left_out += lane.equation.accepted,
            }
        }
        total
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageTotal {
    pub value: u64,
    pub denominator: u64,
    /// Accepted devices of lanes for which this stage is not measurable.
    pub left_out: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rate_crosses_what_is_not_measurable() {
        let lane = |vendor, accepted, displayed: u64| FunnelLane {
            vendor: Some(vendor),
            equation: Equation { planned: accepted, accepted, ..Equation::default() },
            receipts: [("delivered".to_owned(), accepted), ("displayed".to_owned(), displayed)].into(),
        };
        let funnel = Funnel { lanes: vec![lane(Vendor::Apns, 100, 50), lane(Vendor::Xiaomi, 40, 10)], ..Funnel::default() };
        let shown = funnel.stage(Stage::Displayed);
        assert_eq!((shown.value, shown.denominator, shown.left_out), (10, 40, 100));
    }

    #[test]
    fn the_equation_closes() {
        let mut e = Equation { planned: 7, ..Equation::default() };
        for o in Outcome::ALL {
            e.add(o, 1);
        }
        assert!(e.holds());
        assert_eq!(e.submitted(), 3);
        assert_eq!(e.done(), 6);
    }
}
