//! Whoever was accepted and not heard of is sent to again: by the same lane under the same keys, so often and no oftener; on iOS only
//! when the app is there. The time is not waited for: what is due later is called due now.

use pipeline::access::accept::Submission;
use pipeline::access::actor::Actor;
use pipeline::receipts::report::ClientReport;
use pipeline::storage::chunks::{ChunkState, ChunkView};
use pipeline::storage::devices::DeviceFilter;
use pipeline::storage::messages::Targets;
use types::content::MessageClass;
use types::ids::ChunkNo;
use types::listing::PageRequest;
use types::vendor::Vendor;

use super::house;
use crate::support::TestHouse;

/// Long enough that only the test calls it due.
const WAIT_S: u32 = 3_000;

async fn until(what: &str, mut seen: impl AsyncFnMut() -> bool) {
    let start = tokio::time::Instant::now();
    while !seen().await {
        assert!(start.elapsed() < std::time::Duration::from_secs(60), "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn urgent(t: &TestHouse, users: &[String]) -> i64 {
    urgent_with(t, users, "Body").await
}

async fn urgent_with(t: &TestHouse, users: &[String], body: &str) -> i64 {
    let targets = Targets::Users { users: users.to_vec() };
    let mut urgent =
        Submission { class: MessageClass::Transactional, vendor_order: vec![Vendor::Xiaomi, Vendor::Apns], ..t.submission(targets) };
    urgent.content.body = body.into();
    t.send(urgent).await.no
}

async fn chunk(t: &TestHouse, message_no: i64) -> ChunkView {
    let chunks = t.house.storage.chunks.of_message(message_no, ChunkNo(0), 9).await.expect("chunks");
    assert_eq!(chunks.len(), 1);
    chunks.into_iter().next().expect("a chunk")
}

/// Receipts of this message are due now; waits until that was seen to and nothing is in line.
async fn due(t: &TestHouse, message_no: i64) {
    let no = chunk(t, message_no).await.no;
    let far = t.house.world.now() + 86_400_000;
    let waits = async || t.house.storage.chunks.onward_due(far, 99).await.expect("due").contains(&no);
    until("receipts are waited for", waits).await;
    let rounds = t.house.storage.resends.of(no).await.expect("resends").rounds;
    t.house.storage.chunks.onward_later(&[no], t.house.world.now() - 1).await.expect("due");
    until("it was seen to", async || {
        // In this order: a chunk that is done when it went again has been sent.
        let went = t.house.storage.resends.of(no).await.expect("resends").rounds > rounds || !waits().await;
        went && chunk(t, message_no).await.state == ChunkState::Done
    })
    .await;
}

fn often(taken: &std::collections::BTreeMap<u64, u32>) -> Vec<u32> {
    let mut times: Vec<u32> = taken.values().copied().collect();
    times.sort_unstable();
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_lane_repeats_under_the_same_key_so_often_and_no_oftener() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Xiaomi, 1).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.receipt_wait_s, lane.resend_times) = (WAIT_S, 2)).await;
    let sent = urgent(&t, &users).await;
    t.finished(sent).await;
    due(&t, sent).await;
    assert_eq!(often(&t.taken(sent, Vendor::Xiaomi).await), [2]);
    due(&t, sent).await;
    assert_eq!(often(&t.taken(sent, Vendor::Xiaomi).await), [3]);
    due(&t, sent).await;
    assert_eq!(often(&t.taken(sent, Vendor::Xiaomi).await), [3], "at most twice again");
    let repeats = t.simulator.ledger().repeats(None);
    assert_eq!((repeats.same_key, repeats.other_key), (1, 0), "the phone shows it once: {repeats:?}");
    let total = t.funnel(sent).await.total;
    assert_eq!((total.planned, total.accepted, total.waiting), (1, 1, 0), "a recipient counts once");
    t.recount(sent).await;

    // A person may do what the machine may not any more; audited, and under the same key.
    let message = t.message(sent).await;
    assert_eq!(t.house.controls.resend_silent(&t.app, &message, &Actor::system()).await.expect("sent"), 1);
    until("it went", async || often(&t.taken(sent, Vendor::Xiaomi).await) == [4]).await;
    assert_eq!(t.simulator.ledger().repeats(None).other_key, 0);
    let log = t.house.storage.people.audit_list(&Default::default(), &PageRequest::default()).await.expect("a log");
    assert_eq!(log.items.iter().filter(|row| row.entry.action == "message.resend_silent").count(), 1);
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_heard_of_is_left_in_peace_and_receipts_of_a_resend_are_of_the_recipient() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Xiaomi, 10).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.receipt_wait_s, lane.resend_times) = (WAIT_S, 3)).await;
    let sent = urgent(&t, &users).await;
    t.finished(sent).await;
    let tokens: Vec<String> = (0..10).map(|i| format!("reg-id-{:06}", 2 * i + 1)).collect();
    let hear = async |list: &[String], all: usize| {
        let parameter = pipeline::receipts::mac::parameter(&t.app.callback_secret, t.message(sent).await.id.as_str());
        let data =
            serde_json::json!({ "xm1": { "param": parameter, "type": 1, "targets": list.join(","), "timestamp": t.house.world.now() } });
        let body = serde_urlencoded::to_string([("data", data.to_string())]).expect("a form").into_bytes();
        let form = "application/x-www-form-urlencoded";
        t.house.receipts.vendor_callback(Vendor::Xiaomi, &t.app.callback_secret, form, "", "", body).await.expect("kept");
        until("applied", async || t.funnel(sent).await.lanes.iter().any(|l| l.receipts.get("delivered").copied() == Some(all as u64)))
            .await;
    };
    hear(&tokens[..4], 4).await;
    due(&t, sent).await;
    let taken = t.taken(sent, Vendor::Xiaomi).await;
    assert_eq!(often(&taken), [1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
    // What the resend brings about is the recipient's, whoever it came by.
    hear(&tokens[..7], 7).await;
    due(&t, sent).await;
    assert_eq!(often(&t.taken(sent, Vendor::Xiaomi).await), [1, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
    let funnel = t.funnel(sent).await;
    assert_eq!((funnel.total.planned, funnel.total.accepted), (10, 10));
    t.recount(sent).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marketing_is_not_repeated_unless_the_lane_says_so() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Xiaomi, 3).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.receipt_wait_s, lane.resend_times) = (WAIT_S, 1)).await;
    let calm = t.send_to(&users).await;
    t.finished(calm).await;
    let far = t.house.world.now() + 86_400_000;
    assert!(t.house.storage.chunks.onward_due(far, 9).await.expect("due").is_empty(), "nothing is waited for");
    t.lane(Vendor::Xiaomi, |lane| lane.resend_for_bulk = true).await;
    // The lane takes it up within its next look.
    until("the lane waits for receipts", async || {
        let sent = t.send_to(&users).await;
        t.finished(sent).await;
        !t.house.storage.chunks.onward_due(far, 9).await.expect("due").is_empty()
    })
    .await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_iphone_is_sent_to_again_when_its_app_comes_to_the_foreground() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Apns, 3).await;
    t.lane(Vendor::Apns, |lane| (lane.receipt_wait_s, lane.resend_times) = (WAIT_S, 1)).await;
    let sent = urgent(&t, &users).await;
    t.finished(sent).await;
    due(&t, sent).await;
    let no = chunk(&t, sent).await.no;
    assert_eq!(t.house.storage.resends.held(no).await.expect("held").len(), 3);
    assert_eq!(often(&t.taken(sent, Vendor::Apns).await), [1, 1, 1], "in the background nobody is sent to");

    let list = t.house.storage.devices.list(t.app.no, &DeviceFilter::default(), &PageRequest::default()).await.expect("devices").items;
    let of = |user: &str| list.iter().find(|d| d.user_id.as_deref() == Some(user)).expect("a device");
    // One opens the app: it registers itself.
    t.house.storage.resends.foreground(of("v0").no, t.house.world.now()).await.expect("seen");
    until("it went", async || often(&t.taken(sent, Vendor::Apns).await) == [1, 1, 2]).await;
    // One is opened by another push.
    let other = urgent_with(&t, &users[1..2], "Another").await;
    t.finished(other).await;
    let clicked = ClientReport {
        message: t.message(other).await.id.to_string(),
        device: Some(of("v1").id.to_string()),
        event: "clicked".into(),
        ..ClientReport::default()
    };
    // An arrival is reported from the background: it is no sign.
    let received = ClientReport { device: Some(of("v2").id.to_string()), event: "received".into(), ..clicked.clone() };
    t.house.receipts.client_reports(&t.app.client_key, vec![received, clicked]).await.expect("kept");
    until("the second went", async || often(&t.taken(sent, Vendor::Apns).await) == [1, 2, 2]).await;
    assert_eq!(t.house.storage.resends.held(no).await.expect("held").len(), 1);

    // Once more in silence: they had their turn.
    until("it is over", async || chunk(&t, sent).await.state == ChunkState::Done).await;
    due(&t, sent).await;
    t.house.storage.resends.foreground(of("v0").no, t.house.world.now()).await.expect("seen");
    assert!(t.house.storage.resends.ready(t.house.world.now(), 9).await.expect("ready").is_empty());
    assert_eq!(often(&t.taken(sent, Vendor::Apns).await), [1, 2, 2]);
    assert_eq!(t.simulator.ledger().repeats(None).other_key, 0, "replaced on the screen, not shown beside it");
    t.recount(sent).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_due_while_nobody_worked_goes_at_the_start() {
    let mut t = house().await;
    let users = t.of_vendor(Vendor::Xiaomi, 4).await;
    t.lane(Vendor::Xiaomi, |lane| (lane.receipt_wait_s, lane.resend_times) = (WAIT_S, 1)).await;
    let sent = urgent(&t, &users).await;
    t.finished(sent).await;
    let no = chunk(&t, sent).await.no;
    t.house.stop().await;
    t.house.storage.chunks.onward_later(&[no], t.house.world.now() - 1).await.expect("due");
    t.restart("node-2").await;
    until("they went", async || often(&t.taken(sent, Vendor::Xiaomi).await) == [2; 4]).await;
    t.end().await;
}
