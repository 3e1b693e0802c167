//! What vendors say besides yes and no is followed: another address, a closed window, one bad token among many, a way by host.

use pipeline::storage::messages::Targets;
use simulator::{Account, Dials, KeyedAccount};
use types::content::MessageClass;
use types::egress::{Way, WayKind};
use types::life::MessageState;
use types::vendor::Vendor;

use crate::samples::Sample;
use crate::support::TestHouse;
use crate::vendors::{house, phones};

fn answers(t: &TestHouse, vendor: Vendor, word: &str) -> u64 {
    t.simulator.ledger().answers().get(&vendor).and_then(|answers| answers.get(word)).copied().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_to_the_vendors_own_host_is_followed_once() {
    let t = house().await;
    let users = phones(&t, Vendor::Meizu, 30).await;
    t.simulator.set_dials(Vendor::Meizu, Dials { redirect: true, ..t.simulator.dials(Vendor::Meizu) }).expect("dials");
    let sent = t.send(t.submission(Targets::Users { users })).await;
    let funnel = t.finished(sent.no).await;
    assert_eq!(funnel.total.accepted, 30, "{:?}", funnel.losses);
    assert_eq!((answers(&t, Vendor::Meizu, "300"), answers(&t, Vendor::Meizu, "200")), (2, 2), "each request once more, there");
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_one_token_spoils_is_asked_for_in_halves() {
    let t = house().await;
    let made = Sample::of(Vendor::Umeng).credential;
    let mut account = KeyedAccount::new(Vendor::Umeng, made.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    account.rights.insert("refuses_lists".into());
    t.simulator.add_account(Account::Keyed(account)).expect("an account");
    let mut users = phones(&t, Vendor::Umeng, 19).await;
    let mut bad = t.registration("umeng-bad", 1_000);
    bad.tokens = vec![(Vendor::Umeng, "of-another-form".into())];
    t.house.storage.devices.register(t.app.no, vec![bad]).await.expect("registered");
    users.push("umeng-bad".into());
    let sent = t.send(t.submission(Targets::Users { users })).await;
    let funnel = t.finished(sent.no).await;
    assert_eq!((funnel.total.accepted, funnel.total.refused), (19, 1), "{:?}", funnel.losses);
    assert_eq!(funnel.losses[0].reason, "invalid_token");
    let taken = t.simulator.ledger().taken_by(Vendor::Umeng);
    assert!(taken.len() == 19 && taken.values().all(|n| *n == 1), "nobody twice");
    assert!(answers(&t, Vendor::Umeng, "4010") >= 4, "20, 10, 5, 2 … down to the one");
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_the_vendors_hours_a_message_waits_and_does_not_fail() {
    const HOUR: i64 = 3_600_000;
    let t = house().await;
    let users = phones(&t, Vendor::Vivo, 7).await;
    // A pass by daylight: the twin's clock is about to leave ours.
    let one = t.send(t.submission(Targets::Users { users: users[..2].to_vec() })).await;
    t.finished(one.no).await;
    let now = t.house.world.now();
    let of_day = (now + 8 * HOUR).rem_euclid(24 * HOUR);
    if (7 * HOUR..23 * HOUR).contains(&of_day) {
        t.simulator.advance_clock(std::time::Duration::from_millis((23 * HOUR + HOUR / 2 - of_day).unsigned_abs()));
    }
    t.simulator.set_dials(Vendor::Vivo, Dials { vendor_hours: true, ..t.simulator.dials(Vendor::Vivo) }).expect("dials");
    let sent = t.send(t.submission(Targets::Users { users: users[2..].to_vec() })).await;
    let lane =
        t.house.storage.apps.lanes_of(t.app.no).await.expect("lanes").into_iter().find(|l| l.vendor == Vendor::Vivo).expect("a lane");
    let class = t.message(sent.no).await.class;
    let closed = |t: &TestHouse| t.house.lane_status(lane.no).closed.of(class);
    let funnel = t.until(sent.no, |_, _| closed(&t).is_some()).await;
    assert_eq!((funnel.total.waiting, funnel.total.refused, funnel.total.expired), (5, 0, 0), "{:?}", funnel.losses);
    assert_eq!(t.message(sent.no).await.state, MessageState::Sending);
    let until = closed(&t).expect("closed") + 8 * HOUR;
    assert!((until.rem_euclid(24 * HOUR) - 7 * HOUR).abs() < 5_000, "until seven in China, by our clock: {until}");
    assert_eq!(answers(&t, Vendor::Vivo, "10071"), 1, "asked once, not again and again");
    t.house.controls.cancel(sent.no).await.expect("cancelled");
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_that_signs_its_address_is_reached_by_several_hosts() {
    let t = house().await;
    let users = phones(&t, Vendor::Umeng, 80).await;
    let here = t.simulator.base_url(Vendor::Umeng);
    let there = here.replace("127.0.0.1", "localhost");
    let dead = "https://127.0.0.1:9/umeng".to_owned();
    let ways = [here, there, dead].map(|to| Way { share: 1, kind: WayKind::Host(to) }).to_vec();
    t.lane(Vendor::Umeng, |lane| (lane.ways, lane.batch) = (ways, 5)).await;
    let lane =
        t.house.storage.apps.lanes_of(t.app.no).await.expect("lanes").into_iter().find(|l| l.vendor == Vendor::Umeng).expect("a lane");
    let mut submission = t.submission(Targets::Users { users });
    submission.class = MessageClass::Transactional;
    let sent = t.send(submission).await;
    let funnel = t.finished(sent.no).await;
    assert_eq!(funnel.total.accepted, 80, "{:?}", funnel.losses);
    assert_eq!(answers(&t, Vendor::Umeng, "2027"), 0, "each is signed for the host it went to");
    let taken = t.simulator.ledger().taken_by(Vendor::Umeng);
    assert!(taken.len() == 80 && taken.values().all(|n| *n == 1), "a request that never left goes the next way, once");
    let health = t.house.egresses().of(lane.no, 3);
    assert!(health[0].requests > 0 && health[1].requests > 0 && health[2].failed == health[2].requests, "{health:?}");
    t.end().await;
}
