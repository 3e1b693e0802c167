//! A message taken back while it runs: nothing more goes out, what was shown is overwritten, and everybody stands in one count.

use pipeline::access::controls::Notice;
use pipeline::storage::messages::{Origin, Targets};
use types::problem::Code;
use types::vendor::Vendor;
use types::views::recall::RecallView;

use super::house;
use crate::support::TestHouse;

fn notice() -> Notice {
    Notice { title: "Sorry".into(), body: "Withdrawn".into() }
}

async fn look(t: &TestHouse, no: i64) -> RecallView {
    t.house.controls.recall_view(&t.app, "it".into(), &[t.message(no).await]).await.expect("a view")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unsent_stops_and_what_was_shown_is_overwritten() {
    let mut t = house().await;
    let users = t.devices(2_000).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.batch, lane.pace_per_second) = (50, 10)).await;
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 200).await;
    let sent = t.send(t.submission(Targets::Users { users })).await;
    t.until(sent.no, |_, funnel| funnel.total.accepted >= 300).await;
    let message = t.message(sent.no).await;
    let before = look(&t, sent.no).await;
    assert!(before.living && before.asked.is_none() && before.total.unsent > 0, "{:?}", before.total);

    let recall = t.house.controls.recall(&t.app, &message, &notice(), "tester", "local").await.expect("recalled");
    assert_eq!(recall.id, message.id.recall());
    // Pressed twice: the same recall.
    let again = t.house.controls.recall(&t.app, &message, &notice(), "tester", "local").await.expect("recalled");
    assert_eq!((again.no, again.fresh), (recall.no, false));
    // Its process ends in the middle; the next one goes on where it stood.
    t.until(recall.no, |_, funnel| funnel.total.accepted >= 20).await;
    t.restart("node-2").await;
    let taken = t.finished(recall.no).await.total;
    let first = t.finished(sent.no).await.total;
    assert_eq!(taken.planned, first.accepted + first.uncertain, "everybody it may have reached, and nobody else: {taken:?} {first:?}");
    assert!(first.cancelled > 0 && first.accepted < 2_000, "{first:?}");

    let view = look(&t, sent.no).await;
    let c = view.total;
    assert!(view.is_over() && !view.living, "{c:?}");
    assert_eq!(c.reached, c.withdrawn + c.overwritten + c.opened + c.beyond);
    assert_eq!((c.reached, c.stopped, c.withdrawn), (first.accepted + first.uncertain, first.cancelled, 0));
    assert_eq!(c.overwritten, taken.accepted);
    assert!(c.overwritten >= c.reached - first.uncertain - taken.uncertain, "{c:?}");

    // The twins saw the notice under the key of what it replaces.
    let key = pipeline::channel::step::show_key(&message);
    let shown = t.simulator.ledger().taken_under(Vendor::Apns, &key);
    let of_apns = view.lanes.iter().find(|lane| lane.vendor == Vendor::Apns).expect("a lane").counts;
    assert_eq!(shown.values().filter(|n| **n >= 2).count() as u64, of_apns.overwritten, "{of_apns:?}");
    for chunk in t.house.storage.chunks.of_message(recall.no, types::ids::ChunkNo(0), 100).await.expect("chunks") {
        let vendor = chunk.vendor.expect("a lane");
        let ended = pipeline::storage::frame::Outcomes::decode(&chunk.outcomes).expect("outcomes");
        for (i, who) in pipeline::storage::frame::decode_recipients(&chunk.recipients).expect("recipients").iter().enumerate() {
            if ended.get(i).0 == types::life::Outcome::Accepted {
                let last = t.simulator.ledger().last_of(vendor, &who.token).expect("a notification");
                assert_eq!((last.title.as_str(), last.body.as_str()), ("Sorry", "Withdrawn"), "{vendor:?} {}", who.token);
            }
        }
    }
    t.recount(recall.no).await;

    // A recall is no message to be resent or recalled, and no dead letter.
    let of_recall = t.message(recall.no).await;
    assert_eq!(of_recall.origin, Origin::Recall);
    let twice = t.house.controls.recall(&t.app, &of_recall, &notice(), "tester", "local").await.expect_err("no recall of a recall");
    assert_eq!(twice.code, Code::WrongState);
    let resent = t.house.controls.resend(&t.app, &of_recall, &[types::life::Outcome::Refused], "tester", "local").await;
    assert_eq!(resent.expect_err("no resend of a recall").code, Code::WrongState);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recall_stored_before_its_caller_died_stops_the_message_by_itself() {
    let t = house().await;
    let users = t.devices(600).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.batch, lane.pace_per_second) = (10, 5)).await;
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 20).await;
    let sent = t.send(t.submission(Targets::Users { users })).await;
    t.until(sent.no, |_, funnel| funnel.total.accepted >= 20).await;
    let message = t.message(sent.no).await;
    // As `recall` stores it, without the cancel that follows.
    let mut submission = t.submission(Targets::Recall { message: message.id.clone(), root: message.id.clone() });
    submission.origin = Origin::Recall;
    let recall = t.send(submission).await;
    // What is in flight ends first.
    let first = t.until(sent.no, |message, _| message.finished_at.is_some()).await.total;
    assert!(first.cancelled > 0, "{first:?}");
    let taken = t.finished(recall.no).await.total;
    assert_eq!(taken.planned, first.accepted + first.uncertain, "{taken:?} {first:?}");
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_that_cannot_be_said_changes_nothing() {
    let t = house().await;
    let users = t.devices(10).await;
    let sent = t.send(t.submission(Targets::Users { users })).await;
    let message = t.message(sent.no).await;
    let bad = Notice { title: String::new(), body: "{{name}}".into() };
    let refused = t.house.controls.recall(&t.app, &message, &bad, "tester", "local").await.expect_err("refused");
    assert_eq!(refused.errors[0].field, "body");
    assert!(t.house.storage.messages.by_id(&message.id.recall()).await.expect("a store").is_none());
    assert_eq!(t.finished(sent.no).await.total.accepted, 10);
    t.end().await;
}
