//! When a campaign goes: what is late asks a person; what has hours of its own stops by itself and goes on by itself.

use std::time::Duration;

use pipeline::access::actor::Actor;
use pipeline::access::campaigns::launch::Pressed;
use pipeline::access::campaigns::schedule::Timing;
use pipeline::storage::campaigns::{Campaign, Hand};
use pipeline::storage::people::AuditFilter;
use types::campaign::{CampaignSpec, Schedule};
use types::hours::Hours;
use types::ids::CampaignId;
use types::life::{CampaignState, MessageState};
use types::listing::PageRequest;
use types::policy::{Rules, ZoneOf};
use types::problem::Code;
use types::vendor::Vendor;

use super::forecast::{draft, start};
use super::house;
use crate::support::TestHouse;

const MINUTE: i64 = 60_000;

async fn now(t: &TestHouse, id: &CampaignId) -> Campaign {
    t.house.storage.campaigns.get(id).await.expect("a store").expect("a campaign")
}

async fn becomes(t: &TestHouse, id: &CampaignId, state: CampaignState) -> Campaign {
    let started = tokio::time::Instant::now();
    loop {
        let campaign = now(t, id).await;
        if campaign.state == state {
            return campaign;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "never {state:?}: {campaign:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A draft scheduled for the next second, with its rule; and nobody there at that second.
async fn slept_over(t: &TestHouse, users: &[String], name: &str, late: i64, ask_after: Option<u32>) -> Campaign {
    let draft = draft(t, users, name).await;
    let at = t.house.world.now() - late;
    let schedule = Schedule::At { local: "2026-11-22T08:00".into(), zone: "Asia/Shanghai".into(), at };
    let deadline = Some(t.house.world.now() + 600 * MINUTE);
    let spec = CampaignSpec { schedule, deadline, ask_after, ..draft.spec };
    let hand = Hand { id: "usr_tester", name: "tester" };
    let saved = t.house.storage.campaigns.save(&draft.id, draft.revision, spec, hand, at).await.expect("saved");
    let step = pipeline::storage::campaigns::Move {
        due_at: Some(at),
        ..pipeline::storage::campaigns::Move::new(CampaignState::Draft, CampaignState::Scheduled, "tester", at)
    };
    t.house.storage.campaigns.advance(&saved.id, step).await.expect("a store").expect("scheduled")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_late_asks_and_goes_only_when_a_person_says_so() {
    let t = house().await;
    let users = t.devices(20).await;
    let desk = &t.house.campaigns;
    let in_time = slept_over(&t, &users, "in time", 10 * MINUTE, Some(30)).await;
    let never_asks = slept_over(&t, &users, "never asks", 90 * MINUTE, None).await;
    let sent = slept_over(&t, &users, "sent", 90 * MINUTE, Some(30)).await;
    let dropped = slept_over(&t, &users, "dropped", 31 * MINUTE, Some(30)).await;
    for id in [&in_time.id, &never_asks.id] {
        becomes(&t, id, CampaignState::Finished).await;
    }
    let asks = becomes(&t, &sent.id, CampaignState::Missed).await;
    becomes(&t, &dropped.id, CampaignState::Missed).await;
    let why = asks.trouble.and_then(|trouble| trouble.detail).expect("why").en;
    assert!(why.contains("2026-11-22 08:00 (Asia/Shanghai)") && why.contains("90 minutes late, more than the 30"), "{why}");
    assert_eq!((asks.due_at, asks.message), (sent.due_at, None), "nothing of it was sent");
    assert_eq!(t.house.storage.campaigns.missed().await.expect("a store"), [(t.app.no, 2)]);
    // Another process, woken up just as late, asks no second time and sends nothing.
    let taken = t.simulator.ledger().taken();
    desk.tick().await.expect("a tick");
    assert_eq!((t.simulator.ledger().taken(), now(&t, &sent.id).await.state), (taken, CampaignState::Missed));

    let actor = Actor::system();
    let (one, two) = tokio::join!(desk.send_late(&t.app, &sent.id, &actor), desk.send_late(&t.app, &sent.id, &actor));
    assert_eq!([&one, &two].into_iter().filter(|r| r.is_ok()).count(), 1, "once: {one:?} {two:?}");
    let over = becomes(&t, &sent.id, CampaignState::Finished).await;
    let (no, _) = over.message.expect("a message");
    assert_eq!(t.funnel(no).await.total.accepted, 20);
    desk.drop_late(&t.app, &dropped.id, &actor).await.expect("dropped");
    assert_eq!(now(&t, &dropped.id).await.state, CampaignState::Cancelled);
    for id in [&dropped.id, &sent.id] {
        assert_eq!(desk.send_late(&t.app, id, &actor).await.expect_err("decided").code, Code::WrongState);
        assert_eq!(desk.drop_late(&t.app, id, &actor).await.expect_err("decided").code, Code::WrongState);
    }
    assert_eq!(t.simulator.ledger().taken(), 60, "three campaigns of twenty");
    let log = t.house.storage.people.audit_list(&AuditFilter::default(), &PageRequest::default()).await.expect("a log");
    let count = |action: &str| log.items.iter().filter(|row| row.entry.action == action).count();
    assert_eq!((count("campaign.late"), count("campaign.send_late"), count("campaign.drop_late")), (2, 1, 1));
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shut_waits_without_work_and_goes_when_it_opens() {
    let t = house().await;
    let users = t.devices(200).await;
    let minute = u16::try_from(t.house.world.now() / MINUTE % 1_440).expect("a minute of the day");
    // Open now by London's winter clock, and shut by Shanghai's.
    let hours = Hours { from: (minute + 1_440 - 60) % 1_440, to: (minute + 60) % 1_440, by: ZoneOf::App };
    t.rules(Rules { zone: "Asia/Shanghai".into(), ..Rules::default() }).await;
    let campaign = draft(&t, &users, "hours").await;
    let actor = Actor::system();
    let timing = Timing { ask_after: Some(5), hours: Some(hours) };
    let campaign = t.house.campaigns.set_timing(&t.app, &campaign.id, campaign.revision, timing, &actor).await.expect("saved");
    assert_eq!((campaign.spec.hours, campaign.spec.ask_after), (Some(hours), Some(5)));
    let forecast = t.house.campaigns.forecast_view(&t.app, &campaign.id).await.expect("a view").forecast.expect("a forecast");
    let opens = t.house.campaigns.schedule_view(&t.app, &campaign.id).await.expect("a view").shut_until.expect("shut");
    assert!(forecast.lanes.iter().all(|lane| lane.first_at.is_some_and(|at| at >= opens)), "{opens} {forecast:?}");

    let no = start(&t, &campaign, Pressed::default()).await;
    t.until(no, |message, funnel| message.state == MessageState::Sending && funnel.total.waiting == 200).await;
    let running = now(&t, &campaign.id).await;
    let progress = t.house.campaigns.progress(&running, &std::collections::BTreeMap::new()).await.expect("progress");
    for lane in &progress.lanes {
        let why = lane.why_waiting.as_ref().expect("a reason");
        assert!(why.en.starts_with("outside its sending hours") && why.zh.starts_with("不在发送时段"), "{why:?}");
        assert!(lane.eta.is_some_and(|eta| eta >= opens), "{lane:?}");
    }
    assert!(progress.eta.is_some_and(|eta| eta >= opens));
    assert_eq!(t.simulator.ledger().taken(), 0);
    // The same hours by another clock: open.
    t.rules(Rules { zone: "UTC".into(), ..Rules::default() }).await;
    assert_eq!(t.finished(no).await.total.accepted, 200);
    t.recount(no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_shuts_while_it_runs_stops_in_the_middle_of_a_chunk() {
    let t = house().await;
    // Slow lanes, one chunk each: half of it would go long after the hours end.
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 2).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.pace_per_second, lane.batch) = (2, 1)).await;
    t.rules(Rules { zone: "UTC".into(), ..Rules::default() }).await;
    let users = t.devices(800).await;
    let begun = t.house.world.now();
    // It ends with this minute, or with the next where hardly anything is left of it.
    let shuts = (begun + 8_000) / MINUTE * MINUTE + MINUTE;
    let to = u16::try_from(shuts / MINUTE % 1_440).expect("a minute of the day");
    let hours = Hours { from: (to + 1_440 - 120) % 1_440, to, by: ZoneOf::App };
    let campaign = draft(&t, &users, "shuts").await;
    let timing = Timing { ask_after: None, hours: Some(hours) };
    let campaign = t.house.campaigns.set_timing(&t.app, &campaign.id, campaign.revision, timing, &Actor::system()).await.expect("saved");
    // Its life ends long after: nobody is left out, they wait.
    let no = start(&t, &campaign, Pressed { why: "some go tomorrow".into(), ..Pressed::default() }).await;
    t.until(no, |_, funnel| funnel.total.accepted > 2).await;
    let started = tokio::time::Instant::now();
    while t.house.world.now() < shuts + 1_500 {
        assert!(started.elapsed() < Duration::from_secs(90));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // What was in flight at the minute has its answer; from here on nothing moves.
    let still = t.funnel(no).await.total;
    let taken = t.simulator.ledger().taken();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let later = t.funnel(no).await.total;
    assert_eq!((t.simulator.ledger().taken(), later), (taken, still), "nothing leaves outside its hours");
    assert!(still.accepted > 2 && still.waiting > 400 && still.accepted + still.waiting == 800, "{still:?}");
    // The night is over by another clock: the rest goes, and nobody twice.
    for vendor in [Vendor::Apns, Vendor::Xiaomi] {
        t.lane(vendor, |lane| lane.pace_per_second = 500).await;
    }
    t.rules(Rules { zone: "Etc/GMT+1".into(), ..Rules::default() }).await;
    assert_eq!(t.finished(no).await.total.accepted, 800);
    for vendor in [Vendor::Apns, Vendor::Xiaomi] {
        assert!(t.taken(no, vendor).await.values().all(|n| *n == 1), "nobody twice");
    }
    t.recount(no).await;
    t.end().await;
}
