//! APNs sends connections away and shrinks its stream limit to one, again and again, in the middle of a campaign; the ledger
//! is the judge. Short by default; `make goaway` sends a million.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use pipeline::access::crowd::import::ImportOrder;
use pipeline::storage::messages::Targets;
use simulator::Dials;
use tokio::time::Instant;
use types::crowd::{KeyKind, Mapping};
use types::life::MessageState;
use types::vendor::Vendor;

use crate::support::{TestHouse, on_sqlite};

/// Nothing moves for so long: it hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Rows of the crowd file made at a time.
const PART: u64 = 10_000;
/// Connections that are open when the last device is done, and so were not sent away yet.
const OPEN_AT_THE_END: u64 = 10;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// A crowd of tokens that nobody registered, as a person would upload it.
async fn crowd(t: &TestHouse, devices: u64) -> Targets {
    let parts = futures::stream::iter(0..devices.div_ceil(PART)).map(move |part| {
        let mut text = if part == 0 { "token\n".to_owned() } else { String::new() };
        for i in part * PART..((part + 1) * PART).min(devices) {
            text.push_str(&format!("4f00{i:060x}\n"));
        }
        Ok::<Bytes, std::io::Error>(Bytes::from(text))
    });
    let mapping = Mapping { key: KeyKind::Token, key_column: 0, vendor: Some(Vendor::Apns), ..Mapping::default() };
    let order = ImportOrder { name: "everybody".into(), file_name: "tokens.csv".into(), mapping: Some(mapping), ..ImportOrder::default() };
    let crowd = t.house.crowds.import_all(t.app.no, "test", order, parts).await.expect("a crowd");
    assert_eq!(crowd.counts.valid, devices);
    Targets::Crowd { crowd: crowd.id }
}

/// Waits until so many have an outcome, or the message is over; every look balances.
async fn known(t: &TestHouse, message_no: i64, goal: u64) -> bool {
    let (mut last, mut moved) = (0, Instant::now());
    loop {
        let total = t.funnel(message_no).await.total;
        let known = total.planned - total.waiting;
        if t.message(message_no).await.state == MessageState::Finished {
            return true;
        }
        if known >= goal {
            return false;
        }
        if known > last {
            (last, moved) = (known, Instant::now());
        }
        assert!(moved.elapsed() < PATIENCE, "nothing moves: {total:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goaways_and_collapsing_stream_limits_lose_nobody_and_repeat_nothing() {
    let devices = setting("CARILLON_GOAWAY_DEVICES", 20_000);
    let (goaways, collapses) = (setting("CARILLON_GOAWAYS", 20), setting("CARILLON_COLLAPSES", 5));
    let t = on_sqlite().await;
    t.lane(Vendor::Apns, |lane| lane.pace_per_second = 1_000_000).await;
    let targets = crowd(&t, devices).await;
    let every = u32::try_from(devices / (goaways + OPEN_AT_THE_END)).expect("a number of requests");
    // Every other collapse the vendor says goodbye with an error instead of politely.
    let dials = |collapse: u64, max_streams: u32| {
        let dials = Dials { goaway_every: every, goaway_error: collapse % 2 == 1, max_streams, ..t.simulator.dials(Vendor::Apns) };
        t.simulator.set_dials(Vendor::Apns, dials).expect("dials");
    };
    dials(0, 1_000);
    let began = Instant::now();
    let sent = t.send(t.submission(targets)).await;
    for collapse in 1..=collapses {
        let over = known(&t, sent.no, devices * collapse / (collapses + 3)).await;
        assert!(!over, "over before collapse {collapse} of {collapses}");
        dials(collapse, 1);
        // With one stream a connection it still goes on.
        let total = t.funnel(sent.no).await.total;
        assert!(!known(&t, sent.no, total.planned - total.waiting + 1).await, "over in collapse {collapse}");
        dials(collapse, 1_000);
    }
    assert!(known(&t, sent.no, u64::MAX).await);
    let funnel = t.funnel(sent.no).await;
    let (total, seen) = (funnel.total, t.simulator.goaways());
    let taken = t.taken(sent.no, Vendor::Apns).await;
    eprintln!(
        "goaway: {devices} devices, {seen} GOAWAYs, {collapses} collapses, {:.1} s: accepted {}, uncertain {}, taken {}",
        began.elapsed().as_secs_f64(),
        total.accepted,
        total.uncertain,
        taken.len()
    );
    assert!(seen >= goaways, "only {seen} GOAWAYs; the dial must bite");
    assert_eq!((total.planned, total.waiting), (devices, 0));
    assert!(taken.values().all(|n| *n == 1), "somebody got it twice");
    assert_eq!(t.simulator.ledger().repeats(None).other_key, 0);
    // A GOAWAY names the last stream it has taken: nothing need stay unknown.
    assert_eq!((total.accepted, total.uncertain), (devices, 0), "{:?}", funnel.losses);
    assert_eq!(taken.len() as u64, devices, "accepted and never arrived");
    t.recount(sent.no).await;
    t.end().await;
}
