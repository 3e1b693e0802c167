//! Crowds made out of others: the order, its end, and crowds that come out of the service as sets of the standard library say.

use std::collections::BTreeSet;

use pipeline::access::actor::Actor;
use pipeline::access::crowd::Limits;
use pipeline::access::crowd::import::{Crowds, ImportOrder};
use pipeline::access::crowd::recipe::{Draft, Drafted, Order};
use pipeline::storage::apps::App;
use pipeline::storage::campaigns::Hand;
use pipeline::storage::chunks::Next;
use pipeline::storage::crowds::CrowdFilter;
use pipeline::storage::frame::{Recipient, encode_recipients};
use pipeline::storage::makings::{Making, NewMaking};
use pipeline::storage::messages::{Inserted, Origin};
use pipeline::storage::people::AuditFilter;
use pipeline::storage::receipts::{Application, Mark};
use pipeline::storage::{Storage, StorageError};
use pipeline::world::{SeededRandom, World};
use types::campaign::CampaignSpec;
use types::crowd::{KeyKind, Mapping};
use types::ids::{CampaignId, CrowdId, MakingId};
use types::life::Outcome;
use types::listing::PageRequest;
use types::making::{Deed, DeviceRule, MakingProgress, MakingState, SetOp};
use types::problem::{Code, Problem};
use types::receipt::mark;
use types::vendor::Vendor;

use super::fresh_storage;
use crate::support::{NOW, app, chunk, claim, id_bytes, lane, new_message, plan, registration, step};

struct Bench {
    crowds: Crowds,
    world: World,
    _folder: tempfile::TempDir,
}

fn bench(storage: &Storage) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(pipeline::world::HeldClock::at(NOW), SeededRandom::new(11));
    let limits = Limits { sort_bytes: 2_000, ..Limits::default() };
    let crowds = Crowds::new(storage.clone(), world.clone(), folder.path().join("uploads"), limits).unwrap();
    Bench { crowds, world, _folder: folder }
}

impl Bench {
    /// A crowd of these users, by a file.
    async fn upload(&self, app: &App, name: &str, users: &BTreeSet<String>) -> CrowdId {
        let mut file = "user_id,tier\n".to_owned();
        file.extend(users.iter().map(|user| format!("{user},{name}\n")));
        let mapping = Mapping { variables: [("tier".to_owned(), 1)].into(), ..Mapping::default() };
        let order = ImportOrder { name: name.into(), file_name: format!("{name}.csv"), mapping: Some(mapping), ..ImportOrder::default() };
        let bytes = futures::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(file))]);
        self.crowds.import_all(app.no, "usr_1", order, bytes).await.unwrap().id
    }

    async fn make(&self, storage: &Storage, app: &App, name: &str, drafts: Vec<Draft>) -> Making {
        let order = Order { name: name.into(), key: KeyKind::User, drafts };
        let id = self.crowds.combine(app, order, &Actor::cli()).await.unwrap();
        loop {
            let making = storage.makings.get(app.no, &id).await.unwrap().unwrap();
            if making.state != MakingState::Making {
                return making;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

fn crowd(op: SetOp, id: &CrowdId) -> Draft {
    Draft { field: "set1", op, source: Drafted::Crowd(id.clone()) }
}

async fn members(storage: &Storage, id: &CrowdId) -> Vec<(String, Option<String>)> {
    let (mut out, mut seq) = (Vec::new(), 0);
    while let Some(block) = storage.crowds.block(id, seq).await.unwrap() {
        out.extend(block.rows.into_iter().map(|row| (row.text, row.variables.get("tier").cloned())));
        seq += 1;
    }
    out
}

/// A campaign that the first `n` devices accepted; every fourth clicked.
async fn clicked_campaign(storage: &Storage, app: &App, n: usize) -> CampaignId {
    let id = CampaignId::from_bytes(id_bytes());
    let spec = CampaignSpec { name: "秋季".into(), ..CampaignSpec::default() };
    storage.campaigns.create(app.no, id.clone(), spec, Hand { id: "usr_ann", name: "ann" }, NOW).await.unwrap();
    let mut message = new_message(app.no);
    (message.campaign, message.origin) = (Some(id.clone()), Origin::Campaign);
    let Inserted::Fresh { no } = storage.messages.insert(message).await.unwrap() else { panic!("a message") };
    let lane = lane(storage, app, Vendor::Xiaomi).await;
    let users: Vec<String> = (0..n).map(|i| format!("u{i}")).collect();
    let reached = storage.devices.reach_users(app.no, &users).await.unwrap();
    let list: Vec<Recipient> = reached
        .iter()
        .enumerate()
        .map(|(i, reach)| Recipient { key: i as i64, device_no: reach[0].device_no, token: reach[0].token.clone(), ..Recipient::default() })
        .collect();
    let mut whole = chunk(no, &lane, 0..n as i64);
    whole.recipients = encode_recipients(&list);
    plan(storage, no, 0, vec![whole], true).await;
    let claimed = claim(storage, &lane, NOW, 1).await.remove(0);
    storage.chunks.record(step(&claimed, Outcome::Accepted, n, Next::Done)).await.unwrap();
    let bits = mark::CLICKED | mark::DISPLAYED | mark::DELIVERED;
    let click = |index: usize| Mark {
        chunk: claimed.no,
        message_no: no,
        app_no: app.no,
        vendor: Some(Vendor::Xiaomi),
        count: n as u32,
        index: index as u32,
        bits,
    };
    let marks = (0..n).step_by(4).map(click).collect();
    storage.receipts.apply(Application { marks, now: NOW, ..Application::default() }).await.unwrap();
    id
}

#[tokio::test]
async fn set_operations_over_blocks_are_what_sets_say() {
    let storage = fresh_storage().await;
    let app = app(&storage, "sets").await;
    let bench = bench(&storage);
    let numbers = |range: std::ops::Range<u32>, step: usize| range.step_by(step).map(|n| format!("u{n}")).collect::<BTreeSet<String>>();
    let (a, b, c) = (numbers(0..4_200, 1), numbers(0..6_000, 2), numbers(0..6_000, 3));
    let (ida, idb, idc) = (bench.upload(&app, "a", &a).await, bench.upload(&app, "b", &b).await, bench.upload(&app, "c", &c).await);
    let union: BTreeSet<String> = a.union(&b).cloned().collect();
    let cases = [
        ("union", vec![crowd(SetOp::Union, &ida), crowd(SetOp::Union, &idb)], union.clone()),
        ("both", vec![crowd(SetOp::Union, &ida), crowd(SetOp::Intersect, &idb)], a.intersection(&b).cloned().collect()),
        (
            "rest",
            vec![crowd(SetOp::Union, &ida), crowd(SetOp::Union, &idb), crowd(SetOp::Minus, &idc)],
            union.difference(&c).cloned().collect(),
        ),
    ];
    for (name, drafts, want) in cases {
        let made = bench.make(&storage, &app, name, drafts).await;
        assert_eq!((made.state, made.problem), (MakingState::Made, None), "{name}");
        let id = made.crowd.unwrap();
        let rows = members(&storage, &id).await;
        assert_eq!(rows.len(), want.len(), "{name}: nobody twice");
        assert_eq!(rows.iter().map(|(text, _)| text.clone()).collect::<BTreeSet<_>>(), want, "{name}");
        let kept = storage.crowds.get(&id).await.unwrap().unwrap();
        assert_eq!((kept.counts.valid, kept.counts.unknown, kept.name.as_str()), (want.len() as u64, want.len() as u64, name));
        assert!(kept.mapping.variables.contains_key("tier"), "variables go along");
        let first = rows.iter().find(|(text, _)| text == "u4100").map(|(_, tier)| tier.clone());
        assert_eq!(first, want.contains("u4100").then(|| Some("a".to_owned())), "the first crowd's value wins");
        let sizes: Vec<u64> = made.sizes.iter().map(|s| s.rows).collect();
        assert_eq!((sizes[0], sizes[1], *sizes.last().unwrap()), (a.len() as u64, b.len() as u64, want.len() as u64));
        assert!(made.sizes.iter().all(|s| s.without == s.rows && s.vendors.is_empty()), "nobody is registered");
        assert_eq!(made.progress.joined, made.progress.all);
    }
    assert_eq!(storage.makings.of_crowd(storage.crowds.get(&ida).await.unwrap().unwrap().no).await.unwrap(), None);
    // The empty set is no crowd; nothing is left of it.
    let none = bench.make(&storage, &app, "none", vec![crowd(SetOp::Union, &ida), crowd(SetOp::Minus, &ida)]).await;
    assert_eq!((none.state, none.problem.unwrap().code), (MakingState::Failed, Code::InvalidFields));
    assert_eq!(none.crowd, None);
    // A name is taken once; kinds are not mixed; another app's crowd is none.
    let order = |name: &str, drafts| Order { name: name.into(), key: KeyKind::User, drafts };
    let again = bench.crowds.combine(&app, order("union", vec![crowd(SetOp::Union, &ida), crowd(SetOp::Union, &idb)]), &Actor::cli()).await;
    assert_eq!(again.unwrap_err().errors[0].field, "name");
    let other = crate::support::app(&storage, "other").await;
    let theirs = bench.crowds.combine(&other, order("x", vec![crowd(SetOp::Union, &ida)]), &Actor::cli()).await;
    assert_eq!(theirs.unwrap_err().errors[0].field, "set1");
    let begun = AuditFilter { action: Some("crowd.combine".into()), ..AuditFilter::default() };
    let log = storage.people.audit_list(&begun, &PageRequest::default()).await.unwrap();
    assert_eq!(log.items.len(), 4, "what was begun, and nothing that was refused");
}

#[tokio::test]
async fn rules_over_devices_and_deeds_make_crowds() {
    let storage = fresh_storage().await;
    let app = app(&storage, "rules").await;
    let bench = bench(&storage);
    let mut devices = Vec::new();
    for n in 0..1_500u32 {
        let vendor = if n % 3 == 0 { Vendor::Xiaomi } else { Vendor::Huawei };
        let mut device = registration(&format!("u{n}"), &[(vendor, format!("token-{n:08}").as_str())]);
        device.model = if n % 2 == 0 { "Mi 14".into() } else { "Pura 70".into() };
        device.app_version = format!("{}.0", n % 5);
        device.now = NOW - i64::from(n % 10) * 24 * 3_600_000;
        devices.push(device);
    }
    storage.devices.register(app.no, devices).await.unwrap();
    let rule = |rule: DeviceRule| Draft { field: "device_op", op: SetOp::Union, source: Drafted::Devices(rule) };
    let of = |fits: &dyn Fn(u32) -> bool| (0..1_500u32).filter(|n| fits(*n)).map(|n| format!("u{n}")).collect::<BTreeSet<_>>();
    let named = async |making: &Making| -> BTreeSet<String> {
        members(&storage, making.crowd.as_ref().unwrap()).await.into_iter().map(|(text, _)| text).collect()
    };

    let facts = DeviceRule {
        vendor: Some(Vendor::Xiaomi),
        model: "mi".into(),
        app: types::policy::Versions::of("2", "3").unwrap(),
        seen_days: Some(4),
        ..DeviceRule::default()
    };
    let made = bench.make(&storage, &app, "facts", vec![rule(facts)]).await;
    let want = of(&|n| n % 3 == 0 && n % 2 == 0 && (2..=3).contains(&(n % 5)) && n % 10 <= 4);
    assert!(!want.is_empty());
    assert_eq!(named(&made).await, want);
    let size = made.sizes.last().unwrap();
    assert_eq!((size.vendors.as_slice(), size.without), ([(Vendor::Xiaomi, want.len() as u64)].as_slice(), 0));
    assert_eq!(made.progress.gathered, 1_500);

    // Everybody but those: sizes before and after, by vendor.
    let all = rule(DeviceRule::default());
    let without = Draft { op: SetOp::Minus, ..crowd(SetOp::Minus, made.crowd.as_ref().unwrap()) };
    let rest = bench.make(&storage, &app, "rest", vec![all.clone(), without]).await;
    assert_eq!(named(&rest).await, of(&|n| !want.contains(&format!("u{n}"))));
    let by = |size: &types::making::SetSize, vendor| size.vendors.iter().find(|(v, _)| *v == vendor).map_or(0, |(_, n)| *n);
    assert_eq!(by(&rest.sizes[0], Vendor::Xiaomi), 500);
    assert_eq!(by(&rest.sizes[2], Vendor::Xiaomi), 500 - want.len() as u64);
    assert_eq!(by(&rest.sizes[2], Vendor::Huawei), 1_000);

    // Who clicked, of one campaign.
    let campaign = clicked_campaign(&storage, &app, 40).await;
    let deeds =
        |op, deed| Draft { field: "campaign", op, source: Drafted::Deeds { deed, campaign: Some(campaign.clone()), days: Some(1) } };
    let clicked = bench.make(&storage, &app, "clicked", vec![deeds(SetOp::Union, Deed::Clicked)]).await;
    assert_eq!(named(&clicked).await, of(&|n| n < 40 && n % 4 == 0), "every fourth clicked");
    let silent = vec![deeds(SetOp::Union, Deed::Accepted), deeds(SetOp::Minus, Deed::Clicked)];
    let silent = bench.make(&storage, &app, "silent", silent).await;
    assert_eq!(named(&silent).await, of(&|n| n < 40 && n % 4 != 0));
    let (list, tagged) = (vec!["会员".to_owned(), "复诊".to_owned()], clicked.crowd.unwrap());
    bench.crowds.tag(&app, &tagged, &list, &Actor::cli()).await.unwrap();
    let filter = CrowdFilter { tag: Some("复诊".into()), ..CrowdFilter::default() };
    let found = storage.crowds.list(app.no, &filter, &PageRequest::default()).await.unwrap().items;
    assert_eq!(found.iter().map(|c| (&c.id, &c.tags)).collect::<Vec<_>>(), [(&tagged, &list)]);
    assert!(
        storage
            .crowds
            .list(app.no, &CrowdFilter { tag: Some("复".into()), ..CrowdFilter::default() }, &PageRequest::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert_eq!(bench.crowds.tag(&app, &tagged, &["x".repeat(21)], &Actor::cli()).await.unwrap_err().errors[0].field, "tags");
}

#[tokio::test]
async fn a_making_ends_once() {
    let storage = fresh_storage().await;
    let app = app(&storage, "ends").await;
    let bench = bench(&storage);
    let entry = || Actor::cli().entry(&bench.world, "crowd.combine", "x", Some(&app.id), None, None);
    let new = |name: &str| NewMaking {
        id: MakingId::from_bytes(id_bytes()),
        crowd: CrowdId::from_bytes(id_bytes()),
        app_no: app.no,
        name: name.into(),
        key: KeyKind::User,
        steps: Vec::new(),
        formula: "a".into(),
        created_by: "usr_1".into(),
        now: NOW,
    };
    let one = storage.makings.begin(new("one"), 2, entry()).await.unwrap();
    let two = storage.makings.begin(new("two"), 2, entry()).await.unwrap();
    assert!(matches!(storage.makings.begin(new("three"), 2, entry()).await, Err(StorageError::Conflict("makings"))));
    let progress = MakingProgress { gathered: 1, joined: 2, all: 3 };
    storage.makings.keep(one.no, progress, NOW + 5).await.unwrap();
    assert_eq!(storage.makings.get(app.no, &one.id).await.unwrap().unwrap().progress, progress);
    assert_eq!(storage.makings.get(app.no + 1, &one.id).await.unwrap(), None, "another app's");

    // Stopped: nothing more is kept, stored or finished.
    assert!(storage.makings.cancel(app.no, &one.id, NOW + 6, entry()).await.unwrap());
    assert!(!storage.makings.cancel(app.no, &one.id, NOW + 6, entry()).await.unwrap());
    assert!(matches!(storage.makings.keep(one.no, progress, NOW + 7).await, Err(StorageError::Stale(_))));
    assert!(matches!(storage.crowds.add_blocks(one.crowd_no, Vec::new()).await, Err(StorageError::Stale(_))));
    assert!(!storage.makings.fail(one.no, &Problem::new(Code::Internal), NOW + 8).await.unwrap());

    // Whoever made the other one is gone.
    assert_eq!(storage.makings.give_up(NOW - 1, &Problem::new(Code::Unavailable), NOW + 9).await.unwrap(), 0);
    assert_eq!(storage.makings.give_up(NOW, &Problem::new(Code::Unavailable), NOW + 9).await.unwrap(), 1);
    let gone = storage.makings.get(app.no, &two.id).await.unwrap().unwrap();
    assert_eq!((gone.state, gone.problem.map(|p| p.code), gone.crowd), (MakingState::Failed, Some(Code::Unavailable), None));
    let states: Vec<MakingState> = storage.makings.list(app.no, 9).await.unwrap().into_iter().map(|m| m.state).collect();
    assert_eq!(states, [MakingState::Failed, MakingState::Cancelled]);
    while storage.crowds.sweep_dropped(10).await.unwrap() > 0 {}
    let log = storage.people.audit_list(&AuditFilter::default(), &PageRequest::default()).await.unwrap().items.len();
    assert_eq!(log, 3, "two begun, one stopped");
}
