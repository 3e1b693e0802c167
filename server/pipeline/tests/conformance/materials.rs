//! Materials at vendors.

use pipeline::storage::materials::{Material, Preparation, Stage};
use types::ids::CampaignId;
use types::vendor::Vendor;

use super::fresh_storage;
use crate::support::{NOW, lane, sending};

#[tokio::test]
async fn a_material_is_found_by_its_digest_until_it_is_forgotten() {
    let storage = fresh_storage().await;
    let (app, other, message_no) = sending(&storage, 1).await;
    let lane = lane(&storage, &app, Vendor::Apns).await;
    let one = Material {
        lane_no: lane.no,
        key: "k1".into(),
        kind: "content".into(),
        message_no,
        vendor_id: None,
        words: "67 category not allowed".into(),
        made_at: NOW,
        ends_at: NOW + 10,
    };
    storage.materials.put(&one).await.unwrap();
    let saved = Material { vendor_id: Some("t-1".into()), words: String::new(), ends_at: NOW + 1_000, ..one.clone() };
    storage.materials.put(&saved).await.unwrap();
    assert_eq!(storage.materials.get(lane.no, "k1").await.unwrap(), Some(saved.clone()), "the newest is kept");
    assert_eq!(storage.materials.get(lane.no + 1_000, "k1").await.unwrap(), None);
    assert_ne!(lane.no, other.no);
    let second = Material { key: "k2".into(), kind: "image".into(), made_at: NOW + 1, ends_at: NOW + 5, ..saved.clone() };
    storage.materials.put(&second).await.unwrap();
    assert_eq!(storage.materials.of_message(message_no).await.unwrap(), [saved.clone(), second]);
    assert_eq!(storage.materials.clear(NOW + 100, 10).await.unwrap(), 1, "the picture had ended");
    storage.materials.forget(lane.no, "k1").await.unwrap();
    assert_eq!(storage.materials.of_message(message_no).await.unwrap(), []);
}

#[tokio::test]
async fn a_preparation_is_taken_up_by_one_and_again_when_it_ended_or_is_of_something_else() {
    let storage = fresh_storage().await;
    let (_, lane, _) = sending(&storage, 1).await;
    let campaign = CampaignId::from_bytes([7; 16]);
    let one = Preparation {
        campaign: campaign.clone(),
        lane_no: lane.no,
        made_of: "a".into(),
        stage: Stage::UnderWay,
        words: String::new(),
        at: NOW,
        ends_at: NOW + 100,
    };
    let materials = &storage.materials;
    assert!(materials.take_up(&one).await.unwrap());
    assert!(!materials.take_up(&one).await.unwrap(), "somebody has it");
    let failed = Preparation { stage: Stage::Failed, words: "42 used up".into(), at: NOW + 5, ends_at: NOW + 50, ..one.clone() };
    materials.settle(&failed).await.unwrap();
    assert_eq!(materials.preparations(&campaign).await.unwrap(), std::slice::from_ref(&failed));
    assert!(!materials.take_up(&Preparation { at: NOW + 49, ..one.clone() }).await.unwrap(), "not yet");
    assert!(materials.take_up(&Preparation { at: NOW + 50, ends_at: NOW + 200, ..one.clone() }).await.unwrap(), "its time came");
    let other = Preparation { made_of: "b".into(), at: NOW + 60, ends_at: NOW + 300, ..one.clone() };
    assert!(materials.take_up(&other).await.unwrap(), "the words changed");
    materials.settle(&Preparation { stage: Stage::Ready, ..one.clone() }).await.unwrap();
    assert_eq!(materials.preparations(&campaign).await.unwrap(), [other], "who is late with the old words changes nothing");
    assert_eq!(materials.clear(NOW + 301, 10).await.unwrap(), 1);
    assert_eq!(materials.preparations(&campaign).await.unwrap(), []);
}
