//! Registrations, reach, quarantine.

use pipeline::storage::StorageError;
use pipeline::storage::devices::{Device, DeviceFilter, TokenState};
use types::ids::DeviceId;
use types::listing::PageRequest;
use types::vendor::{Environment, Vendor};

use super::fresh_storage;
use crate::support::{Fresh, NOW, app, id_bytes, registration};

const APNS: Vendor = Vendor::Apns;
const XIAOMI: Vendor = Vendor::Xiaomi;

fn tokens(device: &Device) -> Vec<(Vendor, &str)> {
    device.tokens.iter().map(|t| (t.vendor, t.token.as_str())).collect()
}

async fn get(storage: &Fresh, app_no: i64, id: &DeviceId) -> Device {
    storage.devices.get(app_no, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_registration_makes_a_device_and_a_second_one_updates_it() {
    let storage = fresh_storage().await;
    let app = app(&storage, "devices").await;
    let first = registration("u1", &[(APNS, "a1"), (XIAOMI, "x1")]);
    let id = storage.devices.register(app.no, vec![first.clone()]).await.unwrap().remove(0);
    assert_eq!(id, first.fresh_id);
    let device = get(&storage, app.no, &id).await;
    assert_eq!(tokens(&device), [(APNS, "a1"), (XIAOMI, "x1")]);
    assert_eq!((device.user_id.as_deref(), device.notifications_on, device.test, device.created_at), (Some("u1"), Some(true), false, NOW));

    // By token: the same device; what is not said stays, the person who uses it now is who it says.
    let mut again = registration("u2", &[(APNS, "a1")]);
    (again.model, again.notifications_on, again.test, again.now) = (String::new(), None, Some(true), NOW + 5);
    assert_eq!(storage.devices.register(app.no, vec![again]).await.unwrap(), std::slice::from_ref(&id));
    let device = get(&storage, app.no, &id).await;
    assert_eq!(
        (device.user_id.as_deref(), device.model.as_str(), device.notifications_on, device.test),
        (Some("u2"), "Mi 15", Some(true), true)
    );
    assert_eq!((device.created_at, device.seen_at, device.tokens.len()), (NOW, NOW + 5, 2));

    // By id: a new token takes the place of the former one of its vendor.
    let mut renewed = registration("u2", &[(APNS, "a2")]);
    (renewed.id, renewed.user_id) = (Some(id.clone()), None);
    assert_eq!(storage.devices.register(app.no, vec![renewed]).await.unwrap(), std::slice::from_ref(&id));
    let device = get(&storage, app.no, &id).await;
    assert_eq!((tokens(&device), device.user_id.as_deref(), device.test), (vec![(APNS, "a2"), (XIAOMI, "x1")], None, true));
    assert_eq!(storage.devices.by_no(device.no).await.unwrap().unwrap().id, id);
    assert_eq!(storage.devices.count(app.no).await.unwrap(), 1);
}

#[tokio::test]
async fn an_unknown_id_takes_the_whole_block_back() {
    let storage = fresh_storage().await;
    let app = app(&storage, "stale").await;
    let mut lost = registration("u2", &[(APNS, "a2")]);
    lost.id = Some(DeviceId::from_bytes(id_bytes()));
    let block = vec![registration("u1", &[(APNS, "a1")]), lost];
    assert!(matches!(storage.devices.register(app.no, block).await, Err(StorageError::Stale("device"))));
    assert_eq!(storage.devices.count(app.no).await.unwrap(), 0);
    assert_eq!(storage.devices.reach_users(app.no, &["u1".to_owned()]).await.unwrap(), [vec![]]);
}

#[tokio::test]
async fn a_token_moves_to_the_device_that_registers_it_last() {
    let storage = fresh_storage().await;
    let app = app(&storage, "moves").await;
    let other_app = crate::support::app(&storage, "other").await;
    let ids = storage.devices.register(app.no, vec![registration("u1", &[(APNS, "t")]), registration("u2", &[(APNS, "s")])]).await.unwrap();
    let elsewhere = storage.devices.register(other_app.no, vec![registration("u9", &[(APNS, "t")])]).await.unwrap();
    let mut moved = registration("u2", &[(APNS, "t")]);
    moved.id = Some(ids[1].clone());
    storage.devices.register(app.no, vec![moved]).await.unwrap();
    assert_eq!(tokens(&get(&storage, app.no, &ids[0]).await), []);
    assert_eq!(tokens(&get(&storage, app.no, &ids[1]).await), [(APNS, "t")]);
    assert_eq!(tokens(&get(&storage, other_app.no, &elsewhere[0]).await), [(APNS, "t")], "apps do not share tokens");
}

#[tokio::test]
async fn within_one_block_the_last_word_counts() {
    let storage = fresh_storage().await;
    let app = app(&storage, "block").await;
    let block = vec![
        registration("u1", &[(XIAOMI, "x")]),
        registration("u2", &[(APNS, "a")]),
        registration("u3", &[(XIAOMI, "x")]),
        registration("u4", &[]),
        registration("u4", &[]),
    ];
    let ids = storage.devices.register(app.no, block).await.unwrap();
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[3], ids[4], "nothing says that they are one");
    assert_eq!(storage.devices.count(app.no).await.unwrap(), 4);
    assert_eq!(get(&storage, app.no, &ids[0]).await.user_id.as_deref(), Some("u3"));
}

#[tokio::test]
async fn reach_keeps_the_order_asked_and_finds_every_token() {
    let storage = fresh_storage().await;
    let app = app(&storage, "reach").await;
    let mut phone = registration("u1", &[(APNS, "a1"), (XIAOMI, "x1")]);
    phone.environment = Environment::Sandbox;
    let mut pad = registration("u1", &[(APNS, "a2")]);
    (pad.notifications_on, pad.test) = (Some(false), Some(true));
    let block = vec![phone, pad, registration("u2", &[(XIAOMI, "x2")]), registration("nobody", &[])];
    let ids = storage.devices.register(app.no, block).await.unwrap();

    let users: Vec<String> = ["u2", "missing", "u1", "u2", "nobody"].map(str::to_owned).into();
    let reached = storage.devices.reach_users(app.no, &users).await.unwrap();
    let found: Vec<Vec<&str>> = reached
        .iter()
        .map(|list| {
            let mut list: Vec<&str> = list.iter().map(|r| r.token.as_str()).collect();
            list.sort_unstable();
            list
        })
        .collect();
    assert_eq!(found, [vec!["x2"], vec![], vec!["a1", "a2", "x1"], vec!["x2"], vec![]]);
    let pad = reached[2].iter().find(|r| r.token == "a2").unwrap();
    assert_eq!((pad.vendor, pad.notifications_on, pad.test, pad.state), (APNS, Some(false), true, TokenState::Active));
    assert_eq!(reached[2].iter().find(|r| r.token == "x1").unwrap().environment, Environment::Sandbox);

    let devices = vec![ids[2].as_str().to_owned(), "dev_not_one".to_owned(), ids[0].as_str().to_owned()];
    let counts: Vec<usize> = storage.devices.reach_devices(app.no, &devices).await.unwrap().iter().map(Vec::len).collect();
    assert_eq!(counts, [1, 0, 2]);
    let asked = vec![(XIAOMI, "a1".to_owned()), (XIAOMI, "x1".to_owned()), (APNS, "a2".to_owned())];
    let by_token = storage.devices.reach_tokens(app.no, &asked).await.unwrap();
    assert_eq!(by_token.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(by_token[2], std::slice::from_ref(pad));
    let elsewhere = crate::support::app(&storage, "elsewhere").await;
    assert!(storage.devices.reach_users(elsewhere.no, &users).await.unwrap().iter().all(Vec::is_empty));
    assert!(storage.devices.reach_devices(elsewhere.no, &devices).await.unwrap().iter().all(Vec::is_empty));
}

#[tokio::test]
async fn a_thousand_targets_are_one_block() {
    let storage = fresh_storage().await;
    let app = app(&storage, "block of 1,000").await;
    let block = (0..1_000).map(|i| registration(&format!("u{i}"), &[(XIAOMI, &format!("x{i}"))])).collect();
    storage.devices.register(app.no, block).await.unwrap();
    assert_eq!(storage.devices.count(app.no).await.unwrap(), 1_000);
    let users: Vec<String> = (0..1_000).rev().map(|i| format!("u{i}")).collect();
    let reached = storage.devices.reach_users(app.no, &users).await.unwrap();
    assert!(reached.iter().enumerate().all(|(at, list)| list.len() == 1 && list[0].token == format!("x{}", 999 - at)));
}

#[tokio::test]
async fn quarantine_spares_who_registered_since_and_a_registration_ends_it() {
    let storage = fresh_storage().await;
    let app = app(&storage, "quarantine").await;
    let ids = storage
        .devices
        .register(
            app.no,
            vec![registration("u1", &[(APNS, "t1")]), registration("u2", &[(APNS, "t2")]), registration("u3", &[(APNS, "t3")])],
        )
        .await
        .unwrap();
    let dead = [("t1".to_owned(), Some(NOW - 1)), ("t2".to_owned(), Some(NOW)), ("t3".to_owned(), None), ("none".to_owned(), None)];
    assert_eq!(storage.devices.quarantine(app.no, XIAOMI, &dead, "other vendor", NOW).await.unwrap(), 0);
    assert_eq!(storage.devices.quarantine(app.no, APNS, &dead, "410 Unregistered", NOW + 9).await.unwrap(), 2);
    assert_eq!(storage.devices.quarantine(app.no, APNS, &dead, "again", NOW + 10).await.unwrap(), 0);
    assert_eq!(get(&storage, app.no, &ids[0]).await.tokens[0].state, TokenState::Active);
    let aside = &get(&storage, app.no, &ids[1]).await.tokens[0];
    assert_eq!(
        (aside.state, aside.reason.as_deref(), aside.quarantined_at),
        (TokenState::Quarantined, Some("410 Unregistered"), Some(NOW + 9))
    );
    assert_eq!(storage.devices.reach_users(app.no, &["u3".to_owned()]).await.unwrap()[0][0].state, TokenState::Quarantined);
    storage.devices.register(app.no, vec![registration("u2", &[(APNS, "t2")])]).await.unwrap();
    let back = &get(&storage, app.no, &ids[1]).await.tokens[0];
    assert_eq!((back.state, &back.reason, back.quarantined_at), (TokenState::Active, &None, None));
}

#[tokio::test]
async fn a_renamed_token_stays_with_its_device() {
    let storage = fresh_storage().await;
    let app = app(&storage, "rename").await;
    let ids = storage
        .devices
        .register(app.no, vec![registration("u1", &[(XIAOMI, "old")]), registration("u2", &[(XIAOMI, "new2")])])
        .await
        .unwrap();
    storage.devices.replace_token(app.no, XIAOMI, "old", "new", NOW + 1).await.unwrap();
    storage.devices.replace_token(app.no, XIAOMI, "new", "new", NOW + 2).await.unwrap();
    storage.devices.replace_token(app.no, XIAOMI, "unknown", "x", NOW + 2).await.unwrap();
    assert_eq!(tokens(&get(&storage, app.no, &ids[0]).await), [(XIAOMI, "new")]);
    storage.devices.replace_token(app.no, XIAOMI, "new", "new2", NOW + 3).await.unwrap();
    assert_eq!(tokens(&get(&storage, app.no, &ids[0]).await), []);
    assert_eq!(tokens(&get(&storage, app.no, &ids[1]).await), [(XIAOMI, "new2")]);
}

#[tokio::test]
async fn lists_filter_and_page_newest_first() {
    let storage = fresh_storage().await;
    let app = app(&storage, "list").await;
    let mut block = vec![];
    for i in 0..7 {
        let mut r = registration(&format!("u{}", i % 2), &[(if i < 4 { APNS } else { XIAOMI }, &format!("t{i}"))]);
        r.test = Some(i % 3 == 0);
        block.push(r);
    }
    block.push(registration("u0", &[]));
    let ids = storage.devices.register(app.no, block).await.unwrap();
    let list = async |filter: DeviceFilter, size: u32| {
        let mut seen: Vec<usize> = Vec::new();
        let mut page = PageRequest { after: None, size };
        loop {
            let got = storage.devices.list(app.no, &filter, &page).await.unwrap();
            assert!(got.items.len() <= size as usize);
            seen.extend(got.items.iter().map(|d| ids.iter().position(|id| *id == d.id).unwrap()));
            let Some(next) = got.next else { return seen };
            page.after = Some(next);
        }
    };
    let none = DeviceFilter::default();
    assert_eq!(list(none.clone(), 3).await, [7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(list(DeviceFilter { vendor: Some(APNS), ..none.clone() }, 3).await, [3, 2, 1, 0]);
    assert_eq!(list(DeviceFilter { test: Some(true), ..none.clone() }, 2).await, [6, 3, 0]);
    assert_eq!(list(DeviceFilter { test: Some(true), vendor: Some(XIAOMI), ..none.clone() }, 2).await, [6]);
    assert_eq!(list(DeviceFilter { test: Some(false), ..none.clone() }, 9).await, [7, 5, 4, 2, 1]);
    assert_eq!(list(DeviceFilter { user_id: Some("u0".into()), ..none.clone() }, 2).await, [7, 6, 4, 2, 0]);
    assert_eq!(list(DeviceFilter { user_id: Some("u0".into()), vendor: Some(XIAOMI), test: Some(true), ..none.clone() }, 2).await, [6]);
    assert_eq!(list(DeviceFilter { token: Some("t5".into()), ..none.clone() }, 2).await, [5]);
    assert_eq!(list(DeviceFilter { token: Some("t5".into()), user_id: Some("u0".into()), ..none.clone() }, 2).await, [0usize; 0]);
    assert_eq!(list(DeviceFilter { token: Some("t5".into()), vendor: Some(APNS), ..none.clone() }, 2).await, [0usize; 0]);
    assert!(storage.devices.set_test(app.no, &ids[5], true, None).await.unwrap());
    assert!(!storage.devices.set_test(app.no + 1, &ids[5], true, None).await.unwrap());
    assert_eq!(list(DeviceFilter { test: Some(true), ..none }, 50).await, [6, 5, 3, 0]);
}
