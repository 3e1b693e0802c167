//! Several nodes at one PostgreSQL and one Redis: do they keep the pace together, to the full and not beyond it, and is nobody lost or
//! asked twice? Both servers are private and as careful as real ones. The nodes share this process, so the cost is that of all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use pipeline::access::accept::Submission;
use pipeline::house::{House, Plan, Roles};
use pipeline::storage::apps::CredentialRow;
use pipeline::storage::messages::{Origin, Targets};
use pipeline::storage::tallies::fold;
use pipeline::vault::{MasterKey, Vault};
use pipeline::vendors::credential::credential_aad;
use pipeline::world::World;
use simulator::Dials;
use types::content::{Content, MessageClass};
use types::life::MessageState;
use types::vendor::Vendor;

use crate::cluster::Cluster;
use crate::redis_server::PrivateRedis;
use crate::report::Row;
use crate::send::Identity;
use crate::span::Span;
use crate::twin::Twin;
use crate::{crowds, store};

/// Lane, its pace a second in the vendor's unit, device messages a request, and its part of the million.
const LANES: [(Vendor, u32, u64, u64); 2] = [(Vendor::Xiaomi, 30, 1_000, 800_000), (Vendor::Apns, 5_000, 1, 200_000)];

pub async fn measure(nodes: usize, part: u64) -> Result<Vec<Row>> {
    let cluster = Cluster::start(true);
    let redis = PrivateRedis::start().await;
    let identity = Identity::new()?;
    let mut scenario = identity.scenario();
    for (vendor, pace, _, _) in LANES {
        let dials = Some(Dials { magic: false, pace_per_second: pace, ..Dials::default() });
        match vendor {
            Vendor::Apns => scenario.apns = dials,
            _ => scenario.xiaomi = dials,
        }
    }
    let twin = Twin::start(&scenario)?;
    let folder = tempfile::tempdir()?;
    let world = World::system();
    let key = MasterKey::random(&world);
    let mut houses = Vec::new();
    for n in 1..=nodes {
        let plan = Plan {
            database_url: cluster.url("postgres"),
            data_dir: folder.path().join(n.to_string()),
            node: format!("node-{n}"),
            roles: Roles::ALL,
            redis_url: Some(redis.url()),
            version: String::new(),
            world: world.clone(),
            vault: Arc::new(Vault::new(world.clone(), &key, None)?),
            public_url: None,
        };
        houses.push(House::build(plan).await?);
    }
    let house = &houses[0];
    let app = store::new_app(&house.storage, &world, "nodes").await?;
    let mut crowds_of = BTreeMap::new();
    for (vendor, pace, batch, devices) in LANES {
        let aad = credential_aad(app.id.as_str(), vendor);
        let aad: Vec<&str> = aad.iter().map(String::as_str).collect();
        let sealed = house.vault.seal(&aad, &serde_json::to_vec(&identity.credential(vendor))?);
        let row = CredentialRow { vendor, sealed, hints: Vec::new(), updated_at: world.now(), updated_by: "bench".to_owned() };
        house.storage.apps.put_credential(app.no, row, None).await?;
        let lane = house.storage.apps.lanes_of(app.no).await?.into_iter().find(|lane| lane.vendor == vendor).context("a lane")?;
        let mut settings = lane.settings;
        settings.base_url = twin.base_url(vendor).to_owned();
        settings.ca_pem = Some(twin.address.ca_pem.clone());
        (settings.pace_per_second, settings.batch) = (pace, u32::try_from(batch)?);
        house.storage.apps.put_lane(app.no, vendor, settings, None).await?;
        let crowd = crowds::import(&house.storage, &world, folder.path(), app.no, vendor, devices / part).await?;
        crowds_of.insert(vendor, crowd.id);
    }
    for house in &houses {
        house.start().await?;
    }
    all_know_each_other(&houses).await?;
    // The limits of new lanes are opened; what that costs is not the campaign's.
    tokio::time::sleep(Duration::from_secs(5)).await;

    let span = Span::start()?;
    let mut sent = Vec::new();
    for (vendor, _, _, devices) in LANES {
        let targets = Targets::Crowd { crowd: crowds_of[&vendor].clone() };
        let accepted = house.accept.submit(&app, submission(vendor, targets)).await.map_err(|problem| anyhow!("{problem:?}"))?;
        sent.push((accepted.no, devices / part));
    }
    let limit = tokio::time::Instant::now() + Duration::from_secs(900);
    let mut open: Vec<i64> = sent.iter().map(|(no, _)| *no).collect();
    while !open.is_empty() {
        let mut still = Vec::new();
        for no in open {
            let total = fold(house.storage.tallies.of_message(no).await?).total;
            ensure!(total.holds(), "the equation is broken: {total:?}");
            ensure!(tokio::time::Instant::now() < limit, "not finished in time: {total:?}");
            let message = house.storage.messages.get(no).await?.context("the message")?;
            if message.state != MessageState::Finished {
                still.push(no);
            }
        }
        open = still;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let used = span.stop()?;
    for (no, devices) in &sent {
        let funnel = fold(house.storage.tallies.of_message(*no).await?);
        ensure!(funnel.total.accepted == *devices, "not everybody was accepted: {:?} {:?}", funnel.total, funnel.losses);
    }
    for house in &houses {
        house.stop().await;
    }
    let books = twin.stop()?;
    let all: u64 = sent.iter().map(|(_, devices)| devices).sum();
    ensure!(books.taken == all && books.repeated == 0, "the ledger says {} taken, {} repeated", books.taken, books.repeated);

    let title = |what: &str| format!("{nodes} node{}: {what}", if nodes == 1 { "" } else { "s" });
    let mut rows = vec![
        Row::new(&title("cost, PostgreSQL not counted"), used.cpu.as_secs_f64() * 1e6 / all as f64, "CPU-s a million device messages")
            .with_note(format!(
                "{all} devices in {:.1} s, all accepted, none twice, the equation held in every look",
                used.wall.as_secs_f64()
            )),
    ];
    for (vendor, pace, batch, _) in LANES {
        let seen = books.lanes.get(vendor.slug()).context("a lane's books")?;
        let rate = seen.steady / (f64::from(pace) * batch as f64) * 100.0;
        let note = format!("at the vendor: busiest second {} of {pace} allowed, {} answers over the limit", seen.busiest, seen.over_limit);
        rows.push(
            Row::new(&title(&format!("{}, of the configured rate", vendor.name().en)), rate, "%").at_least("98–100", 98.0).with_note(note),
        );
    }
    Ok(rows)
}

fn submission(vendor: Vendor, targets: Targets) -> Submission {
    Submission {
        campaign: None,
        origin: Origin::Campaign,
        class: MessageClass::Bulk,
        business: "bench".to_owned(),
        content: Content {
            title: "复诊提醒".to_owned(), body: "您预约的号源明天 9:00 开始就诊".to_owned(), ..Content::default()
        },
        variables: BTreeMap::new(),
        targets,
        vendor_order: vec![vendor],
        deadline: None,
        versions: None,
        idempotency: None,
        account: "bench".to_owned(),
        address: "127.0.0.1".to_owned(),
    }
}

async fn all_know_each_other(houses: &[Arc<House>]) -> Result<()> {
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    for house in houses {
        while house.coordination.nodes.list(house.world.now()).await.iter().filter(|node| node.alive).count() < houses.len() {
            ensure!(tokio::time::Instant::now() < limit, "the nodes do not hear each other");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}
