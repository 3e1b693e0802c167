//! Quiet hours: pure. Local time comes from the zone, summer time included.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use types::Millis;
use types::hours::{Hours, clock};
use types::life::Outcome;
use types::policy::{About, Quiet, Rules, Then, ZoneOf};

/// What the quiet hours say at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hush {
    Go,
    /// Quiet until then; the rule in words.
    Hold {
        until: Millis,
        words: String,
    },
    Drop {
        words: String,
    },
}

/// The zone of this name, or of China where nobody knows it (rules are checked when they are saved).
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(8)))
}

/// A message's own hours as quiet hours: what lies outside them waits.
const fn outside(hours: Hours) -> Quiet {
    Quiet { businesses: Vec::new(), from: hours.to, to: hours.from, by: hours.by, then: Then::Hold, transactional_exempt: false }
}

fn zone_name<'a>(by: ZoneOf, rules: &'a Rules, user_zone: Option<&'a str>) -> &'a str {
    match by {
        ZoneOf::App => &rules.zone,
        ZoneOf::User => user_zone.unwrap_or(&rules.zone),
    }
}

/// Asks every rule, and the message's own hours. One that drops wins over one that holds; of two that hold, the later end.
pub fn hush(rules: &Rules, about: About<'_>, user_zone: Option<&str>, now: Millis) -> Hush {
    let mut held: Option<(Millis, String)> = None;
    let mut hold = |until: Millis, words: String| {
        if held.as_ref().is_none_or(|(before, _)| *before < until) {
            held = Some((until, words));
        }
    };
    if let Some(hours) = about.hours {
        let name = zone_name(hours.by, rules, user_zone);
        if let Some(until) = until(&outside(hours), &zone(name), now) {
            hold(until, format!("sent only {} {name}", hours.span()));
        }
    }
    for quiet in rules.quiet.iter().filter(|quiet| quiet.concerns(about)) {
        let name = zone_name(quiet.by, rules, user_zone);
        let Some(until) = until(quiet, &zone(name), now) else { continue };
        let words = format!("{}–{} {name}", clock(quiet.from), clock(quiet.to));
        match quiet.then {
            Then::Drop => return Hush::Drop { words },
            Then::Hold => hold(until, words),
        }
    }
    held.map_or(Hush::Go, |(until, words)| Hush::Hold { until, words })
}

/// What quiet hours make of somebody whose message is due at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Go,
    Wait {
        until: Millis,
    },
    /// Dropped, or quiet for longer than the message lives.
    End {
        outcome: Outcome,
        words: String,
    },
}

pub fn ask(rules: &Rules, about: About<'_>, user_zone: Option<&str>, now: Millis, deadline: Millis) -> Said {
    match hush(rules, about, user_zone, now) {
        Hush::Go => Said::Go,
        Hush::Hold { until, .. } if until < deadline => Said::Wait { until },
        Hush::Hold { words, .. } => Said::End { outcome: Outcome::Expired, words },
        Hush::Drop { words } => Said::End { outcome: Outcome::Filtered, words },
    }
}

/// When quiet hours that do not hold now begin, the earliest of the rules asked and of the message's own hours; `None` when there is
/// neither.
pub fn next_begin(rules: &Rules, about: About<'_>, user_zone: Option<&str>, now: Millis) -> Option<Millis> {
    let of = |quiet: &Quiet| begins(quiet.from, zone_name(quiet.by, rules, user_zone), now);
    let concern = rules.quiet.iter().filter(|quiet| quiet.concerns(about)).filter_map(of).min();
    concern.into_iter().chain(shuts(rules, about.hours, user_zone, now)).min()
}

/// When the message's own hours end next.
pub fn shuts(rules: &Rules, hours: Option<Hours>, user_zone: Option<&str>, now: Millis) -> Option<Millis> {
    let hours = hours?;
    let name = zone_name(hours.by, rules, user_zone);
    let ends = begins(hours.to, name, now)?;
    // A clock that is put back may leave the hours before their end.
    let (zone, from) = (zone(name), Timestamp::from_millisecond(now).ok()?);
    let jumps = zone.following(from).map(|jump| jump.timestamp().as_millisecond()).take_while(|at| *at < ends);
    jumps.filter(|at| *at > now && until(&outside(hours), &zone, *at).is_some()).min().or(Some(ends))
}

/// When the message's own hours open, while they are shut.
pub fn shut_until(rules: &Rules, hours: Option<Hours>, user_zone: Option<&str>, now: Millis) -> Option<Millis> {
    hours.and_then(|hours| until(&outside(hours), &zone(zone_name(hours.by, rules, user_zone)), now))
}

/// From when till when the message's own hours are open between two instants, by the app's clock.
pub fn open_spans(rules: &Rules, hours: Option<Hours>, from: Millis, to: Millis) -> Vec<(Millis, Millis)> {
    /// More than any campaign lasts, in days.
    const MOST: usize = 80;
    let Some(hours) = hours.filter(|hours| hours.by == ZoneOf::App) else { return vec![(from, to)] };
    let (mut at, mut spans) = (from, Vec::new());
    while at < to && spans.len() < MOST {
        at = shut_until(rules, Some(hours), None, at).unwrap_or(at);
        let ends = shuts(rules, Some(hours), None, at).unwrap_or(to).min(to);
        if at < ends {
            spans.push((at, ends));
        }
        at = ends.max(at + 1);
    }
    spans
}

/// When so much work of sending is done, begun at `from`, with the nights in between.
pub fn done_at(rules: &Rules, hours: Option<Hours>, from: Millis, work: Millis) -> Option<Millis> {
    const MONTH_MS: Millis = 31 * 24 * 3_600_000;
    let mut left = work;
    for (opens, ends) in open_spans(rules, hours, from, from.saturating_add(work).saturating_add(MONTH_MS)) {
        if left <= ends - opens {
            return Some(opens + left);
        }
        left -= ends - opens;
    }
    None
}

/// The next time the clock of this zone shows so many minutes of the day.
fn begins(minutes: u16, zone_name: &str, now: Millis) -> Option<Millis> {
    let zone = zone(zone_name);
    let today = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone()).date();
    let time = Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).ok()?;
    // A day may lack the hour, or have it twice.
    let mut day = today.yesterday().ok()?;
    for _ in 0..4 {
        let at = day.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp().as_millisecond();
        if at > now {
            return Some(at);
        }
        day = day.tomorrow().ok()?;
    }
    None
}

/// When the quiet hours that hold now end, or `None` when they do not hold.
pub fn until(quiet: &Quiet, zone: &TimeZone, now: Millis) -> Option<Millis> {
    let local = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone());
    let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).ok()?;
    let (from, to) = (quiet.from, quiet.to);
    let inside = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
    if !inside {
        return None;
    }
    let day = if minute < to { local.date() } else { local.date().tomorrow().ok()? };
    let time = Time::new((to / 60) as i8, (to % 60) as i8, 0, 0).ok()?;
    let end = day.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp().as_millisecond();
    // In the hour that comes twice in autumn the end may lie behind us: then it is the second one.
    Some(if end > now { end } else { now + 60_000 })
}

/// When the day of `now` began in this zone, and the day six days before it.
pub fn days(zone: &TimeZone, now: Millis) -> (Millis, Millis) {
    const DAY_MS: Millis = 86_400_000;
    let fallback = (now - DAY_MS, now - 7 * DAY_MS);
    let Ok(at) = Timestamp::from_millisecond(now) else { return fallback };
    let today = at.to_zoned(zone.clone()).date();
    let start = |date: jiff::civil::Date| date.to_zoned(zone.clone()).map(|z| z.timestamp().as_millisecond());
    let week = today.checked_sub(jiff::Span::new().days(6)).and_then(start);
    match (start(today), week) {
        (Ok(today), Ok(week)) => (today, week),
        _ => fallback,
    }
}

#[cfg(test)]
mod tests {
    use types::content::MessageClass;

    use super::*;

    fn at(text: &str) -> Millis {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn the_decision_table() {
        let quiet = |businesses: &[&str], from, to, by, then, transactional_exempt| Quiet {
            businesses: businesses.iter().map(|b| (*b).to_owned()).collect(),
            from,
            to,
            by,
            then,
            transactional_exempt,
        };
        let night = quiet(&[], 22 * 60, 8 * 60, ZoneOf::App, Then::Hold, true);
        let table = [
            ("night, hold, transactional exempt", vec![night.clone()]),
            ("night of the user, hold", vec![Quiet { by: ZoneOf::User, transactional_exempt: false, ..night.clone() }]),
            ("noon of `news`, drop", vec![quiet(&["news"], 12 * 60, 14 * 60, ZoneOf::App, Then::Drop, false)]),
            (
                "night hold + a later hold + a drop of `news`",
                vec![
                    night.clone(),
                    quiet(&[], 23 * 60, 9 * 60, ZoneOf::App, Then::Hold, false),
                    quiet(&["news"], 1_380, 60, ZoneOf::App, Then::Drop, true),
                ],
            ),
        ];
        let mut lines = Vec::new();
        for (name, quiet) in table {
            let rules = Rules { quiet, ..Rules::default() };
            lines.push(format!("{name}:"));
            for (class, business, zone, now) in [
                (MessageClass::Bulk, "news", None, "2026-11-21T21:59:59+08:00"),
                (MessageClass::Bulk, "news", None, "2026-11-21T22:00:00+08:00"),
                (MessageClass::Bulk, "visit", None, "2026-11-21T23:30:00+08:00"),
                (MessageClass::Bulk, "news", None, "2026-11-21T23:30:00+08:00"),
                (MessageClass::Transactional, "news", None, "2026-11-21T23:30:00+08:00"),
                (MessageClass::Bulk, "visit", None, "2026-11-22T07:59:59+08:00"),
                (MessageClass::Bulk, "visit", None, "2026-11-22T08:00:00+08:00"),
                (MessageClass::Bulk, "news", None, "2026-11-22T13:00:00+08:00"),
                (MessageClass::Bulk, "visit", Some("Europe/Berlin"), "2026-11-22T13:00:00+08:00"),
                (MessageClass::Bulk, "visit", Some("America/New_York"), "2026-11-22T13:00:00+08:00"),
            ] {
                let said = match hush(&rules, About { class, business, hours: None }, zone, at(now)) {
                    Hush::Go => "go".to_owned(),
                    Hush::Hold { until, words } => format!("hold until {} ({words})", Timestamp::from_millisecond(until).unwrap()),
                    Hush::Drop { words } => format!("drop ({words})"),
                };
                lines.push(format!("  {now} {:<13} {business:<5} {:<16} {said}", class.slug(), zone.unwrap_or("-")));
            }
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn it_is_never_quiet_before_the_next_begin_and_always_at_it() {
        let quiet = |from, to, by, then| Quiet { businesses: vec![], from, to, by, then, transactional_exempt: false };
        let rules = Rules {
            quiet: vec![quiet(1_320, 480, ZoneOf::App, Then::Hold), quiet(720, 780, ZoneOf::User, Then::Drop)],
            ..Rules::default()
        };
        let about = About { class: MessageClass::Bulk, business: "b", hours: None };
        let start = at("2026-03-27T00:00:00Z");
        for zone in [None, Some("Europe/Berlin"), Some("America/New_York")] {
            for step in 0..500 {
                let now = start + step * 1_234_567;
                if hush(&rules, about, zone, now) != Hush::Go {
                    continue;
                }
                let begins = next_begin(&rules, about, zone, now).unwrap();
                assert!(begins > now);
                assert_ne!(hush(&rules, about, zone, begins), Hush::Go, "{zone:?} {now}");
                for between in 0..20 {
                    let then = now + (begins - 1 - now) * between / 19;
                    assert_eq!(hush(&rules, about, zone, then), Hush::Go, "{zone:?} {now} {then}");
                }
            }
        }
        assert_eq!(next_begin(&Rules::default(), about, None, start), None);
    }

    #[test]
    fn summer_time_neither_loops_nor_ends_in_the_past() {
        let quiet = Quiet { businesses: vec![], from: 0, to: 150, by: ZoneOf::User, then: Then::Hold, transactional_exempt: false };
        let berlin = zone("Europe/Berlin");
        // 02:30 does not exist on 2026-03-29 and exists twice on 2026-10-25.
        for day in ["2026-03-28T23:00:00Z", "2026-10-24T22:00:00Z"] {
            let mut now = at(day);
            let mut asked = 0;
            while let Some(end) = until(&quiet, &berlin, now) {
                assert!(end > now);
                now = end;
                asked += 1;
                assert!(asked < 70, "{day}");
            }
        }
    }

    #[test]
    fn hours_of_its_own_open_and_shut_by_the_clock() {
        let hours = |from, to, by| Some(Hours { from, to, by });
        let day = hours(540, 1_200, ZoneOf::App);
        let rules = Rules::default();
        // Hours, the user's zone, the moment; open, or shut until.
        let table = [
            (day, None, "2026-11-21T08:59:59+08:00", Some("2026-11-21T09:00:00+08:00")),
            (day, None, "2026-11-21T09:00:00+08:00", None),
            (day, None, "2026-11-21T19:59:59+08:00", None),
            (day, None, "2026-11-21T20:00:00+08:00", Some("2026-11-22T09:00:00+08:00")),
            (day, Some("Europe/Berlin"), "2026-11-21T20:00:00+08:00", Some("2026-11-22T09:00:00+08:00")),
            (hours(540, 1_200, ZoneOf::User), Some("Europe/Berlin"), "2026-11-21T20:00:00+08:00", None),
            (hours(540, 1_200, ZoneOf::User), Some("America/New_York"), "2026-11-21T20:00:00+08:00", Some("2026-11-21T22:00:00+08:00")),
            (hours(540, 1_200, ZoneOf::User), None, "2026-11-21T20:00:00+08:00", Some("2026-11-22T09:00:00+08:00")),
            // Over midnight.
            (hours(1_320, 120, ZoneOf::App), None, "2026-11-21T23:00:00+08:00", None),
            (hours(1_320, 120, ZoneOf::App), None, "2026-11-21T02:00:00+08:00", Some("2026-11-21T22:00:00+08:00")),
            // Berlin has no 02:30 on this day: it opens when the clock jumps.
            (hours(150, 240, ZoneOf::User), Some("Europe/Berlin"), "2026-03-29T01:00:00+01:00", Some("2026-03-29T03:30:00+02:00")),
            // And twice on this one: it opens at the first.
            (hours(150, 240, ZoneOf::User), Some("Europe/Berlin"), "2026-10-25T02:00:00+02:00", Some("2026-10-25T02:30:00+02:00")),
            (None, None, "2026-11-21T03:00:00+08:00", None),
        ];
        for (hours, user, now, expected) in table {
            let about = About { class: MessageClass::Transactional, business: "b", hours };
            let shut = match hush(&rules, about, user, at(now)) {
                Hush::Go => None,
                Hush::Hold { until, words } => {
                    assert!(words.starts_with("sent only "), "{words}");
                    Some(until)
                }
                Hush::Drop { words } => panic!("{words}"),
            };
            assert_eq!(shut, expected.map(at), "{hours:?} {user:?} {now}");
        }
        // The app's quiet hours hold longer than its own: the later end counts.
        let quiet = Quiet { businesses: vec![], from: 0, to: 600, by: ZoneOf::App, then: Then::Hold, transactional_exempt: false };
        let about = About { class: MessageClass::Bulk, business: "b", hours: day };
        let both = hush(&Rules { quiet: vec![quiet], ..Rules::default() }, about, None, at("2026-11-21T08:00:00+08:00"));
        assert!(matches!(both, Hush::Hold { until, .. } if until == at("2026-11-21T10:00:00+08:00")), "{both:?}");
    }

    #[test]
    fn work_goes_on_from_opening_to_opening() {
        const HOUR: Millis = 3_600_000;
        let rules = Rules::default();
        let hours = |from, to, by| Some(Hours { from, to, by });
        let noon = at("2026-11-21T12:00:00+08:00");
        let day = hours(540, 1_200, ZoneOf::App);
        for (hours, work, expected) in [
            (None, 30, Some("2026-11-22T18:00:00+08:00")),
            (day, 8, Some("2026-11-21T20:00:00+08:00")),
            (day, 9, Some("2026-11-22T10:00:00+08:00")),
            (day, 8 + 11 + 1, Some("2026-11-23T10:00:00+08:00")),
            (hours(1_320, 120, ZoneOf::App), 3, Some("2026-11-22T01:00:00+08:00")),
            // Each user's clock is nobody's alone: as if it were open.
            (hours(1_320, 120, ZoneOf::User), 3, Some("2026-11-21T15:00:00+08:00")),
        ] {
            assert_eq!(done_at(&rules, hours, noon, work * HOUR), expected.map(at), "{hours:?} {work}");
        }
        let spans = open_spans(&rules, day, noon, noon + 24 * HOUR);
        assert_eq!(spans, [(noon, noon + 8 * HOUR), (noon + 21 * HOUR, noon + 24 * HOUR)]);
    }

    #[test]
    fn what_is_open_shuts_when_it_said() {
        let start = at("2026-10-24T00:00:00Z");
        let rules = Rules::default();
        for (from, to) in [(540, 1_200), (1_320, 120), (150, 180), (0, 1_439)] {
            for zone in [None, Some("Europe/Berlin"), Some("Australia/Lord_Howe")] {
                let about = About { class: MessageClass::Bulk, business: "b", hours: Some(Hours { from, to, by: ZoneOf::User }) };
                for step in 0..300 {
                    let now = start + step * 1_234_567;
                    let shut = |at| hush(&rules, about, zone, at) != Hush::Go;
                    if shut(now) {
                        continue;
                    }
                    let ends = shuts(&rules, about.hours, zone, now).unwrap();
                    // An hour that comes twice shuts at its first end and is open again for the second.
                    assert!(ends > now && (shut(ends) || !shut(ends - 1)), "{from} {to} {zone:?} {now}");
                    assert!(!shut(now + (ends - 1 - now) / 2), "{from} {to} {zone:?} {now}");
                }
            }
        }
    }

    #[test]
    fn a_day_begins_where_the_zone_says() {
        let (today, week) = days(&zone("Asia/Shanghai"), at("2026-11-21T00:30:00+08:00"));
        assert_eq!((today, week), (at("2026-11-21T00:00:00+08:00"), at("2026-11-15T00:00:00+08:00")));
    }
}
