//! Crowds: staged is invisible, confirmed is whole, dropped leaves nothing.

use std::collections::BTreeMap;

use pipeline::storage::crowd_frame::{BlockWriter, Reject, put_value};
use pipeline::storage::crowds::{CHECK_LEASE_MS, CrowdFilter, NewUpload, Targets};
use pipeline::storage::frame::key_of;
use pipeline::storage::{Storage, StorageError};
use types::crowd::{CrowdCounts, Detected, Encoding, KeyKind, Mapping, Overrule, RejectReason, UploadState};
use types::ids::{CrowdId, UploadId};
use types::listing::PageRequest;
use types::problem::{Code, Problem};
use types::vendor::Vendor;

use super::fresh_storage;
use crate::support::{NOW, app, id_bytes, registration};

fn detected() -> Detected {
    Detected {
        encoding: Encoding::Gb18030,
        bom: false,
        gzip: false,
        delimiter: Some(','),
        header: true,
        columns: vec!["用户ID".into(), "姓名".into()],
        preview: vec![vec!["1".into(), "王芳".into()]],
        bad_bytes: 0,
    }
}

async fn upload(storage: &Storage, app_no: i64, sha256: &str) -> UploadId {
    let id = UploadId::from_bytes(id_bytes());
    let upload = NewUpload {
        id: id.clone(),
        app_no,
        file_name: "用户.csv".into(),
        file_size: 99,
        sha256: sha256.into(),
        path: id.as_str().into(),
        detected: detected(),
        signature: "sig".into(),
        created_by: "usr_1".into(),
        now: NOW,
    };
    storage.crowds.add_upload(upload).await.unwrap();
    id
}

fn mapping() -> Mapping {
    Mapping { variables: BTreeMap::from([("name".to_owned(), 1)]), ..Mapping::default() }
}

/// Stages `n` users in blocks of two and one reject.
async fn stage(storage: &Storage, id: &UploadId, n: usize) -> i64 {
    let crowd_no = storage.crowds.begin_check(id, &CrowdId::from_bytes(id_bytes()), &mapping(), NOW + 1).await.unwrap();
    let mut users: Vec<String> = (0..n).map(|i| format!("u{i}")).collect();
    users.sort_by_key(|u| key_of(KeyKind::User, None, u));
    let mut writer = BlockWriter::new(KeyKind::User, &["name".to_owned()]);
    let mut blocks = Vec::new();
    for user in &users {
        let mut values = Vec::new();
        put_value(&mut values, 0, &format!("名{user}"));
        writer.push(key_of(KeyKind::User, None, user), None, user, &values);
        if writer.len() == 2 {
            blocks.push(writer.take());
        }
    }
    if !writer.is_empty() {
        blocks.push(writer.take());
    }
    storage.crowds.add_blocks(crowd_no, blocks).await.unwrap();
    let reject = Reject { row: 7, reason: RejectReason::EmptyKey, text: " ".into() };
    storage.crowds.add_rejects(crowd_no, 0, vec![vec![reject]]).await.unwrap();
    crowd_no
}

async fn finish(storage: &Storage, id: &UploadId, crowd_no: i64, valid: u64) -> Result<(), StorageError> {
    let counts = CrowdCounts { rows: valid + 1, valid, malformed: 1, unknown: 2, ..CrowdCounts::default() };
    storage.crowds.finish_check(id, crowd_no, &counts, &BTreeMap::from([(RejectReason::EmptyKey, 1)]), NOW + 2).await
}

#[tokio::test]
async fn from_upload_to_crowd() {
    let storage = fresh_storage().await;
    let app = app(&storage, "crowds").await;
    let id = upload(&storage, app.no, "aa").await;
    let crowd_no = stage(&storage, &id, 5).await;
    assert_eq!(storage.crowds.upload(app.no, &id).await.unwrap().unwrap().state, UploadState::Checking);
    assert!(matches!(storage.crowds.confirm(&id, "n", "usr_2", NOW).await, Err(StorageError::Stale("upload"))));
    assert!(matches!(finish(&storage, &id, crowd_no, 4).await, Err(StorageError::Corrupt(_))), "a lost row is noticed");
    finish(&storage, &id, crowd_no, 5).await.unwrap();

    let page = PageRequest::default();
    assert!(storage.crowds.list(app.no, &CrowdFilter::default(), &page).await.unwrap().items.is_empty(), "staged is invisible");
    assert_eq!(storage.crowds.same_file(app.no, "aa").await.unwrap(), None);
    assert_eq!(storage.crowds.mapping(app.no, "sig").await.unwrap(), None);

    let (crowd, path) = storage.crowds.confirm(&id, "复诊提醒", "usr_2", NOW + 3).await.unwrap();
    assert_eq!(path, id.as_str());
    let stored = storage.crowds.get(&crowd).await.unwrap().unwrap();
    assert_eq!((stored.name.as_str(), stored.counts.valid, stored.blocks, stored.created_by.as_str()), ("复诊提醒", 5, 3, "usr_2"));
    assert_eq!(stored.reasons, BTreeMap::from([(RejectReason::EmptyKey, 1)]));
    assert!(stored.detected.preview.is_empty(), "no people's data beside the rows");
    assert_eq!(storage.crowds.count(&crowd).await.unwrap(), Some(5));
    let mut keys = Vec::new();
    for seq in 0..3 {
        for row in storage.crowds.block(&crowd, seq).await.unwrap().unwrap().rows {
            assert_eq!(row.variables["name"], format!("名{}", row.text));
            assert_eq!(row.key, key_of(KeyKind::User, None, &row.text));
            keys.push(row.key);
        }
    }
    assert!(keys.len() == 5 && keys.is_sorted());
    assert_eq!(storage.crowds.block(&crowd, 3).await.unwrap(), None);
    assert_eq!(storage.crowds.rejects(stored.no, 0).await.unwrap().unwrap()[0].row, 7);
    assert_eq!(storage.crowds.rejects(stored.no, 1).await.unwrap(), None);
    assert_eq!(storage.crowds.mapping(app.no, "sig").await.unwrap(), Some(mapping()));
    assert_eq!(storage.crowds.same_file(app.no, "aa").await.unwrap(), Some(stored));
    assert_eq!(storage.crowds.same_file(app.no + 1, "aa").await.unwrap(), None, "another app sees nothing");
    assert!(storage.crowds.discard_upload(&id).await.unwrap().is_none(), "a confirmed one stays");
    assert!(matches!(storage.crowds.add_blocks(crowd_no, Vec::new()).await, Err(StorageError::Stale("crowd"))), "confirmed is whole");
}

#[tokio::test]
async fn names_are_unique_in_an_app_and_lists_are_filtered_and_paged() {
    let storage = fresh_storage().await;
    let app = app(&storage, "crowds").await;
    for name in ["Alpha", "beta", "alphabet"] {
        let id = upload(&storage, app.no, name).await;
        let crowd_no = stage(&storage, &id, 1).await;
        finish(&storage, &id, crowd_no, 1).await.unwrap();
        storage.crowds.confirm(&id, name, "usr_1", NOW).await.unwrap();
    }
    let id = upload(&storage, app.no, "cc").await;
    let crowd_no = stage(&storage, &id, 1).await;
    finish(&storage, &id, crowd_no, 1).await.unwrap();
    assert!(matches!(storage.crowds.confirm(&id, "beta", "usr_1", NOW).await, Err(StorageError::Conflict("crowd name"))));
    let filter = CrowdFilter { name: Some("ALPHA".into()), ..CrowdFilter::default() };
    let first = storage.crowds.list(app.no, &filter, &PageRequest { after: None, size: 1 }).await.unwrap();
    assert_eq!(first.items[0].name, "alphabet");
    let second = storage.crowds.list(app.no, &filter, &PageRequest { after: first.next, size: 1 }).await.unwrap();
    assert_eq!((second.items[0].name.as_str(), second.next), ("Alpha", None));
    let percent = CrowdFilter { name: Some("%".into()), ..CrowdFilter::default() };
    assert!(storage.crowds.list(app.no, &percent, &PageRequest::default()).await.unwrap().items.is_empty(), "no wildcard");
}

#[tokio::test]
async fn dropped_and_stale_ones_leave_nothing() {
    let storage = fresh_storage().await;
    let app = app(&storage, "crowds").await;
    let id = upload(&storage, app.no, "aa").await;
    let first = stage(&storage, &id, 5).await;
    let again = storage.crowds.begin_check(&id, &CrowdId::from_bytes(id_bytes()), &mapping(), NOW + 2).await;
    assert!(matches!(again, Err(StorageError::Stale("upload"))), "somebody checks it");
    assert_eq!(storage.crowds.reset_checks(NOW, NOW + 3).await.unwrap(), 0, "its checker spoke a moment ago");
    storage.crowds.keep_check(&id, first, NOW + CHECK_LEASE_MS).await.unwrap();
    assert_eq!(storage.crowds.reset_checks(NOW + 1, NOW + CHECK_LEASE_MS + 1).await.unwrap(), 0, "and again");
    assert_eq!(storage.crowds.reset_checks(NOW + CHECK_LEASE_MS, NOW + 4).await.unwrap(), 1, "its checker is gone");
    assert!(matches!(storage.crowds.keep_check(&id, first, NOW + 5).await, Err(StorageError::Stale("upload"))));
    let second = stage(&storage, &id, 5).await;
    assert!(matches!(storage.crowds.add_blocks(first, Vec::new()).await, Err(StorageError::Stale("crowd"))), "a new check drops the old");
    assert!(matches!(finish(&storage, &id, first, 5).await, Err(StorageError::Stale("upload"))));
    let problem = Problem::new(Code::TooLarge);
    storage.crowds.fail_check(&id, second, &problem, NOW + 5).await.unwrap();
    let failed = storage.crowds.upload(app.no, &id).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.problem), (UploadState::Failed, Some(problem)));
    let third = stage(&storage, &id, 5).await;
    assert_eq!(storage.crowds.reset_checks(NOW + 6, NOW + 6).await.unwrap(), 1);
    assert!(matches!(finish(&storage, &id, third, 5).await, Err(StorageError::Stale("upload"))));
    storage.crowds.set_detected(&id, &Overrule::default(), &detected(), "other", NOW + 7).await.unwrap();
    assert_eq!(storage.crowds.count_open("usr_1").await.unwrap(), 1);
    assert!(storage.crowds.discard_stale(NOW + 7).await.unwrap().is_empty(), "touched just now");
    assert_eq!(storage.crowds.discard_stale(NOW + 8).await.unwrap(), vec![id.as_str().to_owned()]);
    assert_eq!(storage.crowds.upload(app.no, &id).await.unwrap(), None);
    let mut swept = 0;
    loop {
        match storage.crowds.sweep_dropped(2).await.unwrap() {
            0 => break,
            n => swept += n,
        }
    }
    assert_eq!(swept, 3 * (3 + 1), "three staged crowds of three blocks and one list of rejects");
    for crowd_no in [first, second, third] {
        assert_eq!(storage.crowds.rejects(crowd_no, 0).await.unwrap(), None);
    }
}

#[tokio::test]
async fn known_counts_each_target_once() {
    let storage = fresh_storage().await;
    let app = app(&storage, "crowds").await;
    let other = crate::support::app(&storage, "other").await;
    let token = "0o1oh3zMo2enyiqRofzl";
    let made =
        storage.devices.register(app.no, vec![registration("u1", &[(Vendor::Xiaomi, token)]), registration("u1", &[])]).await.unwrap();
    let users = Targets::Users(vec!["u1".into(), "u2".into()]);
    assert_eq!(storage.crowds.known(app.no, &users).await.unwrap(), 1, "two devices, one user");
    assert_eq!(storage.crowds.known(other.no, &users).await.unwrap(), 0);
    let devices = Targets::Devices(made.iter().map(|d| d.as_str().to_owned()).chain(["dev_x".to_owned()]).collect());
    assert_eq!(storage.crowds.known(app.no, &devices).await.unwrap(), 2);
    let tokens = Targets::Tokens(vec![(Vendor::Xiaomi, token.into()), (Vendor::Oppo, token.into())]);
    assert_eq!(storage.crowds.known(app.no, &tokens).await.unwrap(), 1);
}
