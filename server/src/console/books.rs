//! The port of the books; each question is answered in the file of its noun. Here: which time a query means.

use std::sync::Arc;

use app::error::AppError;
use app::ports::books::BooksPort;
use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use pipeline::house::House;
use types::Millis;
use types::field::FieldError;
use types::ids::{AppId, MessageId};
use types::listing::Page;
use types::problem::{Code, Problem};
use types::text::Words;
use types::views::funnel::{FunnelQuery, FunnelView};
use types::views::lanes::LanesView;
use types::views::messages::{MessageBrief, MessageQuery, MessageView, RecipientQuery, RecipientView};
use types::views::overview::{OverviewView, Range, RangeQuery, Span};

use super::{funnel, lanes, messages, overview};
use crate::settings::Settings;

/// Minute counters are surely still there; upkeep keeps them for two days.
const MINUTES_KEPT_MS: Millis = 47 * 3_600_000;
const DAY_MS: Millis = 86_400_000;
/// Longest time one page covers.
const SPAN_MAX_MS: Millis = 366 * DAY_MS;

#[derive(Clone)]
pub struct BooksConsole {
    pub house: Arc<House>,
    pub zone: TimeZone,
}

impl BooksConsole {
    /// An unknown zone was refused with the settings; UTC stands in for it.
    pub fn new(house: Arc<House>, settings: &Settings) -> BooksConsole {
        BooksConsole { house, zone: TimeZone::get(&settings.console.zone).unwrap_or(TimeZone::UTC) }
    }

    /// The app's number.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn app_no(&self, app: &AppId) -> Result<i64, Problem> {
        let found = self.house.storage.apps.get(app).await.map_err(|e| super::store(&e))?;
        found.map(|app| app.no).ok_or_else(|| Problem::new(Code::NotFound))
    }

    /// Minute counters exist from here on.
    pub fn minutes_since(&self) -> Millis {
        self.house.world.now() - MINUTES_KEPT_MS
    }

    /// Midnight of today in the console's zone.
    pub fn midnight(&self, now: Millis) -> Millis {
        Timestamp::from_millisecond(now)
            .ok()
            .and_then(|now| now.to_zoned(self.zone.clone()).start_of_day().ok())
            .map_or(now - DAY_MS, |start| start.timestamp().as_millisecond())
    }

    /// # Errors
    /// Field errors for a custom time that does not read, lies in the future, or is longer than a year.
    pub fn span(&self, query: &RangeQuery) -> Result<Span, Problem> {
        span(query, self.house.world.now(), &self.zone, |now| self.midnight(now))
    }
}

/// An instant written as `<input type=datetime-local>` does.
pub fn local_time(field: &str, text: &str, zone: &TimeZone) -> Result<Millis, FieldError> {
    let wrong = || {
        let words = Words::new("请填写日期和时间，例如 2026-11-21T09:00", "enter a date and time such as 2026-11-21T09:00");
        FieldError::new(field, words)
    };
    let local: DateTime = text.trim().parse().map_err(|_| wrong())?;
    Ok(local.to_zoned(zone.clone()).map_err(|_| wrong())?.timestamp().as_millisecond())
}

fn span(query: &RangeQuery, now: Millis, zone: &TimeZone, midnight: impl Fn(Millis) -> Millis) -> Result<Span, Problem> {
    let range = Range::parse(&query.range).unwrap_or_default();
    let (from, to) = match range {
        Range::Today => (midnight(now), now),
        Range::Day => (now - DAY_MS, now),
        Range::Week => (now - 7 * DAY_MS, now),
        Range::Custom => match (local_time("from", &query.from, zone), local_time("to", &query.to, zone)) {
            (Ok(from), Ok(to)) => (from, to),
            (from, to) => return Err(Problem::fields([from.err(), to.err()].into_iter().flatten().collect())),
        },
    };
    if from >= to {
        return Err(Problem::field("to", Words::new("结束要晚于开始", "the end must be after the start")));
    }
    if to - from > SPAN_MAX_MS {
        return Err(Problem::field("from", Words::new("一次最多看 366 天", "at most 366 days at once")));
    }
    Ok(Span { range, from, to })
}

/// `HH:MM`, or `MM-DD HH:MM` for spans over a day.
pub fn clock(at: Millis, zone: &TimeZone, with_day: bool) -> String {
    let Ok(at) = Timestamp::from_millisecond(at) else { return String::new() };
    let at = at.to_zoned(zone.clone());
    at.strftime(if with_day { "%m-%d %H:%M" } else { "%H:%M" }).to_string()
}

#[async_trait]
impl BooksPort for BooksConsole {
    async fn overview(&self, app: &AppId, query: &RangeQuery) -> Result<OverviewView, AppError> {
        Ok(overview::view(self, app, query).await?)
    }

    async fn lanes(&self, app: &AppId) -> Result<LanesView, AppError> {
        Ok(lanes::view(self, app).await?)
    }

    async fn funnel(&self, app: &AppId, query: &FunnelQuery) -> Result<FunnelView, AppError> {
        Ok(funnel::view(self, app, query).await?)
    }

    async fn messages(&self, app: &AppId, query: &MessageQuery) -> Result<Page<MessageBrief>, AppError> {
        Ok(messages::list(self, app, query).await?)
    }

    async fn message(&self, app: &AppId, id: &MessageId) -> Result<MessageView, AppError> {
        Ok(messages::view(self, app, id).await?)
    }

    async fn recipients(&self, app: &AppId, id: &MessageId, query: &RecipientQuery) -> Result<Page<RecipientView>, AppError> {
        Ok(messages::recipients(self, app, id, query).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_the_zone_of_the_console() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let now = 1_795_253_405_000; // 2026-11-21T09:30:05Z
        let midnight = |_| 1_795_190_400_000; // 2026-11-21T00:00+08:00
        let ask = |range: &str, from: &str, to: &str| {
            let query = RangeQuery { range: range.into(), from: from.into(), to: to.into() };
            span(&query, now, &zone, midnight)
        };
        assert_eq!(ask("", "", "").unwrap(), Span { range: Range::Today, from: 1_795_190_400_000, to: now });
        assert_eq!(ask("24h", "", "").unwrap().from, now - DAY_MS);
        let custom = ask("custom", "2026-11-21T00:00", "2026-11-21T17:30").unwrap();
        assert_eq!((custom.from, custom.to), (1_795_190_400_000, 1_795_253_400_000));
        let empty = ask("custom", "", "tomorrow").unwrap_err();
        assert_eq!(empty.errors.iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["from", "to"]);
        assert_eq!(ask("custom", "2026-11-21T17:30", "2026-11-21T00:00").unwrap_err().errors[0].field, "to");
        assert_eq!(ask("custom", "2020-01-01T00:00", "2026-11-21T00:00").unwrap_err().errors[0].field, "from");
        assert_eq!(clock(now, &zone, false), "17:30");
        assert_eq!(clock(now, &zone, true), "11-21 17:30");
    }
}
