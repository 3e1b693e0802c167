//! Ramps: chosen until they begin, moved one step at a time by whoever is first.

use pipeline::storage::messages::{PlanStep, Targets};
use pipeline::storage::ramps::Ramp;
use types::content::{MessageClass, Rank};
use types::ids::{CampaignId, CrowdId, MessageId};
use types::ramp::{Guard, RampPlan, RampState, Share, Watched};

use super::fresh_storage;
use crate::support::{NOW, app, new_message};

fn ramp(app_no: i64) -> Ramp {
    let campaign = CampaignId::from_bytes([7; 16]);
    Ramp {
        message: campaign.message(),
        campaign,
        app_no,
        plan: RampPlan::default(),
        state: RampState::Planned,
        open: 1,
        since: NOW,
        waived: 0,
        watched: Vec::new(),
        by: "ann".into(),
    }
}

#[tokio::test]
async fn a_choice_stands_until_it_begins() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let one = ramp(app.no);
    assert!(storage.ramps.choose(one.clone()).await.unwrap());
    let other = Ramp { plan: RampPlan { by_itself: true, ..RampPlan::default() }, ..one.clone() };
    assert!(storage.ramps.choose(other.clone()).await.unwrap(), "another choice");
    assert_eq!(storage.ramps.get(&one.message).await.unwrap(), Some(other.clone()));
    assert!(storage.ramps.forgo(&one.message).await.unwrap());
    assert!(!storage.ramps.forgo(&one.message).await.unwrap());
    assert!(storage.ramps.choose(other.clone()).await.unwrap());
    let watched = vec![Watched { guard: Guard::Gone, now: Share { n: 1, of: 2 }, usual: Share { n: 3, of: 4 } }];
    let begun = Ramp { state: RampState::Sending, since: NOW + 1, watched, ..other.clone() };
    assert!(storage.ramps.advance((RampState::Planned, 1), begun.clone()).await.unwrap());
    assert!(!storage.ramps.advance((RampState::Planned, 1), begun.clone()).await.unwrap(), "somebody was faster");
    assert_eq!(storage.ramps.get(&one.message).await.unwrap(), Some(begun.clone()));
    assert!(!storage.ramps.choose(other).await.unwrap() && !storage.ramps.forgo(&one.message).await.unwrap(), "it has begun");
    assert_eq!(storage.ramps.living(9).await.unwrap(), std::slice::from_ref(&begun));
    assert!(storage.ramps.advance((RampState::Sending, 1), Ramp { state: RampState::Stopped, ..begun }).await.unwrap());
    assert!(storage.ramps.living(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_message_is_planned_as_far_as_its_ramp_is_open() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let one = ramp(app.no);
    storage.ramps.choose(one.clone()).await.unwrap();
    let mut message = new_message(app.no);
    (message.id, message.campaign, message.class) = (one.message.clone(), Some(one.campaign.clone()), MessageClass::Bulk);
    message.targets = Targets::Crowd { crowd: CrowdId::from_bytes([1; 16]) };
    storage.messages.insert(message).await.unwrap();
    let waits = async || storage.messages.to_plan(Rank::Bulk, 9).await.unwrap();
    let found = waits().await;
    let [found] = found.as_slice() else { panic!("one message: {found:?}") };
    assert_eq!(found.id, MessageId::from_bytes([7; 16]));
    let step = PlanStep { message_no: found.no, from: 0, to: 1 << 32, chunks: Vec::new(), claim: None, last: false, now: NOW };
    assert_eq!(storage.messages.plan(vec![step]).await.unwrap(), [true]);
    assert!(waits().await.is_empty(), "the open step is planned");
    storage.ramps.advance((RampState::Planned, 1), Ramp { state: RampState::Sending, open: 2, ..one }).await.unwrap();
    assert_eq!(waits().await.len(), 1);
}
