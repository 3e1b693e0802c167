//! A campaign that begins with a few: a bad one stops itself with hardly anybody reached, a good one goes to its end by itself, and
//! everybody stands in exactly one step.

use std::time::Duration;

use pipeline::access::actor::Actor;
use pipeline::access::campaigns::launch::Pressed;
use pipeline::storage::ramps::Ramp;
use simulator::Dials;
use types::life::{CampaignState, MessageState};
use types::problem::Code;
use types::ramp::{Health, RampPlan, RampState};
use types::vendor::Vendor;

use super::forecast::{draft, start};
use super::house;
use crate::support::TestHouse;

async fn until(t: &TestHouse, campaign: &types::ids::CampaignId, done: impl Fn(&Ramp) -> bool) -> Ramp {
    let started = tokio::time::Instant::now();
    loop {
        let ramp = t.house.storage.ramps.get(&campaign.message()).await.expect("a store").expect("a ramp");
        if done(&ramp) {
            return ramp;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "never came: {ramp:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Another small campaign with a ramp that was begun later and is judged: by then who keeps ramps has passed by the others too.
async fn judged_another(t: &TestHouse, users: &[String], name: &str) {
    let campaign = draft(t, users, name).await;
    let plan = RampPlan { shares: vec![2_000, 10_000], look_s: 1, by_itself: false };
    t.house.campaigns.choose_ramp(&t.app, &campaign.id, Some(plan), &Actor::system()).await.expect("chosen");
    start(t, &campaign, Pressed::default()).await;
    until(t, &campaign.id, |ramp| matches!(ramp.state, RampState::Asks | RampState::Stopped)).await;
    t.house.campaigns.cancel(&t.app, &campaign.id, &Actor::system()).await.expect("cancelled");
}

fn faults(t: &TestHouse, share: f64) {
    t.simulator.set_dials(Vendor::Xiaomi, Dials { token_fault_share: share, ..t.simulator.dials(Vendor::Xiaomi) }).expect("dials");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_that_triples_refusals_stops_itself_with_two_in_a_hundred_reached_at_most() {
    let mut t = house().await;
    let users = t.of_vendor(Vendor::Xiaomi, 10_000).await;
    // What is usual here: one in five. Shares are large so that a hundred phones tell them apart.
    faults(&t, 0.2);
    t.finished(t.send_to(&users[..2_000]).await).await;
    faults(&t, 0.6);
    let campaign = draft(&t, &users[2_000..], "canary").await;
    let plan = RampPlan { shares: vec![120, 1_000, 10_000], look_s: 600, by_itself: true };
    let actor = Actor::system();
    t.house.campaigns.choose_ramp(&t.app, &campaign.id, Some(plan.clone()), &actor).await.expect("chosen");
    let no = start(&t, &campaign, Pressed::default()).await;
    let late = t.house.campaigns.choose_ramp(&t.app, &campaign.id, None, &actor).await.expect_err("it has begun");
    assert_eq!(late.code, Code::WrongState);

    let stopped = until(&t, &campaign.id, |ramp| ramp.state == RampState::Stopped).await;
    assert_eq!(stopped.open, 1);
    assert!(stopped.watched.iter().any(|one| one.health() == Health::Bad), "{:?}", stopped.watched);
    let reached = t.funnel(no).await.total;
    assert!(reached.planned * 50 <= 8_000, "at most two in a hundred: {reached:?}");
    assert_eq!(t.message(no).await.state, MessageState::Paused);
    let view = t.house.campaigns.ramp_view(&t.app, &campaign.id).await.expect("a view");
    assert_eq!((view.state, view.crowd), (CampaignState::Paused, 8_000));
    let words = view.stopped_for.iter().find(|one| one.health() == Health::Bad).expect("a guard").words().en;
    assert!(words.contains("now") && words.contains("as usual"), "{words}");

    // Another process finds it stopped, and leaves it so.
    t.restart("node-2").await;
    judged_another(&t, &users[..200], "another").await;
    assert_eq!(t.funnel(no).await.total.planned, reached.planned, "nobody more");
    assert_eq!(until(&t, &campaign.id, |_| true).await.state, RampState::Stopped);

    // A person lets it go on in spite of the numbers: to the end of this step, and then waits for the person again.
    t.house.campaigns.continue_ramp(&t.app, &campaign.id, &actor).await.expect("goes on");
    let looking = until(&t, &campaign.id, |ramp| ramp.state == RampState::Looking).await;
    assert_eq!((looking.open, looking.waived), (1, 1));
    t.house.campaigns.continue_ramp(&t.app, &campaign.id, &actor).await.expect("goes on");
    t.until(no, |_, funnel| funnel.total.planned > reached.planned + 300).await;
    until(&t, &campaign.id, |ramp| ramp.open == 2 && ramp.state == RampState::Looking).await;
    t.house.campaigns.continue_ramp(&t.app, &campaign.id, &actor).await.expect("goes on");
    let total = t.finished(no).await.total;
    assert_eq!((total.planned, total.waiting), (8_000, 0), "everybody, once: {total:?}");
    until(&t, &campaign.id, |ramp| ramp.state == RampState::Done).await;
    let taken = t.taken(no, Vendor::Xiaomi).await;
    assert!(taken.values().all(|n| *n == 1), "nobody twice");
    t.recount(no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_as_usual_goes_to_its_end_by_itself_and_an_asking_one_waits() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Xiaomi, 3_000).await;
    t.finished(t.send_to(&users[..1_000]).await).await;
    let campaign = draft(&t, &users[1_000..], "as usual").await;
    let plan = RampPlan { shares: vec![500, 2_000, 10_000], look_s: 1, by_itself: true };
    let actor = Actor::system();
    t.house.campaigns.choose_ramp(&t.app, &campaign.id, Some(plan.clone()), &actor).await.expect("chosen");
    let no = start(&t, &campaign, Pressed::default()).await;
    let total = t.finished(no).await.total;
    assert_eq!((total.planned, total.waiting), (2_000, 0), "{total:?}");
    let taken = t.taken(no, Vendor::Xiaomi).await;
    assert!(taken.values().all(|n| *n == 1), "nobody twice");

    let asking = draft(&t, &users[1_000..], "asking").await;
    t.house.campaigns.choose_ramp(&t.app, &asking.id, Some(RampPlan { by_itself: false, ..plan }), &actor).await.expect("chosen");
    let no = start(&t, &asking, Pressed::default()).await;
    let waits = until(&t, &asking.id, |ramp| ramp.state == RampState::Asks).await;
    assert_eq!(waits.open, 1);
    let planned = t.funnel(no).await.total.planned;
    assert!((50..=150).contains(&planned), "one in twenty: {planned}");
    judged_another(&t, &users[..200], "another").await;
    assert_eq!(t.funnel(no).await.total.planned, planned, "it waits for a person");
    t.house.campaigns.cancel(&t.app, &asking.id, &actor).await.expect("cancelled");
    t.finished(no).await;
    until(&t, &asking.id, |ramp| ramp.state == RampState::Done).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_vendors_refuse_pauses_itself_once_and_says_with_what() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Apns, 2_000).await;
    t.lane(Vendor::Apns, |lane| (lane.pace_per_second, lane.in_flight) = (200, 20)).await;
    let dials = Dials { token_fault_share: 0.9, token_fault: "PayloadTooLarge".into(), ..t.simulator.dials(Vendor::Apns) };
    t.simulator.set_dials(Vendor::Apns, dials).expect("dials");
    let campaign = draft(&t, &users, "refused").await;
    let no = start(&t, &campaign, Pressed::default()).await;
    t.until(no, |message, _| message.state == MessageState::Paused).await;
    let total = t.funnel(no).await.total;
    assert!(total.refused >= 150 && total.waiting > 0, "{total:?}");
    let held = async || t.house.storage.campaigns.get(&campaign.id).await.expect("a store").expect("a campaign");
    let started = tokio::time::Instant::now();
    while held().await.state != CampaignState::Paused {
        assert!(started.elapsed() < Duration::from_secs(20), "its state follows");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let words = held().await.trouble.and_then(|trouble| trouble.detail).expect("why").en;
    assert!(words.contains("APNs") && words.contains("PayloadTooLarge"), "{words}");
    // A person has read it: it goes on to its end.
    t.house.campaigns.resume(&t.app, &campaign.id, &Actor::system()).await.expect("resumed");
    let total = t.finished(no).await.total;
    assert_eq!((total.planned, total.waiting, total.cancelled), (2_000, 0, 0), "{total:?}");
    t.end().await;
}
