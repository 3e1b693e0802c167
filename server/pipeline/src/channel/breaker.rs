//! Flowing -> Tripped -> Probing: a lane whose vendor fails stands still for a while, then tries one request. Pure; time is an argument.

use types::Millis;

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

/// When to trip.
#[derive(Clone, Copy, Debug)]
pub struct BreakerRules {
    /// Strikes in a row.
    pub count: u32,
    /// Share of strikes among at least `sample` requests of a window.
    pub ratio: f64,
    pub sample: u32,
    pub window_ms: Millis,
    /// First stand-still; doubled up to `longest_ms` while probes fail.
    pub rest_ms: Millis,
    pub longest_ms: Millis,
}

impl Default for BreakerRules {
    fn default() -> Self {
        BreakerRules { count: 5, ratio: 0.5, sample: 20, window_ms: 10_000, rest_ms: 2_000, longest_ms: 60_000 }
    }
}

#[derive(Clone, Debug)]
pub struct Breaker {
    rules: BreakerRules,
    state: BreakerState,
    in_a_row: u32,
    window_from: Millis,
    requests: u32,
    strikes: u32,
    rest_ms: Millis,
}

impl Breaker {
    pub fn new(rules: BreakerRules) -> Breaker {
        Breaker { rules, state: BreakerState::Flowing, in_a_row: 0, window_from: 0, requests: 0, strikes: 0, rest_ms: rules.rest_ms }
    }

    pub const fn state(&self) -> BreakerState {
        self.state
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
        if self.state == BreakerState::Probing {
            self.state = BreakerState::Flowing;
            self.rest_ms = self.rules.rest_ms;
            self.requests = 0;
            self.strikes = 0;
        }
    }

    /// The vendor failed or was silent.
    pub fn strike(&mut self, now: Millis) {
        self.roll(now);
        self.requests += 1;
        self.strikes += 1;
        self.in_a_row += 1;
        let by_ratio = self.requests >= self.rules.sample && f64::from(self.strikes) >= f64::from(self.requests) * self.rules.ratio;
        match self.state {
            BreakerState::Probing => self.trip(now),
            BreakerState::Flowing if self.in_a_row >= self.rules.count || by_ratio => self.trip(now),
            _ => {}
        }
    }

    /// The probe never left (nothing was due after all): back to a tripped breaker whose rest is over.
    pub fn unused(&mut self, now: Millis) {
        if self.state == BreakerState::Probing {
            self.state = BreakerState::Tripped { until: now };
        }
    }

    fn trip(&mut self, now: Millis) {
        self.state = BreakerState::Tripped { until: now + self.rest_ms };
        self.rest_ms = (self.rest_ms * 2).min(self.rules.longest_ms);
        self.in_a_row = 0;
        self.requests = 0;
        self.strikes = 0;
        self.window_from = now;
    }

    fn roll(&mut self, now: Millis) {
        if now - self.window_from >= self.rules.window_ms {
            self.window_from = now;
            self.requests = 0;
            self.strikes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_count_then_probe_then_flow() {
        let mut b = Breaker::new(BreakerRules::default());
        for _ in 0..4 {
            b.strike(0);
        }
        assert_eq!(b.state(), BreakerState::Flowing);
        b.strike(0);
        assert_eq!(b.state(), BreakerState::Tripped { until: 2_000 });
        assert!(!b.ask(1_999));
        assert!(b.ask(2_000));
        assert!(!b.ask(2_000), "one probe only");
        b.strike(2_100);
        assert_eq!(b.state(), BreakerState::Tripped { until: 6_100 }, "the rest doubles");
        assert!(b.ask(6_100));
        b.well(6_200);
        assert_eq!(b.state(), BreakerState::Flowing);
    }

    #[test]
    fn by_ratio_although_never_five_in_a_row() {
        let mut b = Breaker::new(BreakerRules::default());
        for i in 0..10 {
            b.well(i);
            b.strike(i);
        }
        assert!(matches!(b.state(), BreakerState::Tripped { .. }));
    }

    #[test]
    fn an_old_window_is_forgotten() {
        let mut b = Breaker::new(BreakerRules::default());
        for i in 0..4 {
            b.strike(i);
            b.well(i);
        }
        for i in 0..30 {
            b.well(20_000 + i);
        }
        assert_eq!(b.state(), BreakerState::Flowing);
    }
}
