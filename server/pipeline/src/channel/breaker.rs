//! Flowing -> Tripped -> Probing: a lane whose vendor fails stands still for a while, then tries one request. Pure; time is an argument.
//!
//! Errors are counted by kind and window. It trips when any of these holds: so many in a row; so many of one kind in a window, over all
//! nodes; such a share of a window's requests failing with one kind, or with any.

use std::collections::BTreeMap;

use types::Millis;
use types::breaker::BreakerSettings;
use types::failure::FailureClass;

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    Flowing,
    /// Nothing goes until this time.
    Tripped {
        until: Millis,
    },
    /// One request is out to find out.
    Probing,
}

/// When to trip: a lane's settings at its pace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerRules {
    set: BreakerSettings,
    /// Strikes of one kind in a window, where the settings leave it to the pace.
    by_pace: u64,
}

/// A vendor that answers nothing but "too fast" for this long is out, whatever it calls it.
const LIMITED_MS: Millis = 10_000;

/// Of a window's pace so much may fail in one way, but never fewer than [`COUNT_MIN`].
const COUNT_SHARE: f64 = 0.1;
const COUNT_MIN: u64 = 20;

impl BreakerRules {
    /// The rules of a lane with this pace a second.
    pub fn of(set: &BreakerSettings, pace: u32) -> BreakerRules {
        let by_pace = (f64::from(pace) * f64::from(set.window_s) * COUNT_SHARE) as u64;
        BreakerRules { set: *set, by_pace: by_pace.max(COUNT_MIN) }
    }

    fn share_of(&self, kind: FailureClass) -> f64 {
        f64::from(self.set.of(kind).map_or(self.set.share, |rule| rule.share)) / 100.0
    }

    fn count_of(&self, kind: FailureClass) -> u64 {
        self.set.of(kind).map(|rule| rule.count).filter(|count| *count > 0).unwrap_or(self.by_pace)
    }

    fn window_ms(&self) -> Millis {
        Millis::from(self.set.window_s.max(1)) * 1_000
    }

    fn rest_ms(&self) -> Millis {
        Millis::from(self.set.rest_s) * 1_000
    }

    fn longest_ms(&self) -> Millis {
        Millis::from(self.set.longest_s) * 1_000
    }
}

#[derive(Clone, Debug)]
pub struct Breaker {
    rules: BreakerRules,
    state: BreakerState,
    in_a_row: u32,
    /// Number of the current window.
    window: i64,
    requests: u32,
    strikes: BTreeMap<FailureClass, u32>,
    /// Since then every answer was "too fast".
    limited_since: Option<Millis>,
    rest_ms: Millis,
    /// By which rule it tripped last.
    why: String,
}

impl Breaker {
    pub fn new(rules: BreakerRules) -> Breaker {
        Breaker {
            rules,
            state: BreakerState::Flowing,
            in_a_row: 0,
            window: 0,
            requests: 0,
            strikes: BTreeMap::new(),
            limited_since: None,
            rest_ms: rules.rest_ms(),
            why: String::new(),
        }
    }

    pub const fn state(&self) -> BreakerState {
        self.state
    }

    /// The next stand-still, milliseconds.
    pub const fn rest_ms(&self) -> Millis {
        self.rest_ms
    }

    pub fn why(&self) -> &str {
        &self.why
    }

    /// Pace or settings of the lane were changed.
    pub fn set_rules(&mut self, rules: BreakerRules) {
        self.rules = rules;
    }

    /// The window of a moment: the same number on every node.
    pub fn window_at(&self, now: Millis) -> i64 {
        now.div_euclid(self.rules.window_ms())
    }

    /// Takes over what another node found out: tripped until then with so long a next rest, or well again.
    pub fn follow(&mut self, shared: Option<(Millis, Millis)>) {
        match (self.state, shared) {
            (BreakerState::Flowing, Some((until, rest_ms))) => {
                self.state = BreakerState::Tripped { until };
                self.rest_ms = rest_ms;
            }
            (BreakerState::Tripped { until: ours }, Some((until, rest_ms))) if until > ours => {
                self.state = BreakerState::Tripped { until };
                self.rest_ms = rest_ms;
            }
            (BreakerState::Tripped { .. } | BreakerState::Probing, None) => *self = Breaker::new(self.rules),
            _ => {}
        }
    }

    /// May a request go now? A tripped breaker whose rest is over becomes probing and lets exactly one through.
    pub fn ask(&mut self, now: Millis) -> bool {
        match self.state {
            BreakerState::Flowing => true,
            BreakerState::Probing => false,
            BreakerState::Tripped { until } if now >= until => {
                self.state = BreakerState::Probing;
                true
            }
            BreakerState::Tripped { .. } => false,
        }
    }

    /// The vendor answered in a way that says it is well (even a refusal of content or token).
    pub fn well(&mut self, now: Millis) {
        self.roll(now);
        self.requests += 1;
        self.in_a_row = 0;
        self.limited_since = None;
        if self.state == BreakerState::Probing {
            self.state = BreakerState::Flowing;
            self.rest_ms = self.rules.rest_ms();
            self.begin_window(now);
        }
    }

    /// "Too fast": says nothing of the vendor while others get through; nothing else for a while is an outage. Huawei and others say
    /// 503 to both.
    pub fn limited(&mut self, now: Millis) {
        let since = *self.limited_since.get_or_insert(now);
        if self.state == BreakerState::Probing || now - since >= LIMITED_MS {
            self.strike(FailureClass::RateLimited, now);
        }
    }

    /// The vendor failed or was silent.
    pub fn strike(&mut self, kind: FailureClass, now: Millis) {
        self.roll(now);
        self.requests += 1;
        self.in_a_row += 1;
        let of_kind = {
            let n = self.strikes.entry(kind).or_default();
            *n += 1;
            *n
        };
        match self.state {
            BreakerState::Probing => self.trip(format!("the probe failed ({})", kind.slug()), now),
            BreakerState::Flowing => {
                if let Some(why) = self.rule_broken(kind, of_kind) {
                    self.trip(why, now);
                }
            }
            BreakerState::Tripped { .. } => {}
        }
    }

    fn rule_broken(&self, kind: FailureClass, of_kind: u32) -> Option<String> {
        let (rules, slug) = (&self.rules, kind.slug());
        if self.in_a_row >= rules.set.in_a_row {
            return Some(format!("{} errors in a row, the last {slug}", self.in_a_row));
        }
        if self.requests < rules.set.sample {
            return None;
        }
        let all: u32 = self.strikes.values().sum();
        let reached = |n: u32, share: f64| f64::from(n) >= f64::from(self.requests) * share;
        if reached(of_kind, rules.share_of(kind)) {
            return Some(format!("{of_kind} of {} requests ended with {slug}", self.requests));
        }
        reached(all, f64::from(rules.set.share) / 100.0).then(|| format!("{all} of {} requests failed", self.requests))
    }

    /// So many of this kind were counted in the window by all nodes together.
    pub fn counted(&mut self, kind: FailureClass, all_nodes: u64, now: Millis) {
        if self.state == BreakerState::Flowing && all_nodes >= self.rules.count_of(kind) {
            let seconds = self.rules.set.window_s;
            self.trip(format!("{all_nodes} times {} within {seconds} s on all nodes", kind.slug()), now);
        }
    }

    /// The probe never left (nothing was due after all): back to a tripped breaker whose rest is over.
    pub fn unused(&mut self, now: Millis) {
        if self.state == BreakerState::Probing {
            self.state = BreakerState::Tripped { until: now };
        }
    }

    fn trip(&mut self, why: String, now: Millis) {
        self.state = BreakerState::Tripped { until: now + self.rest_ms };
        self.rest_ms = (self.rest_ms * 2).min(self.rules.longest_ms());
        self.why = why;
        self.in_a_row = 0;
        self.begin_window(now);
    }

    fn roll(&mut self, now: Millis) {
        if self.window_at(now) != self.window {
            self.begin_window(now);
        }
    }

    fn begin_window(&mut self, now: Millis) {
        self.window = self.window_at(now);
        self.requests = 0;
        self.strikes.clear();
    }
}

#[cfg(test)]
mod tests {
    use types::breaker::KindRule;

    use super::*;

    const ERROR: FailureClass = FailureClass::VendorError;

    fn breaker() -> Breaker {
        Breaker::new(BreakerRules::of(&BreakerSettings::default(), 1))
    }

    #[test]
    fn in_a_row_then_probe_then_flow() {
        let mut b = breaker();
        for _ in 0..4 {
            b.strike(ERROR, 0);
        }
        assert_eq!(b.state(), BreakerState::Flowing);
        b.strike(ERROR, 0);
        assert_eq!(b.state(), BreakerState::Tripped { until: 2_000 });
        assert_eq!(b.why(), "5 errors in a row, the last vendor_error");
        assert!(!b.ask(1_999));
        assert!(b.ask(2_000));
        assert!(!b.ask(2_000), "one probe only");
        b.strike(ERROR, 2_100);
        assert_eq!(b.state(), BreakerState::Tripped { until: 6_100 }, "the rest doubles");
        assert!(b.ask(6_100));
        b.well(6_200);
        assert_eq!(b.state(), BreakerState::Flowing);
    }

    #[test]
    fn by_ratio_although_never_five_in_a_row() {
        let mut b = breaker();
        for i in 0..10 {
            b.well(i);
            b.strike(ERROR, i);
        }
        assert!(matches!(b.state(), BreakerState::Tripped { .. }));
        assert_eq!(b.why(), "10 of 20 requests ended with vendor_error");
    }

    #[test]
    fn each_kind_has_its_share_and_all_together_have_one() {
        let fill = |kinds: &[FailureClass]| {
            let mut b = breaker();
            for i in 0..10 {
                for kind in kinds {
                    b.strike(*kind, i);
                    b.well(i);
                }
                b.well(i);
            }
            b
        };
        // A third of time-outs is too much, a third of errors is not.
        assert!(fill(&[FailureClass::Timeout]).why().ends_with("ended with timeout"));
        assert_eq!(fill(&[ERROR]).state(), BreakerState::Flowing);
        // Two kinds, each below its share, and together half.
        let mut b = breaker();
        for i in 0..10 {
            b.strike(if i % 2 == 0 { ERROR } else { FailureClass::Unknown }, i);
            b.well(i);
        }
        b.strike(ERROR, 20);
        assert!(b.why().ends_with("requests failed"), "{}", b.why());
    }

    #[test]
    fn by_count_of_one_kind_over_all_nodes() {
        let mut b = Breaker::new(BreakerRules::of(&BreakerSettings::default(), 100));
        b.counted(ERROR, 99, 0);
        assert_eq!(b.state(), BreakerState::Flowing);
        b.counted(ERROR, 100, 0);
        assert_eq!(b.why(), "100 times vendor_error within 10 s on all nodes");
        assert_eq!(BreakerRules::of(&BreakerSettings::default(), 1).count_of(ERROR), COUNT_MIN);
    }

    #[test]
    fn too_fast_is_no_failure_unless_it_says_nothing_else() {
        let mut b = breaker();
        for i in 0..60 {
            b.limited(i * 500);
            if i % 10 == 0 {
                b.well(i * 500);
            }
        }
        assert_eq!(b.state(), BreakerState::Flowing, "some got through");
        let mut b = breaker();
        for i in 0..14 {
            b.limited(i * 1_000);
        }
        assert_eq!(b.state(), BreakerState::Flowing);
        b.limited(14_000);
        assert_eq!(b.why(), "5 errors in a row, the last rate_limited");
        assert!(b.ask(16_000));
        b.limited(16_100);
        assert!(matches!(b.state(), BreakerState::Tripped { .. }), "the probe heard the same");
    }

    #[test]
    fn a_lane_has_rules_of_its_own() {
        let kind = |count, share| KindRule { count, share };
        let set =
            BreakerSettings { in_a_row: 2, window_s: 60, rest_s: 5, longest_s: 8, timeout: kind(7, 100), ..BreakerSettings::default() };
        let mut b = Breaker::new(BreakerRules::of(&set, 100));
        b.counted(FailureClass::Timeout, 6, 0);
        assert_eq!(b.state(), BreakerState::Flowing);
        b.counted(FailureClass::Timeout, 7, 0);
        assert_eq!((b.state(), b.why()), (BreakerState::Tripped { until: 5_000 }, "7 times timeout within 60 s on all nodes"));
        assert!(b.ask(5_000));
        b.strike(ERROR, 5_100);
        assert_eq!(b.state(), BreakerState::Tripped { until: 13_100 }, "doubled, and no longer than the longest");
        // Changed while it runs: what was counted counts by the new rules.
        let lenient = BreakerSettings { in_a_row: 100, sample: 1_000, ..BreakerSettings::default() };
        let mut b = Breaker::new(BreakerRules::of(&lenient, 1));
        for i in 0..10 {
            b.strike(ERROR, i);
        }
        assert_eq!(b.state(), BreakerState::Flowing);
        b.set_rules(BreakerRules::of(&set, 1));
        b.strike(ERROR, 11);
        assert_eq!(b.why(), "11 errors in a row, the last vendor_error");
    }

    #[test]
    fn an_old_window_is_forgotten() {
        let mut b = breaker();
        for i in 0..4 {
            b.strike(ERROR, i);
            b.well(i);
        }
        for i in 0..30 {
            b.well(20_000 + i);
        }
        assert_eq!(b.state(), BreakerState::Flowing);
    }
}
