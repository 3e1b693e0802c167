//! Recipients of old messages go, and nothing else does.

use pipeline::storage::chunks::Next;
use pipeline::storage::messages::{Inserted, NewMessage, Targets};
use pipeline::storage::resends::Again;
use types::Millis;
use types::ids::ChunkNo;
use types::life::Outcome;

use super::fresh_storage;
use crate::support::{Fresh, NOW, chunk, claim, funnel, message, new_message, plan, sending, step};

const DAY: Millis = 86_400_000;

async fn over(storage: &Fresh, lane: &pipeline::storage::apps::Lane, message_no: i64) {
    for claimed in claim(storage, lane, NOW, 99).await {
        let mut told = step(&claimed, Outcome::Accepted, 10, Next::Done);
        told.references = vec![format!("ref-{}", claimed.no.0)];
        storage.chunks.record(told).await.unwrap();
    }
    assert_eq!(storage.messages.settle(NOW).await.unwrap(), [(message_no, None)]);
}

#[tokio::test]
async fn what_is_old_goes_in_parts_and_its_counters_stay() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 5).await;
    over(&storage, &lane, message_no).await;
    let before = funnel(&storage, message_no).await;
    let all = storage.chunks.of_message(message_no, ChunkNo(0), 9).await.unwrap();
    // A younger one, still under way.
    let younger = message(&storage, app.no).await;
    plan(&storage, younger, 0, vec![chunk(younger, &lane, 0..10)], true).await;

    assert_eq!(storage.retention.forget(NOW, NOW + DAY, 3).await.unwrap(), 0, "not older than that");
    assert_eq!(storage.retention.forget(NOW + 1, NOW + DAY, 3).await.unwrap(), 3);
    assert_eq!(storage.messages.get(message_no).await.unwrap().unwrap().forgotten_at, None, "not all of it");
    assert_eq!(storage.retention.forget(NOW + 1, NOW + DAY, 3).await.unwrap(), 2);
    assert_eq!(storage.retention.forget(NOW + 1, NOW + DAY, 3).await.unwrap(), 0);
    assert_eq!(storage.messages.get(message_no).await.unwrap().unwrap().forgotten_at, Some(NOW + DAY));
    assert!(storage.chunks.of_message(message_no, ChunkNo(0), 9).await.unwrap().is_empty());
    assert_eq!(funnel(&storage, message_no).await, before, "the funnel is what it was");
    assert_eq!(claim(&storage, &lane, NOW, 9).await.len(), 1, "what waits is there");

    // Request ids of chunks that are gone go on a walk of their own.
    let named = all[0].no;
    assert_eq!(storage.chunks.by_reference(lane.vendor, &format!("ref-{}", named.0)).await.unwrap(), Some(named));
    let on = storage.retention.forget_references(None, 2).await.unwrap();
    assert!(on.is_some(), "there are more");
    let mut on = on;
    while on.is_some() {
        on = storage.retention.forget_references(on, 2).await.unwrap();
    }
    for gone in all {
        assert_eq!(storage.chunks.by_reference(lane.vendor, &format!("ref-{}", gone.no.0)).await.unwrap(), None);
    }
    assert_eq!(storage.retention.drop_days(NOW + 2 * DAY).await.unwrap(), 0, "today's tables stay");
}

#[tokio::test]
async fn what_somebody_needs_is_left_alone() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 1).await;
    assert_eq!(storage.retention.forget(NOW + DAY, NOW, 9).await.unwrap(), 0, "it is under way");
    over(&storage, &lane, message_no).await;
    let no = storage.chunks.of_message(message_no, ChunkNo(0), 9).await.unwrap()[0].no;
    assert!(storage.resends.again(Again { no, seen: 0, places: vec![1], now: NOW, audit: None }).await.unwrap());
    assert_eq!(storage.retention.forget(NOW + DAY, NOW, 9).await.unwrap(), 0, "some of it goes again");
    let claimed = claim(&storage, &lane, NOW, 9).await.pop().unwrap();
    let mut told = step(&claimed, Outcome::Accepted, 1, Next::Done);
    told.deltas = Vec::new();
    storage.chunks.record(told).await.unwrap();

    let id = storage.messages.get(message_no).await.unwrap().unwrap().id;
    let targets = Targets::Again { message: id, outcomes: vec!["accepted".to_owned()], only: Vec::new() };
    let Inserted::Fresh { no: resend } = storage.messages.insert(NewMessage { targets, ..new_message(app.no) }).await.unwrap() else {
        panic!("a message");
    };
    assert_eq!(storage.retention.forget(NOW + DAY, NOW, 9).await.unwrap(), 0, "a resend is to be planned from it");
    plan(&storage, resend, 0, Vec::new(), true).await;
    assert_eq!(storage.retention.forget(NOW + DAY, NOW, 9).await.unwrap(), 1);
}
