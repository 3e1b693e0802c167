//! Copies: versions never change, a save names the version it saw.

use pipeline::storage::campaigns::Hand;
use pipeline::storage::copies::{CopyFilter, CopySave};
use pipeline::storage::{Storage, StorageError};
use types::content::Content;
use types::ids::{CampaignId, CopyId};
use types::listing::PageRequest;

use super::fresh_storage;
use crate::support::{NOW, app, id_bytes};

fn save(name: &str, body: &str) -> CopySave {
    CopySave {
        name: name.into(),
        tags: vec!["复诊".into()],
        content: Content { title: "标题".into(), body: body.into(), ..Content::default() },
        note: "because".into(),
        by: "ann@example.com".into(),
        by_id: "usr_ann".into(),
        now: NOW,
    }
}

async fn copy(storage: &Storage, app_no: i64, name: &str) -> CopyId {
    let id = CopyId::from_bytes(id_bytes());
    storage.copies.create(app_no, id.clone(), save(name, "one")).await.unwrap();
    id
}

#[tokio::test]
async fn a_save_adds_a_version_and_keeps_the_old_one() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let id = copy(&storage, app.no, "提醒").await;
    let two = storage.copies.save(&id, 1, save("提醒二", "two")).await.unwrap();
    assert_eq!((two.newest.number, two.name.as_str()), (2, "提醒二"));
    let same = storage.copies.save(&id, 2, save("提醒三", "two")).await.unwrap();
    assert_eq!((same.newest.number, same.name.as_str()), (2, "提醒三"), "the same content is no new version");
    assert!(matches!(storage.copies.save(&id, 1, save("x", "three")).await, Err(StorageError::Stale("copy"))));
    let one = storage.copies.version(&id, 1).await.unwrap().unwrap();
    assert_eq!(one.content.body, "one");
    let numbers: Vec<u32> = storage.copies.versions(&id, 10).await.unwrap().iter().map(|v| v.number).collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!(storage.copies.version(&id, 3).await.unwrap(), None);
    // Who wrote what a campaign uses: up to its version, everybody once.
    let bob = CopySave { by: "bob".into(), by_id: "usr_bob".into(), ..save("提醒三", "three") };
    storage.copies.save(&id, 2, bob).await.unwrap();
    let authors = async |up_to| {
        let mut ids: Vec<String> = storage.copies.authors(&id, up_to).await.unwrap().into_iter().map(|a| a.id).collect();
        ids.sort();
        ids
    };
    assert_eq!((authors(2).await, authors(3).await), (vec!["usr_ann".to_owned()], vec!["usr_ann".to_owned(), "usr_bob".to_owned()]));
}

#[tokio::test]
async fn names_are_unique_among_the_living() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let one = copy(&storage, app.no, "同名").await;
    let again = storage.copies.create(app.no, CopyId::from_bytes(id_bytes()), save("同名", "x")).await;
    assert!(matches!(again, Err(StorageError::Conflict("copy name"))));
    assert!(storage.copies.archive(&one, true, NOW).await.unwrap());
    assert!(
        matches!(storage.copies.save(&one, 1, save("y", "y")).await, Err(StorageError::Stale("copy"))),
        "archived ones stay as they are"
    );
    copy(&storage, app.no, "同名").await;
    assert!(matches!(storage.copies.archive(&one, false, NOW).await, Err(StorageError::Conflict("copy name"))));
    assert!(!storage.copies.archive(&CopyId::from_bytes(id_bytes()), true, NOW).await.unwrap());
}

#[tokio::test]
async fn lists_filter_page_and_count_their_use() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let mut ids = Vec::new();
    for name in ["Alpha", "beta", "alphabet"] {
        ids.push(copy(&storage, app.no, name).await);
    }
    let spec = types::campaign::CampaignSpec { copy: Some(ids[0].clone()), ..Default::default() };
    storage.campaigns.create(app.no, CampaignId::from_bytes(id_bytes()), spec, Hand { id: "usr_ann", name: "ann" }, NOW).await.unwrap();
    let filter = CopyFilter { text: Some("ALPHA".into()), ..CopyFilter::default() };
    let first = storage.copies.list(app.no, &filter, &PageRequest { after: None, size: 1 }).await.unwrap();
    assert_eq!(first.items[0].name, "alphabet");
    let second = storage.copies.list(app.no, &filter, &PageRequest { after: first.next, size: 1 }).await.unwrap();
    assert_eq!((second.items[0].name.as_str(), second.items[0].used_in, second.next), ("Alpha", 1, None));
    let tagged = CopyFilter { tag: Some("没有".into()), ..CopyFilter::default() };
    assert!(storage.copies.list(app.no, &tagged, &PageRequest::default()).await.unwrap().items.is_empty());
    storage.copies.archive(&ids[1], true, NOW).await.unwrap();
    let archived = CopyFilter { archived: true, ..CopyFilter::default() };
    assert_eq!(storage.copies.list(app.no, &archived, &PageRequest::default()).await.unwrap().items.len(), 1);
}
