//! People, sessions, links, and the log that nobody can bend.

use std::collections::BTreeMap;

use pipeline::storage::people::{AuditCheck, AuditEntry, AuditFilter, Link, NewPerson, PersonChange, SessionRow};
use pipeline::storage::{Storage, StorageError};
use serde_json::json;
use types::ids::{AppId, PersonId};
use types::listing::PageRequest;
use types::people::{Rights, Role};

use crate::support::NOW;

fn entry(action: &str, object: &str) -> AuditEntry {
    AuditEntry {
        at: NOW,
        actor_id: "cli".into(),
        actor_name: "test".into(),
        address: "local".into(),
        request_id: "r1".into(),
        action: action.into(),
        object: object.into(),
        app: None,
        before: None,
        after: Some(json!({ "name": object })),
    }
}

fn person(n: u8, email: &str, role: Option<Role>) -> NewPerson {
    NewPerson {
        id: PersonId::from_bytes([n; 16]),
        email: email.into(),
        name: format!("Person {n}"),
        rights: Rights { role, apps: BTreeMap::from([(AppId::from_bytes([9; 16]), Role::Developer)]) },
        password: Some("phc".into()),
        created_at: NOW,
    }
}

async fn create(storage: &Storage, n: u8, role: Option<Role>) -> PersonId {
    let email = format!("p{n}@example.com");
    storage.people.create(person(n, &email, role), entry("person.create", &email)).await.unwrap().id
}

#[tokio::test]
async fn a_person_reads_back_and_an_address_is_taken_once() {
    let storage = super::fresh_storage().await;
    let id = create(&storage, 1, Some(Role::Operator)).await;
    let back = storage.people.get(&id).await.unwrap().unwrap();
    assert_eq!(back.rights, person(1, "", Some(Role::Operator)).rights);
    assert_eq!(storage.people.by_email("p1@example.com").await.unwrap(), Some(back));
    let twice = storage.people.create(person(2, "p1@example.com", None), entry("person.create", "x")).await;
    assert!(matches!(twice, Err(StorageError::Conflict("email"))), "{twice:?}");
    assert_eq!(storage.people.count().await.unwrap(), 1);
    // The refused one left no entry.
    assert_eq!(storage.people.audit_check().await.unwrap(), AuditCheck::Whole(1));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let storage = super::fresh_storage().await;
    let one = create(&storage, 1, Some(Role::Admin)).await;
    let down = || PersonChange { name: "One".into(), rights: Rights { role: Some(Role::Viewer), apps: BTreeMap::new() }, disabled: false };
    let refused = storage.people.change(&one, down(), entry("person.change", "1")).await;
    assert!(matches!(refused, Err(StorageError::Conflict("last administrator"))), "{refused:?}");
    create(&storage, 2, Some(Role::Admin)).await;
    let changed = storage.people.change(&one, down(), entry("person.change", "1")).await.unwrap().unwrap();
    assert_eq!(changed.rights.role, Some(Role::Viewer));
}

#[tokio::test]
async fn the_first_administrators_link_works_once_and_in_time() {
    let storage = super::fresh_storage().await;
    let link = Link { person: None, expires_at: NOW + 10 };
    storage.people.put_link("hash", link.clone(), entry("link.create", "first")).await.unwrap();
    assert_eq!(storage.people.link("hash", NOW + 9).await.unwrap(), Some(link));
    assert_eq!(storage.people.link("hash", NOW + 10).await.unwrap(), None);
    let admin = || person(1, "a@example.com", Some(Role::Admin));
    let late = storage.people.create_first("hash", NOW + 10, admin(), entry("person.create", "a")).await;
    assert!(matches!(late, Err(StorageError::Stale("link"))), "{late:?}");
    // Another node starts and prints its own: both hold, until one is used.
    storage.people.put_link("other", Link { person: None, expires_at: NOW + 10 }, entry("link.create", "first")).await.unwrap();
    storage.people.create_first("hash", NOW, admin(), entry("person.create", "a")).await.unwrap();
    assert_eq!(storage.people.link("other", NOW).await.unwrap(), None);
    let again = storage.people.create_first("hash", NOW, person(2, "b@example.com", None), entry("person.create", "b")).await;
    assert!(matches!(again, Err(StorageError::Stale("link"))), "{again:?}");
}

#[tokio::test]
async fn a_new_password_or_a_closed_account_ends_every_session() {
    let storage = super::fresh_storage().await;
    create(&storage, 1, Some(Role::Admin)).await;
    let two = create(&storage, 2, Some(Role::Viewer)).await;
    let session = |id: &str| SessionRow { id: id.into(), person: Some(two.clone()), data: "{}".into(), expires_at: NOW + 100 };
    for id in ["a", "b"] {
        storage.people.save_session(session(id), true).await.unwrap();
    }
    assert_eq!(storage.people.session("a", NOW).await.unwrap(), Some(session("a")));
    assert_eq!(storage.people.session("a", NOW + 100).await.unwrap(), None, "over is over");
    storage.people.put_link("l", Link { person: Some(two.clone()), expires_at: NOW + 100 }, entry("link.create", "2")).await.unwrap();
    assert!(storage.people.set_password(&two, "new".into(), entry("person.password", "2")).await.unwrap());
    assert_eq!(storage.people.session("a", NOW).await.unwrap(), None);
    storage.people.save_session(session("a"), false).await.unwrap();
    assert_eq!(storage.people.session("a", NOW).await.unwrap(), None, "a late save does not bring it back");
    assert_eq!(storage.people.session("b", NOW).await.unwrap(), None);
    assert_eq!(storage.people.link("l", NOW).await.unwrap(), None);
    storage.people.save_session(session("c"), true).await.unwrap();
    let closed = PersonChange { name: "Two".into(), rights: Rights::default(), disabled: true };
    storage.people.change(&two, closed, entry("person.change", "2")).await.unwrap().unwrap();
    assert_eq!(storage.people.session("c", NOW).await.unwrap(), None);
    storage.people.save_session(session("d"), true).await.unwrap();
    assert_eq!(storage.people.sweep(NOW + 100).await.unwrap(), 1);
}

#[tokio::test]
async fn the_log_lists_newest_first_by_filter_and_page() {
    let storage = super::fresh_storage().await;
    for n in 0..5 {
        storage.people.audit(entry(if n % 2 == 0 { "app.create" } else { "campaign.pause" }, &n.to_string())).await.unwrap();
    }
    let list = |action: Option<&str>, after: Option<String>, size: u32| {
        let filter = AuditFilter { action: action.map(str::to_owned), ..AuditFilter::default() };
        let people = storage.people.clone();
        async move { people.audit_list(&filter, &PageRequest { after, size }).await.unwrap() }
    };
    let first = list(None, None, 2).await;
    assert_eq!(first.items.iter().map(|r| r.no).collect::<Vec<_>>(), [5, 4]);
    let rest = list(None, first.next, 10).await;
    assert_eq!(rest.items.iter().map(|r| r.no).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(rest.next, None);
    assert_eq!(list(Some("app."), None, 10).await.items.len(), 3);
    assert_eq!(list(Some("campaign.pause"), None, 10).await.items.len(), 2);
    assert_eq!(list(Some("app"), None, 10).await.items.len(), 0);
    // By time (from this instant on, before that one), by what it was done to, by app; all of them together.
    let app = AppId::from_bytes([7; 16]);
    storage.people.audit(AuditEntry { at: NOW + 10, app: Some(app.clone()), ..entry("lane.put", "x") }).await.unwrap();
    storage.people.audit(AuditEntry { at: NOW + 20, app: Some(app.clone()), ..entry("lane.pause", "y") }).await.unwrap();
    let nos = async |filter: AuditFilter| {
        let rows = storage.people.audit_list(&filter, &PageRequest::default()).await.unwrap();
        rows.items.iter().map(|r| r.no).collect::<Vec<_>>()
    };
    assert_eq!(nos(AuditFilter { from: Some(NOW + 10), ..AuditFilter::default() }).await, [7, 6]);
    assert_eq!(nos(AuditFilter { from: Some(NOW + 10), to: Some(NOW + 20), ..AuditFilter::default() }).await, [6]);
    assert_eq!(nos(AuditFilter { object: Some("3".into()), ..AuditFilter::default() }).await, [4]);
    let all = AuditFilter {
        app: Some(app),
        action: Some("lane.".into()),
        object: Some("y".into()),
        to: Some(NOW + 21),
        ..AuditFilter::default()
    };
    assert_eq!(nos(all).await, [7]);
}

#[tokio::test]
async fn every_edit_deletion_and_swap_of_the_log_shows() {
    // One who owns the database: each trick alone, on a log of its own.
    let tricks: [(&'static str, i64); 7] = [
        ("UPDATE audit SET object = 'x' WHERE no = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE no = 1", 1),
        ("UPDATE audit SET address = actor_name, actor_name = address WHERE no = 2", 2),
        ("DELETE FROM audit WHERE no = 4", 4),
        ("DELETE FROM audit WHERE no = 6", 6),
        ("DELETE FROM audit", 1),
        (
            "UPDATE audit SET no = CASE no WHEN 2 THEN -5 ELSE no END; UPDATE audit SET no = 2 WHERE no = 5; UPDATE audit SET no = 5 WHERE no = -5",
            2,
        ),
    ];
    for (trick, at) in tricks {
        let fresh = super::fresh_storage().await;
        for n in 0..6 {
            fresh.people.audit(entry("app.create", &n.to_string())).await.unwrap();
        }
        assert_eq!(fresh.people.audit_check().await.unwrap(), AuditCheck::Whole(6));
        let mut stranger = fresh.stranger().await;
        assert!(stranger.run(trick).await.is_err(), "the store itself refuses");
        assert_eq!(fresh.people.audit_check().await.unwrap(), AuditCheck::Whole(6));
        stranger.drop_guards().await;
        stranger.run(trick).await.unwrap();
        assert_eq!(fresh.people.audit_check().await.unwrap(), AuditCheck::BrokenAt(at), "{trick}");
    }
}

#[tokio::test]
async fn a_look_at_the_log_costs_what_is_new_and_a_daily_walk_sees_the_rest() {
    let fresh = super::fresh_storage().await;
    let people = &fresh.people;
    let add = async |n: i32| people.audit(entry("app.create", &n.to_string())).await.map(drop).unwrap();
    for n in 0..6 {
        add(n).await;
    }
    // Checked whole, and the daily walk once to its end.
    assert_eq!(people.audit_check_new().await.unwrap(), AuditCheck::Whole(6));
    assert_eq!(people.audit_check_again(NOW, 4).await.unwrap(), Some(AuditCheck::Whole(4)), "a part");
    assert_eq!(people.audit_check_again(NOW, 4).await.unwrap(), Some(AuditCheck::Whole(6)), "to the end");
    assert_eq!(people.audit_check_again(NOW + 1, 4).await.unwrap(), None, "done for today");

    let mut raw = fresh.stranger().await;
    raw.drop_guards().await;
    raw.run("UPDATE audit SET object = 'x' WHERE no = 5").await.unwrap();
    add(6).await;
    assert_eq!(people.audit_check_new().await.unwrap(), AuditCheck::Whole(7), "only the seventh is walked");
    let tomorrow = NOW + 86_400_000;
    assert_eq!(people.audit_check_again(tomorrow, 4).await.unwrap(), Some(AuditCheck::Whole(4)));
    assert_eq!(people.audit_check_again(tomorrow, 4).await.unwrap(), Some(AuditCheck::BrokenAt(5)));
    assert_eq!(people.audit_check_new().await.unwrap(), AuditCheck::BrokenAt(5), "what was found stays");
    assert_eq!(people.audit_check_again(tomorrow, 4).await.unwrap(), None);

    // Put right again: a whole check takes it back.
    raw.run("UPDATE audit SET object = '4' WHERE no = 5").await.unwrap();
    assert_eq!(people.audit_check().await.unwrap(), AuditCheck::Whole(7));
    assert_eq!(people.audit_check_new().await.unwrap(), AuditCheck::Whole(7));
    // A change behind the mark shows at once, and so does a tail cut off under it.
    add(7).await;
    raw.run("UPDATE audit SET object = 'x' WHERE no = 8").await.unwrap();
    assert_eq!(people.audit_check_new().await.unwrap(), AuditCheck::BrokenAt(8));
    raw.run("UPDATE audit SET object = '7' WHERE no = 8").await.unwrap();
    assert_eq!(people.audit_check().await.unwrap(), AuditCheck::Whole(8));
    raw.run("DELETE FROM audit WHERE no > 3; UPDATE audit_head SET no = 3").await.unwrap();
    assert_eq!(people.audit_check_new().await.unwrap(), AuditCheck::BrokenAt(4));
}

#[tokio::test]
async fn a_second_step_takes_no_code_twice_and_recovery_codes_once() {
    let storage = super::fresh_storage().await;
    let people = &storage.people;
    let one = create(&storage, 1, Some(Role::Admin)).await;
    let two = create(&storage, 2, Some(Role::Admin)).await;
    let note = |what: &str| entry(what, "1");
    assert_eq!(people.second_step(&one).await.unwrap(), None);
    assert!(!people.begin_second_step(&one, 1, vec![], note("on")).await.unwrap(), "nothing to prove");
    assert!(people.put_second_step(&one, vec![1], NOW).await.unwrap());
    assert!(people.put_second_step(&one, vec![2], NOW + 1).await.unwrap(), "another key before the first code");
    assert!(!people.take_step(&one, 5, note("code")).await.unwrap(), "not active yet");
    assert!(people.begin_second_step(&one, 7, vec!["a".into(), "b".into()], note("on")).await.unwrap());
    assert!(!people.put_second_step(&one, vec![3], NOW).await.unwrap(), "an active one stays");
    let kept = people.second_step(&one).await.unwrap().unwrap();
    assert_eq!((kept.sealed.as_slice(), kept.active, kept.last_step, kept.recovery_left), ([2].as_slice(), true, 7, 2));
    assert_eq!(people.with_second_step().await.unwrap(), std::slice::from_ref(&one));
    for (step, taken) in [(7, false), (6, false), (8, true), (8, false), (9, true)] {
        assert_eq!(people.take_step(&one, step, note("code")).await.unwrap(), taken, "{step}");
    }
    // Two at the same time with one code: one of them.
    let (a, b) = tokio::join!(people.take_step(&one, 10, note("code")), people.take_step(&one, 10, note("code")));
    assert_ne!(a.unwrap(), b.unwrap());
    assert!(people.take_recovery(&one, "a", note("recovery")).await.unwrap());
    assert!(
        !people.take_recovery(&one, "a", note("recovery")).await.unwrap()
            && !people.take_recovery(&two, "b", note("recovery")).await.unwrap()
    );
    assert!(people.drop_second_step(&one, note("off")).await.unwrap());
    assert!(!people.drop_second_step(&one, note("off")).await.unwrap());
    assert!(!people.take_recovery(&one, "b", note("recovery")).await.unwrap(), "they go with it");
    let log = people.audit_list(&AuditFilter::default(), &PageRequest { after: None, size: 50 }).await.unwrap().items;
    let told: Vec<&str> = log.iter().rev().skip(2).map(|row| row.entry.action.as_str()).collect();
    assert_eq!(told, ["on", "code", "code", "code", "recovery", "off"], "what happened, and nothing that did not");
}

#[tokio::test]
async fn sessions_are_listed_and_one_is_ended() {
    let storage = super::fresh_storage().await;
    let people = &storage.people;
    let (one, two) = (create(&storage, 1, None).await, create(&storage, 2, None).await);
    let session = |id: &str, person: Option<&PersonId>, over| SessionRow {
        id: id.into(),
        person: person.cloned(),
        data: format!("{{\"of\":\"{id}\"}}"),
        expires_at: NOW + over,
    };
    for row in [session("a", Some(&one), 100), session("b", Some(&one), 0), session("c", Some(&two), 50), session("d", None, 100)] {
        people.save_session(row, true).await.unwrap();
    }
    let ids = async |person: Option<&PersonId>| people.sessions(person, NOW).await.unwrap().into_iter().map(|s| s.id).collect::<Vec<_>>();
    assert_eq!((ids(Some(&one)).await, ids(None).await), (vec!["a".to_owned()], vec!["a".to_owned(), "c".to_owned()]));
    assert!(!people.end_session(&one, "c", entry("session.end", "1")).await.unwrap(), "another's");
    assert!(people.end_session(&two, "c", entry("session.end", "2")).await.unwrap());
    assert_eq!(ids(None).await, ["a"]);
    assert_eq!(people.audit_check().await.unwrap(), AuditCheck::Whole(3));
}
