//! Pace, flags, wake-ups.

use std::time::Duration;

use pipeline::coordination::{Coordination, Stop};
use proptest::prelude::*;
use tokio::time::Instant;

/// Takes as fast as it may for `span` (in blocks of the sizes given, in turn, after pauses given) and notes what it took when.
async fn greedy(rate: f64, span: Duration, blocks: &[u32], pauses: &[u64]) -> Vec<(Instant, u32)> {
    let limiter = Coordination::memory().limiter;
    let start = Instant::now();
    let mut taken = Vec::new();
    let mut turn = 0;
    while start.elapsed() < span {
        let n = blocks[turn % blocks.len()];
        match limiter.take("lane", rate, n).await {
            Ok(()) => {
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
fn busiest(taken: &[(Instant, u32)]) -> u64 {
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

#[tokio::test(start_paused = true)]
async fn keys_do_not_share_and_a_new_rate_holds_at_once() {
    let limiter = Coordination::memory().limiter;
    let count = async |key: &str, rate: f64, ms: u64| {
        let end = Instant::now() + Duration::from_millis(ms);
        let mut n = 0;
        while Instant::now() < end {
            match limiter.take(key, rate, 1).await {
                Ok(()) => n += 1,
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
    assert_eq!(limiter.take("none", 0.0, 1).await, Err(Duration::from_secs(1)));
    assert_eq!(limiter.take("none", f64::NAN, 1).await, Err(Duration::from_secs(1)));
    assert_eq!(limiter.take("none", 0.0, 0).await, Ok(()));
}

#[test]
fn flags_are_set_changed_and_lifted() {
    let flags = Coordination::memory().flags;
    assert_eq!(flags.get(7), None);
    flags.set(7, Some(Stop::Paused));
    flags.set(8, Some(Stop::Cancelled));
    assert_eq!((flags.get(7), flags.get(8)), (Some(Stop::Paused), Some(Stop::Cancelled)));
    flags.set(7, None);
    assert_eq!((flags.get(7), flags.get(8)), (None, Some(Stop::Cancelled)));
}

#[tokio::test(start_paused = true)]
async fn a_wake_between_look_and_sleep_is_not_missed() {
    let wakes = Coordination::memory().wakes;
    let soon = Duration::from_secs(1);
    wakes.wake("lane:1");
    let (first, second, other) = (wakes.listen("lane:1"), wakes.listen("lane:1"), wakes.listen("lane:2"));
    wakes.wake("lane:1");
    wakes.wake("lane:1");
    tokio::time::timeout(soon, first.notified()).await.expect("woken before it slept");
    tokio::time::timeout(soon, second.notified()).await.expect("every listener is woken");
    tokio::time::timeout(soon, other.notified()).await.expect_err("that was for somebody else");
    tokio::time::timeout(soon, first.notified()).await.expect_err("two wakes before a look are one");
    let sleeping = tokio::spawn(async move { tokio::time::timeout(soon, first.notified()).await });
    tokio::task::yield_now().await;
    wakes.wake("lane:1");
    sleeping.await.unwrap().expect("a sleeper wakes");
    tokio::time::timeout(soon, wakes.listen("lane:1").notified()).await.expect_err("made after the wake");
}
