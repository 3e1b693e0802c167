//! Several nodes, each a process of its own, at one PostgreSQL and one Redis: do they keep the paces together, to the full and not
//! beyond them, and is nobody lost or told twice, also when one is killed and another joins? Both servers are private and as careful
//! as real ones.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use pipeline::house::{House, Plan, Roles};
use pipeline::storage::messages::Targets;
use pipeline::vault::MasterKey;
use pipeline::world::World;
use serde::{Deserialize, Serialize};
use simulator::Dials;
use types::content::MessageClass;
use types::vendor::{PaceUnit, Vendor};

use crate::cluster::Cluster;
use crate::fleet::{self, Identity};
use crate::redis_server::PrivateRedis;
use crate::report::Row;
use crate::span::Span;
use crate::twin::{Books, Twin};
use crate::{crowds, store};

/// Lane, its pace a second in the vendor's unit, device messages a request, and its part of the million: forty seconds of work each.
const LANES: [(Vendor, u32, u32, u64); 12] = [
    (Vendor::Apns, 5_000, 1, 200_000),
    (Vendor::Fcm, 1_000, 1, 40_000),
    (Vendor::Xiaomi, 5, 1_000, 200_000),
    (Vendor::Huawei, 4_000, 1_000, 160_000),
    (Vendor::Harmony, 2_000, 500, 80_000),
    (Vendor::Honor, 1_500, 500, 60_000),
    (Vendor::Oppo, 2_000, 500, 80_000),
    (Vendor::Vivo, 2_000, 500, 80_000),
    (Vendor::Meizu, 8, 100, 32_000),
    (Vendor::Umeng, 2, 250, 20_000),
    (Vendor::Getui, 2, 300, 24_000),
    (Vendor::Jpush, 2, 300, 24_000),
];

/// Device messages a second that a lane is set to.
fn rate(vendor: Vendor, pace: u32, batch: u32) -> f64 {
    f64::from(pace) * if vendor.lane_defaults().pace_unit == PaceUnit::Requests { f64::from(batch) } else { 1.0 }
}

/// What a node is told, on its command line.
#[derive(Serialize, Deserialize)]
pub struct Told {
    database_url: String,
    redis_url: String,
    folder: String,
    name: String,
    key: String,
}

impl Told {
    fn plan(&self, roles: Roles) -> Result<Plan> {
        let folder = Path::new(&self.folder);
        let plan = fleet::plan(folder, &World::system(), &MasterKey::from_base64(&self.key)?)?;
        Ok(Plan {
            database_url: self.database_url.clone(),
            redis_url: Some(self.redis_url.clone()),
            node: self.name.clone(),
            roles,
            ..plan
        })
    }
}

/// The child's side: works until its standard input ends.
pub async fn serve(told: &str) -> Result<()> {
    let told: Told = serde_json::from_str(told)?;
    let house = House::build(told.plan(Roles::ALL)?).await?;
    house.start().await?;
    writeln!(std::io::stdout(), "ready")?;
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    house.stop().await;
    Ok(())
}

struct Node {
    child: Child,
    span: Span,
    name: String,
}

impl Node {
    fn start(told: &Told, n: usize) -> Result<Node> {
        let name = format!("node-{n}");
        let told = serde_json::to_string(&Told {
            name: name.clone(),
            database_url: told.database_url.clone(),
            redis_url: told.redis_url.clone(),
            folder: told.folder.clone(),
            key: told.key.clone(),
        })?;
        let mut child =
            Command::new(std::env::current_exe()?).args(["node", &told]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("stdout")?).read_line(&mut line)?;
        ensure!(line.trim() == "ready", "{name} did not start");
        Ok(Node { span: Span::of(child.id())?, child, name })
    }

    /// As a power cut would. CPU seconds it used.
    fn kill(mut self) -> Result<f64> {
        let used = self.span.stop()?.cpu.as_secs_f64();
        self.child.kill()?;
        self.child.wait()?;
        Ok(used)
    }

    fn leave(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        ensure!(self.child.wait()?.success(), "{} did not leave in peace", self.name);
        Ok(())
    }
}

/// `killed`: one node is killed after a third of the work, and another one joins after half of it.
pub async fn measure(nodes: usize, killed: bool, part: u64) -> Result<Vec<Row>> {
    let cluster = Cluster::start(true);
    let redis = PrivateRedis::start().await;
    let identity = Identity::new()?;
    // Paces and quotas of the vendors are exactly what the lanes are set to: whatever goes beyond is refused, and seen. What the killed
    // node had in flight may be asked for twice.
    let quota = move |devices: u64| devices / part * if killed { 2 } else { 1 };
    let dials = |pace, devices: u64| Dials { pace_per_second: pace, daily_quota: quota(devices), ..Dials::default() };
    let twin = Twin::start(&identity.scenario(LANES.map(|(vendor, pace, _, devices)| (vendor, dials(pace, devices))))?)?;
    let folder = tempfile::tempdir()?;
    let told = Told {
        database_url: cluster.url("postgres"),
        redis_url: redis.url(),
        folder: folder.path().display().to_string(),
        name: "desk".to_owned(),
        key: base64::engine::general_purpose::STANDARD.encode(World::system().bytes::<32>()),
    };
    // The desk only takes what is to be sent; what it costs is not counted.
    let desk = House::build(told.plan(Roles { console: true, api: true, worker: false, scheduler: false })?).await?;
    let app = store::new_app(&desk.storage, &desk.world, "nodes").await?;
    let mut crowds_of = BTreeMap::new();
    for (vendor, pace, batch, devices) in LANES {
        fleet::furnish(&desk, &app, &identity, &twin, vendor, |lane| {
            (lane.pace_per_second, lane.batch) = (pace, batch);
            (lane.daily_quota, lane.reserve_percent) = (quota(devices), 0);
        })
        .await?;
        crowds_of.insert(vendor, crowds::import(&desk.storage, &desk.world, folder.path(), app.no, vendor, devices / part).await?.id);
    }
    desk.start().await?;
    let mut working = (1..=nodes).map(|n| Node::start(&told, n)).collect::<Result<Vec<_>>>()?;
    all_there(&desk, nodes + 1).await?;
    // The limits of new lanes are opened; what that costs is not the campaign's.
    tokio::time::sleep(Duration::from_secs(5)).await;
    for node in &mut working {
        node.span = Span::of(node.child.id())?;
    }

    let whole = Span::start()?;
    let mut sent = Vec::new();
    for (vendor, ..) in LANES {
        let targets = Targets::Crowd { crowd: crowds_of[&vendor].clone() };
        sent.push(fleet::submit(&desk, &app, fleet::submission(vendor, MessageClass::Bulk, targets)).await?.no);
    }
    let all: u64 = LANES.iter().map(|(.., devices)| devices / part).sum();
    let (mut used, mut joined) = (0.0, !killed);
    let mut alive = !killed;
    let funnels = fleet::finished(&desk, &sent, async |accepted| {
        if !alive && accepted > all / 3 {
            used += working.remove(0).kill()?;
            alive = true;
        }
        if !joined && accepted > all / 2 {
            working.push(Node::start(&told, nodes + 1)?);
            joined = true;
        }
        Ok(())
    })
    .await?;
    let wall = whole.stop()?.wall.as_secs_f64();
    for node in working {
        used += node.span.stop()?.cpu.as_secs_f64();
        node.leave()?;
    }
    desk.stop().await;
    let sum = |of: fn(&types::funnel::Equation) -> u64| funnels.iter().map(|funnel| of(&funnel.total)).sum::<u64>();
    let (accepted, uncertain) = (sum(|total| total.accepted), sum(|total| total.uncertain));
    let losses: Vec<_> = funnels.iter().flat_map(|funnel| &funnel.losses).collect();
    ensure!(accepted + uncertain == all && (killed || uncertain == 0), "{accepted} accepted, {uncertain} uncertain of {all}: {losses:?}");
    let books = twin.stop()?;
    ensure!(books.taken >= accepted && books.other_key == 0, "the ledger says {} taken, {} under two keys", books.taken, books.other_key);
    ensure!(killed || (books.taken == all && books.same_key == 0), "the ledger says {} taken, {} twice", books.taken, books.same_key);
    let name = if killed {
        format!("{nodes} nodes, one killed, one joined")
    } else {
        format!("{nodes} node{}", if nodes == 1 { "" } else { "s" })
    };
    let note = format!(
        "{all} devices in {wall:.1} s: {accepted} accepted, {uncertain} uncertain, the equation held in every look; the vendors took {} device \
         messages, {} of them again under the same key",
        books.taken, books.same_key,
    );
    let mut rows = vec![
        Row::new(&format!("{name}: cost, PostgreSQL not counted"), used * 1e6 / all as f64, "CPU-s a million device messages")
            .with_note(note),
    ];
    rows.extend(kept(&name, &books, killed)?);
    Ok(rows)
}

/// The rate and the answers over the limit, lane by lane.
fn kept(name: &str, books: &Books, killed: bool) -> Result<Vec<Row>> {
    LANES
        .iter()
        .map(|(vendor, pace, batch, _)| {
            let seen = books.lanes.get(vendor.slug()).context("a lane's books")?;
            let share = seen.steady() / rate(*vendor, *pace, *batch) * 100.0;
            let note =
                format!("busiest second {} of {pace} allowed, {} answers over the limit or the quota", seen.busiest, seen.over_limit);
            let row = Row::new(&format!("{name}: {}, of the configured rate", vendor.name().en), share, "%").with_note(note);
            // While a node's leases run out its chunks wait.
            Ok(if killed { row } else { row.at_least("98–100", 98.0) })
        })
        .collect()
}

async fn all_there(house: &House, count: usize) -> Result<()> {
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    while house.coordination.nodes.list(house.world.now()).await.iter().filter(|node| node.alive).count() < count {
        ensure!(tokio::time::Instant::now() < limit, "the nodes do not hear each other");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
