//! Campaigns along the time, and what they ask of the lanes hour by hour: from what was foretold or planned, never invented.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use types::Millis;
use types::campaign::Schedule;
use types::life::CampaignState;
use types::policy::Rules;
use types::problem::{Code, Problem};
use types::text::Words;
use types::views::calendar::{CalendarDay, CalendarEntry, CalendarView, LoadSource, Span};
use types::views::forecast::Forecast;

use super::CampaignDesk;
use super::audience::Ways;
use crate::access::accept::store_problem;
use crate::broker::route::per_second;
use crate::policy::quiet::{done_at, open_spans};
use crate::storage::apps::App;
use crate::storage::campaigns::Campaign;

const HOUR_MS: Millis = 3_600_000;
/// What began so long before may still be sending.
const BEFORE_MS: Millis = 2 * 24 * HOUR_MS;
/// Campaigns looked at for one page.
const MOST: u32 = 500;

/// The days a page shows, and where its arrows lead. Weeks begin on Monday. Pure.
pub fn days_of(span: Span, date: Date) -> (Vec<Date>, Date, Date) {
    let weekday = |date: Date| i64::from(date.weekday().to_monday_zero_offset());
    let back = |date: Date, days: i64| date.checked_sub(days.days()).unwrap_or(date);
    let on = |date: Date, days: i64| date.checked_add(days.days()).unwrap_or(date);
    let list = |first: Date, n: i64| (0..n).map(|day| on(first, day)).collect::<Vec<_>>();
    match span {
        Span::Day => (vec![date], back(date, 1), on(date, 1)),
        Span::Week => (list(back(date, weekday(date)), 7), back(date, 7), on(date, 7)),
        Span::Month => {
            let (first, last) = (date.first_of_month(), date.last_of_month());
            let start = back(first, weekday(first));
            let days = (1..=6).map(|weeks| list(start, weeks * 7)).find(|days| days.last().is_some_and(|d| *d >= last));
            (days.unwrap_or_default(), back(first, 1).first_of_month(), on(last, 1))
        }
    }
}

/// Adds device messages evenly over a time to the hours it touches; the sum is kept. Pure.
fn spread(hours: &mut BTreeMap<Millis, u64>, devices: u64, from: Millis, to: Millis) {
    let (from, to) = (from, to.max(from + 1));
    let whole = u128::from((to - from).unsigned_abs());
    let (mut at, mut given) = (from, 0u64);
    while at < to {
        let hour = at.div_euclid(HOUR_MS) * HOUR_MS;
        let end = (hour + HOUR_MS).min(to);
        let until = u128::from((end - from).unsigned_abs());
        let share = u64::try_from(u128::from(devices) * until / whole).unwrap_or(u64::MAX);
        *hours.entry(hour).or_default() += share - given;
        (given, at) = (share, end);
    }
}

/// Adds them to several times by their lengths; the sum is kept. Pure.
fn spread_over(hours: &mut BTreeMap<Millis, u64>, devices: u64, spans: &[(Millis, Millis)]) {
    let whole: u128 = spans.iter().map(|(from, to)| u128::from((to - from).max(1).unsigned_abs())).sum();
    let (mut given, mut length) = (0u64, 0u128);
    for (from, to) in spans {
        length += u128::from((to - from).max(1).unsigned_abs());
        let until = u64::try_from(u128::from(devices) * length / whole.max(1)).unwrap_or(u64::MAX);
        spread(hours, until - given, *from, *to);
        given = until;
    }
}

/// Lane by lane, as it was foretold, in the hours it may send.
fn foretold(hours: &mut BTreeMap<Millis, u64>, forecast: &Forecast, open: &dyn Fn(Millis, Millis) -> Vec<(Millis, Millis)>) {
    for lane in forecast.lanes.iter().filter(|lane| lane.sent > 0) {
        let from = lane.first_at.unwrap_or(forecast.starts_at);
        let at_pace = from + (lane.sent as f64 / lane.pace.max(1e-3) * 1_000.0) as Millis;
        spread_over(hours, lane.sent, &open(from, lane.finish_at.unwrap_or(at_pace)));
    }
}

/// When it started, or is to start; `None` while nobody said.
fn time_of(campaign: &Campaign) -> Option<Millis> {
    let planned = match &campaign.spec.schedule {
        Schedule::At { at, .. } if campaign.state == CampaignState::Draft => Some(*at),
        _ => None,
    };
    campaign.started_at.or(campaign.due_at).or(planned)
}

impl CampaignDesk {
    /// # Errors
    /// A field error of the date; when the store fails.
    pub async fn calendar(&self, app: &App, span: Span, date: &str, zone: &TimeZone) -> Result<CalendarView, Problem> {
        let now = self.world.now();
        let today = Timestamp::from_millisecond(now).map(|at| at.to_zoned(zone.clone()).date()).unwrap_or_default();
        let bad = || Problem::field("date", Words::new("请写成 2026-11-21 的形式", "write it as 2026-11-21"));
        let date: Date = if date.is_empty() { today } else { date.parse().map_err(|_| bad())? };
        let (days, previous, next) = days_of(span, date);
        let start = |date: Date| date.to_zoned(zone.clone()).map(|at| at.timestamp().as_millisecond()).map_err(|_| bad());
        let (Some(first), Some(last)) = (days.first().copied(), days.last().copied()) else { return Err(bad()) };
        let (from, to) = (start(first)?, start(last.tomorrow().map_err(|_| bad())?)?);
        let ways = Ways::of(&self.storage, app).await.map_err(|e| store_problem(&e))?;
        let open: Vec<_> = ways.lanes.iter().map(|(lane, _)| lane).filter(|lane| lane.paused.is_none()).collect();
        let per_second: f64 = open.iter().map(|lane| per_second(lane)).sum();

        let found = self.storage.campaigns.between(app.no, from - BEFORE_MS, to, MOST).await.map_err(|e| store_problem(&e))?;
        let cut = found.len() >= MOST as usize;
        let rules = self.storage.policy.get(app.no).await.map_err(|e| store_problem(&e))?.rules;
        let (mut hours, mut entries) = (BTreeMap::new(), Vec::new());
        for campaign in found {
            let Some(at) = time_of(&campaign).filter(|at| *at < to) else { continue };
            let (devices, source) = self.load(&campaign, at, (per_second, &rules), &mut hours).await?;
            let Campaign { id, spec, state, .. } = campaign;
            entries.push(CalendarEntry { id, name: spec.name, state, at, devices, source });
        }
        entries.sort_by_key(|entry| entry.at);
        let mut view = CalendarView {
            span,
            date: date.to_string(),
            previous: previous.to_string(),
            next: next.to_string(),
            today: today.to_string(),
            days: Vec::with_capacity(days.len()),
            pace: (per_second * 3_600.0) as u64,
            quota: open.iter().map(|lane| lane.settings.daily_quota).sum(),
            cut,
        };
        for day in days {
            let (begins, ends) = (start(day)?, start(day.tomorrow().map_err(|_| bad())?)?);
            // An hour of the clock may begin inside one of ours where a zone is half an hour off: it counts where it begins.
            let begun = begins.div_euclid(HOUR_MS) * HOUR_MS;
            let of_day: Vec<(Millis, u64)> =
                (begun..ends).step_by(HOUR_MS as usize).map(|at| (at, hours.get(&at).copied().unwrap_or(0))).collect();
            view.days.push(CalendarDay {
                date: day.to_string(),
                inside: span != Span::Month || (day.year(), day.month()) == (date.year(), date.month()),
                today: day == today,
                campaigns: entries.iter().filter(|entry| (begins..ends).contains(&entry.at)).cloned().collect(),
                load: of_day.iter().map(|(_, n)| n).sum(),
                hours: of_day,
            });
        }
        Ok(view)
    }

    /// What a campaign asks of the lanes, laid into the hours; cancelled ones and those nobody knows anything of ask nothing.
    async fn load(
        &self,
        campaign: &Campaign,
        at: Millis,
        (per_second, rules): (f64, &Rules),
        hours: &mut BTreeMap<Millis, u64>,
    ) -> Result<(u64, LoadSource), Problem> {
        if campaign.state != CampaignState::Draft
            && let Some(shown) = self.storage.campaigns.shown(&campaign.id).await.map_err(|e| store_problem(&e))?
        {
            if campaign.state != CampaignState::Cancelled {
                foretold(hours, &shown.forecast, &|from, to| open_spans(rules, campaign.spec.hours, from, to));
            }
            return Ok((shown.forecast.sent(), LoadSource::Forecast));
        }
        let (devices, source) = match (&campaign.message, &campaign.spec.crowd) {
            (Some((no, _)), _) => (self.equation(*no).await?.planned, LoadSource::Planned),
            (None, Some(crowd)) => match self.storage.crowds.count(crowd).await.map_err(|e| store_problem(&e))? {
                Some(rows) => (rows, LoadSource::Rows),
                None => (0, LoadSource::Nothing),
            },
            (None, None) => (0, LoadSource::Nothing),
        };
        if campaign.state != CampaignState::Cancelled && devices > 0 && per_second > 0.0 {
            let work = (devices as f64 / per_second * 1_000.0) as Millis;
            let done = done_at(rules, campaign.spec.hours, at, work).unwrap_or(at + work);
            spread_over(hours, devices, &open_spans(rules, campaign.spec.hours, at, done));
        }
        Ok((devices, source))
    }
}

/// Of a query.
///
/// # Errors
/// `InvalidFields` for a view there is not.
pub fn span_of(text: &str) -> Result<Span, Problem> {
    if text.is_empty() {
        return Ok(Span::default());
    }
    Span::parse(text).ok_or_else(|| Problem::because(Code::InvalidFields, Words::new("没有这种视图", "there is no such view")))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_month_is_whole_weeks_and_the_arrows_keep_to_it() {
        let (days, previous, next) = days_of(Span::Month, date(2026, 11, 21));
        assert_eq!((days[0], days[days.len() - 1], days.len()), (date(2026, 10, 26), date(2026, 12, 6), 42));
        assert_eq!((previous, next), (date(2026, 10, 1), date(2026, 12, 1)));
        // February that begins on a Monday: four weeks.
        assert_eq!(days_of(Span::Month, date(2027, 2, 9)).0.len(), 28);
        let (days, previous, next) = days_of(Span::Week, date(2026, 11, 21));
        assert_eq!((days[0], days[6]), (date(2026, 11, 16), date(2026, 11, 22)));
        assert_eq!((previous, next), (date(2026, 11, 14), date(2026, 11, 28)));
        assert_eq!(days_of(Span::Day, date(2026, 3, 1)), (vec![date(2026, 3, 1)], date(2026, 2, 28), date(2026, 3, 2)));
    }

    #[test]
    fn a_load_is_spread_over_its_hours_and_none_of_it_is_lost() {
        let mut hours = BTreeMap::new();
        spread(&mut hours, 1_000, HOUR_MS / 2, 2 * HOUR_MS + HOUR_MS / 2);
        assert_eq!(hours.into_iter().collect::<Vec<_>>(), [(0, 250), (HOUR_MS, 500), (2 * HOUR_MS, 250)]);
        // Two openings of one and three hours share by their lengths.
        let mut hours = BTreeMap::new();
        spread_over(&mut hours, 1_000, &[(0, HOUR_MS), (24 * HOUR_MS, 27 * HOUR_MS)]);
        assert_eq!(hours.values().copied().collect::<Vec<_>>(), [250, 250, 250, 250]);
        assert_eq!(hours.keys().copied().max(), Some(26 * HOUR_MS));
        let mut hours = BTreeMap::new();
        for (devices, from, length) in [(7, 1, 0), (1_000_003, 12_345, 9_999_999), (1, HOUR_MS - 1, 2), (u64::MAX / 4, 5, HOUR_MS * 3)] {
            let before: u64 = hours.values().sum();
            spread(&mut hours, devices, from, from + length);
            assert_eq!(hours.values().sum::<u64>() - before, devices);
        }
    }
}
