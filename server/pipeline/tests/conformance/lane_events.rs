//! What happened to lanes.

use pipeline::storage::lane_events::LaneEvent;
use types::vendor::Vendor;
use types::views::lanes::LaneEventKind;

use super::fresh_storage;
use crate::support::{NOW, app, lane};

#[tokio::test]
async fn the_newest_of_each_lane_are_shown_until_they_are_old() {
    let storage = fresh_storage().await;
    let app = app(&storage, "history").await;
    let (one, two) = (lane(&storage, &app, Vendor::Apns).await.no, lane(&storage, &app, Vendor::Xiaomi).await.no);
    let event = |lane_no, at, what, until| LaneEvent { lane_no, at, what, until, words: "503".into(), node: "n".into() };
    let all = [
        event(one, NOW, LaneEventKind::Tripped, Some(NOW + 5)),
        event(one, NOW + 5, LaneEventKind::Flowing, None),
        event(two, NOW + 6, LaneEventKind::BulkClosed, Some(NOW + 99)),
        event(one, NOW + 7, LaneEventKind::UrgentClosed, Some(NOW + 99)),
    ];
    storage.lane_events.add(all.to_vec()).await.unwrap();
    let latest = storage.lane_events.latest(&[one, two], 2).await.unwrap();
    assert_eq!(latest, [all[3].clone(), all[1].clone(), all[2].clone()]);
    assert_eq!(storage.lane_events.forget(NOW + 6).await.unwrap(), 2);
    assert_eq!(storage.lane_events.latest(&[one, two], 9).await.unwrap(), [all[3].clone(), all[2].clone()]);
}
