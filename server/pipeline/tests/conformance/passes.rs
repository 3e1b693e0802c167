//! Passes that nodes share.

use super::fresh_storage;
use crate::support::NOW;

#[tokio::test]
async fn one_at_a_time_makes_a_pass_and_all_use_it() {
    let storage = fresh_storage().await;
    let shelf = storage.passes.clone();
    assert_eq!(shelf.get("place").await.unwrap(), None);
    assert!(!shelf.put("place", "one", vec![9]).await.unwrap(), "without a turn nothing is kept");
    assert!(shelf.take_turn("place", "one", NOW, NOW + 30_000).await.unwrap());
    assert!(!shelf.take_turn("place", "two", NOW + 30_000, NOW + 60_000).await.unwrap(), "to this very moment");
    assert!(shelf.take_turn("place", "one", NOW, NOW + 30_000).await.unwrap(), "one's own");
    assert!(shelf.take_turn("other", "two", NOW, NOW + 30_000).await.unwrap(), "of another pass");
    assert_eq!(shelf.get("place").await.unwrap(), None, "a turn is no pass");
    assert!(shelf.put("place", "one", vec![1]).await.unwrap());
    assert_eq!(shelf.get("place").await.unwrap(), Some(vec![1]));

    // Ended by keeping one, by giving up, or by time; who was too slow keeps nothing.
    assert!(shelf.take_turn("place", "two", NOW, NOW + 30_000).await.unwrap());
    shelf.end_turn("place", "one").await.unwrap();
    assert!(!shelf.take_turn("place", "one", NOW, NOW + 30_000).await.unwrap(), "only one's own turn is ended");
    shelf.end_turn("place", "two").await.unwrap();
    assert!(shelf.take_turn("place", "two", NOW, NOW + 30_000).await.unwrap());
    assert!(shelf.take_turn("place", "one", NOW + 30_001, NOW + 60_000).await.unwrap(), "it has run out");
    assert!(!shelf.put("place", "two", vec![2]).await.unwrap());
    assert!(shelf.put("place", "one", vec![3]).await.unwrap());
    assert_eq!(storage.reopen().await.passes.get("place").await.unwrap(), Some(vec![3]), "over a restart");
}

#[tokio::test]
async fn of_many_who_want_a_turn_one_gets_it() {
    let storage = fresh_storage().await;
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..16 {
        let shelf = storage.passes.clone();
        tasks.spawn(async move { shelf.take_turn("place", &format!("node-{i}"), NOW, NOW + 30_000).await.unwrap() });
    }
    let got = tasks.join_all().await;
    assert_eq!(got.into_iter().filter(|got| *got).count(), 1);
}
