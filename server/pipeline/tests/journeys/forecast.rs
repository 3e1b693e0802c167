//! What was foretold against what came, with the simulator as the judge: drops to the device, lanes to the device, time within a tenth.

use pipeline::access::actor::Actor;
use pipeline::access::campaigns::launch::Pressed;
use pipeline::storage::campaigns::{Campaign, Hand};
use pipeline::storage::copies::CopySave;
use types::Millis;
use types::campaign::CampaignSpec;
use types::content::Content;
use types::content::MessageClass;
use types::ids::{CampaignId, CopyId};
use types::policy::{Cap, Rules, Span};
use types::vendor::Vendor;
use types::views::forecast::{Facts, Forecast};

use super::house;
use crate::ahead::crowd;
use crate::support::TestHouse;

pub async fn draft(t: &TestHouse, users: &[String], name: &str) -> Campaign {
    let (storage, world) = (&t.house.storage, &t.house.world);
    let now = world.now();
    let content = Content { title: format!("T {name}"), body: "b".into(), ..Content::default() };
    let save = CopySave { name: name.into(), tags: vec![], content, note: String::new(), by: "tester".into(), by_id: "usr_t".into(), now };
    let copy = storage.copies.create(t.app.no, CopyId::from_bytes(world.id()), save).await.expect("a copy");
    let spec = CampaignSpec {
        name: name.into(),
        crowd: Some(crowd(t, users).await),
        copy: Some(copy.id),
        business: "test".into(),
        ..CampaignSpec::default()
    };
    let id = CampaignId::from_bytes(world.id());
    storage.campaigns.create(t.app.no, id, spec, Hand { id: "usr_tester", name: "tester" }, now).await.expect("a campaign")
}

/// Starts it, and answers the message's number.
pub async fn start(t: &TestHouse, draft: &Campaign, pressed: Pressed) -> i64 {
    let started = t.house.campaigns.launch(&t.app, &draft.id, draft.revision, &pressed, &Actor::system()).await.expect("started");
    started.message.expect("a message").0
}

async fn told(t: &TestHouse, campaign: &Campaign) -> (Forecast, Option<Facts>) {
    let view = t.house.campaigns.forecast_view(&t.app, &campaign.id).await.expect("a view");
    (view.forecast.expect("a forecast"), view.facts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_forecast_is_what_comes() {
    let t = house().await;
    let users = t.devices(1_600).await;
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 100).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.pace_per_second, lane.batch) = (2, 50)).await;
    t.rules(Rules { caps: vec![Cap { business: None, per: Span::Day, most: 1, transactional_exempt: true }], ..Rules::default() }).await;
    // Fifty had their message of today, twenty are blacklisted, ten switched notifications off, five are nobody.
    t.finished(t.send_to(&users[..50]).await).await;
    let blocked: Vec<&str> = users[100..120].iter().map(String::as_str).collect();
    t.block(&blocked, "").await;
    let mut off: Vec<_> = (200..210).map(|i| t.registration(&users[i], i)).collect();
    for device in &mut off {
        device.notifications_on = Some(false);
    }
    t.house.storage.devices.register(t.app.no, off).await.expect("registered");
    let mut people = users.clone();
    people.extend((0..5).map(|i| format!("nobody{i}")));

    let campaign = draft(&t, &people, "sale").await;
    let (before, _) = told(&t, &campaign).await;
    let no = start(&t, &campaign, Pressed::default()).await;
    t.finished(no).await;
    t.recount(no).await;
    let (shown, facts) = told(&t, &campaign).await;
    let facts = facts.expect("facts");
    assert_eq!(shown.subtractions(), before.subtractions());
    assert_eq!((shown.planned, facts.equation.planned), (1_605, 1_605));
    for rule in &facts.rules {
        assert_eq!(rule.rule.devices, rule.fact, "{rule:?}");
    }
    let sums: Vec<u64> = ["cap", "blacklist", "switch_off", "no_device"]
        .iter()
        .map(|reason| facts.rules.iter().filter(|r| r.rule.reason == *reason).map(|r| r.fact).sum())
        .collect();
    assert_eq!(sums, [50, 20, 10, 5]);
    let started = facts.started_at.expect("a start");
    for lane in &facts.lanes {
        let foretold = lane.forecast.as_ref().expect("foretold");
        assert_eq!(foretold.devices, lane.equation.planned, "{:?}", lane.vendor);
        assert_eq!(foretold.sent, lane.equation.accepted, "{:?}", lane.vendor);
        let took = foretold.finish_at.expect("an end") - shown.starts_at;
        let came = lane.finished_at.expect("an end") - started;
        // A start takes its moment: the crowd is planned, lanes wake up.
        let tenth: Millis = took / 10 + 500;
        assert!((came - took).abs() <= tenth, "{:?}: foretold {took} ms, took {came} ms", lane.vendor);
    }
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_runs_out_to_the_device_and_a_line_is_waited_for() {
    let t = house().await;
    let xiaomi: Vec<String> =
        t.devices(800).await.into_iter().filter(|user| !user[1..].parse::<usize>().unwrap_or(0).is_multiple_of(2)).collect();
    t.lane(Vendor::Xiaomi, |lane| (lane.daily_quota, lane.reserve_percent, lane.batch) = (300, 10, 50)).await;
    t.finished(t.send_to(&xiaomi[..120]).await).await;
    let campaign = draft(&t, &xiaomi, "quota").await;
    let (forecast, _) = told(&t, &campaign).await;
    let lane = &forecast.lanes[0];
    let quota = lane.quota.expect("a quota");
    assert_eq!((lane.devices, quota.limit, quota.left, quota.short), (400, 270, 150, 250));
    let no = start(&t, &campaign, Pressed { why: "tomorrow is early enough".into(), ..Pressed::default() }).await;
    let lane_no = t.lane_no(Vendor::Xiaomi).await;
    let shut = || t.house.lane_status(lane_no).used_up(MessageClass::Bulk, t.house.world.now()).is_some();
    t.until(no, |_, funnel| funnel.total.accepted >= quota.left && shut()).await;
    assert_eq!(t.funnel(no).await.total.accepted, quota.left, "to the device");
    // What waits there and the next one go side by side.
    let next = draft(&t, &xiaomi[..10], "next").await;
    let (behind, _) = told(&t, &next).await;
    assert_eq!((behind.lanes[0].ahead, behind.others.iter().map(|o| o.devices).collect::<Vec<_>>()), (10, vec![quota.short]));
    t.house.campaigns.cancel(&t.app, &campaign.id, &Actor::system()).await.expect("cancelled");
    t.finished(no).await;
    t.end().await;
}
