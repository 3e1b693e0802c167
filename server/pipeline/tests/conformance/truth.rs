//! What is known of a recipient is said: arrival proves acceptance at once, and who may have been reached is never "expired".

use pipeline::statistics::recount;
use pipeline::storage::Storage;
use pipeline::storage::apps::App;
use pipeline::storage::chunks::{Claimed, Next, Step};
use pipeline::storage::frame::{Outcomes, Reason};
use pipeline::storage::receipts::{Application, Mark};
use types::life::Outcome;
use types::receipt::{ReceiptKind, mark};

use super::fresh_storage;
use crate::support::{NOW, claim, funnel, sending, step};

async fn arrive(storage: &Storage, app: &App, claimed: &Claimed, indexes: impl Iterator<Item = u32>) {
    let one = |index| Mark {
        chunk: claimed.no,
        message_no: claimed.message_no,
        app_no: app.no,
        vendor: Some(claimed.vendor),
        count: 10,
        index,
        bits: mark::DELIVERED,
    };
    let application = Application { marks: indexes.map(one).collect(), now: NOW, ..Application::default() };
    storage.receipts.apply(application).await.unwrap();
}

/// Nobody answered for the first `n`; the chunk goes back in line.
fn asked(claimed: &Claimed, n: usize) -> Step {
    let mut step = step(claimed, Outcome::Accepted, 0, Next::Wait { not_before: NOW });
    let mut outcomes = Outcomes::decode(&step.outcomes).unwrap();
    for i in 0..n {
        outcomes.mark_asked(i, Reason { slug: "timeout".into(), words: "no answer in time".into() });
    }
    step.outcomes = outcomes.encode();
    step
}

#[tokio::test]
async fn what_arrives_before_its_answer_is_recorded_is_accepted_at_once_and_counted_once() {
    for heard in [Outcome::Accepted, Outcome::Refused, Outcome::Waiting] {
        let storage = fresh_storage().await;
        let (app, lane, message_no) = sending(&storage, 1).await;
        let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
        arrive(&storage, &app, &claimed, 0..4).await;
        let early = funnel(&storage, message_no).await;
        let delivered = early.lanes[0].receipts[ReceiptKind::Delivered.slug()];
        assert_eq!((early.total.accepted, delivered, early.total.waiting), (4, 4, 6), "never more delivered than accepted");
        let told = match heard {
            Outcome::Waiting => asked(&claimed, 10),
            heard => step(&claimed, heard, 10, Next::Done),
        };
        storage.chunks.record(told).await.unwrap();
        let late = funnel(&storage, message_no).await;
        let expected = match heard {
            Outcome::Accepted => (10, 0, 0),
            Outcome::Refused => (4, 6, 0),
            _ => (4, 0, 6),
        };
        assert_eq!((late.total.accepted, late.total.refused, late.total.waiting), expected, "{heard:?}");
        assert_eq!(recount::of_message(&storage, message_no).await.unwrap(), late);
    }
}

#[tokio::test]
async fn a_receipt_for_what_no_lane_ever_took_proves_nothing() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 2).await;
    let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    let chunks = storage.chunks.of_message(message_no, types::ids::ChunkNo(0), 10).await.unwrap();
    let untouched = chunks.into_iter().map(|chunk| chunk.no).find(|no| *no != claimed.no).unwrap();
    arrive(&storage, &app, &Claimed { no: untouched, ..claimed }, 0..1).await;
    assert_eq!(funnel(&storage, message_no).await.total.accepted, 0);
}

#[tokio::test]
async fn who_may_have_been_reached_ends_uncertain_at_the_deadline_and_when_cancelled() {
    for cancelled in [false, true] {
        let storage = fresh_storage().await;
        let (app, lane, message_no) = sending(&storage, 1).await;
        let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
        storage.chunks.record(asked(&claimed, 3)).await.unwrap();
        assert_eq!(funnel(&storage, message_no).await.total.waiting, 10);
        // One of the three turns up.
        arrive(&storage, &app, &claimed, 1..2).await;
        if cancelled {
            storage.messages.cancel(message_no, NOW).await.unwrap();
            storage.messages.settle(NOW).await.unwrap();
        } else {
            while storage.chunks.expire(claimed.deadline + 1, 10).await.unwrap() > 0 {}
        }
        let total = funnel(&storage, message_no).await.total;
        let rest = if cancelled { total.cancelled } else { total.expired };
        assert_eq!((total.accepted, total.uncertain, rest), (1, 2, 7), "{total:?}");
        let losses = funnel(&storage, message_no).await.losses;
        let loss = losses.iter().find(|loss| loss.outcome == Outcome::Uncertain).unwrap();
        assert_eq!((loss.reason.as_str(), loss.words.as_str()), ("timeout", "no answer in time"));
        assert_eq!(recount::of_message(&storage, message_no).await.unwrap(), funnel(&storage, message_no).await);
    }
}
