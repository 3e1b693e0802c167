//! Apps, secrets, credentials, lanes, nonces.

use pipeline::storage::StorageError;
use pipeline::storage::apps::{AppChange, CREDENTIAL_REFUSED, CredentialRow};
use pipeline::storage::people::{AuditCheck, AuditEntry};
use types::ids::AppId;
use types::listing::PageRequest;
use types::vendor::{Environment, Vendor};

use super::fresh_storage;
use crate::support::{NOW, app, id_bytes, new_app, registration};

#[tokio::test]
async fn an_app_is_found_by_everything_that_names_it() {
    let storage = fresh_storage().await;
    let new = new_app("好大夫");
    let made = storage.apps.create(new.clone(), None).await.unwrap();
    assert_eq!((&made.name, &made.vendor_order, &made.services), (&new.name, &new.vendor_order, &new.services));
    for found in [
        storage.apps.get(&new.id).await.unwrap(),
        storage.apps.by_no(made.no).await.unwrap(),
        storage.apps.by_key(&new.app_key).await.unwrap(),
        storage.apps.by_client_key(&new.client_key).await.unwrap(),
        storage.apps.by_callback_secret(&new.callback_secret).await.unwrap(),
    ] {
        assert_eq!(found.as_ref(), Some(&made));
    }
    assert_eq!(storage.apps.by_key(&new.client_key).await.unwrap(), None);
    assert_eq!(storage.apps.get(&AppId::from_bytes(id_bytes())).await.unwrap(), None);
    assert_eq!(storage.apps.list().await.unwrap(), [made]);
}

#[tokio::test]
async fn a_name_is_taken_once_per_environment() {
    let storage = fresh_storage().await;
    let first = app(&storage, "name").await;
    let conflict = |r: Result<_, StorageError>| assert!(matches!(r, Err(StorageError::Conflict("name"))));
    conflict(storage.apps.create(new_app("name"), None).await.map(|_| ()));
    let mut sandbox = new_app("name");
    sandbox.environment = Environment::Sandbox;
    let sandbox = storage.apps.create(sandbox, None).await.unwrap();
    let lanes = storage.apps.lanes_of(sandbox.no).await.unwrap();
    let apns = lanes.iter().find(|l| l.vendor == Vendor::Apns).unwrap();
    assert_eq!(apns.settings.base_url, "https://api.sandbox.push.apple.com");

    let other = app(&storage, "other").await;
    let change = |name: &str| AppChange {
        name: name.to_owned(),
        description: "new".to_owned(),
        default_title: "t".to_owned(),
        vendor_order: vec![Vendor::Apns],
        services: vec![],
    };
    conflict(storage.apps.change(&other.id, change("name"), None).await.map(|_| ()));
    let changed = storage.apps.change(&other.id, change("third"), None).await.unwrap().unwrap();
    assert_eq!((changed.name.as_str(), changed.vendor_order.as_slice(), changed.app_key), ("third", &[Vendor::Apns][..], other.app_key));
    assert_eq!(storage.apps.change(&AppId::from_bytes(id_bytes()), change("x"), None).await.unwrap(), None);
    assert_eq!(storage.apps.by_no(first.no).await.unwrap().unwrap(), first);
}

#[tokio::test]
async fn one_or_two_secrets_live() {
    let storage = fresh_storage().await;
    let app = app(&storage, "secrets").await;
    let first = storage.apps.secrets(app.no).await.unwrap();
    assert_eq!((first.len(), first[0].sealed.as_slice(), first[0].last_used_at), (1, &[1u8, 2, 3][..], None));
    assert!(matches!(storage.apps.end_secret(app.no, first[0].no, None).await, Err(StorageError::Conflict("last secret"))));
    assert_eq!(storage.apps.secrets(app.no).await.unwrap(), first, "the refusal took nothing");
    let second = storage.apps.add_secret(app.no, vec![9], NOW + 1, None).await.unwrap();
    assert!(matches!(storage.apps.add_secret(app.no, vec![8], NOW, None).await, Err(StorageError::Conflict("secrets"))));
    storage.apps.touch_secret(second.no, NOW + 7).await.unwrap();
    assert!(!storage.apps.end_secret(app.no + 1, first[0].no, None).await.unwrap(), "another app's secret");
    assert!(storage.apps.end_secret(app.no, first[0].no, None).await.unwrap());
    let left = storage.apps.secrets(app.no).await.unwrap();
    assert_eq!((left.len(), left[0].no, left[0].last_used_at), (1, second.no, Some(NOW + 7)));
    storage.apps.touch_secret(second.no, NOW + 8).await.unwrap();
    assert_eq!(storage.apps.secrets(app.no).await.unwrap()[0].last_used_at, Some(NOW + 7), "coarse: a busy caller is not a write each");
    storage.apps.touch_secret(second.no, NOW + 120_000).await.unwrap();
    assert_eq!(storage.apps.secrets(app.no).await.unwrap()[0].last_used_at, Some(NOW + 120_000));
}

#[tokio::test]
async fn a_new_credential_lifts_only_the_pause_that_a_refused_one_put() {
    let storage = fresh_storage().await;
    let app = app(&storage, "credentials").await;
    let row = |sealed: u8| CredentialRow {
        vendor: Vendor::Apns,
        sealed: vec![sealed],
        hints: vec![("key_id".to_owned(), "AB12CD34EF".to_owned())],
        updated_at: NOW,
        updated_by: "dev@example.com".to_owned(),
    };
    assert_eq!(storage.apps.credential(app.no, Vendor::Apns).await.unwrap(), None);
    storage.apps.put_credential(app.no, row(1), None).await.unwrap();
    storage.apps.put_credential(app.no, row(2), None).await.unwrap();
    assert_eq!(storage.apps.credentials(app.no).await.unwrap(), [row(2)]);
    assert_eq!(storage.apps.credential(app.no, Vendor::Xiaomi).await.unwrap(), None);

    let lane = async || storage.apps.lanes_of(app.no).await.unwrap().into_iter().find(|l| l.vendor == Vendor::Apns).unwrap();
    let no = lane().await.no;
    storage.apps.pause_lane(no, Some(format!("{CREDENTIAL_REFUSED}: 403 InvalidProviderToken")), None).await.unwrap();
    storage.apps.put_credential(app.no, row(3), None).await.unwrap();
    assert_eq!(lane().await.paused, None);
    storage.apps.pause_lane(no, Some("by ops@example.com".to_owned()), None).await.unwrap();
    storage.apps.put_credential(app.no, row(4), None).await.unwrap();
    assert_eq!(lane().await.paused.as_deref(), Some("by ops@example.com"));
    storage.apps.pause_lane(no, None, None).await.unwrap();
    assert_eq!(lane().await.paused, None);
    assert!(storage.apps.drop_credential(app.no, Vendor::Apns, None).await.unwrap());
    assert!(!storage.apps.drop_credential(app.no, Vendor::Apns, None).await.unwrap());
}

#[tokio::test]
async fn an_app_has_a_lane_per_vendor_with_the_vendors_defaults() {
    let storage = fresh_storage().await;
    let app = app(&storage, "lanes").await;
    let lanes = storage.apps.lanes_of(app.no).await.unwrap();
    let vendors: std::collections::BTreeSet<Vendor> = lanes.iter().map(|l| l.vendor).collect();
    assert_eq!((vendors, lanes.len()), (Vendor::ALL.into(), Vendor::ALL.len()), "one each");
    for lane in &lanes {
        let (set, is) = (lane.vendor.lane_defaults(), &lane.settings);
        assert_eq!(
            (is.enabled, is.base_url.as_str(), is.pace_per_second, is.batch, is.in_flight, is.timeout_ms),
            (true, set.base_url_production, set.pace_per_second, set.batch, set.in_flight, 10_000)
        );
    }
    let mut settings = lanes[1].settings.clone();
    (settings.pace_per_second, settings.base_url) = (7, "https://127.0.0.1:4443/xiaomi".to_owned());
    let put = storage.apps.put_lane(app.no, lanes[1].vendor, settings.clone(), None).await.unwrap();
    assert_eq!((put.no, &put.settings), (lanes[1].no, &settings));
    assert_eq!(storage.apps.lanes().await.unwrap()[1].settings, settings);
}

#[tokio::test]
async fn a_nonce_is_good_once_also_after_a_restart() {
    let fresh = fresh_storage().await;
    let one = app(&fresh, "one").await;
    let two = app(&fresh, "two").await;
    let until = NOW + 600_000;
    assert!(fresh.apps.remember_nonce(one.no, "n1", NOW, until).await.unwrap());
    assert!(!fresh.apps.remember_nonce(one.no, "n1", NOW + 1, until).await.unwrap());
    assert!(fresh.apps.remember_nonce(two.no, "n1", NOW, until).await.unwrap(), "nonces belong to their app");
    // What a call wrote is on disk, so its nonce is.
    fresh.apps.touch_secret(fresh.apps.secrets(one.no).await.unwrap()[0].no, NOW).await.unwrap();
    let storage = fresh.reopen().await;
    assert!(!storage.apps.remember_nonce(one.no, "n1", until, until).await.unwrap());
    assert!(storage.apps.remember_nonce(one.no, "n1", until + 1, until + 9).await.unwrap(), "it ran out");
    storage.apps.nobody_else(until + 1).await.unwrap();
    assert!(!storage.apps.remember_nonce(one.no, "n1", until + 2, until + 9).await.unwrap(), "known in memory too");
    // Sweeping on the way takes only what ran out.
    let later = until + 600_000;
    for i in 0..200 {
        assert!(storage.apps.remember_nonce(two.no, &format!("old{i}"), later, later).await.unwrap());
    }
    for i in 0..200 {
        assert!(storage.apps.remember_nonce(two.no, &format!("new{i}"), later + 1, later + 900).await.unwrap());
    }
    for i in 0..200 {
        assert!(!storage.apps.remember_nonce(two.no, &format!("new{i}"), later + 2, later + 900).await.unwrap());
    }
}

/// A deed and its entry are one transaction: what is refused leaves no entry, what is done leaves exactly one.
#[tokio::test]
async fn changes_and_their_audit_entries_stand_or_fall_together() {
    let storage = fresh_storage().await;
    let people = &storage.people;
    let entry = |action: &str| {
        Some(AuditEntry {
            at: NOW,
            actor_id: "usr_ann".into(),
            actor_name: "ann".into(),
            address: String::new(),
            request_id: String::new(),
            action: action.into(),
            object: "o".into(),
            app: None,
            before: None,
            after: None,
        })
    };
    let row = CredentialRow { vendor: Vendor::Apns, sealed: vec![1], hints: vec![], updated_at: NOW, updated_by: "ann".into() };
    let apps = &storage.apps;
    let app = apps.create(new_app("told"), entry("1 create")).await.unwrap();
    assert!(apps.create(new_app("told"), entry("refused")).await.is_err());
    let change = AppChange {
        name: "other".into(),
        description: String::new(),
        default_title: String::new(),
        vendor_order: vec![],
        services: vec![],
    };
    apps.change(&app.id, change.clone(), entry("2 change")).await.unwrap().unwrap();
    assert!(apps.change(&AppId::from_bytes(id_bytes()), change, entry("refused")).await.unwrap().is_none());
    let second = apps.add_secret(app.no, vec![2], NOW, entry("3 secret")).await.unwrap();
    assert!(apps.add_secret(app.no, vec![3], NOW, entry("refused")).await.is_err());
    assert!(apps.end_secret(app.no, second.no, entry("4 end")).await.unwrap());
    assert!(!apps.end_secret(app.no, second.no, entry("refused")).await.unwrap());
    let last = apps.secrets(app.no).await.unwrap()[0].no;
    assert!(apps.end_secret(app.no, last, entry("refused")).await.is_err());
    apps.put_credential(app.no, row, entry("5 put")).await.unwrap();
    assert!(apps.drop_credential(app.no, Vendor::Apns, entry("6 drop")).await.unwrap());
    assert!(!apps.drop_credential(app.no, Vendor::Apns, entry("refused")).await.unwrap());
    let lane = apps.lanes_of(app.no).await.unwrap().remove(0);
    apps.put_lane(app.no, lane.vendor, lane.settings, entry("7 lane")).await.unwrap();
    apps.pause_lane(lane.no, Some("x".into()), entry("8 pause")).await.unwrap();
    apps.pause_lane(lane.no, None, None).await.unwrap();
    let ids = storage.devices.register(app.no, vec![registration("u", &[(Vendor::Xiaomi, "token")])]).await.unwrap();
    assert!(storage.devices.set_test(app.no, &ids[0], true, entry("9 test")).await.unwrap());
    assert!(!storage.devices.set_test(app.no + 1, &ids[0], true, entry("refused")).await.unwrap());

    let log = people.audit_list(&Default::default(), &PageRequest { after: None, size: 100 }).await.unwrap().items;
    let actions: Vec<&str> = log.iter().rev().map(|row| row.entry.action.as_str()).collect();
    assert_eq!(actions, ["1 create", "2 change", "3 secret", "4 end", "5 put", "6 drop", "7 lane", "8 pause", "9 test"]);
    assert_eq!(log[6].entry.after, Some(serde_json::json!({ "secret_no": second.no })));
    assert_eq!(people.audit_check().await.unwrap(), AuditCheck::Whole(9));
}
