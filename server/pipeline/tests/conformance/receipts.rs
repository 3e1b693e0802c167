//! Receipts: raw first, then marks; any order, any repeat, early or late, the same funnel.

use std::sync::Arc;

use pipeline::receipts::apply::{Applier, ORPHAN_LIFE_MS, Stepped};
use pipeline::receipts::listen::{Listener, ReportVerdict};
use pipeline::receipts::mac;
use pipeline::receipts::report::ClientReport;
use pipeline::statistics::recount;
use pipeline::storage::apps::{App, CredentialRow, Lane};
use pipeline::storage::chunks::{NewChunk, Next};
use pipeline::storage::devices::DeviceFilter;
use pipeline::storage::frame::{self, Outcomes, Recipient};
use pipeline::storage::receipts::NewRaw;
use pipeline::storage::tallies::{Delta, Measure};
use pipeline::storage::{Storage, StorageError};
use pipeline::world::{HeldClock, SeededRandom, World};
use proptest::prelude::*;
use tokio::sync::Notify;
use types::crowd::KeyKind;
use types::funnel::Funnel;
use types::ids::{ChunkNo, MessageId};
use types::life::Outcome;
use types::listing::PageRequest;
use types::problem::Code;
use types::vendor::Vendor;

use crate::support::{self, NOW};

pub struct Door {
    pub listener: Listener,
    pub applier: Applier,
    pub clock: Arc<HeldClock>,
}

pub fn door(storage: &Storage) -> Door {
    let clock = HeldClock::at(NOW);
    let world = World::new(clock.clone(), SeededRandom::new(1));
    let woken = Arc::new(Notify::new());
    Door {
        listener: Listener::new(storage.clone(), world.clone(), woken.clone()),
        applier: Applier::new(storage.clone(), world.clone(), woken, support::vault(world), pipeline::broker::health::Healths::default()),
        clock,
    }
}

pub async fn message_id(storage: &Storage, no: i64) -> MessageId {
    storage.messages.get(no).await.unwrap().unwrap().id
}

/// A Xiaomi callback of one entry.
pub fn body(reference: &str, parameter: &str, kind: i64, tokens: &str) -> Vec<u8> {
    let data = serde_json::json!({ reference: { "param": parameter, "type": kind, "targets": tokens, "timestamp": NOW } });
    serde_urlencoded::to_string([("data", data.to_string())]).unwrap().into_bytes()
}

async fn post(door: &Door, app: &App, body: Vec<u8>) {
    door.listener.vendor_callback(Vendor::Xiaomi, &app.callback_secret, "application/x-www-form-urlencoded", "", "", body).await.unwrap();
}

async fn drain(door: &Door) {
    while door.applier.step().await.unwrap().bodies > 0 {}
}

/// A chunk whose recipients are keyed as the broker keys them: by token.
fn token_chunk(message_no: i64, lane: &Lane, tokens: &[String]) -> NewChunk {
    let mut list: Vec<Recipient> = tokens
        .iter()
        .map(|t| Recipient { key: frame::key_of(KeyKind::Token, Some(lane.vendor), t), token: t.clone(), ..Recipient::default() })
        .collect();
    list.sort_by_key(|r| r.key);
    let n = list.len();
    NewChunk {
        first_key: list[0].key,
        last_key: list[n - 1].key,
        count: n as u32,
        recipients: frame::encode_recipients(&list),
        outcomes: Outcomes::waiting(n).encode(),
        deltas: vec![Delta { message_no, app_no: lane.app_no, vendor: Some(lane.vendor), measure: Measure::Planned, n: n as i64 }],
        ..support::chunk(message_no, lane, 0..1)
    }
}

/// Sends every chunk of the lane: all accepted, one reference each.
async fn send(storage: &Storage, lane: &Lane, prefix: &str) {
    for (i, claimed) in support::claim(storage, lane, NOW, 100).await.into_iter().enumerate() {
        let mut step = support::step(&claimed, Outcome::Accepted, usize::MAX, Next::Done);
        step.references = vec![format!("{prefix}{i}")];
        storage.chunks.record(step).await.unwrap();
    }
}

fn count(funnel: &Funnel, slug: &str) -> u64 {
    funnel.lanes.iter().map(|lane| lane.receipts.get(slug).copied().unwrap_or(0)).sum()
}

#[tokio::test]
async fn a_receipt_walks_from_raw_to_funnel_and_a_second_one_changes_nothing() {
    let storage = super::fresh_storage().await;
    let (app, lane, message_no) = support::sending(&storage, 2).await;
    send(&storage, &lane, "ref").await;
    let door = door(&storage);
    let word = mac::parameter(&app.callback_secret, message_id(&storage, message_no).await.as_str());
    for _ in 0..3 {
        post(&door, &app, body("ref0", &word, 1, "token-1,token-2")).await;
        post(&door, &app, body("ref1", &word, 2, "token-11")).await;
        drain(&door).await;
    }
    let funnel = support::funnel(&storage, message_no).await;
    assert_eq!((count(&funnel, "delivered"), count(&funnel, "displayed"), count(&funnel, "clicked")), (3, 1, 1));
    let audit = recount::of_message(&storage, message_no).await.unwrap();
    assert_eq!(audit, funnel);
    assert!(storage.receipts.take(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_ours_counts_nothing_and_stays_visible() {
    let storage = super::fresh_storage().await;
    let (app, lane, message_no) = support::sending(&storage, 1).await;
    send(&storage, &lane, "ref").await;
    let other = support::app(&storage, "other").await;
    let door = door(&storage);
    let id = message_id(&storage, message_no).await;
    let ours = mac::parameter(&app.callback_secret, id.as_str());
    post(&door, &app, body("ref0", "", 1, "token-1")).await;
    post(&door, &app, body("ref0", &ours.replace('.', ".0"), 1, "token-1")).await;
    post(&door, &app, b"\xff\xfe garbage".to_vec()).await;
    // The right word for the other app, but the message is not its own.
    post(&door, &other, body("ref0", &mac::parameter(&other.callback_secret, id.as_str()), 1, "token-1")).await;
    drain(&door).await;
    assert_eq!(count(&support::funnel(&storage, message_no).await, "delivered"), 0);
    let refused = storage.receipts.refused(app.no, 10).await.unwrap();
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().all(|(_, end)| end.found == 0 && end.error.is_some()), "{refused:?}");
    assert_eq!(storage.receipts.refused(other.no, 10).await.unwrap().len(), 1);
    let unknown = door.listener.vendor_callback(Vendor::Xiaomi, "nobody", "", "", "", Vec::new()).await.unwrap_err();
    assert_eq!(unknown.code, Code::NotFound);
    let large = door.listener.vendor_callback(Vendor::Xiaomi, &app.callback_secret, "", "", "", vec![0; (1 << 20) + 1]).await.unwrap_err();
    assert_eq!(large.code, Code::TooLarge);
    // A token that was never in this message waits as an orphan, and is given up after its time.
    post(&door, &app, body("ref0", &ours, 1, "stranger")).await;
    drain(&door).await;
    assert_eq!(storage.receipts.back_door(app.no).await.unwrap().orphans, 1);
    door.clock.advance(ORPHAN_LIFE_MS + 1);
    door.applier.step().await.unwrap();
    let after = storage.receipts.back_door(app.no).await.unwrap();
    assert_eq!((after.orphans, after.dropped), (0, 1));
}

#[tokio::test]
async fn an_orphan_joins_when_its_message_appears() {
    let storage = super::fresh_storage().await;
    let app = support::app(&storage, "early").await;
    let lane = support::lane(&storage, &app, Vendor::Xiaomi).await;
    let door = door(&storage);
    let mut new = support::new_message(app.no);
    let id = new.id.clone();
    post(&door, &app, body("early", &mac::parameter(&app.callback_secret, id.as_str()), 1, "t1,t2")).await;
    drain(&door).await;
    assert_eq!(storage.receipts.back_door(app.no).await.unwrap().orphans, 2);
    new.now = NOW;
    storage.messages.insert(new).await.unwrap();
    let no = storage.messages.by_id(&id).await.unwrap().unwrap().no;
    support::plan(&storage, no, 0, vec![token_chunk(no, &lane, &["t1".into(), "t2".into(), "t3".into()])], true).await;
    let stepped = door.applier.step().await.unwrap();
    assert_eq!((stepped.joined, stepped.new_marks), (2, 2), "found by token, before any request id was recorded");
    assert_eq!(storage.receipts.back_door(app.no).await.unwrap().orphans, 0);
}

#[tokio::test]
async fn a_report_of_the_client_finds_its_device_by_id_and_by_token() {
    let storage = super::fresh_storage().await;
    let app = support::app(&storage, "client").await;
    let lane = support::lane(&storage, &app, Vendor::Apns).await;
    let token = "ab".repeat(32);
    let ids = storage.devices.register(app.no, vec![support::registration("u1", &[(Vendor::Apns, &token)])]).await.unwrap();
    let device = storage.devices.get(app.no, &ids[0]).await.unwrap().unwrap();
    let message_no = support::message(&storage, app.no).await;
    let key = frame::key_of(KeyKind::User, None, "u1");
    let list = [Recipient { key, device_no: device.no, token: token.clone(), ..Recipient::default() }];
    let chunk =
        NewChunk { first_key: key, last_key: key, recipients: frame::encode_recipients(&list), ..support::chunk(message_no, &lane, 0..1) };
    support::plan(&storage, message_no, 0, vec![chunk], true).await;
    let door = door(&storage);
    let report = |event: &str| ClientReport {
        message: String::new(),
        event: event.to_owned(),
        device: Some(ids[0].as_str().to_owned()),
        ..ClientReport::default()
    };
    let message = message_id(&storage, message_no).await.as_str().to_owned();
    let reports = vec![
        ClientReport { message: message.clone(), ..report("received") },
        ClientReport { message: message.clone(), device: None, vendor: Some("apns".into()), token: Some(token), ..report("clicked") },
        report("received"),
        ClientReport { message, ..report("switched_off") },
    ];
    let wrong = door.listener.client_reports("ck_nobody", reports.clone()).await.unwrap_err();
    assert_eq!(wrong.code, Code::ClientKeyWrong);
    let verdicts = door.listener.client_reports(&app.client_key, reports).await.unwrap();
    assert!(matches!(&verdicts[2], ReportVerdict::Refused { error } if error.field == "reports[2].message"), "{verdicts:?}");
    assert_eq!(verdicts.iter().filter(|v| **v == ReportVerdict::Kept).count(), 3);
    drain(&door).await;
    let funnel = support::funnel(&storage, message_no).await;
    assert_eq!((count(&funnel, "delivered"), count(&funnel, "clicked"), count(&funnel, "switch_off")), (1, 1, 1));
    let device = storage.devices.get(app.no, &ids[0]).await.unwrap().unwrap();
    assert_eq!(device.notifications_on, Some(false));
}

#[tokio::test]
async fn a_dead_token_is_set_aside_a_mass_of_them_is_not() {
    let storage = super::fresh_storage().await;
    let (app, lane, message_no) = support::sending(&storage, 30).await;
    let devices = (0..300).map(|i| support::registration(&format!("u{i}"), &[(Vendor::Xiaomi, &format!("token-{i}"))])).collect();
    storage.devices.register(app.no, devices).await.unwrap();
    send(&storage, &lane, "ref").await;
    let door = door(&storage);
    let word = mac::parameter(&app.callback_secret, message_id(&storage, message_no).await.as_str());
    let quarantined = async || {
        let page = PageRequest { after: None, size: 500 };
        let all = storage.devices.list(app.no, &DeviceFilter::default(), &page).await.unwrap().items;
        all.iter().filter(|d| d.tokens.iter().any(|t| t.reason.is_some())).count()
    };
    post(&door, &app, body("ref0", &word, 16, "token-1,token-2")).await;
    drain(&door).await;
    assert_eq!(quarantined().await, 2);
    for i in 1..30 {
        let all: Vec<String> = (0..10).map(|n| format!("token-{}", i * 10 + n)).collect();
        post(&door, &app, body(&format!("ref{i}"), &word, 16, &all.join(","))).await;
    }
    drain(&door).await;
    assert_eq!(quarantined().await, 2, "292 deaths at once are somebody's mistake");
    assert_eq!(count(&support::funnel(&storage, message_no).await, "token_dead"), 292, "but they are counted");
}

#[tokio::test]
async fn a_body_applied_twice_after_a_crash_counts_once() {
    let storage = super::fresh_storage().await;
    let (app, lane, message_no) = support::sending(&storage, 1).await;
    send(&storage, &lane, "ref").await;
    let word = mac::parameter(&app.callback_secret, message_id(&storage, message_no).await.as_str());
    let raw = NewRaw {
        app_no: app.no,
        vendor: Some(Vendor::Xiaomi),
        received_at: NOW,
        content_type: String::new(),
        query: String::new(),
        signature: String::new(),
        body: body("ref0", &word, 1, "token-1"),
    };
    storage.receipts.append(raw).await.unwrap();
    // Two workers that both took it.
    let (one, two) = (door(&storage), door(&storage));
    let (a, b) = tokio::join!(one.applier.step(), two.applier.step());
    // Whoever was slower either found nothing new or is told that the other did it all.
    let new = |step: Result<Stepped, StorageError>| match step {
        Ok(step) => step.new_marks,
        Err(StorageError::Stale("receipt")) => 0,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(new(a) + new(b), 1);
    assert_eq!(count(&support::funnel(&storage, message_no).await, "delivered"), 1);
}

/// One run of the same receipts: `order` is when each is posted, `sent_at` how many are posted before the send is recorded.
async fn run(receipts: &[(usize, i64)], order: &[usize], sent_at: usize) -> Funnel {
    let storage = super::fresh_storage().await;
    let app = support::app(&storage, "orders").await;
    let lane = support::lane(&storage, &app, Vendor::Xiaomi).await;
    let message_no = support::message(&storage, app.no).await;
    let mut tokens: Vec<String> = (0..20).map(|i| format!("token-{i}")).collect();
    tokens.sort_by_key(|t| frame::key_of(KeyKind::Token, Some(Vendor::Xiaomi), t));
    let chunks = tokens.chunks(7).map(|part| token_chunk(message_no, &lane, part)).collect();
    support::plan(&storage, message_no, 0, chunks, true).await;
    let door = door(&storage);
    let word = mac::parameter(&app.callback_secret, message_id(&storage, message_no).await.as_str());
    for (at, i) in order.iter().enumerate() {
        if at == sent_at {
            send(&storage, &lane, "ref").await;
        }
        let (token, kind) = receipts[*i];
        post(&door, &app, body(&format!("ref{}", token / 7), &word, kind, &tokens[token])).await;
        if at % 5 == 0 {
            door.applier.step().await.unwrap();
        }
    }
    if sent_at >= order.len() {
        send(&storage, &lane, "ref").await;
    }
    drain(&door).await;
    let funnel = support::funnel(&storage, message_no).await;
    assert!(funnel.total.holds(), "{:?}", funnel.total);
    assert_eq!(recount::of_message(&storage, message_no).await.unwrap(), funnel, "the tallies equal a recount");
    funnel
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_order_any_repeat_early_or_late_leads_to_the_same_funnel(
        receipts in prop::collection::vec((0usize..20, prop::sample::select(vec![1i64, 2, 16, 64, 128])), 1..25),
        seed in any::<u64>(),
        sent_at in 0usize..60,
    ) {
        let straight: Vec<usize> = (0..receipts.len()).collect();
        // Each one to three times, shuffled.
        let mut order = Vec::new();
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for i in 0..receipts.len() {
            order.extend(std::iter::repeat_n(i, 1 + next() % 3));
        }
        for i in (1..order.len()).rev() {
            order.swap(i, next() % (i + 1));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let expected = runtime.block_on(run(&receipts, &straight, 0));
        let found = runtime.block_on(run(&receipts, &order, sent_at));
        prop_assert_eq!(found, expected);
    }
}

/// Ten tokens in the order in which they stand in a chunk.
fn tokens() -> Vec<String> {
    let mut tokens: Vec<String> = (0..10).map(|i| format!("token-{i}")).collect();
    tokens.sort_by_key(|t| frame::key_of(KeyKind::Token, Some(Vendor::Xiaomi), t));
    tokens
}

async fn ten(storage: &Storage) -> (App, Lane, i64) {
    let app = support::app(storage, "ten").await;
    let lane = support::lane(storage, &app, Vendor::Xiaomi).await;
    let message_no = support::message(storage, app.no).await;
    support::plan(storage, message_no, 0, vec![token_chunk(message_no, &lane, &tokens())], true).await;
    (app, lane, message_no)
}

/// A chunk of ten of which the lane calls the first five uncertain; where the receipts of the first three fall is told by `when`.
async fn unsure(when: &[usize]) -> Funnel {
    let storage = super::fresh_storage().await;
    let (app, lane, message_no) = ten(&storage).await;
    let door = door(&storage);
    let word = mac::parameter(&app.callback_secret, message_id(&storage, message_no).await.as_str());
    let no = storage.chunks.of_message(message_no, ChunkNo(0), 1).await.unwrap()[0].no;
    let receipt = async |at: usize| {
        for token in when.iter().enumerate().filter(|(_, w)| **w == at).map(|(i, _)| i) {
            post(&door, &app, body("ref", &word, 2, &tokens()[token])).await;
        }
        drain(&door).await;
    };
    receipt(0).await;
    let claimed = support::claim(&storage, &lane, NOW, 1).await.remove(0);
    storage.chunks.record(support::step(&claimed, Outcome::Uncertain, 5, Next::Wait { not_before: NOW })).await.unwrap();
    receipt(1).await;
    // In hand again: its copy still says uncertain.
    let claimed = support::claim(&storage, &lane, NOW, 1).await.remove(0);
    receipt(2).await;
    storage.chunks.record(support::step(&claimed, Outcome::Refused, 5, Next::Done)).await.unwrap();
    receipt(3).await;
    assert!(Outcomes::decode(&storage.chunks.view(no).await.unwrap().unwrap().outcomes).unwrap().open().is_empty());
    let funnel = support::funnel(&storage, message_no).await;
    assert_eq!(recount::of_message(&storage, message_no).await.unwrap(), funnel, "{when:?}");
    funnel
}

#[tokio::test]
async fn what_arrived_was_accepted_whenever_its_receipt_came() {
    let expected = unsure(&[3, 3, 3]).await;
    assert_eq!((expected.total.accepted, expected.total.uncertain, expected.total.refused), (3, 2, 5));
    assert_eq!(count(&expected, "delivered"), 3);
    for first in 0..4 {
        for second in 0..4 {
            assert_eq!(unsure(&[first, second, (first + second) % 4]).await, expected, "{first} {second}");
        }
    }
    // A lease that ran out, ended by a cancel: uncertain, but for the one that had arrived.
    let storage = super::fresh_storage().await;
    let (app, lane, message_no) = ten(&storage).await;
    let door = door(&storage);
    let word = mac::parameter(&app.callback_secret, message_id(&storage, message_no).await.as_str());
    support::claim(&storage, &lane, NOW, 1).await;
    post(&door, &app, body("ref", &word, 1, &tokens()[4])).await;
    drain(&door).await;
    storage.messages.cancel(message_no, NOW).await.unwrap();
    storage.chunks.release_lapsed(NOW + 3_600_000, None).await.unwrap();
    storage.messages.settle(NOW).await.unwrap();
    let funnel = support::funnel(&storage, message_no).await;
    assert_eq!((funnel.total.accepted, funnel.total.uncertain, funnel.total.waiting), (1, 9, 0));
    assert_eq!(recount::of_message(&storage, message_no).await.unwrap(), funnel);
}

/// A line of Getui's callback, signed as its manual says.
fn getui_line(secret: &str, task: &str, cid: &str, action: i64) -> String {
    use md5::Digest;
    let sign: String = md5::Md5::digest(format!("simApp{cid}{task}m1{secret}")).iter().map(|byte| format!("{byte:02x}")).collect();
    serde_json::json!({
        "appid": "simApp", "cid": cid, "taskid": task, "msgid": "m1", "code": "200", "desc": "ok",
        "actionId": action.to_string(), "recvtime": NOW, "sign": sign
    })
    .to_string()
}

#[tokio::test]
async fn a_signed_receipt_without_our_word_finds_its_message_by_the_request_id_now_or_later() {
    let storage = super::fresh_storage().await;
    let door = door(&storage);
    // The same chance as in `door` makes the same key.
    let vault = support::vault(World::new(HeldClock::at(NOW), SeededRandom::new(1)));
    let registered = async |name: &str, secret: &str| {
        let app = support::app(&storage, name).await;
        let fields = serde_json::json!({ "app_id": "simApp", "app_key": "simKey", "master_secret": secret }).to_string();
        let aad = pipeline::vendors::credential::credential_aad(app.id.as_str(), Vendor::Getui);
        let sealed = vault.seal(&aad.iter().map(String::as_str).collect::<Vec<_>>(), fields.as_bytes());
        let row = CredentialRow { vendor: Vendor::Getui, sealed, hints: Vec::new(), updated_at: NOW, updated_by: String::new() };
        storage.apps.put_credential(app.no, row, None).await.unwrap();
        app
    };
    let (app, other) = (registered("getui", "secret").await, registered("other", "others").await);
    let post = async |app: &App, lines: &[String]| {
        let body = lines.join("\n").into_bytes();
        door.listener.vendor_callback(Vendor::Getui, &app.callback_secret, "text/plain", "", "", body).await.unwrap();
        door.applier.step().await.unwrap()
    };
    let lane = support::lane(&storage, &app, Vendor::Getui).await;
    let message_no = support::message(&storage, app.no).await;
    let cid = |i: usize| format!("{i:032x}");
    let mut chunks: Vec<NewChunk> = [[1, 2], [3, 4]].map(|pair| token_chunk(message_no, &lane, &pair.map(cid))).into();
    chunks.sort_by_key(|chunk| chunk.first_key);
    support::plan(&storage, message_no, 0, chunks, true).await;

    // The receipt is faster than the record of the send: it waits. Beside it a line that nobody signed.
    let forged = getui_line("guess", "RASL_1", &cid(2), 10_010);
    let early = post(&app, &[getui_line("secret", "RASL_1", &cid(1), 0), forged.clone()]).await;
    assert_eq!((early.receipts, early.refused, early.orphaned, early.new_marks), (1, 1, 1, 0));
    assert_eq!(storage.receipts.refused(app.no, 10).await.unwrap().len(), 1, "the forged line stays visible");

    // Both chunks were sent under one list message, so under one id.
    for claimed in support::claim(&storage, &lane, NOW, 100).await {
        let mut step = support::step(&claimed, Outcome::Accepted, usize::MAX, Next::Done);
        step.references = vec!["RASL_1".to_owned()];
        storage.chunks.record(step).await.unwrap();
    }
    door.clock.advance(3_000);
    let stepped = door.applier.step().await.unwrap();
    assert_eq!((stepped.joined, stepped.new_marks), (1, 1), "the orphan found its message");

    let lines: Vec<String> = (1..=4).map(|i| getui_line("secret", "RASL_1", &cid(i), 10_010)).collect();
    assert_eq!(post(&app, &lines).await.receipts, 4);
    // Signed for another app, whose message this is not; and a whole body without one good line.
    assert_eq!(post(&other, &[getui_line("others", "RASL_1", &cid(1), 10_010)]).await.refused, 1);
    assert_eq!(post(&app, &[forged, "{}".to_owned()]).await.refused, 2);
    let funnel = support::funnel(&storage, message_no).await;
    assert_eq!((count(&funnel, "delivered"), count(&funnel, "clicked")), (4, 4));
    assert_eq!(recount::of_message(&storage, message_no).await.unwrap(), funnel);
    let door = storage.receipts.back_door(app.no).await.unwrap();
    assert_eq!((door.fresh, door.orphans), (0, 0));
}
