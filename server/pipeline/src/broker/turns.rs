//! Whose turn it is among those of one rank. Pure: who had how much of a shared thing, and who is next.
//!
//! A share is virtual time: who had least is next. Who comes in starts where the one with the least stands, so that neither those before
//! it nor it stand still until the other has caught up; who leaves and comes back with more than others keeps that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use types::Millis;
use types::content::Rank;

use crate::storage::chunks::{Flow, Turn};
use crate::storage::messages::{Message, Targets};

/// Messages of so many named recipients or fewer use one share together.
const TOGETHER: usize = 1_000;
/// A deadline matters when it comes before the lane had worked off its whole line; with this much to spare, in percent and milliseconds.
const SPARE_PERCENT: u64 = 25;
const SPARE_MS: Millis = 60_000;
/// Planning is quick: what is due so soon is planned first.
const PLANNED_FIRST_MS: Millis = 600_000;

/// The share that a chunk of this message uses.
pub fn flow_of(message: &Message) -> i64 {
    match &message.targets {
        Targets::Users { .. } | Targets::Devices { .. } | Targets::Tokens { .. } if message.targets.named() <= TOGETHER => 0,
        // What follows a single chunk onto the next lane.
        Targets::Onward { .. } => 0,
        _ => message.no,
    }
}

/// Who had how much.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    had: BTreeMap<i64, u64>,
    /// What the one with the least had when last looked at; never goes back.
    clock: u64,
}

impl Turns {
    /// These wait now.
    pub fn wait(&mut self, flows: impl IntoIterator<Item = i64>) {
        let now: BTreeSet<i64> = flows.into_iter().collect();
        let least = now.iter().filter_map(|flow| self.had.get(flow)).min();
        self.clock = self.clock.max(least.copied().unwrap_or(self.clock));
        let clock = self.clock;
        self.had.retain(|flow, had| now.contains(flow) || *had > clock);
        for flow in now {
            let had = self.had.entry(flow).or_insert(clock);
            *had = (*had).max(clock);
        }
    }

    pub fn charge(&mut self, flow: i64, n: u64) {
        let had = self.had.entry(flow).or_insert(self.clock);
        *had = had.saturating_add(n);
    }

    /// Smaller goes first.
    pub fn had(&self, flow: i64) -> u64 {
        self.had.get(&flow).copied().unwrap_or(self.clock)
    }

    /// How many of `max` chunks each of these may take, the first in turn first; `size_of` = recipients in one chunk of a flow.
    pub fn shares(&self, flows: &[i64], max: u32, size_of: impl Fn(i64) -> u64) -> Vec<(i64, u32)> {
        if let [only] = flows {
            return vec![(*only, max)];
        }
        let mut line: BTreeSet<(u64, i64)> = flows.iter().map(|flow| (self.had(*flow), *flow)).collect();
        let mut given: BTreeMap<i64, u32> = BTreeMap::new();
        let mut order = Vec::with_capacity(flows.len());
        for _ in 0..max {
            let Some((had, flow)) = line.pop_first() else { break };
            let n = given.entry(flow).or_default();
            if *n == 0 {
                order.push(flow);
            }
            *n += 1;
            line.insert((had.saturating_add(size_of(flow).max(1)), flow));
        }
        // Who gets nothing now stands behind, should the others have less than they may take.
        order.extend(line.into_iter().map(|(_, flow)| flow).filter(|flow| !given.contains_key(flow)));
        order.into_iter().map(|flow| (flow, given.get(&flow).copied().unwrap_or(0))).collect()
    }
}

/// What is due before this moment goes first: it would be late if it were served last. 0 = nothing is.
pub fn near(now: Millis, flows: &[Flow], per_second: f64) -> Millis {
    let line: u64 = flows.iter().map(|flow| flow.recipients).sum();
    let takes_ms = line as f64 / per_second.max(1e-9) * 1_000.0 * (100 + SPARE_PERCENT) as f64 / 100.0;
    let near = now.saturating_add(takes_ms.min(1e15) as Millis).saturating_add(SPARE_MS);
    if flows.iter().any(|flow| flow.deadline < near) { near } else { 0 }
}

/// The flows of one lane and rank, as they were read a moment ago.
#[derive(Debug, Default)]
pub struct Line {
    turns: Turns,
    flows: Vec<Flow>,
    sizes: BTreeMap<i64, u64>,
    near: Millis,
}

impl Line {
    pub fn seen(&mut self, flows: Vec<Flow>, now: Millis, per_second: f64) {
        self.turns.wait(flows.iter().map(|flow| flow.no));
        self.near = near(now, &flows, per_second);
        self.sizes.retain(|no, _| flows.iter().any(|flow| flow.no == *no));
        self.flows = flows;
    }

    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    pub fn next(&self, max: u32) -> Turn {
        let flows: Vec<i64> = self.flows.iter().map(|flow| flow.no).collect();
        let size_of = |flow| self.sizes.get(&flow).copied().unwrap_or(1);
        Turn { near: self.near, shares: self.turns.shares(&flows, max, size_of) }
    }

    /// A chunk of so many recipients was taken.
    pub fn took(&mut self, flow: i64, recipients: u32) {
        self.turns.charge(flow, u64::from(recipients));
        self.sizes.insert(flow, u64::from(recipients));
    }
}

/// Rounds of planning, by rank.
#[derive(Clone, Debug, Default)]
pub struct Rounds(Arc<Mutex<BTreeMap<Rank, Round>>>);

impl Rounds {
    fn of<T>(&self, rank: Rank, then: impl FnOnce(&mut Round) -> T) -> T {
        then(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(rank).or_default())
    }

    /// Brings them into the order in which they are planned.
    pub fn sort(&self, rank: Rank, waiting: &mut [Message], now: Millis) {
        self.of(rank, |round| round.sort(waiting, now));
    }

    /// They had a step.
    pub fn charge<'a>(&self, rank: Rank, planned: impl Iterator<Item = &'a Message>) {
        self.of(rank, |round| round.charge(planned));
    }
}

/// Apps take turns, and within an app its messages. Small messages are planned many at a time and count as one app.
#[derive(Debug, Default)]
struct Round {
    apps: Turns,
    messages: Turns,
}

impl Round {
    fn app_of(message: &Message) -> i64 {
        if flow_of(message) == 0 { 0 } else { message.app_no }
    }

    /// What is due soon by its deadline, then by turns.
    fn sort(&mut self, waiting: &mut [Message], now: Millis) {
        self.apps.wait(waiting.iter().map(Self::app_of));
        self.messages.wait(waiting.iter().map(flow_of));
        let first = |message: &Message| message.deadline < now.saturating_add(PLANNED_FIRST_MS);
        waiting.sort_by_key(|message| {
            let (app, flow) = (Self::app_of(message), flow_of(message));
            let turn = if first(message) { None } else { Some((self.apps.had(app), app, self.messages.had(flow), flow)) };
            (turn, message.deadline, message.no)
        });
    }

    fn charge<'a>(&mut self, planned: impl Iterator<Item = &'a Message>) {
        let (apps, flows): (BTreeSet<i64>, BTreeSet<i64>) = planned.map(|message| (Self::app_of(message), flow_of(message))).unzip();
        apps.into_iter().for_each(|app| self.apps.charge(app, 1));
        flows.into_iter().for_each(|flow| self.messages.charge(flow, 1));
    }
}

#[cfg(test)]
#[path = "turns_tests.rs"]
mod tests;
