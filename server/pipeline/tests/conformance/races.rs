//! What two do at once ends as if one had come after the other.

use std::collections::BTreeMap;

use pipeline::storage::chunks::Next;
use pipeline::storage::people::{AuditEntry, NewPerson, PersonChange};
use pipeline::storage::receipts::{Application, Mark};
use pipeline::storage::{Storage, StorageError};
use types::ids::PersonId;
use types::life::Outcome;
use types::people::{Rights, Role};
use types::receipt::{ReceiptKind, mark};

use super::fresh_storage;
use crate::support::{NOW, claim, funnel, registration, sending, step};

const ROUNDS: u8 = 20;

fn entry(action: &str) -> AuditEntry {
    AuditEntry {
        at: NOW,
        actor_id: "system".into(),
        actor_name: "System".into(),
        address: String::new(),
        request_id: String::new(),
        action: action.into(),
        object: "1".into(),
        app: None,
        before: None,
        after: None,
    }
}

fn rights(role: Role) -> Rights {
    Rights { role: Some(role), apps: BTreeMap::new() }
}

async fn administrator(storage: &Storage, n: u8) -> PersonId {
    let person = NewPerson {
        id: PersonId::from_bytes([n; 16]),
        email: format!("p{n}@example.com"),
        name: format!("Person {n}"),
        rights: rights(Role::Admin),
        password: None,
        created_at: NOW,
    };
    storage.people.create(person, entry("person.create")).await.unwrap().id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_and_a_record_at_once_leave_nothing_in_line() {
    let storage = fresh_storage().await;
    let (_, lane, message_no) = sending(&storage, 1).await;
    for _ in 0..ROUNDS {
        let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
        let back = step(&claimed, Outcome::Accepted, 0, Next::Wait { not_before: NOW });
        let (paused, recorded) = tokio::join!(storage.messages.pause(message_no), storage.chunks.record(back));
        assert!(paused.unwrap());
        recorded.unwrap();
        assert!(storage.chunks.backlog().await.unwrap().is_empty(), "a paused message has nothing in line");
        assert!(storage.messages.resume(message_no).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_for_one_chunk_from_all_sides_are_all_counted_once() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 1).await;
    let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    // The lane does not know what became of them, and says so while the receipts arrive.
    let unknown = step(&claimed, Outcome::Uncertain, 10, Next::Done);
    let mut all = tokio::task::JoinSet::new();
    for index in 0..20_u32 {
        let (storage, chunk) = (storage.storage.clone(), claimed.no);
        let one =
            Mark { chunk, message_no, app_no: app.no, vendor: Some(lane.vendor), count: 10, index: index % 10, bits: mark::DELIVERED };
        all.spawn(
            async move { storage.receipts.apply(Application { marks: vec![one], now: NOW, ..Application::default() }).await.unwrap() },
        );
    }
    storage.chunks.record(unknown).await.unwrap();
    assert_eq!(all.join_all().await.into_iter().sum::<u64>(), 10, "each recipient once, though each came twice");
    let funnel = funnel(&storage, message_no).await;
    assert_eq!((funnel.total.accepted, funnel.total.uncertain, funnel.total.waiting), (10, 0, 0), "what arrived was accepted");
    assert_eq!(funnel.lanes[0].receipts[ReceiptKind::Delivered.slug()], 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_administrators_who_remove_each_other_leave_one() {
    let storage = fresh_storage().await;
    let (one, two) = (administrator(&storage, 1).await, administrator(&storage, 2).await);
    let change = |role| PersonChange { name: "Changed".into(), rights: rights(role), disabled: false };
    for _ in 0..ROUNDS {
        let (a, b) = tokio::join!(
            storage.people.change(&one, change(Role::Viewer), entry("person.change")),
            storage.people.change(&two, change(Role::Viewer), entry("person.change"))
        );
        let refused = [&a, &b].into_iter().filter(|r| matches!(r, Err(StorageError::Conflict("last administrator")))).count();
        assert_eq!((refused, usize::from(a.is_ok()) + usize::from(b.is_ok())), (1, 1), "{a:?} {b:?}");
        for who in [&one, &two] {
            storage.people.change(who, change(Role::Admin), entry("person.change")).await.unwrap().unwrap();
        }
    }
    let told = storage.people.audit_check().await.unwrap();
    assert_eq!(told, pipeline::storage::people::AuditCheck::Whole(2 + u64::from(ROUNDS) * 3), "and the log is whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_that_registers_many_times_at_once_is_one_device() {
    let storage = fresh_storage().await;
    let app = crate::support::app(&storage, "at once").await;
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (storage, app_no) = (storage.storage.clone(), app.no);
        let call = registration("u1", &[(types::vendor::Vendor::Xiaomi, "token-1")]);
        all.spawn(async move { storage.devices.register(app_no, vec![call]).await.unwrap().remove(0) });
    }
    let ids: std::collections::HashSet<_> = all.join_all().await.into_iter().collect();
    assert_eq!((ids.len(), storage.devices.count(app.no).await.unwrap()), (1, 1));
}
