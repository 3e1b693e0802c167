//! The whole path: a crowd in the store -> planned -> claimed -> paced -> built -> sent over TLS -> judged -> recorded (P1, P2).

use anyhow::{Result, ensure};
use pipeline::house::House;
use pipeline::storage::messages::Targets;
use pipeline::vault::MasterKey;
use pipeline::world::World;
use simulator::Dials;
use types::content::MessageClass;
use types::vendor::Vendor;

use crate::fleet::Identity;
use crate::report::Row;
use crate::span::Span;
use crate::twin::Twin;
use crate::{crowds, fleet, meter, store};

/// Above anything reachable here: the pace is not what is measured.
const PACE: u32 = 1_000_000;

pub async fn measure(vendor: Vendor, devices: u64) -> Result<Vec<Row>> {
    let identity = Identity::new()?;
    let twin = Twin::start(&identity.scenario([(vendor, Dials::default())])?)?;
    let folder = tempfile::tempdir()?;
    let world = World::system();
    let house = House::build(fleet::plan(folder.path(), &world, &MasterKey::random(&world))?).await?;
    let app = store::new_app(&house.storage, &world, "bench").await?;
    fleet::furnish(&house, &app, &identity, &twin, vendor, |lane| lane.pace_per_second = PACE).await?;
    let crowd = crowds::import(&house.storage, &world, folder.path(), app.no, vendor, devices).await?;
    let disk = meter::on_disk(folder.path())?;

    let (span, theirs) = (Span::start()?, Span::of(twin.pid())?);
    house.start().await?;
    let targets = Targets::Crowd { crowd: crowd.id.clone() };
    let accepted = fleet::submit(&house, &app, fleet::submission(vendor, MessageClass::Bulk, targets)).await?;
    let funnels = fleet::finished(&house, &[accepted.no], async |_| Ok(())).await?;
    let (used, theirs) = (span.stop()?, theirs.stop()?);
    let funnel = &funnels[0];
    ensure!(funnel.total.accepted == devices, "not everybody was accepted: {:?} {:?}", funnel.total, funnel.losses);
    house.stop().await;
    let grown = meter::on_disk(folder.path())?.saturating_sub(disk);
    let peak = meter::peak(std::process::id())? as f64 / 1_048_576.0;
    let books = twin.stop()?;
    let repeated = books.same_key + books.other_key;
    ensure!(books.taken == devices && repeated == 0, "the ledger says {} taken, {repeated} repeated", books.taken);

    let n = devices as f64;
    let note = format!(
        "{devices} devices, {:.1} s wall, {:.2} CPU-s; simulator {:.2} CPU-s; ledger equal",
        used.wall.as_secs_f64(),
        used.cpu.as_secs_f64(),
        theirs.cpu.as_secs_f64()
    );
    let cost = match vendor {
        Vendor::Apns => Row::new("APNs, whole path", used.cpu_us(n), "CPU-µs a notification").at_most("P1", 20.0),
        _ => Row::new("bulk, Xiaomi, whole path", used.cpu_us(n), "CPU-s a million device messages").at_most("P2", 1.5),
    };
    let name = vendor.name().en;
    Ok(vec![
        cost.with_note(note),
        Row::new(&format!("{name}: rate on this machine, simulator included"), n / used.wall.as_secs_f64(), "devices a second"),
        Row::new(&format!("{name}: peak memory, import included"), peak, "MiB RSS").at_most("P7", 256.0),
        Row::new(&format!("{name}: disk"), grown as f64 / n, "bytes a device message").at_most("P7", 48.0),
    ])
}
