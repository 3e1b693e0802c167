//! Rules, blacklist and slots; and a race that no cap survives unless the store sees to it.

use std::collections::BTreeSet;

use pipeline::broker::health::Healths;
use pipeline::broker::plan::Planner;
use pipeline::broker::policies::Policies;
use pipeline::coordination::Coordination;
use pipeline::storage::apps::{App, CredentialRow};
use pipeline::storage::chunks::{HandOver, NewChunk, Next};
use pipeline::storage::frame::key_of;
use pipeline::storage::messages::{Inserted, NewMessage, PlanStep, Targets};
use pipeline::storage::people::AuditEntry;
use pipeline::storage::policy::{ChunkPolicy, Claim, NewBlocked, Slot};
use pipeline::storage::tallies::Measure;
use pipeline::storage::{Storage, StorageError};
use pipeline::world::World;
use types::content::MessageClass;
use types::crowd::KeyKind;
use types::ids::{ChunkNo, MessageId};
use types::life::Outcome;
use types::listing::PageRequest;
use types::policy::{Cap, Quiet, Rules, SameContent, Span, Stopped, Then, VendorCap, ZoneOf};
use types::vendor::Vendor;

use super::fresh_storage;
use crate::support::{self, NOW, app, chunk, claim, delta, funnel, lane, message, new_message, registration, step};

fn audit(action: &str) -> AuditEntry {
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

fn capped(most: u32) -> Rules {
    Rules { caps: vec![Cap { business: None, per: Span::Day, most, transactional_exempt: false }], ..Rules::default() }
}

#[tokio::test]
async fn rules_have_an_etag_and_an_app_without_any_has_the_empty_ones() {
    let storage = fresh_storage().await;
    let app = app(&storage, "rules").await;
    let store = &storage.policy;
    let first = store.get(app.no).await.unwrap();
    assert_eq!((first.revision, first.rules.clone()), (0, Rules::default()));
    assert_eq!(store.put_rules(app.no, 0, &capped(2), "Ann", NOW, Some(audit("policy.rules"))).await.unwrap(), 1);
    let late = store.put_rules(app.no, 0, &capped(3), "Bob", NOW, Some(audit("policy.rules"))).await;
    assert!(matches!(late, Err(StorageError::Stale("policy"))), "{late:?}");
    let kept = store.get(app.no).await.unwrap();
    assert_eq!((kept.revision, kept.rules, kept.changed_by.as_str()), (1, capped(2), "Ann"));
    let stopped = Stopped { by: "Ann".into(), at: NOW, why: "wrong copy".into() };
    store.set_stop(app.no, Some(stopped.clone()), NOW, None).await.unwrap();
    assert_eq!(store.get(app.no).await.unwrap().stopped, Some(stopped));
    store.set_stop(app.no, None, NOW, None).await.unwrap();
    assert_eq!(store.get(app.no).await.unwrap().revision, 1, "the switch is no change of the rules");
    let told = storage.people.audit_check().await.unwrap();
    assert_eq!(told, pipeline::storage::people::AuditCheck::Whole(1), "what was refused is not in the log");
}

#[tokio::test]
async fn the_blacklist_is_listed_searched_and_asked() {
    let storage = fresh_storage().await;
    let (app, other) = (app(&storage, "blacklist").await, support::app(&storage, "other").await);
    let tokens: Vec<String> = (0..3).map(|i| format!("token-{i}")).collect();
    let devices = tokens.iter().enumerate().map(|(i, t)| registration(&format!("u{i}"), &[(Vendor::Xiaomi, t)])).collect();
    let ids = storage.devices.register(app.no, devices).await.unwrap();
    let mut nos = Vec::new();
    for id in &ids {
        nos.push(storage.devices.get(app.no, id).await.unwrap().unwrap().no);
    }
    let entry = |user: &str, group: &str| NewBlocked { user_id: user.into(), group: group.into(), reason: "asked".into() };
    let store = &storage.policy;
    store.block(app.no, &[entry("u0", ""), entry("u1", "news"), entry("zoe", "")], "Ann", NOW, Some(audit("blacklist.add"))).await.unwrap();
    store.block(app.no, &[NewBlocked { reason: "again".into(), ..entry("u0", "") }], "Bob", NOW, None).await.unwrap();
    assert_eq!(store.get(app.no).await.unwrap().blocked_version, 2);
    assert_eq!(store.get(other.no).await.unwrap().blocked_version, 0);
    assert_eq!(store.blocked_count(app.no).await.unwrap(), (3, 3), "an entry is changed, not doubled");
    let blocked = |business: &'static str| {
        let (store, nos) = (store.clone(), nos.clone());
        async move { store.blocked_devices(app.no, business, &nos).await.unwrap().into_iter().collect::<Vec<_>>() }
    };
    assert_eq!(blocked("news").await, [(nos[0], String::new()), (nos[1], "news".into())]);
    assert_eq!(blocked("visit").await, [(nos[0], String::new())]);
    let list = |text: Option<&'static str>, group: Option<&'static str>, after: Option<String>| {
        let store = store.clone();
        async move { store.blocked(app.no, text, group, &PageRequest { after, size: 2 }).await.unwrap() }
    };
    let first = list(None, None, None).await;
    let users =
        |page: &types::listing::Page<pipeline::storage::policy::Blocked>| page.items.iter().map(|b| b.user_id.clone()).collect::<Vec<_>>();
    let second = list(None, None, first.next.clone()).await;
    let all: BTreeSet<String> = users(&first).into_iter().chain(users(&second)).collect();
    assert_eq!((users(&first).len(), all.into_iter().collect::<Vec<_>>()), (2, vec!["u0".into(), "u1".into(), "zoe".into()]));
    assert_eq!(users(&list(Some("z"), None, None).await), ["zoe"]);
    let again = list(Some("u"), Some(""), None).await;
    assert_eq!((again.items[0].user_id.as_str(), again.items[0].reason.as_str(), again.items[0].added_by.as_str()), ("u0", "again", "Bob"));
    assert_eq!(store.unblock(app.no, &[("u0".into(), String::new()), ("u1".into(), String::new())], None).await.unwrap(), 1);
    assert_eq!(store.blocked_count(app.no).await.unwrap(), (2, 2), "u1 is out of news only");
}

#[tokio::test]
async fn facts_say_who_it_is_which_version_and_where() {
    let storage = fresh_storage().await;
    let app = app(&storage, "facts").await;
    let mut known = registration("u1", &[(Vendor::Xiaomi, "a")]);
    known.zone = Some("Europe/Berlin".into());
    let mut nobody = registration("", &[(Vendor::Xiaomi, "b")]);
    nobody.user_id = None;
    let ids = storage.devices.register(app.no, vec![known, nobody]).await.unwrap();
    let (one, two) =
        (storage.devices.get(app.no, &ids[0]).await.unwrap().unwrap(), storage.devices.get(app.no, &ids[1]).await.unwrap().unwrap());
    let facts = storage.policy.facts(app.no, &[one.no, two.no, 999_999]).await.unwrap();
    assert_eq!(facts.len(), 2);
    assert_eq!(facts[&one.no].person, key_of(KeyKind::User, None, "u1"));
    assert_eq!((facts[&one.no].zone.as_deref(), facts[&one.no].app_version.as_str()), (Some("Europe/Berlin"), "9.1.0"));
    assert_eq!(facts[&two.no].person, key_of(KeyKind::Device, None, ids[1].as_str()));
    assert_eq!(storage.policy.zones(app.no).await.unwrap(), [("Europe/Berlin".to_owned(), 1)]);
    storage.devices.register(app.no, vec![registration("u1", &[(Vendor::Xiaomi, "a")])]).await.unwrap();
    assert_eq!(storage.devices.by_no(one.no).await.unwrap().unwrap().zone.as_deref(), Some("Europe/Berlin"), "silence changes nothing");
}

/// A slot of the recipient that `support::recipients` makes for this key.
fn slot(message_no: i64, key: i64) -> Slot {
    Slot {
        person: key,
        counts_as: message_no,
        device_no: key + 1,
        business: "visit".into(),
        bulk: true,
        content: 5,
        vendor: Some(Vendor::Xiaomi),
        at: NOW,
    }
}

fn with_slots(chunk: NewChunk) -> NewChunk {
    NewChunk { policy: ChunkPolicy { slots: true, ..ChunkPolicy::default() }, ..chunk }
}

/// Persons 0 to `n` who hold a slot.
async fn holders(storage: &Storage, app: &App, n: i64) -> Vec<i64> {
    let persons: Vec<i64> = (0..n).collect();
    let mut held: Vec<i64> = storage.policy.slots(app.no, &persons, 0).await.unwrap().into_iter().map(|s| s.person).collect();
    held.sort_unstable();
    held
}

/// Ten persons with a slot each in one chunk.
async fn claimed(storage: &Storage, name: &str) -> (App, pipeline::storage::apps::Lane, i64) {
    let app = app(storage, name).await;
    storage.policy.put_rules(app.no, 0, &capped(1), "Ann", NOW, None).await.unwrap();
    let lane = lane(storage, &app, Vendor::Xiaomi).await;
    let no = message(storage, app.no).await;
    let claim = Claim { seen: storage.policy.claims(app.no).await.unwrap(), slots: (0..10).map(|key| slot(no, key)).collect() };
    let chunks = vec![with_slots(chunk(no, &lane, 0..10))];
    let step = PlanStep { message_no: no, from: 0, to: 1, chunks, claim: Some(claim), last: true, now: NOW };
    assert_eq!(storage.messages.plan(vec![step]).await.unwrap(), [true]);
    assert_eq!(holders(storage, &app, 10).await.len(), 10);
    (app, lane, no)
}

#[tokio::test]
async fn what_failed_for_good_gives_its_place_back_and_what_may_still_arrive_keeps_it() {
    let storage = fresh_storage().await;
    let (app, lane, _) = claimed(&storage, "give back").await;
    let next = |outcome, n| {
        let (storage, lane) = (storage.storage.clone(), lane.clone());
        async move {
            let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
            assert!(claimed.policy.slots);
            storage.chunks.record(step(&claimed, outcome, n, Next::Wait { not_before: NOW })).await.unwrap();
        }
    };
    next(Outcome::Accepted, 2).await;
    next(Outcome::Uncertain, 1).await;
    assert_eq!(holders(&storage, &app, 10).await.len(), 10);
    next(Outcome::Refused, 3).await;
    next(Outcome::Filtered, 1).await;
    assert_eq!(holders(&storage, &app, 10).await, [0, 1, 2, 7, 8, 9]);
    assert_eq!(storage.chunks.expire(NOW + 3_600_001, 10).await.unwrap(), 3);
    assert_eq!(holders(&storage, &app, 10).await, [0, 1, 2], "accepted and uncertain ones");
    assert_eq!(storage.policy.at_cap(app.no, None, false, NOW, 1).await.unwrap(), 3);
    assert_eq!(storage.policy.at_cap(app.no, Some("news"), true, NOW, 1).await.unwrap(), 0);
    assert_eq!(storage.policy.forget_slots(NOW + 1, 2).await.unwrap(), 2);
    assert_eq!(storage.policy.forget_slots(NOW, 5).await.unwrap(), 0, "they are not old enough");
}

#[tokio::test]
async fn a_cancel_and_a_step_that_ends_cancelled_give_back_too() {
    let storage = fresh_storage().await;
    let (app, lane, no) = claimed(&storage, "cancelled in hand").await;
    let in_hand = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    storage.messages.cancel(no, NOW).await.unwrap();
    assert_eq!(holders(&storage, &app, 10).await.len(), 10, "it is in somebody's hands");
    storage.chunks.record(step(&in_hand, Outcome::Accepted, 4, Next::Wait { not_before: NOW })).await.unwrap();
    assert_eq!(holders(&storage, &app, 10).await, [0, 1, 2, 3]);
    let (app, _, no) = claimed(&storage, "cancelled in line").await;
    storage.messages.cancel(no, NOW).await.unwrap();
    assert_eq!(holders(&storage, &app, 10).await, [] as [i64; 0]);
}

#[tokio::test]
async fn slots_move_with_their_recipients() {
    let storage = fresh_storage().await;
    let (app, xiaomi, no) = claimed(&storage, "moved").await;
    let in_hand = claim(&storage, &xiaomi, NOW, 1).await.pop().unwrap();
    let apns = lane(&storage, &app, Vendor::Apns).await;
    let chunks = vec![with_slots(chunk(no, &apns, 0..6)), with_slots(chunk(no, &xiaomi, 6..10))];
    let deltas = vec![delta(no, app.no, Some(Vendor::Xiaomi), Measure::Planned, -10)];
    storage.chunks.hand_over(HandOver { no: in_hand.no, fence: in_hand.fence, chunks, deltas, now: NOW }).await.unwrap();
    let by_apns = storage.policy.slots(app.no, &(0..10).collect::<Vec<_>>(), 0).await.unwrap();
    assert_eq!(by_apns.iter().filter(|s| s.vendor == Some(Vendor::Apns)).count(), 6);
    storage.messages.cancel(no, NOW).await.unwrap();
    assert_eq!(holders(&storage, &app, 10).await, [] as [i64; 0]);
}

#[tokio::test]
async fn a_step_decided_on_old_slots_writes_nothing() {
    let storage = fresh_storage().await;
    let (app, lane, _) = claimed(&storage, "stale").await;
    let no = message(&storage, app.no).await;
    let plan = |seen| PlanStep {
        message_no: no,
        from: 0,
        to: 1,
        chunks: vec![with_slots(chunk(no, &lane, 20..30))],
        claim: Some(Claim { seen, slots: (20..30).map(|key| slot(no, key)).collect() }),
        last: true,
        now: NOW,
    };
    let late = storage.messages.plan(vec![plan(0)]).await;
    assert!(matches!(late, Err(StorageError::Stale("slots"))), "{late:?}");
    assert_eq!(funnel(&storage, no).await.total.planned, 0);
    assert_eq!(holders(&storage, &app, 40).await.len(), 10);
    assert_eq!(storage.messages.plan(vec![plan(storage.policy.claims(app.no).await.unwrap())]).await.unwrap(), [true]);
    assert_eq!(holders(&storage, &app, 40).await.len(), 20);
}

#[tokio::test]
async fn what_quiet_hours_hold_is_counted_and_comes_back_when_the_rules_change() {
    let storage = fresh_storage().await;
    let app = app(&storage, "held").await;
    let lane = lane(&storage, &app, Vendor::Xiaomi).await;
    let no = message(&storage, app.no).await;
    let held = |keys, held_until, zone: Option<&str>| NewChunk {
        policy: ChunkPolicy { held_until, zone: zone.map(str::to_owned), ..ChunkPolicy::default() },
        ..chunk(no, &lane, keys)
    };
    // Two zones of one message and lane: their keys lie between each other.
    let chunks = vec![held(0..10, NOW + 60_000, None), held(5..15, NOW + 120_000, Some("Europe/Berlin")), chunk(no, &lane, 20..30)];
    support::plan(&storage, no, 0, chunks, true).await;
    assert_eq!(storage.chunks.holding(no, 7).await.unwrap().len(), 2, "both are looked at");
    let now = storage.policy.held(app.no, NOW).await.unwrap();
    assert_eq!((now.chunks, now.devices, now.first, now.last), (2, 20, Some(NOW + 60_000), Some(NOW + 120_000)));
    let free = claim(&storage, &lane, NOW, 5).await;
    assert_eq!((free.len(), free[0].policy.zone.clone()), (1, None));
    storage.chunks.record(step(&free[0], Outcome::Accepted, 0, Next::Quiet { until: NOW + 90_000 })).await.unwrap();
    assert_eq!(storage.policy.held(app.no, NOW).await.unwrap().chunks, 3);
    assert!(claim(&storage, &lane, NOW, 5).await.is_empty());
    let quiet = Quiet { businesses: vec![], from: 1, to: 2, by: ZoneOf::App, then: Then::Hold, transactional_exempt: false };
    let rules = Rules { quiet: vec![quiet], ..Rules::default() };
    storage.policy.put_rules(app.no, 0, &rules, "Ann", NOW, None).await.unwrap();
    let back = claim(&storage, &lane, NOW, 5).await;
    assert_eq!(back.len(), 3, "all are asked again");
    assert_eq!(back.iter().filter(|c| c.policy.zone.as_deref() == Some("Europe/Berlin")).count(), 1);
    assert_eq!(storage.policy.held(app.no, NOW).await.unwrap().chunks, 0);
}

/// Which entry leaves whom out, for which business type.
#[tokio::test]
async fn the_blacklist_and_its_groups_as_a_table() {
    let storage = fresh_storage().await;
    let app = app(&storage, "blacklist").await;
    let other = support::app(&storage, "other").await;
    let users = ["nobody", "all", "news", "both", "case"];
    for (i, user) in users.iter().enumerate() {
        let phone = support::registration(user, &[(Vendor::Xiaomi, ["t0", "t1", "t2", "t3", "t4"][i])]);
        storage.devices.register(app.no, vec![phone]).await.unwrap();
    }
    let entry = |user: &str, group: &str| NewBlocked { user_id: user.into(), group: group.into(), reason: "asked".into() };
    let entries =
        [entry("all", ""), entry("news", "news"), entry("both", ""), entry("both", "news"), entry("both", "visit"), entry("Case", "")];
    storage.policy.block(app.no, &entries, "Ann", NOW, None).await.unwrap();
    storage.policy.block(other.no, &[entry("nobody", "")], "Ann", NOW, None).await.unwrap();
    let names: Vec<String> = users.iter().map(|u| (*u).to_owned()).collect();
    let devices: Vec<i64> = storage.devices.reach_users(app.no, &names).await.unwrap().into_iter().map(|r| r[0].device_no).collect();
    let mut lines = Vec::new();
    for business in ["news", "visit", "News", ""] {
        let blocked = storage.policy.blocked_devices(app.no, business, &devices).await.unwrap();
        for (user, device) in users.iter().zip(&devices) {
            let said = blocked
                .get(device)
                .map_or("go".to_owned(), |group| format!("left out by {}", if group.is_empty() { "all" } else { group }));
            lines.push(format!("message of {business:<6} to {user:<7} {said}").trim_end().to_owned());
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    message of news   to nobody  go
    message of news   to all     left out by all
    message of news   to news    left out by news
    message of news   to both    left out by all
    message of news   to case    go
    message of visit  to nobody  go
    message of visit  to all     left out by all
    message of visit  to news    go
    message of visit  to both    left out by all
    message of visit  to case    go
    message of News   to nobody  go
    message of News   to all     left out by all
    message of News   to news    go
    message of News   to both    left out by all
    message of News   to case    go
    message of        to nobody  go
    message of        to all     left out by all
    message of        to news    go
    message of        to both    left out by all
    message of        to case    go
    ");
}

/// How a race ended: messages that won, and why the others lost.
struct Raced {
    app_no: i64,
    won: usize,
    why: BTreeSet<String>,
}

/// Sixty-four nodes, each with its own memory, plan these many messages for one person of two devices. Nothing but the store
/// stands between them. One person has one answer.
async fn race(storage: &Storage, name: &str, rules: &Rules, messages: usize) -> Raced {
    let app = app(storage, name).await;
    let devices = [registration("u1", &[(Vendor::Xiaomi, "a")]), registration("u1", &[(Vendor::Xiaomi, "b")])];
    storage.devices.register(app.no, devices.to_vec()).await.unwrap();
    let row = CredentialRow { vendor: Vendor::Xiaomi, sealed: vec![1], hints: Vec::new(), updated_at: NOW, updated_by: "test".into() };
    storage.apps.put_credential(app.no, row, None).await.unwrap();
    storage.policy.put_rules(app.no, 0, rules, "Ann", NOW, None).await.unwrap();
    let world = World::system();
    let mut nos = Vec::new();
    for _ in 0..messages {
        let new = NewMessage {
            id: MessageId::from_bytes(support::id_bytes()),
            targets: Targets::Users { users: vec!["u1".into()] },
            deadline: world.now() + 3_600_000,
            ..new_message(app.no)
        };
        let Inserted::Fresh { no } = storage.messages.insert(new).await.unwrap() else { panic!("fresh") };
        nos.push(no);
    }
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (storage, world) = (storage.clone(), world.clone());
        all.spawn(async move {
            let policies = Policies::new(storage.clone(), world.clone());
            let planner = Planner::new(storage, Coordination::memory(), world, Healths::default(), policies);
            while planner.step(MessageClass::Bulk).await.unwrap() {}
        });
    }
    all.join_all().await;
    let (mut won, mut lost) = (Vec::new(), Vec::new());
    for no in nos.iter().copied() {
        let funnel = funnel(storage, no).await;
        assert_eq!(funnel.total.planned, 2, "both devices, once");
        match (funnel.total.waiting, funnel.total.filtered) {
            (2, 0) => won.push(no),
            (0, 2) => lost.push((no, format!("{}: {}", funnel.losses[0].reason, funnel.losses[0].words))),
            other => panic!("one person, two answers: {other:?}"),
        }
    }
    assert_eq!(won.len() + lost.len(), messages);
    // Whoever lost says to whom.
    let winners: BTreeSet<String> = {
        let ids = storage.policy.message_ids(&won).await.unwrap();
        ids.into_values().map(|id| id.to_string()).collect()
    };
    for (loser, _) in &lost {
        let view = storage.chunks.of_message(*loser, ChunkNo(0), 1).await.unwrap().pop().unwrap();
        let outcomes = pipeline::storage::frame::Outcomes::decode(&view.outcomes).unwrap();
        let words = outcomes.get(0).1.unwrap().words.clone();
        assert!(winners.iter().any(|id| words.contains(id)), "{words} names none of {winners:?}");
    }
    Raced { app_no: app.no, won: won.len(), why: lost.into_iter().map(|(_, why)| why).collect() }
}

/// One rule after the other: three races at once are 192 workers at one store, and wait for its connections alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_workers_never_exceed_what_is_counted() {
    let storage = fresh_storage().await;
    let raced = race(&storage.storage, "cap", &capped(3), 64).await;
    assert_eq!((raced.won, raced.why), (3, BTreeSet::from(["cap: 3 a day".to_owned()])));

    let rules = Rules { same_content: Some(SameContent { minutes: 60, transactional_exempt: false }), ..Rules::default() };
    let raced = race(&storage.storage, "same content", &rules, 16).await;
    assert_eq!((raced.won, raced.why), (1, BTreeSet::from(["same_content: the same within 60 min".to_owned()])));

    let cap = VendorCap { vendor: Vendor::Xiaomi, most: 5, source: "a test".into(), as_of: "2026-11-22".into() };
    let raced = race(&storage.storage, "vendor cap", &Rules { vendor_caps: vec![cap], ..Rules::default() }, 16).await;
    assert_eq!((raced.won, raced.why), (5, BTreeSet::from(["vendor_cap: xiaomi takes 5 a day".to_owned()])));
    // Of each of the two devices, as the vendor counts.
    let slots = storage.policy.slots(raced.app_no, &[key_of(KeyKind::User, None, "u1")], 0).await.unwrap();
    let devices: BTreeSet<i64> = slots.iter().map(|slot| slot.device_no).collect();
    assert_eq!(devices.iter().map(|no| slots.iter().filter(|slot| slot.device_no == *no).count()).collect::<Vec<_>>(), [5, 5]);
}
