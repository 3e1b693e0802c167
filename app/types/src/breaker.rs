//! When a lane's breaker trips, as a person sets it. Failures are counted by kind and window.

use serde::{Deserialize, Serialize};

use crate::failure::FailureClass;
use crate::field::FieldError;
use crate::text::Words;

/// What may be too much of one kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindRule {
    /// So many of this kind in a window, over all nodes; 0 = a tenth of what the lane's pace allows in a window, at least 20.
    #[serde(default)]
    pub count: u64,
    /// Percent of a window's requests that end with this kind.
    #[serde(default = "KindRule::half")]
    pub share: u32,
}

impl KindRule {
    const fn half() -> u32 {
        50
    }
}

impl Default for KindRule {
    fn default() -> KindRule {
        KindRule { count: 0, share: KindRule::half() }
    }
}

/// The rules of a lane. It trips when any of them holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BreakerSettings {
    /// Failures in a row, of any kind.
    pub in_a_row: u32,
    /// Length of a window, seconds.
    pub window_s: u32,
    /// Shares are looked at from so many requests in a window on.
    pub sample: u32,
    /// Percent of a window's requests that fail in whatever way.
    pub share: u32,
    pub timeout: KindRule,
    pub vendor_error: KindRule,
    pub unknown: KindRule,
    /// Seconds of the first stand-still; doubled up to `longest_s` while probes fail.
    pub rest_s: u32,
    pub longest_s: u32,
}

impl Default for BreakerSettings {
    fn default() -> BreakerSettings {
        BreakerSettings {
            in_a_row: 5,
            window_s: 10,
            sample: 20,
            share: 50,
            timeout: KindRule { count: 0, share: 30 },
            vendor_error: KindRule::default(),
            unknown: KindRule::default(),
            rest_s: 2,
            longest_s: 60,
        }
    }
}

/// Kinds with a rule of their own: those that count against the vendor.
pub const KINDS: [FailureClass; 3] = [FailureClass::Timeout, FailureClass::VendorError, FailureClass::Unknown];

impl BreakerSettings {
    /// The rule of a kind; `None` for one that never counts against the vendor.
    pub const fn of(&self, kind: FailureClass) -> Option<KindRule> {
        match kind {
            FailureClass::Timeout => Some(self.timeout),
            FailureClass::VendorError => Some(self.vendor_error),
            FailureClass::Unknown => Some(self.unknown),
            _ => None,
        }
    }

    /// Every complaint; `at` = the field these rules stand in.
    pub fn check(&self, at: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut within = |field: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                let words = Words::new(format!("需要 {least} 到 {most}"), format!("needs {least} to {most}"));
                errors.push(FieldError { field: format!("{at}.{field}"), reason: words });
            }
        };
        within("in_a_row", self.in_a_row.into(), 1, 10_000);
        within("window_s", self.window_s.into(), 1, 3_600);
        within("sample", self.sample.into(), 1, 1_000_000);
        within("share", self.share.into(), 1, 100);
        for kind in KINDS {
            let rule = self.of(kind).unwrap_or_default();
            within(&format!("{}.count", kind.slug()), rule.count, 0, 1_000_000_000);
            within(&format!("{}.share", kind.slug()), rule.share.into(), 1, 100);
        }
        within("rest_s", self.rest_s.into(), 1, 3_600);
        within("longest_s", self.longest_s.into(), 1, 86_400);
        if self.longest_s < self.rest_s {
            let words = Words::new("不能短于第一次停歇", "may not be shorter than the first rest");
            errors.push(FieldError { field: format!("{at}.longest_s"), reason: words });
        }
        errors
    }

    /// In one line, for people.
    pub fn told(&self) -> Words {
        let of = |kind: FailureClass, zh: bool| {
            let rule = self.of(kind).unwrap_or_default();
            let (name, count) = (kind.name(), rule.count);
            match (zh, count) {
                (true, 0) => format!("{} {} %", name.zh, rule.share),
                (true, _) => format!("{} {} % 或 {count} 次", name.zh, rule.share),
                (false, 0) => format!("{} {} %", name.en, rule.share),
                (false, _) => format!("{} {} % or {count}", name.en, rule.share),
            }
        };
        let all = |zh: bool| KINDS.map(|kind| of(kind, zh)).join(if zh { "，" } else { ", " });
        Words::new(
            format!("连续 {} 次；{} 秒内 {}，合计 {} %", self.in_a_row, self.window_s, all(true), self.share),
            format!("{} in a row; within {} s {}, together {} %", self.in_a_row, self.window_s, all(false), self.share),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::ForLane;

    #[test]
    fn what_counts_against_the_vendor_has_a_rule() {
        let strikes: Vec<FailureClass> =
            FailureClass::ALL.into_iter().filter(|class| class.consequences().lane == ForLane::Strike).collect();
        assert_eq!(strikes, KINDS);
        for class in FailureClass::ALL {
            assert_eq!(BreakerSettings::default().of(class).is_some(), KINDS.contains(&class), "{}", class.slug());
        }
    }

    #[test]
    fn every_field_is_checked_by_name() {
        assert_eq!(BreakerSettings::default().check("breaker"), []);
        let none = KindRule { count: 1_000_000_001, share: 0 };
        let wrong = BreakerSettings {
            in_a_row: 0,
            window_s: 0,
            sample: 0,
            share: 101,
            timeout: none,
            vendor_error: none,
            unknown: none,
            rest_s: 0,
            longest_s: 0,
        };
        let fields: Vec<String> = wrong.check("breaker").into_iter().map(|error| error.field).collect();
        let kinds = KINDS.map(|kind| [format!("breaker.{}.count", kind.slug()), format!("breaker.{}.share", kind.slug())]).concat();
        let (before, after) = (["in_a_row", "window_s", "sample", "share"], ["rest_s", "longest_s"]);
        let named = |list: &[&str]| list.iter().map(|field| format!("breaker.{field}")).collect::<Vec<_>>();
        assert_eq!(fields, [named(&before), kinds, named(&after)].concat());
        let short = BreakerSettings { rest_s: 9, longest_s: 8, ..BreakerSettings::default() };
        assert_eq!(short.check("breaker")[0].field, "breaker.longest_s");
    }

    #[test]
    fn an_older_lane_has_the_rules_of_before() {
        let read: BreakerSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(read, BreakerSettings::default());
        let part: BreakerSettings = serde_json::from_str(r#"{"in_a_row": 9, "timeout": {"count": 7}}"#).unwrap();
        assert_eq!((part.in_a_row, part.timeout, part.window_s), (9, KindRule { count: 7, share: 50 }, 10));
        assert_eq!(
            part.told().en,
            "9 in a row; within 10 s Vendor did not answer 50 % or 7, Vendor error 50 %, Unknown answer 50 %, together 50 %"
        );
    }
}
