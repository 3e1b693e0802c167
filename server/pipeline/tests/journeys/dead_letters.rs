//! What could have been accepted and was not: found in the drawer, brought out as a file, sent once more.

use futures::TryStreamExt;
use pipeline::access::actor::Actor;
use pipeline::access::spreadsheet::Format;
use pipeline::storage::dead_letters::DeadFilter;
use pipeline::storage::messages::{Origin, Targets};
use simulator::Dials;
use types::life::Outcome;
use types::listing::PageRequest;
use types::problem::Code;
use types::text::Lang;
use types::vendor::Vendor;

use super::house;
use crate::support::TestHouse;

async fn file(t: &TestHouse, lines: &[i64], filter: &DeadFilter) -> Vec<csv::StringRecord> {
    let parts: Vec<bytes::Bytes> = t
        .house
        .dead_letters
        .export(&t.app, lines, filter, Lang::En, (Format::Csv, Default::default()))
        .await
        .expect("a file")
        .try_collect()
        .await
        .expect("read");
    let text = String::from_utf8(parts.concat()).expect("text");
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    assert_eq!(reader.headers().expect("a head").iter().take(4).collect::<Vec<_>>(), ["message", "lane", "outcome", "reason"]);
    reader.records().map(|row| row.expect("a row")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_of_the_drawer_is_brought_out_and_replayed_to_exactly_its_recipients() {
    let t = house().await;
    let mut users = t.devices(200).await;
    t.house.storage.devices.register(t.app.no, vec![t.registration("=1+1", 1_000)]).await.expect("registered");
    users.push("=1+1".into());
    // Every answer of APNs is lost until the breaker trips; the rest waits for it until the deadline.
    t.lane(Vendor::Apns, |lane| (lane.in_flight, lane.pace_per_second) = (10, 100)).await;
    t.simulator.set_dials(Vendor::Apns, Dials { cut_share: 1.0, ..t.simulator.dials(Vendor::Apns) }).expect("dials");
    let mut submission = t.submission(Targets::Users { users });
    submission.deadline = Some(t.house.world.now() + 3_000);
    let sent = t.send(submission).await;
    let total = t.finished(sent.no).await.total;
    assert_eq!((total.accepted, total.uncertain + total.expired), (100, 101), "{total:?}");
    assert!(total.uncertain > 0 && total.expired > 1, "{total:?}");

    // The drawer says what the counters say, the file says who.
    let all = DeadFilter::default();
    let lines = t.house.dead_letters.list(&t.app, &all, &PageRequest::default()).await.expect("a list").items;
    let count = |outcome| lines.iter().filter(|l| l.outcome == outcome).map(|l| l.recipients).sum::<u64>();
    assert_eq!((count(Outcome::Uncertain), count(Outcome::Expired)), (total.uncertain, total.expired));
    let rows = file(&t, &[], &all).await;
    assert_eq!(rows.len(), 101);
    assert!(rows.iter().any(|row| &row[6] == "'=1+1"), "no cell starts a formula");
    let expired: Vec<i64> = lines.iter().filter(|l| l.outcome == Outcome::Expired).map(|l| l.no).collect();
    let rows = file(&t, &expired, &all).await;
    assert_eq!((rows.len() as u64, &rows[0][2]), (total.expired, "expired"));

    // Policy is asked again: who was blocked meanwhile stays out.
    let blocked = rows.iter().map(|row| row[6].to_owned()).find(|user| user.starts_with('u')).expect("a user");
    t.block(&[&blocked], "").await;
    t.simulator.set_dials(Vendor::Apns, Dials { cut_share: 0.0, ..t.simulator.dials(Vendor::Apns) }).expect("dials");
    let (desk, actor, later) = (&t.house.dead_letters, Actor::system(), t.house.world.now() + 3_600_000);
    let late = desk.replay(&t.app, &expired, t.house.world.now() - 1, &actor).await.expect_err("in the past");
    assert_eq!(late.errors[0].field, "deadline");
    assert_eq!(desk.replay(&t.app, &[], later, &actor).await.expect_err("nothing").errors[0].field, "lines");
    assert_eq!(desk.replay(&t.app, &[i64::MAX], later, &actor).await.expect_err("nowhere").errors[0].field, "lines");
    let replays = desk.replay(&t.app, &expired, later, &actor).await.expect("replayed");
    let [replay] = replays.as_slice() else { panic!("one message, one replay: {replays:?}") };
    let again = t.finished(replay.no).await.total;
    assert_eq!((again.planned, again.filtered, again.accepted), (total.expired, 1, total.expired - 1), "{again:?}");
    let message = t.message(replay.no).await;
    assert_eq!((message.origin, message.deadline), (Origin::Resend, later));
    let taken = t.taken(sent.no, Vendor::Apns).await;
    assert_eq!(taken.len() as u64, total.uncertain + again.accepted, "nobody else");
    assert!(taken.values().all(|n| *n == 1), "nobody twice");
    t.recount(replay.no).await;

    let twice = desk.replay(&t.app, &expired, later, &actor).await.expect_err("a line is replayed once");
    assert_eq!(twice.code, Code::WrongState);
    let open = DeadFilter { replayed: Some(false), ..DeadFilter::default() };
    let left = desk.list(&t.app, &open, &PageRequest::default()).await.expect("a list").items;
    assert!(left.iter().all(|line| line.outcome == Outcome::Uncertain), "{left:?}");
    t.end().await;
}
