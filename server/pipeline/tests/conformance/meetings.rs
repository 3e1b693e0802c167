//! The name of the store and the pulse of its nodes.

use super::fresh_storage;

#[tokio::test]
async fn a_store_is_named_once_and_its_pulse_tells_who_was_first() {
    let storage = fresh_storage().await;
    let first = storage.meetings.name("one").await.unwrap();
    assert_eq!((first.name.as_str(), first.beats, first.fresh), ("one", 0, true));
    let again = storage.meetings.name("two").await.unwrap();
    assert_eq!((again.name.as_str(), again.fresh), ("one", false));
    assert!(storage.meetings.beat(None).await.unwrap());
    assert!(!storage.meetings.beat(Some(0)).await.unwrap(), "somebody moved it");
    let both = futures::future::join_all([Some(1), Some(1), Some(1)].map(|seen| storage.meetings.beat(seen))).await;
    assert_eq!(both.into_iter().filter(|one| *one.as_ref().unwrap()).count(), 1);
    let storage = storage.reopen().await;
    let kept = storage.meetings.name("three").await.unwrap();
    assert_eq!((kept.name.as_str(), kept.beats, kept.fresh), ("one", 2, false));
}
