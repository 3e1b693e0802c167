//! An app's rules through the whole machine: who is left out, who waits, who gets a place back. The ledger is the judge.

use pipeline::access::actor::Actor;
use pipeline::storage::messages::{Origin, Targets};
use simulator::Dials;
use types::content::{Content, MessageClass};
use types::funnel::Funnel;
use types::policy::{Cap, Quiet, Rules, SameContent, Span, Then, VendorCap, Versions, ZoneOf};
use types::vendor::Vendor;

use super::house;
use crate::support::TestHouse;

fn cap(most: u32) -> Rules {
    Rules { caps: vec![Cap { business: None, per: Span::Day, most, transactional_exempt: true }], ..Rules::default() }
}

/// Quiet for half an hour around now.
pub fn quiet_now(t: &TestHouse, then: Then) -> Rules {
    let minute = u16::try_from(t.house.world.now() / 60_000 % 1_440).expect("a minute of the day");
    let (from, to) = ((minute + 1_440 - 15) % 1_440, (minute + 15) % 1_440);
    let quiet = Quiet { businesses: vec![], from, to, by: ZoneOf::App, then, transactional_exempt: true };
    Rules { zone: "UTC".into(), quiet: vec![quiet], ..Rules::default() }
}

fn lost(funnel: &Funnel, reason: &str) -> u64 {
    funnel.losses.iter().filter(|loss| loss.reason == reason).map(|loss| loss.devices).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_counts_what_was_accepted_and_a_refusal_gives_the_place_back() {
    let t = house().await;
    t.rules(cap(1)).await;
    let users = t.of_vendor(Vendor::Apns, 1_000).await;
    // A fifth of the requests is refused for good, without a word about the token.
    let dials = t.simulator.dials(Vendor::Apns);
    t.simulator.set_dials(Vendor::Apns, Dials { error_share: 0.2, error: "PayloadTooLarge".into(), ..dials.clone() }).expect("dials");
    let first = t.finished(t.send_to(&users).await).await;
    assert_eq!(first.total.accepted + first.total.refused, 1_000, "{:?}", first.losses);
    assert!((100..300).contains(&first.total.refused), "{:?}", first.total);
    t.simulator.set_dials(Vendor::Apns, dials).expect("dials");
    let no = t.send_to(&users).await;
    let second = t.finished(no).await;
    assert_eq!(second.total.accepted, first.total.refused, "exactly those who got nothing: {:?}", second.losses);
    assert_eq!(lost(&second, "cap"), first.total.accepted);
    t.recount(no).await;
    let third = t.finished(t.send_to(&users).await).await;
    assert_eq!(lost(&third, "cap"), 1_000, "now everybody had one");
    // A doctor's reply goes all the same, and takes no place.
    let mut urgent = t.submission(Targets::Users { users: users[..10].to_vec() });
    urgent.class = MessageClass::Transactional;
    assert_eq!(t.finished(t.send(urgent).await.no).await.total.accepted, 10);
    let affected = t.house.policy.affected(&t.app, &cap(1)).await.expect("counted");
    assert_eq!(affected.caps[0].persons, 1_000);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_two_phones_counts_once_and_a_resend_is_no_second_message() {
    let t = house().await;
    t.rules(cap(1)).await;
    let phones = vec![t.registration("two", 0), t.registration("two", 1)];
    t.house.storage.devices.register(t.app.no, phones).await.expect("registered");
    let users = ["two".to_owned()];
    let dials = t.simulator.dials(Vendor::Xiaomi);
    t.simulator.set_dials(Vendor::Xiaomi, Dials { token_fault_share: 1.0, ..dials.clone() }).expect("dials");
    let no = t.send_to(&users).await;
    let first = t.finished(no).await;
    assert_eq!((first.total.accepted, first.total.refused), (1, 1), "{:?}", first.losses);
    t.simulator.set_dials(Vendor::Xiaomi, dials).expect("dials");
    let message = t.message(no).await;
    let again = t.house.controls.resend(&t.app, &message, &[types::life::Outcome::Refused], "tester", "127.0.0.1").await.expect("resent");
    let resent = t.finished(again.no).await;
    assert_eq!((resent.total.planned, lost(&resent, "cap")), (1, 0), "the same message on the other phone: {:?}", resent.losses);
    let other = t.finished(t.send_to(&users).await).await;
    assert!(lost(&other, "cap") > 0 && other.total.accepted == 0, "{:?}", other.losses);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_hours_hold_until_the_rule_goes_or_drop_and_spare_what_is_exempt() {
    let t = house().await;
    let users = t.devices(40).await;
    t.rules(quiet_now(&t, Then::Hold)).await;
    let held = t.send_to(&users).await;
    t.until(held, |_, funnel| funnel.total.waiting == 40).await;
    let mut urgent = t.submission(Targets::Users { users: users.clone() });
    urgent.class = MessageClass::Transactional;
    assert_eq!(t.finished(t.send(urgent).await.no).await.total.accepted, 40);
    let now = t.house.policy.affected(&t.app, &quiet_now(&t, Then::Hold)).await.expect("counted");
    assert_eq!((now.held.devices, now.quiet[0].devices), (40, 40));
    assert!(now.held.last.is_some_and(|until| until > t.house.world.now()));
    // It would end too late for this one.
    let mut short = t.submission(Targets::Users { users: users.clone() });
    short.deadline = Some(t.house.world.now() + 300_000);
    let short = t.finished(t.send(short).await.no).await;
    assert_eq!((short.total.expired, lost(&short, "quiet_hours")), (40, 40), "{:?}", short.losses);
    t.rules(quiet_now(&t, Then::Drop)).await;
    let dropped = t.finished(held).await;
    assert_eq!((dropped.total.filtered, lost(&dropped, "quiet_hours")), (40, 40), "asked again by the new rule");
    t.recount(held).await;
    let at_once = t.finished(t.send_to(&users).await).await;
    assert_eq!(lost(&at_once, "quiet_hours"), 40);
    t.rules(Rules::default()).await;
    assert_eq!(t.finished(t.send_to(&users).await).await.total.accepted, 40);
    assert_eq!(t.simulator.ledger().taken(), 80, "nothing was sent that a rule forbade");
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zones_of_people_are_held_apart() {
    let t = house().await;
    let mut people = vec![t.registration("here", 0), t.registration("there", 2), t.registration("silent", 4)];
    people[0].zone = Some("UTC".into());
    people[1].zone = Some("Asia/Shanghai".into());
    t.house.storage.devices.register(t.app.no, people).await.expect("registered");
    let mut rules = quiet_now(&t, Then::Hold);
    rules.quiet[0].by = ZoneOf::User;
    t.rules(rules).await;
    let no = t.send_to(&["here".into(), "there".into(), "silent".into()]).await;
    let funnel = t.until(no, |_, funnel| funnel.total.accepted == 1).await;
    assert_eq!(funnel.total.waiting, 2, "in Shanghai it is eight hours later; who names no zone lives in the app's");
    t.rules(Rules::default()).await;
    assert_eq!(t.finished(no).await.total.accepted, 3);
    t.recount(no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stop_switch_holds_everything_and_what_changed_meanwhile_counts() {
    let t = house().await;
    let users = t.devices(100).await;
    t.house.policy.stop(&t.app, Some("wrong copy"), &Actor::system()).await.expect("stopped");
    let no = t.send_to(&users).await;
    t.until(no, |_, funnel| funnel.total.waiting == 100).await;
    t.block(&["u0", "u1"], "").await;
    t.block(&["u2"], "another business").await;
    t.block(&["u3"], "test").await;
    // Each planned chunk wakes the lane: it was told to go twice and did not.
    let later = t.send_to(&users).await;
    t.until(later, |_, funnel| funnel.total.waiting == 97).await;
    assert_eq!((t.simulator.ledger().taken(), t.funnel(no).await.total.waiting), (0, 100), "nothing left the house");
    t.house.policy.stop(&t.app, None, &Actor::system()).await.expect("goes on");
    let funnel = t.finished(no).await;
    assert_eq!((funnel.total.accepted, lost(&funnel, "blacklist")), (97, 3), "{:?}", funnel.losses);
    let planned = t.finished(later).await;
    assert_eq!((planned.total.accepted, lost(&planned, "blacklist")), (97, 3), "and at planning");
    assert_eq!(t.simulator.ledger().taken(), 194);
    t.recount(no).await;
    let gone = t.house.policy.unblock(&t.app, &[("u0".into(), String::new())], &Actor::system()).await.expect("off");
    assert_eq!(gone, 1);
    assert_eq!(t.finished(t.send_to(&users).await).await.total.accepted, 98);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_the_same_content_and_the_vendors_own_cap() {
    let t = house().await;
    let mut old = t.registration("old", 0);
    old.app_version = "1.9.3".into();
    let mut new = t.registration("new", 2);
    new.app_version = "1.10".into();
    let mut silent = t.registration("silent", 4);
    silent.app_version = String::new();
    let phone = t.registration("phone", 1);
    t.house.storage.devices.register(t.app.no, vec![old, new, silent, phone]).await.expect("registered");
    let all: Vec<String> = ["old", "new", "silent"].map(str::to_owned).into();
    let mut submission = t.submission(Targets::Users { users: all.clone() });
    submission.versions = Versions::of("1.10", "");
    let funnel = t.finished(t.send(submission).await.no).await;
    assert_eq!((funnel.total.accepted, lost(&funnel, "version")), (1, 2), "{:?}", funnel.losses);

    t.rules(Rules { same_content: Some(SameContent { minutes: 10, transactional_exempt: false }), ..Rules::default() }).await;
    let say = |body: &str| {
        let mut submission = t.submission(Targets::Users { users: all.clone() });
        submission.content = Content { title: "T".into(), body: body.into(), ..Content::default() };
        submission
    };
    assert_eq!(t.finished(t.send(say("one")).await.no).await.total.accepted, 3);
    assert_eq!(lost(&t.finished(t.send(say("one")).await.no).await, "same_content"), 3);
    assert_eq!(t.finished(t.send(say("two")).await.no).await.total.accepted, 3);

    let vendor_cap = VendorCap { vendor: Vendor::Xiaomi, most: 1, source: "a test".into(), as_of: "2026-11-21".into() };
    t.rules(Rules { vendor_caps: vec![vendor_cap], ..Rules::default() }).await;
    let everybody: Vec<String> = ["old", "phone"].map(str::to_owned).into();
    assert_eq!(t.finished(t.send_to(&everybody).await).await.total.accepted, 2);
    let second = t.finished(t.send_to(&everybody).await).await;
    assert_eq!((second.total.accepted, lost(&second, "vendor_cap")), (1, 1), "APNs has no such cap: {:?}", second.losses);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_send_goes_at_any_hour_and_as_often_as_it_takes() {
    let t = house().await;
    let mut rules = quiet_now(&t, Then::Drop);
    rules.caps = cap(1).caps;
    t.rules(rules).await;
    let mut tester = t.registration("tester", 0);
    tester.test = Some(true);
    t.house.storage.devices.register(t.app.no, vec![tester]).await.expect("registered");
    for _ in 0..3 {
        let mut submission = t.submission(Targets::Users { users: vec!["tester".into()] });
        submission.origin = Origin::Test;
        assert_eq!(t.finished(t.send(submission).await.no).await.total.accepted, 1);
    }
    t.end().await;
}
