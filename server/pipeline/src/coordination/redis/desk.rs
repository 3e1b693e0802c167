//! What one node knows of its tokens: blocks leased from Redis, when it used them, and its own share while Redis is gone. Pure: time
//! is an argument, so that a test can play several nodes against one Redis.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::coordination::Permit;
use crate::coordination::memory::limiter::{Pace, SHORTEST, SPARE, WINDOW};

/// Leased tokens are used within this time; longer only where answers take longer. What is used earlier is said with the next question,
/// so that a sender who comes late costs the lane no more than it is late.
const HOLD_MIN: Duration = Duration::from_millis(100);
const HOLD_MAX: Duration = Duration::from_millis(250);
/// So much of the time to come one question serves, at least.
const AHEAD: Duration = Duration::from_millis(25);
/// Uses that one question tells of; the rest counts until the end of its slot.
const TOLD_MOST: usize = 64;
/// Without an answer for so long a use is told as it was taken: what is not told in time counts until the end of its slot.
const TOLD_AFTER: Duration = Duration::from_millis(700);
/// How far the clock of Redis may be ahead of ours is learned anew after this.
const SKEW_KEPT: Duration = Duration::from_secs(10);
/// No answer is on its way for so long.
const LEAP_US: u64 = 1_000_000;
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

/// What Redis says, and when by its own clock (microseconds).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub now_us: u64,
    pub what: Said,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Granted(Vec<Grant>),
    Wait(Duration),
    /// Its books are fresh: take shares for so long.
    Shares(Duration),
}

/// So many tokens, so long after the answer was given, under this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    pub offset: Duration,
    pub n: u32,
    pub id: u64,
}

/// What became of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    pub id: u64,
    pub leased: u32,
    pub used: u32,
    /// Last use, microseconds of the clock of Redis.
    pub over_us: u64,
}

/// What to do about a wish for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    Go(Permit),
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
    skew: Skew,
}

/// The clock of Redis against ours, from above: what it said when it answered, counted from the question. The quickest answer of the
/// last seconds tells it best.
#[derive(Default)]
struct Skew {
    /// Ours, and what Redis had then at most; the same of the present stretch of time.
    known: Option<(Instant, u64)>,
    next: Option<(Instant, u64)>,
}

impl Skew {
    fn learn(&mut self, asked: Instant, redis_us: u64) {
        if self.next.is_none_or(|(at, _)| asked.saturating_duration_since(at) >= SKEW_KEPT) {
            self.known = self.next.or(Some((asked, redis_us)));
            self.next = Some((asked, redis_us));
        }
        // A clock that was set forward: what was known says too little now.
        if self.at_most(asked).is_some_and(|us| redis_us > us + LEAP_US) {
            self.known = Some((asked, redis_us));
        }
        for kept in [&mut self.known, &mut self.next].into_iter().flatten() {
            // The smaller difference is the truer one; a clock that was set back shows here at once.
            let (at, us) = *kept;
            if redis_us < us + asked.saturating_duration_since(at).as_micros() as u64 {
                *kept = (at, redis_us.saturating_sub(asked.saturating_duration_since(at).as_micros() as u64));
            }
        }
    }

    /// The clock of Redis then, at most.
    fn at_most(&self, then: Instant) -> Option<u64> {
        let (at, us) = self.known?;
        Some(match then.checked_duration_since(at) {
            Some(since) => us + since.as_micros() as u64,
            None => us.saturating_sub(at.duration_since(then).as_micros() as u64),
        })
    }
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
    /// Slots that are used up or over, to be told when their requests are answered.
    done: Vec<Done>,
}

/// Tokens from a moment on, for a while.
struct Slot {
    from: Instant,
    until: Instant,
    n: u32,
    done: Done,
}

/// A slot and what was used of it, the last time then.
struct Done {
    id: u64,
    leased: u32,
    used: u32,
    last: Instant,
    /// Takes without an answer yet.
    out: u32,
    /// Its begin by the clock of Redis.
    from_us: u64,
}

impl Entry {
    fn new(now: Instant) -> Entry {
        Entry {
            slots: VecDeque::new(),
            leased: 0,
            used: 0,
            next: 1,
            not_before: now,
            shares_until: now,
            own: Pace::new(now),
            done: Vec::new(),
        }
    }

    /// What the lease allows, or `None` when it is over.
    fn out_of_lease(&mut self, now: Instant, rate: f64, n: u32) -> Option<Plan> {
        while self.slots.front().is_some_and(|slot| slot.until <= now || slot.n < n) {
            self.put_away();
        }
        let slot = self.slots.front_mut()?;
        if now < slot.from {
            return Some(Plan::Wait(slot.from.duration_since(now)));
        }
        if let Err(wait) = self.own.note(now, rate, n) {
            return Some(Plan::Wait(wait.min(LONGEST)));
        }
        slot.n -= n;
        slot.done.used += n;
        slot.done.out += 1;
        slot.done.last = slot.done.last.max(now);
        let permit = Permit { slot: slot.done.id, n, at: now };
        self.used += n;
        if slot.n == 0 {
            self.put_away();
        }
        Some(Plan::Go(permit))
    }

    fn put_away(&mut self) {
        if let Some(slot) = self.slots.pop_front() {
            self.done.push(slot.done);
        }
    }

    /// Ids grow, in both lines.
    fn of_slot(&mut self, id: u64) -> Option<&mut Done> {
        if let Ok(i) = self.slots.binary_search_by_key(&id, |slot| slot.done.id) {
            return self.slots.get_mut(i).map(|slot| &mut slot.done);
        }
        let i = self.done.binary_search_by_key(&id, |done| done.id).ok()?;
        self.done.get_mut(i)
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
                Ok(()) => Plan::Go(Permit { slot: 0, n, at: now }),
                Err(wait) => Plan::Wait(wait.min(LONGEST)),
            };
        }
        let share = live.share(rate);
        if n > share {
            return Plan::Wait(LONGEST);
        }
        match entry.own.take(now, f64::from(share), n) {
            Ok(()) => Plan::Go(Permit { slot: 0, n, at: now }),
            Err(wait) => Plan::Wait(wait.min(LONGEST)),
        }
    }

    /// The request of these tokens has its answer.
    pub fn reached(&mut self, now: Instant, key: &str, permit: Permit) {
        let Some(entry) = self.keys.get_mut(key) else { return };
        let late = entry.own.answered(now, permit.at, permit.n);
        if let Some(done) = entry.of_slot(permit.slot) {
            done.out = done.out.saturating_sub(1);
            done.last = done.last.max(permit.at + late);
        }
    }

    /// What became of this key's slots, told once.
    pub fn uses(&mut self, now: Instant, key: &str) -> Vec<Use> {
        let Some(entry) = self.keys.get_mut(key) else { return Vec::new() };
        let over = |done: &mut Done| done.out == 0 || now.saturating_duration_since(done.last) >= TOLD_AFTER;
        let told = |done: Done| {
            let over_us = self.skew.at_most(done.last)?.max(done.from_us) + SPARE.as_micros() as u64;
            Some(Use { id: done.id, leased: done.leased, used: done.used, over_us })
        };
        let told = entry.done.extract_if(.., over).take(TOLD_MOST).filter_map(told).collect();
        // Longer than Redis counts it, nothing need be known of a slot.
        entry.done.retain(|done| now.saturating_duration_since(done.last) < TOLD_AFTER * 2);
        told
    }

    /// The answer to a question asked at `asked`, for the take that asked it.
    #[expect(clippy::too_many_arguments, reason = "all of one question and its answer")]
    pub fn answered(&mut self, asked: Instant, now: Instant, key: &str, rate: f64, n: u32, hold: Duration, answer: &Answer) -> Plan {
        let took = now.duration_since(asked);
        // One late answer is no reason to hold everything longer; many are.
        self.trip = if self.trip.is_zero() { took } else { (self.trip * 15 + took.min(self.trip * 4)) / 16 };
        self.skew.learn(asked, answer.now_us);
        let entry = self.entry(key, now);
        match &answer.what {
            Said::Granted(slots) => {
                entry.leased = slots.iter().map(|grant| grant.n).sum();
                entry.used = 0;
                // A slot begins after the answer and ends counted from the question, so that it lies within what Redis counts.
                let slot = |grant: &Grant| Slot {
                    from: now + grant.offset,
                    until: asked + grant.offset + hold,
                    n: grant.n,
                    done: Done {
                        id: grant.id,
                        leased: grant.n,
                        used: 0,
                        last: now,
                        out: 0,
                        from_us: answer.now_us + grant.offset.as_micros() as u64,
                    },
                };
                entry.slots = slots.iter().map(slot).collect();
                entry.out_of_lease(now, rate, n).unwrap_or(Plan::Wait(SHORTEST))
            }
            Said::Wait(wait) => {
                entry.not_before = now + *wait;
                Plan::Wait((*wait).clamp(SHORTEST, LONGEST))
            }
            Said::Shares(rest) => {
                // Counted from the question: the others may take whole tokens when it is over.
                entry.shares_until = asked + *rest;
                Plan::Wait(SHORTEST)
            }
        }
    }
}
