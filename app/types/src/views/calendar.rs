//! Campaigns along the time: by month, week and day, with what they ask of the lanes hour by hour.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::ids::CampaignId;
use crate::life::CampaignState;
use crate::text::Text;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    #[default]
    Month,
    Week,
    Day,
}

impl Span {
    pub const ALL: [Span; 3] = [Span::Month, Span::Week, Span::Day];

    pub const fn slug(self) -> &'static str {
        match self {
            Span::Month => "month",
            Span::Week => "week",
            Span::Day => "day",
        }
    }

    pub fn parse(text: &str) -> Option<Span> {
        Self::ALL.into_iter().find(|span| span.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            Span::Month => Text::new("月", "Month"),
            Span::Week => Text::new("周", "Week"),
            Span::Day => Text::new("日", "Day"),
        }
    }
}

/// Where the load of a campaign comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadSource {
    /// The forecast kept when it was started or scheduled.
    Forecast,
    /// What was planned, at the pace of the open lanes from its start on.
    Planned,
    /// The rows of its crowd, at that pace from its time on.
    Rows,
    /// Nothing is known yet.
    Nothing,
}

impl LoadSource {
    pub const fn name(self) -> Text {
        match self {
            LoadSource::Forecast => Text::new("推演", "forecast"),
            LoadSource::Planned => Text::new("已计划", "planned"),
            LoadSource::Rows => Text::new("人群行数", "rows of its crowd"),
            LoadSource::Nothing => Text::new("未知", "not known"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarEntry {
    pub id: CampaignId,
    pub name: String,
    pub state: CampaignState,
    /// When it started, or starts.
    pub at: Millis,
    /// Device messages, or rows.
    pub devices: u64,
    pub source: LoadSource,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarDay {
    /// `YYYY-MM-DD`
    pub date: String,
    /// Of the month that is shown.
    pub inside: bool,
    pub today: bool,
    pub campaigns: Vec<CalendarEntry>,
    /// Device messages of all campaigns that fall on this day.
    pub load: u64,
    /// (start, device messages) of each hour of the day; 23 or 25 when the clock is moved.
    pub hours: Vec<(Millis, u64)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarView {
    pub span: Span,
    /// The day it stands on, `YYYY-MM-DD`.
    pub date: String,
    pub previous: String,
    pub next: String,
    pub today: String,
    pub days: Vec<CalendarDay>,
    /// Device messages an hour all open lanes may send at their pace.
    pub pace: u64,
    /// Device messages a day of those open lanes that have a quota; 0 = none has.
    pub quota: u64,
    /// There are more than it shows.
    pub cut: bool,
}
