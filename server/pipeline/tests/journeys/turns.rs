//! Whose turn it is on a slow lane: campaigns side by side, key business before them, a person before all.

use pipeline::storage::messages::Targets;
use types::content::MessageClass;
use types::policy::Rules;
use types::vendor::Vendor;

use super::house;
use crate::support::TestHouse;

/// Far too slow for what waits: nothing here is over before it is looked at.
async fn slow(t: &TestHouse, pace: u32) {
    t.lane(Vendor::Apns, |lane| (lane.pace_per_second, lane.in_flight) = (pace, 100)).await;
}

async fn ask(t: &TestHouse, users: &[String], business: &str, class: MessageClass) -> i64 {
    let mut submission = t.submission(Targets::Users { users: users.to_vec() });
    (submission.business, submission.class) = (business.to_owned(), class);
    t.send(submission).await.no
}

/// By the ledger: counters move by chunks.
async fn accepted(t: &TestHouse, message_no: i64) -> u64 {
    t.taken(message_no, Vendor::Apns).await.len() as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_large_campaigns_on_one_slow_lane_both_move() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Apns, 5_000).await;
    slow(&t, 500).await;
    let first = ask(&t, &users, "one", MessageClass::Bulk).await;
    t.until(first, |_, funnel| funnel.total.accepted >= 500).await;
    let second = ask(&t, &users, "two", MessageClass::Bulk).await;
    t.until(second, |_, funnel| funnel.total.accepted >= 1_000).await;
    let (one, two) = (accepted(&t, first).await, accepted(&t, second).await);
    assert!(one < 4_000, "the first is far from over: {one} and {two}");
    // Side by side from here on: neither has more than a few chunks of 250 more than the other.
    t.until(second, |_, funnel| funnel.total.accepted >= 2_000).await;
    let (one_later, two_later) = (accepted(&t, first).await, accepted(&t, second).await);
    let (one_more, two_more) = (one_later - one, two_later - two);
    assert!(one_more.abs_diff(two_more) <= 750, "the first {one} to {one_later}, the second {two} to {two_later}");
    slow(&t, 5_000).await;
    for no in [first, second] {
        assert_eq!(t.finished(no).await.total.accepted, 5_000);
        t.recount(no).await;
    }
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_business_overtakes_marketing_and_a_person_overtakes_both() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Apns, 3_000).await;
    t.rules(Rules { key_businesses: vec!["visit".into()], ..Rules::default() }).await;
    slow(&t, 400).await;
    let marketing = ask(&t, &users, "news", MessageClass::Bulk).await;
    t.until(marketing, |_, funnel| funnel.total.accepted >= 200).await;
    let before = accepted(&t, marketing).await;
    let key = ask(&t, &users[..1_500], "visit", MessageClass::Bulk).await;
    t.until(key, |_, funnel| funnel.total.accepted >= 300).await;
    let passed = accepted(&t, marketing).await - before;
    assert!(passed < 250, "marketing that waited for tokens leaves them to key business: {passed} went by");

    let key_before = accepted(&t, key).await;
    let urgent = ask(&t, &users[..400], "code", MessageClass::Transactional).await;
    let done = t.until(urgent, |_, funnel| funnel.total.accepted == 400).await;
    assert_eq!(done.total.waiting, 0);
    let key_passed = accepted(&t, key).await - key_before;
    assert!(key_passed < 250, "a person waits for neither: {key_passed} of key business went by");
    assert!(accepted(&t, marketing).await < 700, "and marketing is far behind");

    let key = t.finished(key).await;
    assert_eq!(key.total.accepted, 1_500);
    let marketing_now = accepted(&t, marketing).await;
    assert!(marketing_now < 1_200, "key business is over, marketing is not: {marketing_now}");
    slow(&t, 5_000).await;
    assert_eq!(t.finished(marketing).await.total.accepted, 3_000);
    t.recount(marketing).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_overtaken_when_the_rules_call_a_later_one_key_and_a_near_deadline_goes_first() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Apns, 2_000).await;
    slow(&t, 300).await;
    let first = ask(&t, &users, "news", MessageClass::Bulk).await;
    let second = ask(&t, &users, "visit", MessageClass::Bulk).await;
    t.until(first, |_, funnel| funnel.total.planned == 2_000).await;
    t.until(second, |_, funnel| funnel.total.planned == 2_000 && funnel.total.accepted >= 100).await;
    t.rules(Rules { key_businesses: vec!["visit".into()], ..Rules::default() }).await;
    let before = accepted(&t, first).await;
    let over = t.finished(second).await;
    assert_eq!(over.total.accepted, 2_000);
    let passed = accepted(&t, first).await - before;
    assert!(passed < 800, "only what the lane had in its hands went by: {passed}");

    // Both are marketing again; the later one is due within a minute.
    t.rules(Rules::default()).await;
    let mut soon = t.submission(Targets::Users { users: users[..1_200].to_vec() });
    soon.deadline = Some(t.house.world.now() + 45_000);
    let before = accepted(&t, first).await;
    let soon = t.send(soon).await.no;
    let over = t.finished(soon).await;
    assert_eq!((over.total.accepted, over.total.expired), (1_200, 0), "{:?}", over.losses);
    let passed = accepted(&t, first).await - before;
    assert!(passed < 900, "what was in hand, no more: {passed}");
    slow(&t, 5_000).await;
    assert_eq!(t.finished(first).await.total.accepted, 2_000);
    t.end().await;
}
