//! Quiet hours: pure. Local time comes from the zone, summer time included.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use types::Millis;
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

/// Asks every rule. One that drops wins over one that holds; of two that hold, the later end.
pub fn hush(rules: &Rules, about: About<'_>, user_zone: Option<&str>, now: Millis) -> Hush {
    let mut held: Option<(Millis, String)> = None;
    for quiet in rules.quiet.iter().filter(|quiet| quiet.concerns(about)) {
        let name = match quiet.by {
            ZoneOf::App => rules.zone.as_str(),
            ZoneOf::User => user_zone.unwrap_or(&rules.zone),
        };
        let Some(until) = until(quiet, &zone(name), now) else { continue };
        let words = format!("{}–{} {name}", clock(quiet.from), clock(quiet.to));
        match quiet.then {
            Then::Drop => return Hush::Drop { words },
            Then::Hold if held.as_ref().is_none_or(|(before, _)| *before < until) => held = Some((until, words)),
            Then::Hold => {}
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

/// When quiet hours that do not hold now begin, the earliest of the rules asked; `None` when there is no rule.
pub fn next_begin(rules: &Rules, about: About<'_>, user_zone: Option<&str>, now: Millis) -> Option<Millis> {
    let of = |quiet: &Quiet| {
        let name = match quiet.by {
            ZoneOf::App => rules.zone.as_str(),
            ZoneOf::User => user_zone.unwrap_or(&rules.zone),
        };
        let zone = zone(name);
        let today = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone()).date();
        let time = Time::new((quiet.from / 60) as i8, (quiet.from % 60) as i8, 0, 0).ok()?;
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
    };
    rules.quiet.iter().filter(|quiet| quiet.concerns(about)).filter_map(of).min()
}

/// `07:30`
pub fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
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
                let said = match hush(&rules, About { class, business }, zone, at(now)) {
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
        let about = About { class: MessageClass::Bulk, business: "b" };
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
    fn a_day_begins_where_the_zone_says() {
        let (today, week) = days(&zone("Asia/Shanghai"), at("2026-11-21T00:30:00+08:00"));
        assert_eq!((today, week), (at("2026-11-21T00:00:00+08:00"), at("2026-11-15T00:00:00+08:00")));
    }
}
