//! Several nodes and one Redis: what one says the others obey; without Redis nobody exceeds anything, and all heals by itself.

use std::time::Duration;

use pipeline::coordination::{Change, Claim, Coordination, MISSED, NodeCard, Reserved, Stop};
use pipeline::world::World;
use tokio::time::Instant;

use crate::redis_server::PrivateRedis;

/// A node that hears and is heard.
pub async fn node(server: &PrivateRedis, name: &str) -> Coordination {
    let coordination = Coordination::redis(&server.url(), name, World::system()).unwrap();
    until("it is linked", async || coordination.nodes.linked()).await;
    coordination.nodes.beat(&card(name)).await;
    coordination
}

pub fn card(name: &str) -> NodeCard {
    NodeCard { name: name.to_owned(), roles: vec!["worker".to_owned()], version: "1".to_owned(), sends: true, ..NodeCard::default() }
}

/// Looks again and again; a test that never sees it fails by name.
async fn until(what: &str, mut seen: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !seen().await {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn two() -> (PrivateRedis, Coordination, Coordination) {
    let server = PrivateRedis::cluster().await;
    let (one, two) = (node(&server, "node-a").await, node(&server, "node-b").await);
    heard(&one, &two).await;
    (server, one, two)
}

/// Both hear each other.
async fn heard(one: &Coordination, two: &Coordination) {
    for (from, to) in [(one, two), (two, one)] {
        let ear = to.wakes.listen("hello");
        until("a node hears the other", async || {
            from.wakes.wake("hello");
            tokio::time::timeout(Duration::from_millis(20), ear.notified()).await.is_ok()
        })
        .await;
    }
}

#[tokio::test]
async fn a_flag_set_on_one_node_is_obeyed_on_the_others_and_by_who_comes_later() {
    let (server, one, two) = two().await;
    one.flags.set(7, Some(Stop::Paused)).await;
    until("the flag", async || two.flags.get(7) == Some(Stop::Paused)).await;
    two.flags.set(8, Some(Stop::Cancelled)).await;
    two.flags.set(7, None).await;
    until("the other flag", async || (one.flags.get(7), one.flags.get(8)) == (None, Some(Stop::Cancelled))).await;
    let later = node(&server, "node-c").await;
    until("what was set before", async || later.flags.get(8) == Some(Stop::Cancelled)).await;
    assert_eq!(later.flags.get(7), None);
}

#[tokio::test]
async fn errors_are_counted_over_both_nodes_and_alone_without_redis() {
    let (mut server, one, two) = two().await;
    assert_eq!(one.standstills.strikes(5, "timeout", 1, 7).await, 7);
    assert_eq!(two.standstills.strikes(5, "timeout", 1, 8).await, 15);
    server.kill();
    assert_eq!(two.standstills.strikes(5, "timeout", 1, 1).await, 9, "its own");
}

#[tokio::test]
async fn wakes_reach_every_node_and_nudges_none() {
    let (_server, one, two) = two().await;
    let (work, nudged) = (two.wakes.listen("plan"), two.wakes.listen("lane/1"));
    one.wakes.nudge("lane/1");
    one.wakes.wake("plan");
    tokio::time::timeout(Duration::from_secs(10), work.notified()).await.expect("woken by the other node");
    assert!(tokio::time::timeout(Duration::from_millis(50), nudged.notified()).await.is_err());
}

#[tokio::test]
async fn a_breaker_tripped_on_one_node_is_tripped_on_all_and_one_probes() {
    let (server, one, two) = two().await;
    one.standstills.change(5, Change::Tripped { until: 9_000, rest_ms: 4_000 });
    until("tripped there too", async || two.standstills.get(5).tripped == Some((9_000, 4_000))).await;
    let later = node(&server, "node-c").await;
    until("tripped for who comes later", async || later.standstills.get(5).tripped.is_some()).await;
    let second = Duration::from_secs(1);
    let probes = [one.standstills.probe(5, second).await, two.standstills.probe(5, second).await, later.standstills.probe(5, second).await];
    assert_eq!(probes, [true, false, false]);
    until("the right to probe ends", async || two.standstills.probe(5, second).await).await;
    two.standstills.change(5, Change::Flowing);
    until("flowing everywhere", async || one.standstills.get(5).tripped.is_none() && later.standstills.get(5).tripped.is_none()).await;
}

#[tokio::test]
async fn a_lock_has_one_holder_and_a_later_one_a_larger_fence() {
    let (_server, one, two) = two().await;
    let short = Duration::from_millis(300);
    let Claim::Mine { fence } = one.locks.claim("resend", short).await else { panic!("free") };
    assert_eq!(two.locks.claim("resend", short).await, Claim::Theirs);
    two.locks.release("resend").await;
    assert_eq!(two.locks.claim("resend", short).await, Claim::Theirs, "only the holder gives it back");
    let mut taken_over = Claim::Theirs;
    until("the holder is gone", async || {
        taken_over = two.locks.claim("resend", short).await;
        taken_over != Claim::Theirs
    })
    .await;
    let Claim::Mine { fence: later } = taken_over else { panic!("{taken_over:?}") };
    assert!(later > fence);
}

#[tokio::test]
async fn a_fence_grows_over_the_loss_of_everything() {
    let mut server = PrivateRedis::start().await;
    let one = node(&server, "node-a").await;
    let minute = Duration::from_secs(60);
    let Claim::Mine { fence } = one.locks.claim("sweep", minute).await else { panic!("free") };
    server.kill();
    until("nobody can be asked", async || one.locks.claim("sweep", minute).await == Claim::Unknown).await;
    server.start_again().await;
    until("linked again", async || one.nodes.linked()).await;
    let Claim::Mine { fence: later } = one.locks.claim("sweep", minute).await else { panic!("free again") };
    assert!(later > fence);
}

#[tokio::test]
async fn a_nonce_is_first_once_on_all_nodes() {
    let (_server, one, two) = two().await;
    let kept = Duration::from_secs(600);
    assert_eq!(one.nonces.first(1, "a-nonce-0000000001", kept).await, Some(true));
    assert_eq!(two.nonces.first(1, "a-nonce-0000000001", kept).await, Some(false));
    assert_eq!(two.nonces.first(2, "a-nonce-0000000001", kept).await, Some(true), "another app's");
}

#[tokio::test]
async fn a_race_of_nodes_never_exceeds_a_quota() {
    let (_server, one, two) = two().await;
    one.quotas.begin(5, 1_000, 900).await;
    let race = (0..64).map(|i| {
        let quotas = if i % 2 == 0 { one.quotas.clone() } else { two.quotas.clone() };
        async move { quotas.reserve(5, 1_000, 1_000, 3).await }
    });
    let got: u64 = futures::future::join_all(race)
        .await
        .into_iter()
        .map(|reserved| match reserved {
            Reserved::Got(n) => n,
            Reserved::Unknown => panic!("it was begun"),
        })
        .sum();
    assert_eq!(got, 100, "all of what is left and nothing more");
}

#[tokio::test]
async fn what_a_killed_process_held_of_a_quota_comes_back() {
    let (server, one, _) = two().await;
    one.quotas.begin(6, 1_000, 0).await;
    let keys: Vec<String> = server.ask(redis::cmd("KEYS").arg("*quota:1000")).await.expect("a key");
    let [day] = keys.as_slice() else { panic!("{keys:?}") };
    let now: (i64, i64) = server.ask(&redis::cmd("TIME")).await.expect("the time");
    let hold = async |name: &str, n: u64, silent: i64| {
        let mut told = redis::cmd("HSET");
        told.arg(day).arg(format!("node:{name}")).arg(n).arg(format!("seen:{name}")).arg(now.0 - silent);
        server.ask::<i64>(&told).await.expect("held");
    };
    hold("node-x/1", 300, 10).await;
    hold("node-x/2", 500, 600).await;
    assert_eq!(one.quotas.left(6, 1_000, 1_000).await, Some(700), "only what may still be in flight is held");
    assert_eq!(one.quotas.reserve(6, 1_000, 1_000, 1_000).await, Reserved::Got(700));
}

#[tokio::test]
async fn nodes_come_go_and_are_missed() {
    let (_server, one, two) = two().await;
    let now = || World::system().now();
    let names =
        |nodes: Vec<pipeline::coordination::SeenNode>| nodes.into_iter().map(|node| (node.card.name, node.alive)).collect::<Vec<_>>();
    assert_eq!(names(one.nodes.list(now()).await), [("node-a".to_owned(), true), ("node-b".to_owned(), true)]);
    two.nodes.leave().await;
    assert_eq!(names(one.nodes.list(now()).await), [("node-a".to_owned(), true)]);
    assert!(!one.nodes.list(now() + 60_000).await[0].alive, "without a heartbeat");
}

/// The wall clock runs here, but no assertion needs luck: a slow machine takes less, and nothing may ever take more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_each_node_takes_its_share_and_then_they_share_again() {
    const RATE: f64 = 100.0;
    let mut server = PrivateRedis::start().await;
    let (one, two) = (node(&server, "node-a").await, node(&server, "node-b").await);
    one.nodes.beat(&card("node-a")).await;
    two.nodes.beat(&card("node-b")).await;
    let start = Instant::now();
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let given = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let senders = [&one, &two].map(|coordination| {
        let (limiter, over, given) = (coordination.limiter.clone(), over.clone(), given.clone());
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                let asked = Instant::now();
                match limiter.take("lane/9", RATE, 1).await {
                    Ok(_) => {
                        taken.push((asked, Instant::now()));
                        given.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                    Err(wait) => tokio::time::sleep(wait).await,
                }
            }
            taken
        })
    });
    // So many from now on: more than the rate allows in a second, so that a window too full would show.
    let some = async |what: &str| {
        let goal = given.load(std::sync::atomic::Ordering::Relaxed) + 150;
        until(what, async || given.load(std::sync::atomic::Ordering::Relaxed) >= goal).await;
    };
    some("tokens before").await;
    let missed = one.wakes.listen(MISSED);
    let killed = start.elapsed();
    server.kill();
    until("gone", async || !one.nodes.linked() && !two.nodes.linked()).await;
    assert_eq!(one.limiter.most("lane/9", RATE), 50, "half of it");
    assert_eq!(one.nonces.first(1, "a-nonce-0000000001", Duration::from_secs(1)).await, None);
    assert!(one.standstills.probe(1, Duration::from_secs(1)).await && two.standstills.probe(1, Duration::from_secs(1)).await);
    one.flags.set(3, Some(Stop::Paused)).await;
    assert_eq!(one.flags.get(3), Some(Stop::Paused), "in force where it was set");
    some("tokens without redis").await;
    let back = start.elapsed();
    server.start_again().await;
    tokio::time::timeout(Duration::from_secs(10), missed.notified()).await.expect("told to read what was missed");
    until("linked", async || one.nodes.linked() && two.nodes.linked()).await;
    for coordination in [&one, &two] {
        until("whole again", async || coordination.limiter.most("lane/9", RATE) == u32::MAX).await;
    }
    some("tokens afterwards").await;
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut taken = Vec::new();
    for sender in senders {
        taken.extend(sender.await.unwrap());
    }
    taken.sort();
    // A token was given between question and answer: those that lie in a window from end to end were surely given in it,
    // however late this process came to read the time.
    let second = Duration::from_secs(1);
    let surely = |from: Instant| taken.iter().filter(|(asked, got)| *asked >= from && *got < from + second).count();
    let most = taken.iter().map(|(asked, _)| surely(*asked)).max().unwrap_or(0);
    assert!(most <= RATE as usize, "{most} in one second");
    for (what, from, to) in [("before", Duration::ZERO, killed), ("without redis", killed, back), ("afterwards", back, start.elapsed())] {
        let n = taken.iter().filter(|(_, got)| (start + from..start + to).contains(got)).count();
        assert!(n > 50, "{what}: {n} in {:?}", to.saturating_sub(from));
    }
}
