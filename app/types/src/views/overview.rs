//! The overview: which time, how lanes stand, what was sent, what runs.

use serde::{Deserialize, Serialize};

use super::lanes::LaneView;
use crate::Millis;
use crate::funnel::{Equation, Funnel};
use crate::ids::{CampaignId, MessageId};
use crate::life::CampaignState;
use crate::text::Text;
use crate::vendor::Vendor;

/// The time a page is about, as its URL says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// Since midnight in the console's zone.
    #[default]
    Today,
    Day,
    Week,
    /// `from` and `to` of the query.
    Custom,
}

impl Range {
    pub const ALL: [Range; 4] = [Range::Today, Range::Day, Range::Week, Range::Custom];

    pub const fn slug(self) -> &'static str {
        match self {
            Range::Today => "today",
            Range::Day => "24h",
            Range::Week => "7d",
            Range::Custom => "custom",
        }
    }

    pub fn parse(text: &str) -> Option<Range> {
        Self::ALL.into_iter().find(|r| r.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            Range::Today => Text::new("今天", "Today"),
            Range::Day => Text::new("近 24 小时", "Last 24 hours"),
            Range::Week => Text::new("近 7 天", "Last 7 days"),
            Range::Custom => Text::new("自选", "Custom"),
        }
    }
}

/// Query of pages about a time. Empty texts = the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RangeQuery {
    /// Slug of a [`Range`].
    pub range: String,
    /// `YYYY-MM-DDTHH:MM` in the console's zone, for `custom`.
    pub from: String,
    pub to: String,
}

/// The instants a query means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub range: Range,
    pub from: Millis,
    pub to: Millis,
}

/// Devices handed to vendors per bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentView {
    /// Length of a bucket, milliseconds.
    pub bucket: Millis,
    pub at: Vec<Millis>,
    pub lanes: Vec<(Vendor, Vec<u64>)>,
}

impl SentView {
    pub fn total(&self) -> u64 {
        self.lanes.iter().flat_map(|(_, values)| values).sum()
    }

    /// (start, devices) of the fullest bucket.
    pub fn peak(&self) -> Option<(Millis, u64)> {
        let sums = self.at.iter().enumerate().map(|(i, at)| (*at, self.lanes.iter().filter_map(|(_, v)| v.get(i)).sum::<u64>()));
        sums.max_by_key(|(at, n)| (*n, std::cmp::Reverse(*at))).filter(|(_, n)| *n > 0)
    }
}

/// A campaign under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningView {
    pub id: CampaignId,
    pub name: String,
    pub business: String,
    pub state: CampaignState,
    pub message: Option<MessageId>,
    pub equation: Equation,
    pub due_at: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverviewView {
    pub span: Span,
    pub now: Millis,
    pub lanes: Vec<LaneView>,
    pub funnel: Funnel,
    pub sent: SentView,
    pub running: Vec<RunningView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_over_all_lanes() {
        let sent = SentView { bucket: 1, at: vec![0, 1, 2], lanes: vec![(Vendor::Apns, vec![1, 2, 0]), (Vendor::Xiaomi, vec![5, 3, 9])] };
        assert_eq!((sent.total(), sent.peak()), (20, Some((2, 9))));
        assert_eq!(SentView::default().peak(), None);
    }
}
