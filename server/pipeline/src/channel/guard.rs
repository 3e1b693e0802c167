//! A lane's breaker joined with what the other nodes learned: tripped on one is tripped on all, and one node finds out for all. What
//! happens to it is kept for people.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use types::Millis;
use types::breaker::BreakerSettings;
use types::failure::FailureClass;
use types::views::lanes::LaneEventKind;

use super::breaker::{Breaker, BreakerRules, BreakerState};
use crate::coordination::{Change, Standstills};
use crate::storage::lane_events::LaneEvent;

/// Events nobody stored yet; more are dropped.
const EVENTS_HELD: usize = 64;

pub struct Guard {
    lane_no: i64,
    node: String,
    breaker: Mutex<Breaker>,
    standstills: Arc<dyn Standstills>,
    /// Strikes of this node that the others have not heard of: (kind, window).
    untold: Mutex<BTreeMap<(FailureClass, i64), u32>>,
    events: Mutex<Vec<LaneEvent>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Guard {
    pub fn new(lane_no: i64, node: &str, standstills: Arc<dyn Standstills>) -> Guard {
        let breaker = Mutex::new(Breaker::new(BreakerRules::of(&BreakerSettings::default(), 1)));
        Guard { lane_no, node: node.to_owned(), breaker, standstills, untold: Mutex::default(), events: Mutex::default() }
    }

    /// The breaker, as all nodes know it by now.
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        let mut breaker = locked(&self.breaker);
        breaker.follow(self.standstills.get(self.lane_no).tripped);
        breaker
    }

    pub fn state(&self) -> BreakerState {
        self.breaker().state()
    }

    /// The lane's rules, and its pace, from which follows how many errors are too many where they leave it open.
    pub fn set_rules(&self, set: &BreakerSettings, pace: u32) {
        locked(&self.breaker).set_rules(BreakerRules::of(set, pace));
    }

    /// May a request go now? Of all nodes one gets the probe; it has `patience` to bring an answer.
    pub async fn ask(&self, now: Millis, patience: Duration) -> bool {
        let due = match self.state() {
            BreakerState::Flowing => return true,
            BreakerState::Probing => false,
            BreakerState::Tripped { until } => now >= until,
        };
        due && self.standstills.probe(self.lane_no, patience).await && self.breaker().ask(now)
    }

    /// The probe never left.
    pub fn unused(&self, now: Millis) {
        self.breaker().unused(now);
    }

    /// What a request showed of the vendor: that it is well, or how and in which words it failed.
    pub fn note(&self, strike: Option<(FailureClass, &str)>, now: Millis) {
        let mut breaker = self.breaker();
        let before = breaker.state();
        match strike {
            Some((FailureClass::RateLimited, _)) => breaker.limited(now),
            Some((kind, _)) => {
                *locked(&self.untold).entry((kind, breaker.window_at(now))).or_default() += 1;
                breaker.strike(kind, now);
            }
            None => breaker.well(now),
        }
        self.tell(&breaker, before, strike.map_or("", |(_, words)| words), now);
    }

    /// Adds this node's strikes to those of the others, and trips when all together are too many.
    pub async fn merge(&self, now: Millis) {
        let untold = std::mem::take(&mut *locked(&self.untold));
        for ((kind, window), n) in untold {
            let all = self.standstills.strikes(self.lane_no, kind.slug(), window, n).await;
            let mut breaker = self.breaker();
            if breaker.window_at(now) == window {
                let before = breaker.state();
                breaker.counted(kind, all, now);
                self.tell(&breaker, before, "", now);
            }
        }
    }

    fn tell(&self, breaker: &Breaker, before: BreakerState, words: &str, now: Millis) {
        match breaker.state() {
            after if after == before => {}
            BreakerState::Tripped { until } => {
                self.standstills.change(self.lane_no, Change::Tripped { until, rest_ms: breaker.rest_ms() });
                let why = breaker.why();
                let why = if words.is_empty() { why.to_owned() } else { format!("{why}: {words}") };
                self.remember(LaneEventKind::Tripped, Some(until), why, now);
            }
            BreakerState::Flowing => {
                self.standstills.change(self.lane_no, Change::Flowing);
                self.remember(LaneEventKind::Flowing, None, String::new(), now);
            }
            BreakerState::Probing => {}
        }
    }

    pub fn remember(&self, what: LaneEventKind, until: Option<Millis>, words: String, at: Millis) {
        let mut events = locked(&self.events);
        if events.len() < EVENTS_HELD {
            let words = words.chars().take(300).collect();
            events.push(LaneEvent { lane_no: self.lane_no, at, what, until, words, node: self.node.clone() });
        }
    }

    /// What happened since the last time, to be stored.
    pub fn take_events(&self) -> Vec<LaneEvent> {
        std::mem::take(&mut *locked(&self.events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::Coordination;

    const FAILED: Option<(FailureClass, &str)> = Some((FailureClass::VendorError, "503 busy"));

    #[tokio::test]
    async fn what_one_node_learned_the_other_need_not_learn_again() {
        let shared = Coordination::memory().standstills;
        let (one, two) = (Guard::new(7, "one", shared.clone()), Guard::new(7, "two", shared.clone()));
        let patience = Duration::from_secs(5);
        for _ in 0..5 {
            one.note(FAILED, 0);
        }
        assert_eq!(two.state(), BreakerState::Tripped { until: 2_000 });
        assert!(!two.ask(1_999, patience).await);
        assert!(two.ask(2_000, patience).await, "the probe");
        two.note(FAILED, 2_100);
        assert_eq!(one.state(), BreakerState::Tripped { until: 6_100 }, "the rest doubled, on whichever node");
        assert!(one.ask(6_100, patience).await);
        one.note(None, 6_200);
        assert_eq!((one.state(), two.state()), (BreakerState::Flowing, BreakerState::Flowing));
        for _ in 0..4 {
            two.note(FAILED, 7_000);
        }
        assert_eq!(two.state(), BreakerState::Flowing, "five in a row, counted anew");
        let told = |guard: &Guard| guard.take_events().into_iter().map(|e| (e.what, e.until, e.words)).collect::<Vec<_>>();
        let tripped = |until, words: &str| (LaneEventKind::Tripped, Some(until), words.to_owned());
        assert_eq!(
            told(&one),
            [tripped(2_000, "5 errors in a row, the last vendor_error: 503 busy"), (LaneEventKind::Flowing, None, String::new())]
        );
        assert_eq!(told(&two), [tripped(6_100, "the probe failed (vendor_error): 503 busy")], "each tells what it saw");
    }

    #[tokio::test]
    async fn errors_of_one_kind_are_counted_over_all_nodes() {
        let shared = Coordination::memory().standstills;
        let (one, two) = (Guard::new(8, "one", shared.clone()), Guard::new(8, "two", shared.clone()));
        for guard in [&one, &two] {
            guard.set_rules(&BreakerSettings::default(), 1);
            for i in 0..12 {
                // Never in a row, and a small share of all requests.
                guard.note(FAILED, i);
                for _ in 0..4 {
                    guard.note(None, i);
                }
            }
        }
        one.merge(20).await;
        assert_eq!(one.state(), BreakerState::Flowing, "twelve are not too many");
        two.merge(20).await;
        assert!(matches!(one.state(), BreakerState::Tripped { .. }), "twenty-four are");
        assert!(two.take_events()[0].words.starts_with("24 times vendor_error"));
    }
}
