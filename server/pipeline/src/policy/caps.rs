//! Who had how much already: caps per person, the same content again, the vendor's own cap per device. Pure.
//!
//! What is counted are messages, not devices and not attempts: a slot is there while its push was accepted or may still
//! be (`storage::policy`).

use types::Millis;
use types::content::MessageClass;
use types::life::FilterRule;
use types::policy::{About, Rules, Span};
use types::vendor::Vendor;

use super::quiet;
use crate::storage::policy::Slot;

const DAY_MS: Millis = 86_400_000;

/// The message asked for, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub about: About<'a>,
    /// A resend is no second message.
    pub counts_as: i64,
    /// Hash of what this person would read.
    pub content: i64,
    pub now: Millis,
}

/// Beginnings of the windows the rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    pub day: Millis,
    pub week: Millis,
    pub china_day: Millis,
    pub same_content: Millis,
}

impl Windows {
    pub fn of(rules: &Rules, now: Millis) -> Windows {
        let (day, week) = quiet::days(&quiet::zone(&rules.zone), now);
        let (china_day, _) = quiet::days(&jiff::tz::TimeZone::fixed(jiff::tz::offset(8)), now);
        let minutes = rules.same_content.map_or(0, |rule| rule.minutes);
        Windows { day, week, china_day, same_content: now - Millis::from(minutes) * 60_000 }
    }

    /// Slots before this matter to no rule.
    pub fn oldest(&self, rules: &Rules) -> Millis {
        let week = rules.caps.iter().any(|cap| cap.per == Span::Week).then_some(self.week);
        [Some(self.day.min(self.china_day)), Some(self.same_content), week].into_iter().flatten().min().unwrap_or(self.day)
    }
}

/// Old slots matter to no rule any more.
pub const KEPT_MS: Millis = 8 * DAY_MS;

/// A "no", with the message that had the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    pub rule: FilterRule,
    /// `2 a day`
    pub words: String,
    pub winner: i64,
    pub at: Millis,
}

/// May this person have one more on this device? `had` are the person's slots.
///
/// # Errors
/// The first rule that says no: caps in their order, then the same content, then the vendor's.
pub fn decide(rules: &Rules, windows: &Windows, asked: Asked<'_>, had: &[Slot], device_no: i64, vendor: Vendor) -> Result<(), Lost> {
    let others = || had.iter().filter(|slot| slot.counts_as != asked.counts_as);
    for cap in rules.caps.iter().filter(|cap| cap.concerns(asked.about)) {
        let since = match cap.per {
            Span::Day => windows.day,
            Span::Week => windows.week,
        };
        let counted = others().filter(|slot| {
            slot.at >= since && cap.business.as_ref().is_none_or(|b| *b == slot.business) && (slot.bulk || !cap.transactional_exempt)
        });
        let of = cap.business.as_deref().map_or(String::new(), |b| format!(" of {b}"));
        lost(counted, cap.most, FilterRule::Cap, || format!("{}{of} {}", cap.most, cap.per.name().en))?;
    }
    let bulk = asked.about.class == MessageClass::Bulk;
    if let Some(rule) = rules.same_content.filter(|rule| bulk || !rule.transactional_exempt) {
        let counts = |slot: &&Slot| slot.bulk || !rule.transactional_exempt;
        let same = others().filter(|slot| slot.content == asked.content && slot.at > windows.same_content).filter(counts);
        lost(same, 1, FilterRule::SameContent, || format!("the same within {} min", rule.minutes))?;
    }
    if let Some(cap) = rules.vendor_caps.iter().find(|cap| bulk && cap.vendor == vendor) {
        let here = others().filter(|s| s.bulk && s.device_no == device_no && s.vendor == Some(vendor) && s.at >= windows.china_day);
        lost(here, cap.most, FilterRule::VendorCap, || format!("{} takes {} a day", vendor.slug(), cap.most))?;
    }
    Ok(())
}

/// Counts messages, and names the latest when there are `most`.
fn lost<'a>(slots: impl Iterator<Item = &'a Slot>, most: u32, rule: FilterRule, words: impl FnOnce() -> String) -> Result<(), Lost> {
    let mut messages: Vec<(i64, Millis)> = slots.map(|slot| (slot.counts_as, slot.at)).collect();
    messages.sort_unstable();
    messages.dedup_by_key(|(message, _)| *message);
    if messages.len() < most as usize {
        return Ok(());
    }
    match messages.iter().max_by_key(|(message, at)| (*at, *message)) {
        Some((winner, at)) => Err(Lost { rule, words: words(), winner: *winner, at: *at }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use types::policy::{Cap, SameContent, VendorCap};

    use super::*;

    const NOON: Millis = 1_795_233_600_000; // 2026-11-21T12:00+08:00
    const HOUR: Millis = 3_600_000;

    fn slot(counts_as: i64, hours_ago: i64, business: &str) -> Slot {
        Slot {
            person: 1,
            counts_as,
            device_no: 7,
            business: business.to_owned(),
            bulk: business != "code",
            content: counts_as * 10,
            vendor: Some(Vendor::Huawei),
            at: NOON - hours_ago * HOUR,
        }
    }

    #[test]
    fn the_decision_table() {
        let cap = |business: Option<&str>, per, most, transactional_exempt| Cap {
            business: business.map(str::to_owned),
            per,
            most,
            transactional_exempt,
        };
        let one = |cap| Rules { caps: vec![cap], ..Rules::default() };
        let vendor = VendorCap { vendor: Vendor::Huawei, most: 2, source: String::new(), as_of: String::new() };
        let rules = [
            ("2 a day", one(cap(None, Span::Day, 2, false))),
            ("2 a day, transactional exempt", one(cap(None, Span::Day, 2, true))),
            ("1 of news a day", one(cap(Some("news"), Span::Day, 1, false))),
            ("3 in 7 days", one(cap(None, Span::Week, 3, false))),
            (
                "the same once an hour",
                Rules { same_content: Some(SameContent { minutes: 60, transactional_exempt: true }), ..Rules::default() },
            ),
            ("huawei takes 2", Rules { vendor_caps: vec![vendor], ..Rules::default() }),
        ];
        let had = [
            ("nothing", vec![]),
            ("one of news", vec![slot(1, 2, "news")]),
            ("two, and yesterday's", vec![slot(1, 2, "news"), slot(2, 1, "visit"), slot(3, 13, "visit")]),
            ("one, on two devices", vec![slot(1, 2, "news"), Slot { device_no: 8, ..slot(1, 2, "news") }]),
            ("one and a code", vec![slot(1, 2, "visit"), slot(2, 1, "code")]),
            ("its first try and one", vec![slot(9, 2, "news"), slot(1, 1, "visit")]),
            ("the same 30 min ago", vec![Slot { content: 90, at: NOON - HOUR / 2, ..slot(1, 1, "visit") }]),
            ("three in the week", vec![slot(1, 40, "news"), slot(2, 80, "news"), slot(3, 120, "news")]),
        ];
        let mut lines = Vec::new();
        for (name, rules) in &rules {
            lines.push(format!("{name}:"));
            for (what, had) in &had {
                for (class, business) in [(MessageClass::Bulk, "news"), (MessageClass::Transactional, "code")] {
                    let asked = Asked { about: About { class, business, hours: None }, counts_as: 9, content: 90, now: NOON };
                    let windows = Windows::of(rules, NOON);
                    let said = match decide(rules, &windows, asked, had, 7, Vendor::Huawei) {
                        Ok(()) => "go".to_owned(),
                        Err(lost) => format!("{}: {}; had {} {} h ago", lost.rule.slug(), lost.words, lost.winner, (NOON - lost.at) / HOUR),
                    };
                    lines.push(format!("  had {what:<22} {business:<5} {said}"));
                }
            }
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn nothing_that_a_rule_looks_at_is_left_unread() {
        let mut rules =
            Rules { caps: vec![Cap { business: None, per: Span::Day, most: 1, transactional_exempt: false }], ..Rules::default() };
        let windows = Windows::of(&rules, NOON);
        assert!(windows.oldest(&rules) <= windows.day);
        rules.zone = "America/New_York".into();
        let windows = Windows::of(&rules, NOON);
        assert!(windows.oldest(&rules) <= windows.day.min(windows.china_day));
        rules.caps[0].per = Span::Week;
        assert_eq!(windows.oldest(&rules), windows.week);
        rules.same_content = Some(SameContent { minutes: types::policy::SAME_CONTENT_MAX_MINUTES, transactional_exempt: false });
        let windows = Windows::of(&rules, NOON);
        assert!(windows.oldest(&rules) <= NOON - 7 * DAY_MS && windows.oldest(&rules) > NOON - KEPT_MS);
    }
}
