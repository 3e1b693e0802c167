//! Sending again by the same lane, to whom the vendor took and no receipt came of.

use pipeline::storage::chunks::{ChunkState, Next};
use pipeline::storage::frame::Outcomes;
use pipeline::storage::messages::MessageFilter;
use pipeline::storage::receipts::{Application, Mark};
use pipeline::storage::resends::{Again, InBackground};
use types::ids::ChunkNo;
use types::life::{MessageState, Outcome};
use types::receipt::ReceiptKind;

use super::fresh_storage;
use crate::support::{Fresh, NOW, claim, funnel, sending, step};

fn again(no: ChunkNo, seen: u32, places: &[u32]) -> Again {
    Again { no, seen, places: places.to_vec(), now: NOW, audit: None }
}

/// The only chunk of ten, accepted whole, its message over.
async fn accepted(storage: &Fresh) -> (pipeline::storage::apps::App, pipeline::storage::apps::Lane, i64, ChunkNo) {
    let (app, lane, message_no) = sending(storage, 1).await;
    let claimed = claim(storage, &lane, NOW, 1).await.pop().unwrap();
    storage.chunks.record(step(&claimed, Outcome::Accepted, 10, Next::Done)).await.unwrap();
    storage.messages.settle(NOW).await.unwrap();
    (app, lane, message_no, claimed.no)
}

async fn heard(storage: &Fresh, app_no: i64, message_no: i64, no: ChunkNo, index: u32) {
    let bits = ReceiptKind::Delivered.marks();
    let vendor = storage.chunks.view(no).await.unwrap().unwrap().vendor;
    let mark = Mark { chunk: no, message_no, app_no, vendor, count: 10, index, bits };
    storage.receipts.apply(Application { marks: vec![mark], now: NOW, ..Application::default() }).await.unwrap();
}

#[tokio::test]
async fn only_the_named_go_again_and_no_outcome_or_counter_moves() {
    let storage = fresh_storage().await;
    let (app, lane, message_no, no) = accepted(&storage).await;
    let before = funnel(&storage, message_no).await;
    let outcomes = storage.chunks.view(no).await.unwrap().unwrap().outcomes;
    assert!(storage.resends.again(again(no, 0, &[1, 3, 5])).await.unwrap());
    assert!(!storage.resends.again(again(no, 1, &[2])).await.unwrap(), "it is in line");
    // One is heard of before it goes.
    heard(&storage, app.no, message_no, no, 3).await;

    let claimed = claim(&storage, &lane, NOW, 9).await.pop().expect("in line");
    assert!(claimed.resending);
    assert_eq!(Outcomes::decode(&claimed.outcomes).unwrap().open(), [1, 5]);
    let mut told = step(&claimed, Outcome::Refused, 1, Next::Wait { not_before: NOW });
    (told.deltas, told.references, told.onward) = (Vec::new(), vec!["again-1".to_owned()], Some(NOW + 500));
    storage.chunks.record(told).await.unwrap();
    let claimed = claim(&storage, &lane, NOW, 9).await.pop().expect("one is left");
    assert_eq!(Outcomes::decode(&claimed.outcomes).unwrap().open(), [5]);
    let mut told = step(&claimed, Outcome::Accepted, 1, Next::Done);
    told.deltas = Vec::new();
    storage.chunks.record(told).await.unwrap();

    let view = storage.chunks.view(no).await.unwrap().unwrap();
    assert_eq!((view.state, view.outcomes), (ChunkState::Done, outcomes), "what stood stands");
    let after = funnel(&storage, message_no).await;
    assert_eq!((after.total, after.losses), (before.total, before.losses));
    assert_eq!(storage.messages.get(message_no).await.unwrap().unwrap().state, MessageState::Finished);
    assert_eq!(storage.chunks.by_reference(lane.vendor, "again-1").await.unwrap(), Some(no), "its receipts find the recipient");
    assert_eq!(storage.chunks.onward_due(NOW + 500, 9).await.unwrap(), [no]);
    let resent = storage.resends.of(no).await.unwrap();
    assert_eq!((resent.rounds, &resent.times[..6]), (1, &[0, 1, 0, 1, 0, 1][..]));
    assert!(resent.was_in(1) && resent.was_in(5) && !resent.was_in(0) && !resent.was_in(3), "who was heard of was not sent to");

    assert!(!storage.resends.again(again(no, 0, &[5])).await.unwrap(), "decided on what is no longer so");
    assert!(storage.resends.again(again(no, 1, &[5])).await.unwrap());
    assert_eq!(storage.resends.of(no).await.unwrap().times(5), 2);
    assert!(storage.chunks.onward_due(NOW + 500, 9).await.unwrap().is_empty(), "what was due is being done");
}

#[tokio::test]
async fn of_many_who_decide_the_same_one_sends() {
    let storage = fresh_storage().await;
    let (_, lane, _, no) = accepted(&storage).await;
    for round in 0..5 {
        let all = (0..16).map(|_| storage.resends.again(again(no, round, &[0, 1])));
        let won = futures::future::join_all(all).await.into_iter().filter(|one| *one.as_ref().unwrap()).count();
        assert_eq!(won, 1);
        let claimed = claim(&storage, &lane, NOW, 9).await.pop().unwrap();
        let mut told = step(&claimed, Outcome::Accepted, 2, Next::Done);
        told.deltas = Vec::new();
        storage.chunks.record(told).await.unwrap();
    }
    assert_eq!(storage.resends.of(no).await.unwrap().times(0), 5);
}

#[tokio::test]
async fn never_after_the_deadline_nor_of_what_was_stopped() {
    let storage = fresh_storage().await;
    let (_, lane, message_no, no) = accepted(&storage).await;
    let late = Again { now: NOW + 3_600_000, ..again(no, 0, &[1]) };
    assert!(!storage.resends.again(late).await.unwrap());
    // In line when the deadline comes: it ends, and nothing is counted.
    assert!(storage.resends.again(again(no, 0, &[1])).await.unwrap());
    let before = funnel(&storage, message_no).await.total;
    assert_eq!(storage.chunks.expire(NOW + 3_600_001, 9).await.unwrap(), 0);
    assert!(claim(&storage, &lane, NOW, 9).await.is_empty());
    assert_eq!(storage.chunks.view(no).await.unwrap().unwrap().state, ChunkState::Done);
    assert_eq!(funnel(&storage, message_no).await.total, before);

    // Of a message that still runs: held by a pause, ended by a cancel.
    let storage = fresh_storage().await;
    let (_, lane, message_no) = sending(&storage, 2).await;
    let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    storage.chunks.record(step(&claimed, Outcome::Accepted, 10, Next::Done)).await.unwrap();
    assert!(storage.resends.again(again(claimed.no, 0, &[4])).await.unwrap());
    storage.messages.pause(message_no).await.unwrap();
    assert!(claim(&storage, &lane, NOW, 9).await.is_empty());
    storage.messages.resume(message_no).await.unwrap();
    let mine = claim(&storage, &lane, NOW, 9).await.into_iter().find(|c| c.no == claimed.no).expect("in line again");
    storage.messages.cancel(message_no, NOW).await.unwrap();
    let mut told = step(&mine, Outcome::Accepted, 0, Next::Wait { not_before: NOW });
    told.deltas = Vec::new();
    storage.chunks.record(told).await.unwrap();
    assert_eq!(storage.chunks.view(claimed.no).await.unwrap().unwrap().state, ChunkState::Done);
    assert!(!storage.resends.again(again(claimed.no, 1, &[4])).await.unwrap(), "it was cancelled");
    let total = funnel(&storage, message_no).await.total;
    assert!(total.holds() && total.accepted == 10, "{total:?}");
}

#[tokio::test]
async fn a_lease_that_runs_out_leaves_the_resend_in_line() {
    let storage = fresh_storage().await;
    let (_, lane, message_no, no) = accepted(&storage).await;
    assert!(storage.resends.again(again(no, 0, &[7])).await.unwrap());
    assert_eq!(claim(&storage, &lane, NOW, 9).await.len(), 1);
    assert_eq!(storage.chunks.release_lapsed(NOW + 30_001, None).await.unwrap(), 1);
    let claimed = claim(&storage, &lane, NOW + 30_002, 9).await.pop().unwrap();
    assert!(claimed.lapsed && claimed.resending);
    assert_eq!(Outcomes::decode(&claimed.outcomes).unwrap().open(), [7]);
    let total = funnel(&storage, message_no).await.total;
    assert!(total.holds() && (total.accepted, total.waiting) == (10, 0), "{total:?}");
    let listed = storage.messages.list(1, &MessageFilter::default(), &Default::default()).await.unwrap();
    assert!(listed.items.iter().all(|m| m.state == MessageState::Finished));
}

#[tokio::test]
async fn phones_in_the_background_wait_for_their_app() {
    let storage = fresh_storage().await;
    let (_, _, _, no) = accepted(&storage).await;
    let held = vec![InBackground { place: 2, device_no: 3 }, InBackground { place: 4, device_no: 5 }];
    storage.resends.hold(no, held.clone(), NOW + 1_000).await.unwrap();
    storage.resends.hold(no, held, NOW + 1_000).await.unwrap();
    assert_eq!(storage.resends.held(no).await.unwrap(), [2, 4]);
    assert!(storage.resends.ready(NOW, 9).await.unwrap().is_empty());
    assert_eq!(storage.resends.foreground(99, NOW).await.unwrap(), 0, "nobody waits for this one");
    assert_eq!(storage.resends.foreground(5, NOW).await.unwrap(), 1);
    assert_eq!(storage.resends.foreground(5, NOW).await.unwrap(), 0, "once");
    assert_eq!(storage.resends.foreground(3, NOW + 1_000).await.unwrap(), 0, "too late");
    assert_eq!(storage.resends.ready(NOW, 9).await.unwrap(), [(no, vec![4])]);
    storage.resends.later(no, NOW + 50).await.unwrap();
    assert!(storage.resends.ready(NOW + 49, 9).await.unwrap().is_empty());
    assert_eq!(storage.resends.ready(NOW + 50, 9).await.unwrap(), [(no, vec![4])]);
    assert!(storage.resends.again(again(no, 0, &[4])).await.unwrap());
    assert_eq!(storage.resends.held(no).await.unwrap(), [2], "who goes waits no more");
    storage.resends.released(no, vec![7]).await.unwrap();
    assert_eq!(storage.resends.forget(NOW + 1_000, 9).await.unwrap(), 0);
    assert_eq!(storage.resends.forget(NOW + 1_001, 9).await.unwrap(), 1);
    assert!(storage.resends.held(no).await.unwrap().is_empty());
}
