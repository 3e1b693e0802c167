//! What every coordination must do, in memory and with Redis.

use std::time::Duration;

use pipeline::coordination::{ByClass, Change, Claim, Coordination, Reserved, Standstill, Stop};
use pipeline::world::{HeldClock, SeededRandom, World};
use proptest::prelude::*;
use tokio::time::Instant;
use types::Millis;
use types::content::MessageClass;

use crate::nodes::{card, node};
use crate::redis_server::PrivateRedis;

/// Takes as fast as it may for `span` (in blocks of the sizes given, in turn, after pauses given) and notes what it took when.
async fn greedy(rate: f64, span: Duration, blocks: &[u32], pauses: &[u64]) -> Vec<(Instant, u32)> {
    let limiter = Coordination::memory().limiter;
    let start = Instant::now();
    let mut taken = Vec::new();
    let mut turn = 0;
    while start.elapsed() < span {
        let n = blocks[turn % blocks.len()];
        match limiter.take("lane", rate, n).await {
            Ok(_) => {
                taken.push((Instant::now(), n));
                let pause = pauses[turn % pauses.len()];
                if pause > 0 {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                turn += 1;
            }
            Err(wait) => tokio::time::sleep(wait).await,
        }
    }
    taken
}

/// The most that was taken in any closed window of one second.
pub fn busiest(taken: &[(Instant, u32)]) -> u64 {
    let mut most = 0;
    let mut sum = 0;
    let mut from = 0;
    for (to, (at, n)) in taken.iter().enumerate() {
        sum += u64::from(*n);
        while at.duration_since(taken[from].0) > Duration::from_secs(1) {
            sum -= u64::from(taken[from].1);
            from += 1;
        }
        debug_assert!(from <= to);
        most = most.max(sum);
    }
    most
}

fn total(taken: &[(Instant, u32)]) -> u64 {
    taken.iter().map(|(_, n)| u64::from(*n)).sum()
}

fn held_time() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_window_ever_holds_more_than_the_rate(
        rate in 1u32..3_000,
        blocks in prop::collection::vec(1u32..40, 1..5),
        pauses in prop::collection::vec(prop_oneof![4 => Just(0u64), 1 => 1u64..1_500], 1..6),
    ) {
        let blocks: Vec<u32> = blocks.into_iter().map(|n| n.min(rate)).collect();
        let taken = held_time().block_on(greedy(f64::from(rate), Duration::from_secs(5), &blocks, &pauses));
        prop_assert!(busiest(&taken) <= u64::from(rate), "{} in one window at {rate}/s", busiest(&taken));
    }

    #[test]
    fn a_busy_lane_gets_its_rate(rate in 5u32..3_000) {
        let seconds = 20;
        let taken = held_time().block_on(greedy(f64::from(rate), Duration::from_secs(seconds), &[1], &[0]));
        let share = total(&taken) as f64 / (f64::from(rate) * seconds as f64);
        // The bucket starts empty, so the very first token of so few is missing at low rates.
        prop_assert!((0.98 - 1.0 / (f64::from(rate) * seconds as f64)..=1.0).contains(&share), "{share} of {rate}/s");
    }
}

/// Requests are on their way for a while, one in twenty for long; a second is the vendor's.
#[tokio::test(start_paused = true)]
async fn what_came_late_to_the_vendor_counts_from_when_it_came() {
    let chance = World::new(HeldClock::at(0), SeededRandom::new(9));
    let between = |from: u64, to: u64| Duration::from_micros(from + (chance.unit() * (to - from) as f64) as u64);
    for rate in [2.0, 20.0, 500.0] {
        let limiter = Coordination::memory().limiter;
        let arrived = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let (start, mut on_the_way) = (Instant::now(), tokio::task::JoinSet::new());
        while start.elapsed() < Duration::from_secs(30) {
            let permit = match limiter.take("lane", rate, 1).await {
                Ok(permit) => permit,
                Err(wait) => {
                    tokio::time::sleep(wait).await;
                    continue;
                }
            };
            let (there, back) = (between(300, if chance.unit() < 0.05 { 150_000 } else { 1_500 }), between(2_000, 4_000));
            let (limiter, arrived) = (limiter.clone(), arrived.clone());
            on_the_way.spawn(async move {
                tokio::time::sleep(there).await;
                arrived.lock().unwrap().push((Instant::now(), 1));
                tokio::time::sleep(back).await;
                limiter.answered("lane", permit);
            });
        }
        on_the_way.join_all().await;
        let arrived = arrived.lock().unwrap();
        assert!(busiest(&arrived) <= rate as u64, "{} in a second at {rate}/s", busiest(&arrived));
        let share = total(&arrived) as f64 / (rate * 30.0);
        assert!(share >= 0.9, "{share} of {rate}/s");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_do_not_share_and_a_new_rate_holds_at_once() {
    let limiter = Coordination::memory().limiter;
    let count = async |key: &str, rate: f64, ms: u64| {
        let end = Instant::now() + Duration::from_millis(ms);
        let mut n = 0;
        while Instant::now() < end {
            match limiter.take(key, rate, 1).await {
                Ok(_) => n += 1,
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
        n
    };
    let first = count("a", 100.0, 2_000).await;
    assert!((196..=200).contains(&first), "{first}");
    let other = count("b", 100.0, 1_000).await;
    assert!((97..=100).contains(&other), "{other}");
    let faster = count("b", 1_000.0, 2_000).await;
    assert!((1_850..=2_000).contains(&faster), "{faster}");
    let slower = count("b", 10.0, 3_000).await;
    assert!(slower <= 21, "what went out at 1,000/s fills the first of three windows: {slower}");
}

#[tokio::test(start_paused = true)]
async fn a_take_larger_than_the_rate_waits_for_an_empty_window_and_a_dead_rate_takes_nothing() {
    let limiter = Coordination::memory().limiter;
    let start = Instant::now();
    for _ in 0..3 {
        while let Err(wait) = limiter.take("big", 100.0, 250).await {
            tokio::time::sleep(wait).await;
        }
    }
    let took = start.elapsed().as_secs_f64();
    assert!((5.0..5.3).contains(&took), "250 at 100/s cost 2.5 s each: {took}");
    assert_eq!(limiter.take("none", 0.0, 1).await.map(drop), Err(Duration::from_secs(1)));
    assert_eq!(limiter.take("none", f64::NAN, 1).await.map(drop), Err(Duration::from_secs(1)));
    assert_eq!(limiter.take("none", 0.0, 0).await.map(drop), Ok(()));
}

/// Both backends; a Redis of the test's own behind the second, a cluster of one, so that keys which do not share a slot are refused.
struct Backends {
    memory: Coordination,
    redis: Coordination,
    _server: PrivateRedis,
}

impl Backends {
    async fn open() -> Backends {
        let server = PrivateRedis::cluster().await;
        let redis = node(&server, "node-a").await;
        Backends { memory: Coordination::memory(), redis, _server: server }
    }

    fn both(&self) -> [(&'static str, &Coordination); 2] {
        [("memory", &self.memory), ("redis", &self.redis)]
    }
}

#[tokio::test]
async fn every_backend_limits_a_key() {
    let backends = Backends::open().await;
    for (name, coordination) in backends.both() {
        let limiter = &coordination.limiter;
        limiter.prepare("lane/7", 200.0).await;
        let end = Instant::now() + Duration::from_secs(2);
        let mut taken = Vec::new();
        while Instant::now() < end {
            match limiter.take("lane/7", 200.0, 1).await {
                Ok(_) => taken.push((Instant::now(), 1)),
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
        assert!(busiest(&taken) <= 200, "{name}: {} in one second", busiest(&taken));
        assert!(total(&taken) > 200, "{name}: {} in two seconds", total(&taken));
        assert_eq!(limiter.most("lane/7", 200.0), u32::MAX, "{name}");
        assert_eq!(limiter.take("none", 0.0, 1).await.map(drop), Err(Duration::from_secs(1)), "{name}");
        assert_eq!(limiter.take("none", f64::NAN, 1).await.map(drop), Err(Duration::from_secs(1)), "{name}");
        assert_eq!(limiter.take("none", 0.0, 0).await.map(drop), Ok(()), "{name}");
    }
}

#[tokio::test]
async fn flags_are_set_changed_and_lifted() {
    let backends = Backends::open().await;
    for (name, coordination) in backends.both() {
        let flags = &coordination.flags;
        assert_eq!(flags.get(7), None, "{name}");
        flags.set(7, Some(Stop::Paused)).await;
        flags.set(8, Some(Stop::Cancelled)).await;
        assert_eq!((flags.get(7), flags.get(8)), (Some(Stop::Paused), Some(Stop::Cancelled)), "{name}");
        flags.set(7, None).await;
        assert_eq!((flags.get(7), flags.get(8)), (None, Some(Stop::Cancelled)), "{name}");
        // What the store said a moment ago may be older than a flag just set.
        flags.replace(&[(9, Stop::Paused)]);
        assert_eq!((flags.get(8), flags.get(9)), (Some(Stop::Cancelled), Some(Stop::Paused)), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flag_the_store_does_not_know_is_lifted_when_it_is_no_longer_young() {
    let flags = Coordination::memory().flags;
    flags.set(7, Some(Stop::Paused)).await;
    tokio::time::advance(Duration::from_secs(11)).await;
    flags.replace(&[(9, Stop::Cancelled)]);
    assert_eq!((flags.get(7), flags.get(9)), (None, Some(Stop::Cancelled)));
}

#[tokio::test]
async fn a_wake_between_look_and_sleep_is_not_missed() {
    let backends = Backends::open().await;
    let soon = Duration::from_millis(200);
    for (name, coordination) in backends.both() {
        let wakes = &coordination.wakes;
        wakes.wake("lane:1");
        let (first, second, other) = (wakes.listen("lane:1"), wakes.listen("lane:1"), wakes.listen("lane:2"));
        wakes.wake("lane:1");
        wakes.nudge("lane:1");
        tokio::time::timeout(soon, first.notified()).await.unwrap_or_else(|_| panic!("{name}: woken before it slept"));
        tokio::time::timeout(soon, second.notified()).await.unwrap_or_else(|_| panic!("{name}: every listener is woken"));
        assert!(tokio::time::timeout(soon, other.notified()).await.is_err(), "{name}: that was for somebody else");
        let sleeping = tokio::spawn(async move { tokio::time::timeout(soon, first.notified()).await });
        tokio::task::yield_now().await;
        wakes.wake("lane:1");
        assert!(sleeping.await.unwrap().is_ok(), "{name}: a sleeper wakes");
    }
}

#[tokio::test]
async fn errors_of_a_window_are_added_up() {
    let backends = Backends::open().await;
    for (name, coordination) in backends.both() {
        let stands = &coordination.standstills;
        assert_eq!(stands.strikes(3, "timeout", 7, 2).await, 2, "{name}");
        assert_eq!(stands.strikes(3, "timeout", 7, 3).await, 5, "{name}");
        assert_eq!(stands.strikes(3, "unknown", 7, 1).await, 1, "{name}: another kind");
        assert_eq!(stands.strikes(4, "timeout", 7, 1).await, 1, "{name}: another lane");
        assert_eq!(stands.strikes(3, "timeout", 8, 1).await, 1, "{name}: a new window");
    }
}

fn bulk(until: Millis) -> ByClass {
    ByClass { bulk: Some(until), transactional: None }
}

#[tokio::test]
async fn standstills_are_kept_by_lane_and_kind() {
    let backends = Backends::open().await;
    for (name, coordination) in backends.both() {
        let stands = &coordination.standstills;
        assert_eq!(stands.get(3), Standstill::default(), "{name}");
        stands.change(3, Change::Tripped { until: 50, rest_ms: 20 });
        stands.change(3, Change::Closed { class: MessageClass::Bulk, until: 60 });
        stands.change(4, Change::Slow { until: 70 });
        let expected = Standstill { tripped: Some((50, 20)), closed: bulk(60), ..Standstill::default() };
        assert_eq!(stands.get(3), expected, "{name}");
        stands.change(5, Change::Closed { class: MessageClass::Transactional, until: 80 });
        assert_eq!(stands.get(5).closed, ByClass { transactional: Some(80), bulk: None }, "{name}");
        stands.change(3, Change::Flowing);
        assert_eq!(stands.get(3), Standstill { closed: bulk(60), ..Standstill::default() }, "{name}");
        assert_eq!(stands.get(4).slow_until, Some(70), "{name}");
        assert!(stands.probe(3, Duration::from_secs(60)).await, "{name}: nobody else probes");
    }
}

#[tokio::test]
async fn a_quota_is_never_handed_out_twice_and_comes_back() {
    let backends = Backends::open().await;
    for (name, coordination) in backends.both() {
        let quotas = &coordination.quotas;
        assert_eq!(quotas.reserve(5, 1_000, 100, 10).await, Reserved::Unknown, "{name}: the books come first");
        quotas.begin(5, 1_000, 40).await;
        quotas.begin(5, 1_000, 0).await;
        assert_eq!(quotas.reserve(5, 1_000, 100, 50).await, Reserved::Got(50), "{name}");
        assert_eq!(quotas.reserve(5, 1_000, 100, 50).await, Reserved::Got(10), "{name}: in part");
        assert_eq!(quotas.reserve(5, 1_000, 100, 1).await, Reserved::Got(0), "{name}");
        quotas.settle(5, 1_000, 50, 20).await;
        assert_eq!(quotas.reserve(5, 1_000, 100, 50).await, Reserved::Got(30), "{name}: 30 of the 50 were not accepted");
        assert_eq!(quotas.reserve(5, 2_000, 100, 1).await, Reserved::Unknown, "{name}: a new day");
        quotas.begin(5, 2_000, 0).await;
        quotas.settle(5, 1_000, 10, 10).await;
        assert_eq!(quotas.reserve(5, 2_000, 100, 100).await, Reserved::Got(100), "{name}: yesterday's end costs today nothing");
    }
}

#[tokio::test]
async fn a_lock_is_ours_until_it_is_given_back_and_its_fence_grows() {
    let backends = Backends::open().await;
    let minute = Duration::from_secs(60);
    for (name, coordination) in backends.both() {
        let locks = &coordination.locks;
        let Claim::Mine { fence } = locks.claim("sweep", minute).await else { panic!("{name}: free") };
        assert_eq!(locks.claim("sweep", minute).await, Claim::Mine { fence }, "{name}: made longer");
        locks.release("sweep").await;
        let Claim::Mine { fence: later } = locks.claim("sweep", minute).await else { panic!("{name}: free again") };
        assert!(later > fence, "{name}: {later} after {fence}");
    }
}

#[tokio::test]
async fn the_list_of_nodes_begins_with_oneself() {
    let backends = Backends::open().await;
    for (name, coordination) in backends.both() {
        coordination.nodes.beat(&card("node-a")).await;
        let nodes = coordination.nodes.list(World::system().now()).await;
        assert_eq!(nodes.len(), 1, "{name}");
        assert!(nodes[0].alive && nodes[0].card == card("node-a"), "{name}: {:?}", nodes[0]);
        coordination.nodes.leave().await;
        assert!(coordination.nodes.list(World::system().now()).await.is_empty(), "{name}");
    }
}
