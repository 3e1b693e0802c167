//! What one node knows of its tokens: blocks leased from Redis, and its own share while Redis is gone. Pure: time is an argument, so
//! that a test can play several nodes against one Redis.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::coordination::memory::limiter::{Pace, SHORTEST, WINDOW};

/// Leased tokens are used within this time; longer only where answers take longer. The window gives so much of every second away.
const HOLD_MIN: Duration = Duration::from_millis(6);
const HOLD_MAX: Duration = Duration::from_millis(250);
/// So much of the time to come one question serves, at least.
const AHEAD: Duration = Duration::from_millis(25);
/// Redis counts a slot as used for this much longer: the way from the token to the vendor is not equally long every time.
pub const SPARE: Duration = Duration::from_millis(2);
/// While a lane's books in Redis are fresh, every node takes its share: within this time the last of them has noticed that Redis is back.
pub const GRACE: Duration = Duration::from_secs(3);
/// Longest wait in one piece: a change of pace or of the nodes is in force after at most this.
const LONGEST: Duration = Duration::from_millis(500);

/// Who takes tokens besides this node, as last known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Live {
    /// This node has not heard of the others yet.
    #[default]
    Unknown,
    /// So many nodes, this one included; exactly one of them is the first.
    Known { nodes: u32, first: bool },
}

impl Live {
    pub const ALONE: Live = Live::Known { nodes: 1, first: true };

    pub const fn alone(self) -> bool {
        matches!(self, Live::Known { nodes: 0 | 1, .. })
    }

    /// Tokens a second of this node on its own; the shares of all nodes add up to the rate, never to more.
    pub fn share(self, rate: f64) -> u32 {
        let Live::Known { nodes, first } = self else { return 0 };
        let (whole, nodes) = (rate as u32, nodes.max(1));
        let each = whole / nodes;
        if first { whole - each * (nodes - 1) } else { each }
    }
}

/// Whether Redis can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Up,
    Down { since: Instant },
}

/// What Redis says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// So many, so long after the answer was given.
    Granted(Vec<(Duration, u32)>),
    Wait(Duration),
    /// Its books are fresh: take shares for so long.
    Shares(Duration),
}

/// What to do about a wish for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    Go,
    Wait(Duration),
    /// Ask Redis.
    Ask(Terms),
}

/// What is asked for: tokens in all, the time to use each slot in, and how far ahead the last slot may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub want: u32,
    pub hold: Duration,
    pub ahead: Duration,
}

#[derive(Default)]
pub struct Desk {
    keys: HashMap<String, Entry>,
    /// Smoothed time of an answer.
    trip: Duration,
}

struct Entry {
    /// Leased and not used yet, in order of time.
    slots: VecDeque<Slot>,
    /// Size of the last lease, what was used of it, and the size of the next one.
    leased: u32,
    used: u32,
    next: u32,
    /// Redis said so.
    not_before: Instant,
    shares_until: Instant,
    /// What this node took itself, whoever allowed it.
    own: Pace,
}

/// Tokens from a moment on, for a while.
struct Slot {
    from: Instant,
    until: Instant,
    n: u32,
}

impl Entry {
    fn new(now: Instant) -> Entry {
        Entry { slots: VecDeque::new(), leased: 0, used: 0, next: 1, not_before: now, shares_until: now, own: Pace::new(now) }
    }

    /// What the lease allows, or `None` when it is over.
    fn out_of_lease(&mut self, now: Instant, rate: f64, n: u32) -> Option<Plan> {
        while self.slots.front().is_some_and(|slot| slot.until <= now || slot.n < n) {
            self.slots.pop_front();
        }
        let slot = self.slots.front_mut()?;
        if now < slot.from {
            return Some(Plan::Wait(slot.from.duration_since(now)));
        }
        if let Err(wait) = self.own.note(now, rate, n) {
            return Some(Plan::Wait(wait.min(LONGEST)));
        }
        slot.n -= n;
        self.used += n;
        if slot.n == 0 {
            self.slots.pop_front();
        }
        Some(Plan::Go)
    }

    /// Used up: more the next time; left over: less.
    fn size_next(&mut self) {
        self.next = if self.used >= self.leased { self.leased.saturating_mul(2).max(2) } else { self.used.max(1) };
    }
}

impl Desk {
    fn entry(&mut self, key: &str, now: Instant) -> &mut Entry {
        if !self.keys.contains_key(key) {
            self.keys.insert(key.to_owned(), Entry::new(now));
        }
        self.keys.entry(key.to_owned()).or_insert_with(|| Entry::new(now))
    }

    fn hold(&self) -> Duration {
        (self.trip * 3).clamp(HOLD_MIN, HOLD_MAX)
    }

    /// Whether this node lives on its share, and the largest take that allows.
    pub fn on_shares(&self, now: Instant, key: &str, rate: f64, line: Line, live: Live) -> Option<u32> {
        let warming = self.keys.get(key).is_some_and(|entry| now < entry.shares_until);
        (warming || line != Line::Up).then(|| if live.alone() { u32::MAX } else { live.share(rate) })
    }

    pub fn plan(&mut self, now: Instant, key: &str, rate: f64, n: u32, line: Line, live: Live) -> Plan {
        let (hold, ahead) = (self.hold(), AHEAD.max(self.trip * 4));
        let entry = self.entry(key, now);
        if let Some(plan) = entry.out_of_lease(now, rate, n) {
            return plan;
        }
        if now < entry.shares_until {
            return Self::from_share(entry, now, rate, n, live);
        }
        if let Line::Down { since } = line {
            // What Redis granted to all of us in the last second, first passes by.
            let rest = since + WINDOW + HOLD_MAX;
            if !live.alone() && now < rest {
                return Plan::Wait(rest.duration_since(now).min(LONGEST));
            }
            return Self::from_share(entry, now, rate, n, live);
        }
        if now < entry.not_before {
            return Plan::Wait(entry.not_before.duration_since(now).clamp(SHORTEST, LONGEST));
        }
        if entry.leased > 0 {
            entry.size_next();
            entry.leased = 0;
        }
        // Larger takes come one by one.
        let most = if n > 1 { n } else { (rate * ahead.as_secs_f64()).max(1.0) as u32 };
        Plan::Ask(Terms { want: entry.next.min(most).max(n), hold, ahead })
    }

    fn from_share(entry: &mut Entry, now: Instant, rate: f64, n: u32, live: Live) -> Plan {
        if live.alone() {
            return match entry.own.take(now, rate, n) {
                Ok(()) => Plan::Go,
                Err(wait) => Plan::Wait(wait.min(LONGEST)),
            };
        }
        let share = live.share(rate);
        if n > share {
            return Plan::Wait(LONGEST);
        }
        match entry.own.take(now, f64::from(share), n) {
            Ok(()) => Plan::Go,
            Err(wait) => Plan::Wait(wait.min(LONGEST)),
        }
    }

    /// The answer to a question asked at `asked`, for the take that asked it.
    #[expect(clippy::too_many_arguments, reason = "all of one question and its answer")]
    pub fn answered(&mut self, asked: Instant, now: Instant, key: &str, rate: f64, n: u32, hold: Duration, answer: &Answer) -> Plan {
        let took = now.duration_since(asked);
        // One late answer is no reason to hold everything longer; many are.
        self.trip = if self.trip.is_zero() { took } else { (self.trip * 15 + took.min(self.trip * 4)) / 16 };
        let entry = self.entry(key, now);
        match answer {
            Answer::Granted(slots) => {
                entry.leased = slots.iter().map(|(_, n)| n).sum();
                entry.used = 0;
                // A slot begins after the answer and ends counted from the question, so that it lies within what Redis counts.
                entry.slots = slots.iter().map(|(offset, n)| Slot { from: now + *offset, until: asked + *offset + hold, n: *n }).collect();
                entry.out_of_lease(now, rate, n).unwrap_or(Plan::Wait(SHORTEST))
            }
            Answer::Wait(wait) => {
                entry.not_before = now + *wait;
                Plan::Wait((*wait).clamp(SHORTEST, LONGEST))
            }
            Answer::Shares(rest) => {
                // Counted from the question: the others may take whole tokens when it is over.
                entry.shares_until = asked + *rest;
                Plan::Wait(SHORTEST)
            }
        }
    }
}
