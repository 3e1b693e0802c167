//! The one door for writing: everything answered is durable, what fails fails alone.

use pipeline::storage::StorageError;
use pipeline::storage::messages::Inserted;

use super::fresh_storage;
use crate::support::{app, new_app, new_message, registration};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_writes_at_once_are_all_there_after_a_reopen() {
    let fresh = fresh_storage().await;
    let app = app(&fresh, "group").await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let (storage, call) = (fresh.storage.clone(), new_message(app.no));
        calls.spawn(async move {
            let id = call.id.clone();
            match storage.messages.insert(call).await.unwrap() {
                Inserted::Fresh { no } => (no, id),
                other => panic!("{other:?}"),
            }
        });
    }
    let answered = calls.join_all().await;
    let storage = fresh.reopen().await;
    for (no, id) in answered {
        assert_eq!(storage.messages.get(no).await.unwrap().unwrap().id, id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_job_in_a_group_rolls_back_alone() {
    let storage = fresh_storage().await;
    let app = app(&storage, "taken").await;
    let mut calls = tokio::task::JoinSet::new();
    for i in 0..200 {
        let (storage, app_no) = (storage.storage.clone(), app.no);
        calls.spawn(async move {
            match i % 4 {
                // Fails in its first statement.
                0 => assert!(matches!(storage.apps.create(new_app("taken"), None).await, Err(StorageError::Conflict("name")))),
                // Fails after it has written: the only secret is deleted, then the rule says no.
                1 => {
                    let only = storage.apps.secrets(app_no).await.unwrap()[0].no;
                    assert!(matches!(storage.apps.end_secret(app_no, only, None).await, Err(StorageError::Conflict("last secret"))));
                }
                2 => {
                    storage.apps.create(new_app(&format!("app {i}")), None).await.unwrap();
                }
                _ => {
                    storage.devices.register(app_no, vec![registration(&format!("u{i}"), &[])]).await.unwrap();
                }
            }
        });
    }
    calls.join_all().await;
    assert_eq!(storage.apps.list().await.unwrap().len(), 51);
    assert_eq!(storage.apps.secrets(app.no).await.unwrap().len(), 1);
    assert_eq!(storage.devices.count(app.no).await.unwrap(), 50);
}
