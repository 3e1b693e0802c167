//! A recall as pages and callers see it: what it would do, then what it did. Every device that may have been reached stands in one
//! count.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::funnel::{Equation, Funnel, Loss};
use crate::ids::MessageId;
use crate::life::{FilterRule, Outcome};
use crate::vendor::Vendor;
use crate::vendor::recall::RecallMeans;

/// Devices of one lane. `reached = withdrawn + overwritten + opened + beyond + waiting`, at every instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallCounts {
    /// Not sent to yet: a recall stops them. Before it: those who wait, and planning may find more.
    pub unsent: u64,
    /// Stopped before they were sent to.
    pub stopped: u64,
    /// Handed to the vendor, with an answer or without.
    pub reached: u64,
    /// The vendor took the withdrawal of the request.
    pub withdrawn: u64,
    /// The vendor took the notice that replaces it.
    pub overwritten: u64,
    /// Clicked or cleared already: nothing is left to be taken back.
    pub opened: u64,
    /// Not taken back: no means, refused, too late, answer unknown.
    pub beyond: u64,
    /// Not asked about yet.
    pub waiting: u64,
}

impl RecallCounts {
    pub fn add(&mut self, other: RecallCounts) {
        self.unsent += other.unsent;
        self.stopped += other.stopped;
        self.reached += other.reached;
        self.withdrawn += other.withdrawn;
        self.overwritten += other.overwritten;
        self.opened += other.opened;
        self.beyond += other.beyond;
        self.waiting += other.waiting;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallLane {
    pub vendor: Vendor,
    pub counts: RecallCounts,
}

/// One message, or a campaign with all its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallView {
    /// Name of the campaign, or title of the message.
    pub name: String,
    pub app_name: String,
    /// Unsent recipients can still be stopped.
    pub living: bool,
    /// By whom and when; `None` = it was not recalled.
    pub asked: Option<(String, Millis)>,
    /// The notice that overwrites: title and text.
    pub notice: (String, String),
    /// The messages it is made of, with those that take them back.
    pub messages: Vec<(MessageId, Option<MessageId>)>,
    pub total: RecallCounts,
    pub lanes: Vec<RecallLane>,
    /// Why some are beyond recall.
    pub losses: Vec<Loss>,
}

impl RecallView {
    pub fn is_over(&self) -> bool {
        self.asked.is_some() && self.total.waiting == 0 && self.total.unsent == 0
    }
}

/// Counts of one message in its lanes, beside those of the message that takes it back. Pure.
pub fn lanes(earlier: &Funnel, recall: Option<&Funnel>) -> Vec<RecallLane> {
    let mut out = Vec::new();
    for lane in &earlier.lanes {
        let Some(vendor) = lane.vendor else { continue };
        let e = lane.equation;
        let mut counts =
            RecallCounts { unsent: e.waiting, stopped: e.cancelled, reached: e.accepted + e.uncertain, ..RecallCounts::default() };
        if let Some(recall) = recall {
            let taken = recall.lanes.iter().find(|l| l.vendor == Some(vendor)).map_or_else(Equation::default, |l| l.equation);
            let opened: u64 = recall
                .losses
                .iter()
                .filter(|loss| loss.vendor == Some(vendor) && loss.outcome == Outcome::Filtered && loss.reason == FilterRule::Opened.slug())
                .map(|loss| loss.devices)
                .sum();
            match vendor.recall().means {
                RecallMeans::Withdraw => counts.withdrawn = taken.accepted,
                RecallMeans::Overwrite | RecallMeans::Nothing => counts.overwritten = taken.accepted,
            }
            counts.opened = opened;
            counts.beyond = taken.refused + taken.expired + taken.cancelled + taken.uncertain + taken.filtered.saturating_sub(opened);
            counts.waiting = counts.reached.saturating_sub(counts.withdrawn + counts.overwritten + counts.opened + counts.beyond);
        }
        out.push(RecallLane { vendor, counts });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::funnel::FunnelLane;

    #[test]
    fn the_counts_add_up_to_the_devices_reached() {
        let lane = |vendor, equation| FunnelLane { vendor: Some(vendor), equation, ..FunnelLane::default() };
        let sent = Equation { planned: 100, accepted: 70, uncertain: 2, cancelled: 20, refused: 8, ..Equation::default() };
        let earlier = Funnel { lanes: vec![lane(Vendor::Xiaomi, sent), lane(Vendor::Jpush, sent)], ..Funnel::default() };
        let taken =
            Equation { planned: 72, filtered: 5, accepted: 60, refused: 2, expired: 1, uncertain: 1, waiting: 3, ..Equation::default() };
        let opened =
            Loss { vendor: Some(Vendor::Xiaomi), outcome: Outcome::Filtered, reason: "opened".into(), words: String::new(), devices: 4 };
        let recall =
            Funnel { lanes: vec![lane(Vendor::Xiaomi, taken), lane(Vendor::Jpush, taken)], losses: vec![opened], ..Funnel::default() };
        let before = lanes(&earlier, None);
        assert_eq!((before[0].counts.stopped, before[0].counts.reached, before[0].counts.waiting), (20, 72, 0));
        let found = lanes(&earlier, Some(&recall));
        let xiaomi =
            RecallCounts { stopped: 20, reached: 72, overwritten: 60, opened: 4, beyond: 5, waiting: 3, ..RecallCounts::default() };
        assert_eq!(found[0].counts, xiaomi);
        let jpush = RecallCounts { stopped: 20, reached: 72, withdrawn: 60, beyond: 9, waiting: 3, ..RecallCounts::default() };
        assert_eq!(found[1].counts, jpush);
        for lane in found {
            let c = lane.counts;
            assert_eq!(c.reached, c.withdrawn + c.overwritten + c.opened + c.beyond + c.waiting);
        }
    }
}
