//! Pushes walk through the whole machine to the simulator and back; the simulator's ledger is the judge. Each asks for a
//! `house`, and gets it from the store that includes this file.

use std::time::Duration;

use pipeline::access::accept::Submission;
use pipeline::storage::messages::{Origin, Targets};
use simulator::{Dials, Outage};
use types::breaker::KindRule;
use types::content::MessageClass;
use types::ids::ChunkNo;
use types::life::{MessageState, Outcome};
use types::vendor::Vendor;
use types::views::lanes::LaneEventKind;

use super::house;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_over_both_vendors_equals_the_ledger() {
    let t = house().await;
    let mut users = t.devices(3_000).await;
    users.push("nobody".into());
    let sent = t.send(t.submission(Targets::Users { users })).await;
    let funnel = t.finished(sent.no).await;
    assert_eq!((funnel.total.planned, funnel.total.accepted, funnel.total.filtered), (3_001, 3_000, 1), "{:?}", funnel.losses);
    t.recount(sent.no).await;
    for vendor in [Vendor::Apns, Vendor::Xiaomi] {
        let taken = t.taken(sent.no, vendor).await;
        assert_eq!(taken.len(), 1_500, "{}", vendor.slug());
        assert!(taken.values().all(|n| *n == 1), "{}: somebody got it twice", vendor.slug());
    }
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pause_holds_the_send_stage_and_resume_finishes() {
    let t = house().await;
    let users = t.devices(2_000).await;
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 400).await;
    let sent = t.send(t.submission(Targets::Users { users: users.clone() })).await;
    t.until(sent.no, |_, funnel| funnel.total.accepted > 100).await;
    t.house.controls.pause(sent.no).await.expect("paused");
    // What was in flight ends; after that nothing moves.
    let chunks_still = async || {
        let chunks = t.house.storage.chunks.of_message(sent.no, types::ids::ChunkNo(0), 100).await.expect("chunks");
        chunks.iter().all(|chunk| chunk.state != pipeline::storage::chunks::ChunkState::Leased)
    };
    while !chunks_still().await {
        tokio::task::yield_now().await;
    }
    let held = t.funnel(sent.no).await.total;
    let seen = t.simulator.ledger().taken();
    assert!(held.waiting > 0);
    assert_eq!(t.message(sent.no).await.state, MessageState::Paused);
    assert!(t.house.controls.pause(sent.no).await.is_err(), "a second pause says so");
    // One that came later goes by on the same lane.
    assert_eq!(t.finished(t.send_to(&users[..1]).await).await.total.accepted, 1);
    assert_eq!((t.funnel(sent.no).await.total, t.simulator.ledger().taken()), (held, seen + 1), "nothing moves while paused");
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 5_000).await;
    t.house.controls.resume(sent.no).await.expect("resumed");
    let funnel = t.finished(sent.no).await;
    assert_eq!((funnel.total.accepted, funnel.total.planned), (2_000, 2_000));
    t.recount(sent.no).await;
    assert_eq!(t.simulator.ledger().taken(), 2_001, "neither repeated nor skipped");
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_ends_what_was_not_sent_and_leaves_what_was() {
    let t = house().await;
    let users = t.devices(2_000).await;
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 200).await;
    let sent = t.send(t.submission(Targets::Users { users })).await;
    t.until(sent.no, |_, funnel| funnel.total.accepted > 50).await;
    t.house.controls.cancel(sent.no).await.expect("cancelled");
    let funnel = t.until(sent.no, |_, funnel| funnel.total.waiting == 0).await;
    assert!(funnel.total.cancelled > 0);
    assert_eq!(funnel.total.accepted + funnel.total.cancelled, 2_000, "{:?}", funnel.losses);
    assert_eq!(t.simulator.ledger().taken(), funnel.total.accepted);
    t.recount(sent.no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_one_vendor_is_waited_out_and_costs_the_other_nothing() {
    let t = house().await;
    let users = t.devices(400).await;
    t.simulator.set_dials(Vendor::Xiaomi, Dials { outage: Outage::Error, ..t.simulator.dials(Vendor::Xiaomi) }).expect("dials");
    let sent = t.send(t.submission(Targets::Users { users })).await;
    let funnel = t.until(sent.no, |_, funnel| funnel.total.accepted == 200).await;
    assert_eq!(funnel.total.waiting, 200, "Xiaomi's half waits: {:?}", funnel.losses);
    t.simulator.set_dials(Vendor::Xiaomi, Dials { outage: Outage::None, ..t.simulator.dials(Vendor::Xiaomi) }).expect("dials");
    let funnel = t.finished(sent.no).await;
    assert_eq!(funnel.total.accepted, 400);
    t.recount(sent.no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_send_reaches_test_devices_only() {
    let t = house().await;
    let users = t.devices(10).await;
    let mut tester = t.registration("tester", 1_001);
    tester.test = Some(true);
    t.house.storage.devices.register(t.app.no, vec![tester]).await.expect("registered");
    let mut everybody = users;
    everybody.push("tester".into());
    let mut submission = t.submission(Targets::Users { users: everybody });
    submission.origin = Origin::Test;
    let sent = t.send(submission).await;
    let funnel = t.finished(sent.no).await;
    assert_eq!((funnel.total.accepted, funnel.total.filtered), (1, 10));
    assert_eq!(funnel.losses[0].reason, "not_test_device");
    assert_eq!(t.simulator.ledger().taken(), 1);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_message_does_not_wait_behind_a_crowd() {
    let t = house().await;
    let users = t.devices(4_000).await;
    for vendor in [Vendor::Apns, Vendor::Xiaomi] {
        t.lane(vendor, |lane| {
            lane.pace_per_second = 50;
            lane.batch = lane.batch.min(20);
        })
        .await;
    }
    let bulk = t.send(t.submission(Targets::Users { users: users.clone() })).await;
    t.until(bulk.no, |_, funnel| funnel.total.accepted > 40).await;
    let mut urgent = t.submission(Targets::Users { users: users[..2].to_vec() });
    urgent.class = MessageClass::Transactional;
    let urgent = t.send(urgent).await;
    t.finished(urgent.no).await;
    let behind = t.funnel(bulk.no).await.total;
    assert!(behind.waiting > 1_000, "the crowd still waits: {behind:?}");
    t.house.controls.cancel(bulk.no).await.expect("cancelled");
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_restart_finds_goes_on_without_a_repeat() {
    let mut t = house().await;
    let users = t.devices(2_000).await;
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 500).await;
    let sent = t.send(t.submission(Targets::Users { users })).await;
    t.until(sent.no, |_, funnel| funnel.total.accepted > 100).await;
    t.restart("node-2").await;
    let funnel = t.finished(sent.no).await;
    assert_eq!((funnel.total.accepted, funnel.total.uncertain), (2_000, 0), "a clean stop leaves nothing unknown");
    assert_eq!(t.simulator.ledger().taken(), 2_000);
    t.recount(sent.no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_after_its_deadline() {
    let t = house().await;
    let users = t.devices(200).await;
    t.lane(Vendor::Apns, |lane| lane.enabled = true).await;
    t.simulator.set_dials(Vendor::Apns, Dials { outage: Outage::Error, ..t.simulator.dials(Vendor::Apns) }).expect("dials");
    let mut submission = t.submission(Targets::Users { users });
    submission.deadline = Some(t.house.world.now() + 2_500);
    let sent = t.send(submission).await;
    let funnel = t.finished(sent.no).await;
    assert_eq!((funnel.total.accepted, funnel.total.expired), (100, 100), "{:?}", funnel.losses);
    t.recount(sent.no).await;

    let message = t.message(sent.no).await;
    t.simulator.set_dials(Vendor::Apns, Dials { outage: Outage::None, ..t.simulator.dials(Vendor::Apns) }).expect("dials");
    assert!(
        t.house.controls.resend(&t.app, &message, &[Outcome::Accepted], "tester", "").await.is_err(),
        "accepted ones are never sent again"
    );
    let again = t.house.controls.resend(&t.app, &message, &[Outcome::Expired], "tester", "").await.expect("resent");
    let funnel = t.finished(again.no).await;
    assert_eq!((funnel.total.planned, funnel.total.accepted), (100, 100));
    assert_eq!(t.taken(again.no, Vendor::Apns).await.len(), 100, "under the first message's key");
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daily_quota_of_a_lane_is_kept_to_the_unit_and_over_a_restart() {
    let mut t = house().await;
    let users = t.devices(600).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.daily_quota, lane.reserve_percent) = (120, 0)).await;
    t.lane(Vendor::Apns, |lane| (lane.daily_quota, lane.reserve_percent) = (70, 0)).await;
    let sent = t.send(t.submission(Targets::Users { users: users.clone() })).await;
    let funnel = t.until(sent.no, |_, funnel| funnel.total.accepted == 190).await;
    assert_eq!(funnel.total.waiting, 410);
    t.restart("node-2").await;
    t.lane(Vendor::Apns, |lane| lane.daily_quota = 71).await;
    t.until(sent.no, |_, funnel| funnel.total.accepted == 191).await;
    assert_eq!(t.simulator.ledger().taken(), 191, "not one more");
    t.house.controls.cancel(sent.no).await.expect("cancelled");
    t.recount(sent.no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marketing_leaves_a_part_of_the_day_to_what_a_person_waits_for() {
    let t = house().await;
    let users = t.devices(400).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.daily_quota, lane.reserve_percent) = (100, 20)).await;
    t.lane(Vendor::Apns, |lane| lane.enabled = false).await;
    let odd: Vec<String> = users.iter().skip(1).step_by(2).cloned().collect();
    let flood = t.send(t.submission(Targets::Users { users: odd.clone() })).await;
    t.until(flood.no, |_, funnel| funnel.total.accepted == 80).await;
    let urgent =
        |users: &[String]| Submission { class: MessageClass::Transactional, ..t.submission(Targets::Users { users: users.to_vec() }) };
    // The rest of the day is for them, to the unit.
    let letters = t.send(urgent(&odd[..30])).await;
    t.until(letters.no, |_, funnel| funnel.total.accepted == 20).await;
    let more = t.send(urgent(&odd[30..31])).await;
    let xiaomi = t.lane_no(Vendor::Xiaomi).await;
    let shut = || t.house.lane_status(xiaomi).used_up(MessageClass::Transactional, t.house.world.now()).is_some();
    t.until(more.no, |_, funnel| funnel.total.waiting == 1 && shut()).await;
    assert_eq!(t.simulator.ledger().taken(), 100);
    assert_eq!(t.funnel(flood.no).await.total.accepted, 80);
    t.house.controls.cancel(flood.no).await.expect("cancelled");
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marketing_has_a_quota_of_its_own_beside_the_days_also_over_a_restart() {
    let mut t = house().await;
    let users = t.of_vendor(Vendor::Xiaomi, 200).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.daily_quota, lane.reserve_percent, lane.bulk_quota, lane.batch) = (100, 20, 30, 7)).await;
    let flood = t.send_to(&users).await;
    t.until(flood, |_, funnel| funnel.total.accepted == 30).await;
    // What a person waits for has the rest of the day.
    let letters =
        t.send(Submission { class: MessageClass::Transactional, ..t.submission(Targets::Users { users: users[..40].to_vec() }) }).await;
    assert_eq!(t.finished(letters.no).await.total.accepted, 40);
    t.restart("node-2").await;
    let xiaomi = t.lane_no(Vendor::Xiaomi).await;
    let shut = |t: &crate::support::TestHouse, class| t.house.lane_status(xiaomi).used_up(class, t.house.world.now()).is_some();
    t.until(flood, |_, _| shut(&t, MessageClass::Bulk)).await;
    assert!(!shut(&t, MessageClass::Transactional), "thirty are left of the day");
    assert_eq!((t.funnel(flood).await.total.accepted, t.simulator.ledger().taken()), (30, 70), "not one more");
    // A larger one is in force at once; the day's quota holds beside it: marketing ends when 80 of all are used.
    t.lane(Vendor::Xiaomi, |lane| lane.bulk_quota = 35).await;
    t.until(flood, |_, funnel| funnel.total.accepted == 35).await;
    t.lane(Vendor::Xiaomi, |lane| lane.bulk_quota = 90).await;
    t.until(flood, |_, funnel| funnel.total.accepted == 40 && shut(&t, MessageClass::Bulk)).await;
    t.house.controls.cancel(flood).await.expect("cancelled");
    t.recount(flood).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_answer_to_marketing_closes_the_lane_for_marketing_only() {
    let t = house().await;
    let users = t.devices(400).await;
    let odd: Vec<String> = users.iter().skip(1).step_by(2).cloned().collect();
    let lane_no = t.lane_no(Vendor::Xiaomi).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.batch, lane.in_flight) = (25, 1)).await;
    let calm = t.simulator.dials(Vendor::Xiaomi);
    t.simulator.set_dials(Vendor::Xiaomi, Dials { daily_quota: 50, ..calm.clone() }).expect("dials");
    let flood = t.send(t.submission(Targets::Users { users: odd.clone() })).await;
    let shut = |class| t.house.lane_status(lane_no).used_up(class, t.house.world.now());
    t.until(flood.no, |_, funnel| funnel.total.accepted == 50 && shut(MessageClass::Bulk).is_some()).await;
    assert_eq!(shut(MessageClass::Transactional), None, "the vendor said nothing of these");
    // The vendor counts marketing apart: it would take this one.
    t.simulator.set_dials(Vendor::Xiaomi, calm).expect("dials");
    let letter =
        t.send(Submission { class: MessageClass::Transactional, ..t.submission(Targets::Users { users: odd[..1].to_vec() }) }).await;
    assert_eq!(t.finished(letter.no).await.total.accepted, 1, "it does not wait behind marketing");
    assert_eq!(t.funnel(flood.no).await.total.accepted, 50, "marketing waits for the reset");
    t.house.controls.cancel(flood.no).await.expect("cancelled");
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_up_quota_sends_the_rest_to_the_next_lane_and_nobody_waits_for_the_morning() {
    let t = house().await;
    let users = t.phones_of_both(400, |_| true).await;
    // A chunk is a request: what the vendor refuses, it refuses whole.
    t.lane(Vendor::Xiaomi, |lane| (lane.batch, lane.in_flight) = (25, 4)).await;
    let dials = Dials { daily_quota: 100, ..t.simulator.dials(Vendor::Xiaomi) };
    t.simulator.set_dials(Vendor::Xiaomi, dials).expect("dials");
    let mut submission = t.submission(Targets::Users { users });
    submission.vendor_order = vec![Vendor::Xiaomi, Vendor::Apns];
    let stored = t.send(submission).await;
    let funnel = t.finished(stored.no).await;
    assert_eq!((funnel.total.accepted, funnel.total.planned), (400, 400), "those refused for the quota are with the other lane");
    let (here, there) = (t.taken(stored.no, Vendor::Xiaomi).await, t.taken(stored.no, Vendor::Apns).await);
    assert_eq!((here.len(), there.len()), (100, 300), "the whole quota was used, and each device was told once");
    assert!(t.simulator.ledger().windows(Vendor::Xiaomi, 0).quota_refused > 0, "the vendor said so");
    t.recount(stored.no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_that_is_out_hands_its_devices_over_and_nobody_hears_it_twice() {
    let t = house().await;
    // Every tenth phone has one token only: it must wait for its lane.
    let users = t.phones_of_both(1_000, |i| i % 10 != 0).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.batch, lane.in_flight) = (50, 2)).await;
    t.simulator.set_dials(Vendor::Xiaomi, Dials { outage: Outage::Error, ..t.simulator.dials(Vendor::Xiaomi) }).expect("dials");
    let mut submission = t.submission(Targets::Users { users });
    submission.vendor_order = vec![Vendor::Xiaomi, Vendor::Apns];
    let sent = t.send(submission).await;

    let funnel = t.until(sent.no, |_, funnel| funnel.total.accepted >= 500).await;
    let xiaomi = funnel.lanes.iter().find(|lane| lane.vendor == Some(Vendor::Xiaomi)).expect("a lane");
    assert_eq!(xiaomi.equation.accepted, 0, "the vendor is down");
    assert!(xiaomi.equation.waiting >= 100, "who has no other token waits: {:?}", xiaomi.equation);
    let chunks = t.house.storage.chunks.of_message(sent.no, ChunkNo(0), 200).await.expect("chunks");
    let handed = chunks.iter().find(|chunk| chunk.vendor == Some(Vendor::Apns)).expect("a chunk");
    assert!(handed.why.contains("handed over from xiaomi: breaker tripped"), "{}", handed.why);

    t.simulator.set_dials(Vendor::Xiaomi, Dials { outage: Outage::None, ..t.simulator.dials(Vendor::Xiaomi) }).expect("dials");
    let funnel = t.finished(sent.no).await;
    assert_eq!((funnel.total.planned, funnel.total.accepted), (1_000, 1_000), "{:?}", funnel.losses);
    let (here, there) = (t.taken(sent.no, Vendor::Xiaomi).await, t.taken(sent.no, Vendor::Apns).await);
    assert_eq!(here.len() + there.len(), 1_000, "each device once, {} and {}", here.len(), there.len());
    t.recount(sent.no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gave_no_receipt_goes_on_to_the_next_lane_and_both_ways_are_on_record() {
    let t = house().await;
    let users = t.phones_of_both(10, |_| true).await;
    t.lane(Vendor::Xiaomi, |lane| lane.receipt_wait_s = 5).await;
    let mut submission = t.submission(Targets::Users { users });
    submission.class = MessageClass::Transactional;
    submission.vendor_order = vec![Vendor::Xiaomi, Vendor::Apns];
    let sent = t.send(submission).await;
    t.finished(sent.no).await;
    assert_eq!(t.taken(sent.no, Vendor::Xiaomi).await.len(), 10);

    // Four phones are heard of in time.
    let parameter = pipeline::receipts::mac::parameter(&t.app.callback_secret, t.message(sent.no).await.id.as_str());
    let heard = (0..4).map(|i| format!("reg-id-{i:06}")).collect::<Vec<_>>().join(",");
    let data = serde_json::json!({ "xm1": { "param": parameter, "type": 1, "targets": heard, "timestamp": t.house.world.now() } });
    let body = serde_urlencoded::to_string([("data", data.to_string())]).expect("a form").into_bytes();
    t.house
        .receipts
        .vendor_callback(Vendor::Xiaomi, &t.app.callback_secret, "application/x-www-form-urlencoded", "", "", body)
        .await
        .expect("kept");

    let on = t.onward_of(sent.no).await;
    let funnel = t.finished(on.no).await;
    assert_eq!((funnel.total.planned, funnel.total.accepted), (6, 6), "those without a receipt");
    assert_eq!(t.taken(on.no, Vendor::Apns).await.len(), 6, "under the first message's key");
    assert_eq!(t.taken(sent.no, Vendor::Xiaomi).await.len(), 10, "nobody by the first lane again");
    t.recount(on.no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn breaker_rules_of_a_lane_are_changed_while_it_runs() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Xiaomi, 400).await;
    let lenient = KindRule { count: 1_000_000, share: 100 };
    t.lane(Vendor::Xiaomi, |lane| {
        let rules = &mut lane.breaker;
        (rules.in_a_row, rules.sample, rules.timeout, rules.vendor_error, rules.unknown) = (10_000, 1_000_000, lenient, lenient, lenient);
        lane.batch = 5;
    })
    .await;
    let lane_no = t.lane_no(Vendor::Xiaomi).await;
    t.simulator.set_dials(Vendor::Xiaomi, Dials { outage: Outage::Error, ..t.simulator.dials(Vendor::Xiaomi) }).expect("dials");
    let sent = t.send_to(&users).await;
    // Far more failures than the rules of before would have borne.
    loop {
        let chunks = t.house.storage.chunks.of_message(sent, ChunkNo(0), 9).await.expect("chunks");
        if chunks.iter().any(|chunk| chunk.attempts > 1) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let tripped = async || {
        let events = t.house.storage.lane_events.latest(&[lane_no], 9).await.expect("events");
        events.into_iter().find(|event| event.what == LaneEventKind::Tripped)
    };
    assert_eq!(tripped().await, None, "lenient rules");
    t.lane(Vendor::Xiaomi, |lane| lane.breaker.in_a_row = 3).await;
    let event = loop {
        if let Some(event) = tripped().await {
            break event;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(event.words.contains("errors in a row"), "{}", event.words);
    t.simulator.set_dials(Vendor::Xiaomi, Dials { outage: Outage::None, ..t.simulator.dials(Vendor::Xiaomi) }).expect("dials");
    assert_eq!(t.finished(sent).await.total.accepted, 400);
    t.end().await;
}
