//! Several nodes at one PostgreSQL, agreeing through a Redis; both are the test's own.

use pipeline::access::accept::Submission;
use pipeline::house::House;
use pipeline::storage::messages::Targets;
use types::content::MessageClass;
use types::ids::ChunkNo;
use types::life::MessageState;
use types::vendor::Vendor;

use crate::redis_server::PrivateRedis;
use crate::support::TestHouse;
use crate::vendors::{open_lanes, phones};

async fn until(what: &str, mut seen: impl AsyncFnMut() -> bool) {
    let start = tokio::time::Instant::now();
    while !seen().await {
        assert!(start.elapsed() < std::time::Duration::from_secs(60), "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn both_know_each_other(one: &House, two: &House) {
    until("both nodes are there", async || {
        let alive = async |house: &House| house.coordination.nodes.list(house.world.now()).await.iter().filter(|node| node.alive).count();
        alive(one).await == 2 && alive(two).await == 2
    })
    .await;
}

async fn everybody_once(t: &TestHouse, message_no: i64, each: usize) {
    t.recount(message_no).await;
    for vendor in [Vendor::Apns, Vendor::Xiaomi] {
        let taken = t.taken(message_no, vendor).await;
        assert_eq!(taken.len(), each, "{}", vendor.slug());
        assert!(taken.values().all(|n| *n == 1), "{}: somebody got it twice", vendor.slug());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_the_work_obey_each_other_and_one_leaves_in_the_middle() {
    let redis = PrivateRedis::start().await;
    let t = TestHouse::first_of_several(redis.url()).await;
    let other = t.another("node-2", redis.url()).await;
    both_know_each_other(&t.house, &other).await;
    let users = t.devices(4_000).await;
    t.lane(Vendor::Apns, |lane| {
        lane.pace_per_second = 300;
        // Few chunks at a time, so that neither node takes all.
        lane.in_flight = 100;
    })
    .await;
    let sent = t.send(t.submission(Targets::Users { users: users.clone() })).await;
    t.until(sent.no, |_, funnel| funnel.total.accepted > 2_050).await;

    // Said on one node, obeyed on both.
    other.controls.pause(sent.no).await.expect("paused");
    until("what was in flight ended", async || t.house.statuses.working().is_empty() && other.statuses.working().is_empty()).await;
    let (held, seen) = (t.funnel(sent.no).await.total, t.simulator.ledger().taken());
    assert!(held.waiting > 0);
    assert_eq!(t.message(sent.no).await.state, MessageState::Paused);
    // One that came later goes by on the same lane.
    assert_eq!(t.finished(t.send_to(&users[..1]).await).await.total.accepted, 1);
    assert_eq!((t.funnel(sent.no).await.total, t.simulator.ledger().taken()), (held, seen + 1), "nothing moves while paused");
    t.house.controls.resume(sent.no).await.expect("resumed");
    until("the other node works too", async || !other.statuses.working().is_empty()).await;

    let began = tokio::time::Instant::now();
    other.stop().await;
    assert!(began.elapsed() < pipeline::house::DRAIN, "it drained in time");
    assert!(other.statuses.working().is_empty(), "nothing is in its hands");
    let nodes = t.house.coordination.nodes.list(t.house.world.now()).await;
    assert_eq!(nodes.iter().map(|node| node.card.name.as_str()).collect::<Vec<_>>(), ["node-1"]);

    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 5_000).await;
    let funnel = t.finished(sent.no).await;
    assert_eq!((funnel.total.accepted, funnel.total.planned), (4_000, 4_000));
    everybody_once(&t, sent.no, 2_000).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_killed_in_the_middle_costs_nobody_their_message() {
    let mut redis = PrivateRedis::start().await;
    let t = TestHouse::first_of_several(redis.url()).await;
    let other = t.another("node-2", redis.url()).await;
    both_know_each_other(&t.house, &other).await;
    // So many that it is far from over when both have noticed.
    let users = t.devices(8_000).await;
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 300).await;
    let sent = t.send(t.submission(Targets::Users { users })).await;
    t.until(sent.no, |_, funnel| funnel.total.accepted > 4_050).await;
    redis.kill();
    until("both noticed", async || !t.house.coordination.nodes.linked() && !other.coordination.nodes.linked()).await;
    // Nobody can tell the other node; it reads the store.
    t.house.controls.pause(sent.no).await.expect("paused");
    until("the other node stops too", async || other.statuses.working().is_empty() && t.house.statuses.working().is_empty()).await;
    t.house.controls.resume(sent.no).await.expect("resumed");
    let then = t.funnel(sent.no).await.total.accepted;
    t.until(sent.no, |_, funnel| funnel.total.accepted > then + 50).await;
    redis.start_again().await;
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 5_000).await;
    let funnel = t.finished(sent.no).await;
    assert_eq!((funnel.total.accepted, funnel.total.planned), (8_000, 8_000));
    everybody_once(&t, sent.no, 4_000).await;
    until("both are back", async || t.house.coordination.nodes.linked() && other.coordination.nodes.linked()).await;
    other.stop().await;
    t.end().await;
}

/// Lanes with a pace, and what their vendors allow: a tenth more, because the way to a vendor is not equally long every time. Two nodes
/// that did not share would send twice the pace.
const PACES: [(Vendor, u32); 4] = [(Vendor::Apns, 250), (Vendor::Xiaomi, 20), (Vendor::Fcm, 250), (Vendor::Vivo, 400)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_over_several_lanes_outlives_a_node_and_takes_a_new_one_in() {
    let redis = PrivateRedis::start().await;
    let t = TestHouse::first_of_several(redis.url()).await;
    open_lanes(&t, [Vendor::Fcm, Vendor::Vivo]).await;
    for (vendor, pace) in PACES {
        t.lane(vendor, |lane| {
            (lane.pace_per_second, lane.timeout_ms) = (pace, 2_000);
            (lane.in_flight, lane.batch) = (lane.in_flight.min(40), lane.batch.min(20));
        })
        .await;
        let dials = simulator::Dials { pace_per_second: pace + pace / 10, ..t.simulator.dials(vendor) };
        t.simulator.set_dials(vendor, dials).expect("dials");
    }
    let doomed = t.doomed("node-2", redis.url()).await;
    both_know_each_other(&t.house, &doomed.house).await;
    let mut users = t.devices(4_000).await;
    users.extend(phones(&t, Vendor::Fcm, 2_000).await);
    users.extend(phones(&t, Vendor::Vivo, 2_000).await);
    let sent = t.send(t.submission(Targets::Users { users })).await;
    t.until(sent.no, |_, funnel| funnel.total.accepted > 2_500).await;
    assert!(!doomed.house.statuses.working().is_empty(), "both work");
    doomed.kill();
    let third = t.another("node-3", redis.url()).await;
    let funnel = t.finished(sent.no).await;
    assert!(t.house.statuses.get(t.lane_no(Vendor::Apns).await).last_success.is_some(), "the first node sends");
    assert!(third.statuses.get(t.lane_no(Vendor::Apns).await).last_success.is_some(), "so does the new one");
    t.recount(sent.no).await;

    // What the dead node had in flight is unknown where a repeat would alert again, and repeated under its key elsewhere.
    let of = |vendor: Vendor| funnel.lanes.iter().find(|lane| lane.vendor == Some(vendor)).expect("a lane").equation;
    let ledger = t.simulator.ledger();
    for (vendor, _) in PACES {
        let lane = of(vendor);
        assert_eq!((lane.refused, lane.expired, lane.cancelled), (0, 0, 0), "{vendor:?}: {:?}", funnel.losses);
        let all = 2_000;
        assert_eq!(lane.accepted + lane.uncertain, all, "{vendor:?}: nobody is lost");
        let heard = ledger.taken_by(vendor).len() as u64;
        assert!(lane.accepted <= heard && heard <= all, "{vendor:?}: {} accepted, {heard} heard it", lane.accepted);
        let windows = ledger.windows(vendor, 0);
        assert_eq!((windows.refused, windows.quota_refused), (0, 0), "{vendor:?}: over its limit");
    }
    assert_eq!(ledger.repeats(None).other_key, 0, "nobody was shown it twice");
    third.stop().await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_the_quota_of_a_day_to_the_unit() {
    let redis = PrivateRedis::start().await;
    let t = TestHouse::first_of_several(redis.url()).await;
    let other = t.another("node-2", redis.url()).await;
    both_know_each_other(&t.house, &other).await;
    t.lane(Vendor::Xiaomi, |lane| {
        (lane.daily_quota, lane.reserve_percent) = (1_500, 20);
        (lane.batch, lane.in_flight) = (10, 4);
    })
    .await;
    let dials = simulator::Dials { daily_quota: 1_500, ..t.simulator.dials(Vendor::Xiaomi) };
    t.simulator.set_dials(Vendor::Xiaomi, dials).expect("dials");
    let users: Vec<String> = t.devices(6_000).await.into_iter().skip(1).step_by(2).collect();
    let sent = t.send(t.submission(Targets::Users { users })).await;
    t.until(sent.no, |_, funnel| funnel.total.accepted == 1_200).await;
    until("nothing is in flight", async || t.house.statuses.working().is_empty() && other.statuses.working().is_empty()).await;
    assert_eq!(t.funnel(sent.no).await.total.accepted, 1_200, "a fifth of the day is kept for what a person waits for");
    assert_eq!(t.simulator.ledger().windows(Vendor::Xiaomi, 0).quota_refused, 0, "the vendor was never asked for more");
    t.house.controls.cancel(sent.no).await.expect("cancelled");
    other.stop().await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_marketings_own_quota_and_send_again_once() {
    let redis = PrivateRedis::start().await;
    let t = TestHouse::first_of_several(redis.url()).await;
    let other = t.another("node-2", redis.url()).await;
    both_know_each_other(&t.house, &other).await;
    t.lane(Vendor::Xiaomi, |lane| {
        (lane.bulk_quota, lane.batch, lane.in_flight) = (600, 10, 4);
        (lane.receipt_wait_s, lane.resend_times) = (3_000, 1);
    })
    .await;
    let users = t.of_vendor(Vendor::Xiaomi, 2_000).await;
    let flood = t.send_to(&users).await;
    t.until(flood, |_, funnel| funnel.total.accepted == 600).await;
    until("nothing is in flight", async || t.house.statuses.working().is_empty() && other.statuses.working().is_empty()).await;
    assert_eq!(t.simulator.ledger().taken(), 600, "not one more");
    t.house.controls.cancel(flood).await.expect("cancelled");

    // Nobody is heard of: all are due at once, on both nodes.
    let mut urgent = Submission { class: MessageClass::Transactional, ..t.submission(Targets::Users { users: users.clone() }) };
    urgent.content.body = "Another".into();
    let sent = t.send(urgent).await.no;
    t.finished(sent).await;
    let store = &t.house.storage;
    let chunks: Vec<_> = store.chunks.of_message(sent, ChunkNo(0), 999).await.expect("chunks").into_iter().map(|chunk| chunk.no).collect();
    store.chunks.onward_later(&chunks, t.house.world.now() - 1).await.expect("due");
    until("all went again", async || t.taken(sent, Vendor::Xiaomi).await.values().all(|n| *n >= 2)).await;
    // What the vendor has is not recorded yet.
    until("nothing is in flight", async || t.house.statuses.working().is_empty() && other.statuses.working().is_empty()).await;
    store.chunks.onward_later(&chunks, t.house.world.now() - 1).await.expect("due");
    let far = t.house.world.now() + 86_400_000;
    until("it is over", async || store.chunks.onward_due(far, 9).await.expect("due").is_empty()).await;
    let taken = t.taken(sent, Vendor::Xiaomi).await;
    assert_eq!(taken.len(), 2_000);
    assert!(taken.values().all(|n| *n == 2), "once again, and no oftener");
    assert_eq!(t.simulator.ledger().repeats(None).other_key, 0);
    t.recount(sent).await;
    other.stop().await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_pace_is_in_force_on_every_node_within_a_second() {
    let redis = PrivateRedis::start().await;
    let t = TestHouse::first_of_several(redis.url()).await;
    let other = t.another("node-2", redis.url()).await;
    both_know_each_other(&t.house, &other).await;
    t.lane(Vendor::Apns, |lane| (lane.pace_per_second, lane.in_flight) = (60, 100)).await;
    let users: Vec<String> = t.devices(8_000).await.into_iter().step_by(2).collect();
    let sent = t.send(t.submission(Targets::Users { users })).await;
    t.until(sent.no, |_, _| t.simulator.ledger().taken() > 90).await;
    let before = t.simulator.ledger().taken();
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 2_000).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let after = t.simulator.ledger().taken();
    assert!(after - before > 300, "in the first second {} left; at the old pace it would be 60", after - before);
    // And back: what is in the hands of both nodes goes at the new pace too.
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 20).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let slow = t.simulator.ledger().taken();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let then = t.simulator.ledger().taken();
    assert!(then - slow <= 60, "{} left in two seconds", then - slow);
    t.house.controls.cancel(sent.no).await.expect("cancelled");
    other.stop().await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_a_second_worker_is_kept_out() {
    let t = crate::support::on_postgres().await;
    assert!(t.house.storage.tenancy.stays().await.expect("a store"));
    let second = pipeline::storage::Storage::open(t.url()).await.expect("a store");
    assert!(!second.tenancy.enter(true).await.expect("asked"), "there can be one only");
    assert!(!second.tenancy.enter(false).await.expect("asked"), "nor one that agrees with others");
    t.house.stop().await;
    assert!(second.tenancy.enter(false).await.expect("asked"), "whoever left makes room");
    let third = pipeline::storage::Storage::open(t.url()).await.expect("a store");
    assert!(third.tenancy.enter(false).await.expect("asked"), "several that agree with each other");
    assert!(!t.house.storage.tenancy.enter(true).await.expect("asked"));
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_another_redis_is_refused_and_an_emptied_one_is_not() {
    let (redis, other) = (PrivateRedis::start().await, PrivateRedis::start().await);
    let t = TestHouse::first_of_several(redis.url()).await;
    let refused = t.try_another("node-2", other.url()).await;
    let words = refused.err().expect("refused").to_string();
    assert!(words.contains("another redis_url"), "{words}");

    // Emptied under a living node: the name comes back, and who starts then is let in.
    redis.ask::<()>(&::redis::cmd("FLUSHALL")).await.expect("emptied");
    let second = t.another("node-2", redis.url()).await;
    both_know_each_other(&t.house, &second).await;
    second.stop().await;
    t.house.stop().await;
    // Emptied while nobody lives: the first who comes names it again.
    redis.ask::<()>(&::redis::cmd("FLUSHALL")).await.expect("emptied");
    let third = t.another("node-3", redis.url()).await;
    third.stop().await;
    // The other Redis is as good as this one once nobody uses this one.
    let fourth = t.another("node-4", other.url()).await;
    fourth.stop().await;
    t.end().await;
}
