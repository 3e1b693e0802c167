//! Counters per message and per bucket of time.

use pipeline::storage::chunks::Next;
use pipeline::storage::tallies::{Grain, Measure};
use types::life::Outcome;
use types::vendor::Vendor;

use super::fresh_storage;
use crate::support::{NOW, claim, funnel, sending, step};

#[tokio::test]
async fn a_fact_is_counted_once_for_its_message_and_in_two_buckets() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 2).await;
    for (outcome, minutes) in [(Outcome::Accepted, 1), (Outcome::Refused, 61)] {
        let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
        let mut done = step(&claimed, outcome, 10, Next::Done);
        done.now = NOW + minutes * 60_000 + 59_999;
        storage.chunks.record(done).await.unwrap();
    }
    let refused = Measure::Outcome { outcome: Outcome::Refused, reason: "invalid_token".into(), words: "20301 / bad".into() };
    let lane_of = Some(Vendor::Xiaomi);
    let accepted = Measure::outcome(Outcome::Accepted);
    assert_eq!(
        storage.tallies.of_message(message_no).await.unwrap(),
        [(lane_of, accepted.clone(), 10), (lane_of, refused, 10), (lane_of, Measure::Planned, 20)]
    );
    // Buckets leave the vendor's words out.
    let short = Measure::Outcome { outcome: Outcome::Refused, reason: "invalid_token".into(), words: String::new() };
    let minutes = storage.tallies.series(Some(app.no), Grain::Minute, NOW, NOW + 7_200_000).await.unwrap();
    let seen: Vec<_> = minutes.iter().map(|p| (p.at - NOW, p.measure.clone(), p.n)).collect();
    assert_eq!(seen, [(0, Measure::Planned, 20), (60_000, accepted.clone(), 10), (61 * 60_000, short.clone(), 10)]);
    let hours = storage.tallies.series(None, Grain::Hour, NOW, NOW + 7_200_000).await.unwrap();
    let seen: Vec<_> = hours.iter().map(|p| (p.at - NOW, p.vendor, p.measure.clone(), p.n)).collect();
    assert_eq!(seen, [(0, lane_of, accepted, 10), (0, lane_of, Measure::Planned, 20), (3_600_000, lane_of, short, 10)]);
    let funnel = funnel(&storage, message_no).await;
    assert_eq!((funnel.losses.len(), funnel.losses[0].words.as_str(), funnel.losses[0].devices), (1, "20301 / bad", 10));

    assert_eq!(storage.tallies.series(Some(app.no), Grain::Minute, NOW + 60_000, NOW + 120_000).await.unwrap().len(), 1);
    assert!(storage.tallies.series(Some(app.no + 1), Grain::Minute, 0, i64::MAX).await.unwrap().is_empty());
    assert_eq!(storage.tallies.forget_minutes(NOW + 61 * 60_000).await.unwrap(), 2);
    assert_eq!(storage.tallies.series(None, Grain::Minute, 0, i64::MAX).await.unwrap().len(), 1);
    assert_eq!(storage.tallies.series(None, Grain::Hour, 0, i64::MAX).await.unwrap().len(), 3, "hours stay");
}

#[tokio::test]
async fn the_sum_over_all_apps_adds_them_up() {
    let storage = fresh_storage().await;
    sending(&storage, 1).await;
    let app = crate::support::app(&storage, "second").await;
    let lane = crate::support::lane(&storage, &app, Vendor::Xiaomi).await;
    let message_no = crate::support::message(&storage, app.no).await;
    crate::support::plan(&storage, message_no, 0, vec![crate::support::chunk(message_no, &lane, 0..5)], true).await;
    let all = storage.tallies.series(None, Grain::Hour, 0, i64::MAX).await.unwrap();
    assert_eq!((all.len(), all[0].n), (1, 15));
    assert_eq!(storage.tallies.series(Some(app.no), Grain::Hour, 0, i64::MAX).await.unwrap()[0].n, 5);
}
