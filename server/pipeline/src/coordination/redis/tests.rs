//! The proof of the shared limit: 1, 2 and 4 nodes against a real Redis, time held by the test. Every way to Redis and back takes a
//! different time; what is taken is looked at in every window of one second.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tokio::time::Instant;

use super::desk::{Answer, Desk, Grant, Line, Live, Plan, Said, Terms, Use};
use super::limiter::Question;
use super::link::Link;
use crate::coordination::Permit;
use crate::world::{HeldClock, SeededRandom, World};

#[path = "../../../tests/support/redis.rs"]
#[expect(dead_code, reason = "shared with the conformance suite, which uses more of it")]
mod private;

use private::PrivateRedis;

const SECOND: u64 = 1_000_000;
/// Time of Redis when a play begins.
const EPOCH_US: u64 = 1_795_251_600_000_000;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A sender wants one token.
    Want { node: usize, sender: usize },
    /// A question reaches Redis.
    Reach { node: usize, sender: usize, asked: u64, terms: (u32, u64, u64), uses: Vec<Use> },
    /// The vendor's answer to a request.
    Reached { node: usize, slot: u64, n: u32, at: u64 },
    /// The answer reaches the node, or nothing at all.
    Answer { node: usize, sender: usize, asked: u64, hold_us: u64, answer: Option<(u64, u8, Vec<Grant>)> },
}

struct Node {
    desk: Desk,
    asking: bool,
    queued: Vec<usize>,
    /// When it noticed that Redis is gone, and that it is back.
    down: Option<(u64, u64)>,
}

/// What is played.
struct Play {
    nodes: usize,
    rate: f64,
    tokens: u32,
    seconds: u64,
    senders: usize,
    /// Redis loses everything between these seconds.
    outage: Option<(u64, u64)>,
    /// One wake-up in ten is late by up to 25 ms, one answer of Redis in ten takes as long, one request in fifty far longer.
    busy: bool,
}

impl Play {
    const fn of(nodes: usize, rate: f64) -> Play {
        Play { nodes, rate, tokens: 1, seconds: 20, senders: 6, outage: None, busy: false }
    }

    /// Plays with greedy senders; answers when how many tokens were taken, and how often Redis was asked.
    async fn run(&self, link: &Link, redis: &PrivateRedis, seed: u64) -> (Vec<(u64, u32)>, u64) {
        let world = World::new(HeldClock::at(0), SeededRandom::new(seed));
        let key = format!("lane/{seed}");
        let base = Instant::now();
        let at = |us: u64| base + Duration::from_micros(us);
        let random = |from: u64, to: u64| from + (world.unit() * (to - from) as f64) as u64;
        let mut nodes: Vec<Node> = (0..self.nodes)
            .map(|_| Node {
                desk: Desk::default(),
                asking: false,
                queued: Vec::new(),
                down: self.outage.map(|(gone, back)| (gone * SECOND + random(0, 300_000), back * SECOND + random(0, 1_200_000))),
            })
            .collect();
        let mut events = BinaryHeap::new();
        for node in 0..self.nodes {
            for sender in 0..self.senders {
                events.push(Reverse((random(0, 50_000), Event::Want { node, sender })));
            }
        }
        let mut flushed = false;
        let mut questions = 0u64;
        let mut taken = Vec::new();
        while let Some(Reverse((now, event))) = events.pop() {
            if now > self.seconds * SECOND {
                break;
            }
            if !flushed && self.outage.is_some_and(|(gone, _)| now >= gone * SECOND) {
                let mut flush = redis::cmd("DEL");
                flush.arg(link.key(&format!("{{{key}}}:pace"))).arg(link.key(&format!("{{{key}}}:uses")));
                redis.ask::<()>(&flush).await.expect("flushed");
                flushed = true;
            }
            let dead = self.outage.is_some_and(|(gone, back)| (gone * SECOND..back * SECOND).contains(&now));
            let live = |node: usize| Live::Known { nodes: self.nodes as u32, first: node == 0 };
            let (node, sender, plan) = match event {
                Event::Reached { node, slot, n, at: then } => {
                    nodes[node].desk.reached(at(now), &key, Permit { slot, n, at: at(then) });
                    continue;
                }
                Event::Reach { node, sender, asked, terms: (want, hold_us, ahead_us), uses } => {
                    let terms = Terms { want, hold: Duration::from_micros(hold_us), ahead: Duration::from_micros(ahead_us) };
                    let question = Question {
                        key: &key,
                        now_us: Some(EPOCH_US + now),
                        rate: self.rate,
                        n: self.tokens,
                        terms,
                        alone: self.nodes == 1,
                        uses,
                    };
                    let alone = |offset| vec![Grant { offset, n: 0, id: 0 }];
                    let answer = match dead {
                        true => None,
                        false => {
                            let Answer { now_us, what } = question.ask(link).await.expect("redis answers");
                            Some(match what {
                                Said::Granted(grants) => (now_us, 1, grants),
                                Said::Wait(wait) => (now_us, 0, alone(wait)),
                                Said::Shares(rest) => (now_us, 2, alone(rest)),
                            })
                        }
                    };
                    // One answer in five hundred is late.
                    let late = if self.busy { random(0, 10) == 0 } else { random(0, 500) == 0 };
                    let way = if late { random(3_000, if self.busy { 25_000 } else { 40_000 }) } else { random(50, 900) };
                    events.push(Reverse((now + way, Event::Answer { node, sender, asked, hold_us, answer })));
                    continue;
                }
                Event::Answer { node, sender, asked, hold_us, answer } => {
                    nodes[node].asking = false;
                    for sender in std::mem::take(&mut nodes[node].queued) {
                        events.push(Reverse((now, Event::Want { node, sender })));
                    }
                    let Some((now_us, kind, grants)) = answer else {
                        events.push(Reverse((now + random(500, 5_000), Event::Want { node, sender })));
                        continue;
                    };
                    let what = match kind {
                        1 => Said::Granted(grants),
                        0 => Said::Wait(grants[0].offset),
                        _ => Said::Shares(grants[0].offset),
                    };
                    let answer = Answer { now_us, what };
                    let hold = Duration::from_micros(hold_us);
                    (node, sender, nodes[node].desk.answered(at(asked), at(now), &key, self.rate, self.tokens, hold, &answer))
                }
                Event::Want { node, sender } => {
                    let line = match nodes[node].down {
                        Some((gone, back)) if (gone..back).contains(&now) => Line::Down { since: at(gone) },
                        _ => Line::Up,
                    };
                    (node, sender, nodes[node].desk.plan(at(now), &key, self.rate, self.tokens, line, live(node)))
                }
            };
            match plan {
                Plan::Go(permit) => {
                    // The way to the vendor and back; on a busy machine one in fifty is held up before it leaves.
                    let held_up = if self.busy && random(0, 50) == 0 { random(0, 120_000) } else { 0 };
                    let there = now + held_up + random(300, 1_500);
                    taken.push((there, self.tokens));
                    let reached = Event::Reached { node, slot: permit.slot, n: permit.n, at: now };
                    events.push(Reverse((there + random(2_000, 4_000), reached)));
                    events.push(Reverse((now + random(100, 600), Event::Want { node, sender })));
                }
                // A timer fires at the next whole millisecond, and somewhat late.
                Plan::Wait(wait) => {
                    let late = if self.busy && random(0, 10) == 0 { random(1_500, 25_000) } else { random(100, 1_500) };
                    let until = (now + wait.as_micros() as u64).next_multiple_of(1_000) + late;
                    events.push(Reverse((until, Event::Want { node, sender })));
                }
                Plan::Ask(_) if nodes[node].asking => nodes[node].queued.push(sender),
                Plan::Ask(Terms { want, hold, ahead }) => {
                    nodes[node].asking = true;
                    questions += 1;
                    let terms = (want, hold.as_micros() as u64, ahead.as_micros() as u64);
                    let uses = nodes[node].desk.uses(at(now), &key);
                    events.push(Reverse((now + random(50, 900), Event::Reach { node, sender, asked: now, terms, uses })));
                }
            }
        }
        taken.sort_unstable();
        (taken, questions)
    }
}

/// The most that was taken in any closed window of one second.
fn busiest(taken: &[(u64, u32)]) -> u64 {
    let (mut most, mut sum, mut from) = (0, 0, 0);
    for (at, n) in taken {
        sum += u64::from(*n);
        while at - taken[from].0 > SECOND {
            sum -= u64::from(taken[from].1);
            from += 1;
        }
        most = most.max(sum);
    }
    most
}

/// Tokens a second between two seconds, as a share of the rate.
fn sustained(taken: &[(u64, u32)], rate: f64, from: u64, to: u64) -> f64 {
    let sum: u64 = taken.iter().filter(|(at, _)| (from * SECOND..to * SECOND).contains(at)).map(|(_, n)| u64::from(*n)).sum();
    sum as f64 / (rate * (to - from) as f64)
}

async fn linked(redis: &PrivateRedis) -> Link {
    let link = Link::open(&redis.url(), "node-a").expect("an address");
    link.watch();
    while link.down_since().is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    link
}

#[tokio::test]
async fn one_two_and_four_nodes_get_the_whole_rate_and_no_window_more() {
    let redis = PrivateRedis::start().await;
    let link = linked(&redis).await;
    let mut seed = 0;
    for rate in [20.0, 300.0, 3_000.0] {
        for nodes in [1, 2, 4] {
            seed += 1;
            let play = Play::of(nodes, rate);
            let (taken, questions) = play.run(&link, &redis, seed).await;
            let (most, share) = (busiest(&taken), sustained(&taken, rate, 5, 20));
            assert!(most <= rate as u64, "{nodes} nodes at {rate}/s: {most} in one second");
            assert!((0.98..=1.0).contains(&share), "{nodes} nodes at {rate}/s: {share} of the rate");
            let each = questions / (play.seconds * nodes as u64);
            assert!(each <= 100, "{nodes} nodes at {rate}/s: {each} questions a second and node");
        }
    }
}

#[tokio::test]
async fn who_wakes_late_costs_the_lane_no_more_than_it_is_late() {
    let redis = PrivateRedis::start().await;
    let link = linked(&redis).await;
    let mut seed = 300;
    for rate in [3.0, 20.0, 300.0, 3_000.0] {
        for nodes in [1, 2, 4] {
            seed += 1;
            let (taken, _) = Play { busy: true, ..Play::of(nodes, rate) }.run(&link, &redis, seed).await;
            let (most, share) = (busiest(&taken), sustained(&taken, rate, 5, 20));
            assert!(most <= rate as u64, "{nodes} nodes at {rate}/s: {most} in one second");
            assert!(
                (0.94 - 1.0 / (rate * 15.0)..=1.0 + 1.0 / (rate * 15.0)).contains(&share),
                "{nodes} nodes at {rate}/s: {share} of the rate"
            );
        }
    }
}

#[tokio::test]
async fn takes_of_many_tokens_share_one_limit_too() {
    let redis = PrivateRedis::start().await;
    let link = linked(&redis).await;
    for (seed, nodes) in [(101, 1), (102, 4)] {
        let play = Play { tokens: 100, ..Play::of(nodes, 2_000.0) };
        let (taken, _) = play.run(&link, &redis, seed).await;
        assert!(busiest(&taken) <= 2_000, "{nodes} nodes: {}", busiest(&taken));
        let share = sustained(&taken, 2_000.0, 5, 20);
        assert!((0.98..=1.0).contains(&share), "{nodes} nodes: {share} of the rate");
    }
}

#[tokio::test]
async fn redis_lost_with_everything_costs_pace_and_never_the_limit() {
    let redis = PrivateRedis::start().await;
    let link = linked(&redis).await;
    for (seed, nodes, rate) in [(201, 1, 300.0), (202, 2, 300.0), (203, 4, 300.0), (204, 4, 3_000.0), (205, 4, 3.0)] {
        let play = Play { seconds: 50, outage: Some((10, 25)), ..Play::of(nodes, rate) };
        let (taken, _) = play.run(&link, &redis, seed).await;
        assert!(busiest(&taken) <= rate as u64, "{nodes} nodes at {rate}/s: {} in one second", busiest(&taken));
        let (during, after) = (sustained(&taken, rate, 12, 25), sustained(&taken, rate, 32, 50));
        assert!(during >= 0.8, "{nodes} nodes at {rate}/s: {during} of the rate without redis");
        // Of so few tokens two or three make a percent.
        let least = 0.98 - 3.0 / (rate * 18.0);
        assert!((least..=1.0).contains(&after), "{nodes} nodes at {rate}/s: {after} of the rate afterwards");
    }
}

#[test]
fn shares_add_up_to_the_rate() {
    for rate in [1.0, 3.0, 7.0, 300.0, 1_001.0] {
        for nodes in [1, 2, 3, 4, 9] {
            let all: u32 = (0..nodes).map(|i| Live::Known { nodes, first: i == 0 }.share(rate)).sum();
            assert_eq!(all, rate as u32, "{nodes} nodes at {rate}/s");
        }
    }
    assert_eq!(Live::Unknown.share(1_000.0), 0, "who knows of nobody takes nothing");
}
