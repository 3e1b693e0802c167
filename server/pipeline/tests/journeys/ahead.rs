//! What vendors must hold is there before a campaign starts: pictures, saved contents; and a lane that cannot be made ready holds
//! nobody up.

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline::storage::campaigns::{Campaign, Hand, Move};
use pipeline::storage::copies::CopySave;
use pipeline::storage::crowd_frame::BlockWriter;
use pipeline::storage::crowds::NewUpload;
use pipeline::storage::frame::key_of;
use pipeline::storage::materials::{Preparation, Stage};
use simulator::Dials;
use types::campaign::{CampaignSpec, Schedule};
use types::content::Content;
use types::crowd::{CrowdCounts, Detected, Encoding, KeyKind, Mapping};
use types::ids::{CampaignId, CopyId, CrowdId, UploadId};
use types::life::{CampaignState, MessageState};
use types::vendor::Vendor;
use types::views::campaigns::AheadStage;

use crate::support::TestHouse;
use crate::vendors::{house, keyed, phones};

/// Longest a condition may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn crowd(t: &TestHouse, users: &[String]) -> CrowdId {
    let (crowds, world) = (&t.house.storage.crowds, &t.house.world);
    let id = UploadId::from_bytes(world.id());
    let detected = Detected {
        encoding: Encoding::Utf8,
        bom: false,
        gzip: false,
        delimiter: Some(','),
        header: true,
        columns: vec!["id".into()],
        preview: vec![],
        bad_bytes: 0,
    };
    let upload = NewUpload {
        id: id.clone(),
        app_no: t.app.no,
        file_name: "f.csv".into(),
        file_size: 1,
        sha256: id.to_string(),
        path: "f".into(),
        detected,
        signature: "s".into(),
        created_by: "tester".into(),
        now: world.now(),
    };
    crowds.add_upload(upload).await.expect("an upload");
    let no = crowds.begin_check(&id, &CrowdId::from_bytes(world.id()), &Mapping::default(), world.now()).await.expect("a crowd");
    let mut sorted: Vec<&String> = users.iter().collect();
    sorted.sort_by_key(|user| key_of(KeyKind::User, None, user));
    let mut writer = BlockWriter::new(KeyKind::User, &[]);
    for block in sorted.chunks(1_000) {
        for user in block {
            writer.push(key_of(KeyKind::User, None, user), None, user, &[]);
        }
        crowds.add_blocks(no, vec![writer.take()]).await.expect("a block");
    }
    let n = users.len() as u64;
    let counts = CrowdCounts { rows: n, valid: n, ..CrowdCounts::default() };
    crowds.finish_check(&id, no, &counts, &BTreeMap::new(), world.now()).await.expect("checked");
    crowds.confirm(&id, &format!("crowd {no}"), "tester", world.now()).await.expect("confirmed").0
}

/// A campaign that starts `in_ms` from now.
async fn scheduled(t: &TestHouse, users: &[String], content: Content, in_ms: i64) -> CampaignId {
    let (storage, world) = (&t.house.storage, &t.house.world);
    let now = world.now();
    let save =
        CopySave { name: "copy".into(), tags: vec![], content, note: String::new(), by: "tester".into(), by_id: "usr_t".into(), now };
    let copy = storage.copies.create(t.app.no, CopyId::from_bytes(world.id()), save).await.expect("a copy");
    let at = now + in_ms;
    let spec = CampaignSpec {
        name: "sale".into(),
        crowd: Some(crowd(t, users).await),
        copy: Some(copy.id),
        schedule: Schedule::At { local: "2026-11-21T12:00".into(), zone: "UTC".into(), at },
        ..CampaignSpec::default()
    };
    let id = CampaignId::from_bytes(world.id());
    storage.campaigns.create(t.app.no, id.clone(), spec, Hand { id: "usr_tester", name: "tester" }, now).await.expect("a campaign");
    let step = Move { due_at: Some(at), ..Move::new(CampaignState::Draft, CampaignState::Scheduled, "tester", now) };
    storage.campaigns.advance(&id, step).await.expect("a store").expect("scheduled");
    id
}

async fn campaign(t: &TestHouse, id: &CampaignId) -> Campaign {
    t.house.storage.campaigns.get(id).await.expect("a store").expect("a campaign")
}

/// Waits until every lane of the house has ended its preparation, before the start.
async fn ready(t: &TestHouse, id: &CampaignId) -> BTreeMap<Vendor, Preparation> {
    let lanes: BTreeMap<i64, Vendor> =
        t.house.storage.apps.lanes_of(t.app.no).await.expect("lanes").into_iter().map(|lane| (lane.no, lane.vendor)).collect();
    let started = tokio::time::Instant::now();
    loop {
        let found = t.house.storage.materials.preparations(id).await.expect("preparations");
        let ended = found.iter().filter(|one| one.stage != Stage::UnderWay).count();
        if ended == Vendor::ALL.len() {
            return found.into_iter().map(|one| (lanes[&one.lane_no], one)).collect();
        }
        assert!(started.elapsed() < PATIENCE, "never ready: {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn message_of(t: &TestHouse, id: &CampaignId) -> i64 {
    let started = tokio::time::Instant::now();
    loop {
        if let Some((no, message)) = campaign(t, id).await.message {
            assert_eq!(message, id.message(), "the id that was known before");
            return no;
        }
        assert!(started.elapsed() < PATIENCE, "never started");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn answers(t: &TestHouse, vendor: Vendor, word: &str) -> u64 {
    t.simulator.ledger().answers().get(&vendor).and_then(|answers| answers.get(word)).copied().unwrap_or(0)
}

/// A picture of the twin's.
fn picture(t: &TestHouse, name: &str) -> String {
    t.simulator.base_url(Vendor::Oppo).replace("/oppo", &format!("/pictures/{name}"))
}

async fn everybody(t: &TestHouse) -> Vec<String> {
    let mut users = Vec::new();
    for vendor in keyed() {
        users.extend(phones(t, vendor, 5).await);
    }
    users
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_and_contents_are_at_the_vendors_before_the_start_and_are_used() {
    let t = house().await;
    t.house.allow_picture_hosts(vec!["127.0.0.1".into()]);
    let users = everybody(&t).await;
    let url = picture(&t, "876x324.png");
    let content = Content { title: "Sale".into(), body: "All of it".into(), image: Some(url.clone()), ..Content::default() };
    let id = scheduled(&t, &users, content, 8_000).await;
    let rows = ready(&t, &id).await;
    assert_eq!(campaign(&t, &id).await.state, CampaignState::Scheduled, "all this before the start");
    for vendor in Vendor::ALL {
        let row = &rows[&vendor];
        let (stage, words) = match vendor {
            Vendor::Oppo | Vendor::Vivo | Vendor::Getui => (Stage::Ready, ""),
            // The right picture for OPPO is none for Meizu: it goes without, and says so.
            Vendor::Meizu => (Stage::Ready, "Meizu takes pictures of 328 x 120 up to 200 KiB, this is a 876 x 324 PNG"),
            _ => (Stage::Nothing, ""),
        };
        assert!(row.stage == stage && row.words.starts_with(words) && row.words.is_empty() == words.is_empty(), "{vendor:?}: {row:?}");
    }
    let kept = t.simulator.ledger().pictures(Vendor::Oppo);
    let ca = t.simulator.ca_pem().to_owned();
    let transport = pipeline::vendors::transport::Transport::new(t.house.world.clone());
    let there = transport.fetch(&url, Some(&ca), &["127.0.0.1".to_owned()]).await.expect("the picture");
    assert_eq!((kept.len(), kept[0].bytes.as_slice()), (1, there.as_ref()), "byte for byte");
    let made: Vec<u64> = [Vendor::Oppo, Vendor::Vivo, Vendor::Getui].map(|v| answers(&t, v, "content")).to_vec();
    assert_eq!(made, [1, 1, 1]);
    let told = t.house.campaigns.progress(&campaign(&t, &id).await, &BTreeMap::new()).await.expect("progress").ahead;
    let meizu = told.lanes.iter().find(|lane| lane.vendor == Vendor::Meizu).expect("told");
    assert!(told.from.is_some() && meizu.stage == AheadStage::WithoutPicture && meizu.words.is_some(), "{told:?}");

    let no = message_of(&t, &id).await;
    let funnel = t.finished(no).await;
    assert_eq!(funnel.total.accepted, users.len() as u64, "{:?}", funnel.losses);
    let made: Vec<u64> = [Vendor::Oppo, Vendor::Vivo, Vendor::Getui].map(|v| answers(&t, v, "content")).to_vec();
    assert_eq!(made, [1, 1, 1], "what was saved before is what was sent");
    assert_eq!(answers(&t, Vendor::Oppo, "picture"), 1);
    t.recount(no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_that_cannot_be_made_ready_holds_nobody_up_and_its_first_batch_prepares_again() {
    let t = house().await;
    t.house.allow_picture_hosts(vec!["127.0.0.1".into()]);
    let users = everybody(&t).await;
    let well = t.simulator.dials(Vendor::Oppo);
    t.simulator.set_dials(Vendor::Oppo, Dials { error_share: 1.0, error: "-1".into(), ..well.clone() }).expect("dials");
    let content = Content { title: "Sale".into(), body: "All of it".into(), image: Some(picture(&t, "328x120.png")), ..Content::default() };
    let id = scheduled(&t, &users, content, 8_000).await;
    let rows = ready(&t, &id).await;
    assert_eq!(rows[&Vendor::Oppo].stage, Stage::Failed, "{rows:?}");
    assert!(rows[&Vendor::Oppo].words.starts_with("-1"), "the vendor's words: {rows:?}");
    let others = [Vendor::Vivo, Vendor::Getui, Vendor::Meizu].map(|v| (rows[&v].stage, rows[&v].words.as_str()));
    assert_eq!(others, [(Stage::Ready, ""); 3]);
    t.simulator.set_dials(Vendor::Oppo, well).expect("dials");
    let no = message_of(&t, &id).await;
    let funnel = t.finished(no).await;
    assert_eq!(funnel.total.accepted, users.len() as u64, "{:?}", funnel.losses);
    assert_eq!(answers(&t, Vendor::Meizu, "picture"), 1);
    let named = t.simulator.ledger().pictures(Vendor::Meizu);
    assert_eq!(named[0].bytes, picture(&t, "328x120.png").into_bytes());
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_inside_the_network_is_never_fetched_and_the_words_go_without_the_picture() {
    let t = house().await;
    let users = phones(&t, Vendor::Oppo, 5).await;
    let content = Content { title: "Sale".into(), body: "All of it".into(), image: Some(picture(&t, "876x324.png")), ..Content::default() };
    let id = scheduled(&t, &users, content, 6_000).await;
    let rows = ready(&t, &id).await;
    assert!(rows[&Vendor::Oppo].words.contains("private network"), "{rows:?}");
    let no = message_of(&t, &id).await;
    let funnel = t.until(no, |message, _| message.state == MessageState::Finished).await;
    assert_eq!((funnel.total.accepted, t.simulator.ledger().pictures(Vendor::Oppo).len()), (5, 0));
    t.end().await;
}
