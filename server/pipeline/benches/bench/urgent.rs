//! What a person waits for, beside a flood: 200 transactional messages a second for a minute while a million marketing messages of the
//! same app and vendor wait, and one other vendor answers at a twentieth of its speed. How long from accepted to the vendor's request,
//! and what do the other lanes lose by the slow one?

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use pipeline::house::House;
use pipeline::storage::messages::Targets;
use pipeline::storage::tallies::fold;
use pipeline::telemetry::DISPATCH_LAG_SECONDS;
use pipeline::vault::MasterKey;
use pipeline::world::World;
use serde_json::json;
use simulator::Dials;
use types::content::MessageClass;
use types::vendor::Vendor;

use crate::fleet::{self, Identity};
use crate::report::Row;
use crate::twin::Twin;
use crate::{crowds, store, tokens};

/// Lane, its pace in the vendor's unit, requests of a batch, marketing messages that wait. None of them ends within the measure.
const LANES: [(Vendor, u32, u32, u64); 4] = [
    (Vendor::Apns, 3_000, 1, 1_000_000),
    (Vendor::Fcm, 400, 1, 100_000),
    (Vendor::Xiaomi, 4, 1_000, 800_000),
    (Vendor::Huawei, 3_000, 1_000, 500_000),
];
/// The one that becomes slow.
const SLOW: Vendor = Vendor::Fcm;
/// Of the slow vendor's answers, before and after: twenty times as long.
const LATENCY_MS: [u32; 2] = [50, 1_000];
const PER_SECOND: u64 = 200;

/// Keeps every value of the one histogram.
#[derive(Default)]
struct Lags(Mutex<Vec<f64>>);

impl HistogramFn for Lags {
    fn record(&self, value: f64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    }
}

struct OnlyLags(Arc<Lags>);

impl Recorder for OnlyLags {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        if key.name() == DISPATCH_LAG_SECONDS { Histogram::from_arc(self.0.clone()) } else { Histogram::noop() }
    }
}

/// Seconds of each half: all vendors well, and one slow.
pub async fn measure(part: u64) -> Result<Vec<Row>> {
    let seconds = (60 / part).max(5);
    let lags = Arc::new(Lags::default());
    metrics::set_global_recorder(OnlyLags(lags.clone())).map_err(|error| anyhow::anyhow!("{error}"))?;
    let identity = Identity::new()?;
    let dials =
        |vendor, pace| Dials { pace_per_second: pace, latency_ms: if vendor == SLOW { LATENCY_MS[0] } else { 0 }, ..Dials::default() };
    let mut twin = Twin::start(&identity.scenario(LANES.map(|(vendor, pace, ..)| (vendor, dials(vendor, pace))))?)?;
    let folder = tempfile::tempdir()?;
    let world = World::system();
    let house = House::build(fleet::plan(folder.path(), &world, &MasterKey::random(&world))?).await?;
    let app = store::new_app(&house.storage, &world, "urgent").await?;
    let mut floods = Vec::new();
    for (vendor, pace, batch, devices) in LANES {
        fleet::furnish(&house, &app, &identity, &twin, vendor, |lane| (lane.pace_per_second, lane.batch) = (pace, batch)).await?;
        floods.push((vendor, crowds::import(&house.storage, &world, folder.path(), app.no, vendor, devices / part).await?.id));
    }
    house.start().await?;
    let mut sent = Vec::new();
    for (vendor, crowd) in floods {
        sent.push(fleet::submit(&house, &app, fleet::submission(vendor, MessageClass::Bulk, Targets::Crowd { crowd })).await?.no);
    }
    // Once every lane flows.
    for no in &sent {
        while fold(house.storage.tallies.of_message(*no).await?).total.accepted == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    let calm = letters(&house, &app, &lags, seconds, 0).await?;
    twin.turn(SLOW, json!({ "latency_ms": LATENCY_MS[1] }))?;
    let slow = letters(&house, &app, &lags, seconds, 1).await?;
    for no in sent.iter().zip(LANES).filter(|(_, (vendor, ..))| *vendor != SLOW).map(|(no, _)| no) {
        ensure!(
            fold(house.storage.tallies.of_message(*no).await?).total.waiting > 0,
            "a flood ended within the measure: nothing was shown"
        );
    }
    for no in sent {
        house.controls.cancel(no).await.map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    }
    house.stop().await;
    let books = twin.stop()?;

    let mut rows = Vec::new();
    for (half, when) in [(&calm, "all vendors well"), (&slow, "FCM at a twentieth")] {
        let note = format!("{} requests in {seconds} s, p50 {:.1} ms, longest {:.1} ms", half.lags.len(), half.at(0.5), half.at(1.0));
        rows.push(Row::new(&format!("urgent beside a flood, {when}: p99 accepted to request"), half.at(0.99), "ms").with_note(note));
    }
    for (vendor, ..) in LANES {
        let seen = books.lanes.get(vendor.slug()).context("a lane's books")?;
        let [before, after] = [&calm, &slow].map(|half| seen.mean(half.from + 1, half.to - 1));
        let row = Row::new(&format!("{} while FCM is slow, of its rate before", vendor.name().en), after / before * 100.0, "%");
        let note = format!("{before:.0} then {after:.0} device messages a second");
        rows.push(if vendor == SLOW { row.with_note(note) } else { row.at_least("≤ 5 % lost", 95.0).with_note(note) });
    }
    Ok(rows)
}

struct Half {
    /// Milliseconds, sorted.
    lags: Vec<f64>,
    /// Unix seconds.
    from: i64,
    to: i64,
}

impl Half {
    fn at(&self, share: f64) -> f64 {
        let last = self.lags.len().saturating_sub(1);
        self.lags.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

/// Sends them at an even pace, and waits until each was accepted.
async fn letters(house: &Arc<House>, app: &pipeline::storage::apps::App, lags: &Lags, seconds: u64, half: u64) -> Result<Half> {
    let from = house.world.now() / 1_000;
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / PER_SECOND));
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..seconds * PER_SECOND {
        ticks.tick().await;
        let targets = Targets::Tokens { tokens: vec![(Vendor::Apns, tokens::of(Vendor::Apns, 100_000_000 * (half + 1) + n))] };
        let (house, app) = (house.clone(), app.clone());
        calls
            .spawn(async move { fleet::submit(&house, &app, fleet::submission(Vendor::Apns, MessageClass::Transactional, targets)).await });
    }
    let to = house.world.now() / 1_000;
    let sent: Vec<i64> = calls.join_all().await.into_iter().map(|accepted| accepted.map(|a| a.no)).collect::<Result<_>>()?;
    for no in &sent {
        while fold(house.storage.tallies.of_message(*no).await?).total.accepted == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let mut lags: Vec<f64> =
        std::mem::take(&mut *lags.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().map(|s| s * 1e3).collect();
    lags.sort_by(f64::total_cmp);
    // Who was asked again (a vendor said "too fast") counts again, with the longer time.
    ensure!(lags.len() as u64 >= seconds * PER_SECOND, "{} requests for {} messages", lags.len(), seconds * PER_SECOND);
    Ok(Half { lags, from, to })
}
